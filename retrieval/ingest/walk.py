"""Where the photos are: folders, single files and tar shards, walked in a fixed order."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from models.captions import LARGEST_SIDECAR, captions_in_sidecar
from models.photo_files import (
    IMAGE_SUFFIXES,
    SIDECARS,
    UNREADABLE,
    key_of,
    part_masks,
    sidecars,
)
from models.shown import shown
from retrieval.database.exemplar import Place
from retrieval.errors import BadPath, PhotoRefused
from retrieval.ingest.captions import captions_beside

PACKED: Final = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst", ".zip")


class Note(NamedTuple):
    """Where a photo's JSON or text lies in its shard; ``suffix`` tells which of them it is."""

    suffix: str
    offset: int
    length: int


class _Part(NamedTuple):
    """A file in a shard."""

    name: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Found:
    """A photo that may be added.

    ``notes`` are what stands beside it in a shard, in the order in which they are asked for its
    captions; ``caption`` goes before all else.
    """

    place: Place
    notes: tuple[Note, ...] = ()
    caption: str = ""

    def read(self) -> bytes:
        """Read the photo's bytes.

        Raises:
            OSError: it is gone or may not be read.
        """
        return read_place(self.place)

    def captions(self) -> tuple[str, ...]:
        """Read the captions beside the photo."""
        if self.caption:
            return (self.caption,)
        if not self.place.member:
            return captions_beside(Path(self.place.path))
        for note in self.notes:
            content = _read_part(self.place.path, note.offset, note.length)
            if texts := captions_in_sidecar(note.suffix, content):
                return texts
        return ()


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """Something that looked like photos and cannot be read, and why."""

    source: str
    reason: str


def find_photos(paths: Iterable[Path], *, library: Path) -> Iterator[Found | SkippedFile]:
    """Yield the photos under ``paths``; the library's own folder is passed over.

    Links to folders are followed, but no folder is entered twice, so a loop of links ends.

    Raises:
        BadPath: a path does not exist, or is nothing that can hold photos.
    """
    own = identity_of(library)
    for path in paths:
        # The path stays as the user wrote it: links in it may be there to survive a moved disk.
        absolute = Path(os.path.abspath(path))
        try:
            mode = absolute.stat().st_mode
        except OSError as problem:
            raise BadPath(
                f"{shown(path)}: {problem.strerror}; name folders, photos or .tar shards"
            ) from problem
        if stat.S_ISDIR(mode):
            yield from _in_folder(absolute, absolute, own, set())
        elif not stat.S_ISREG(mode):
            raise BadPath(
                f"{shown(path)} is no file and no folder: name folders, photos or .tar shards"
            )
        else:
            yield from _in_file(absolute, absolute.parent, named=True)


def _in_folder(
    folder: Path, root: Path, own: tuple[int, int] | None, seen: set[tuple[int, int]]
) -> Iterator[Found | SkippedFile]:
    identity = identity_of(folder)
    if identity is None or identity in seen or identity == own:
        return
    seen.add(identity)
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as problem:
        yield SkippedFile(_relative(folder, root), f"the folder cannot be read: {problem.strerror}")
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue  # thumbnails of file managers, macOS's ._ files, version control
        path = Path(entry.path)
        try:
            is_folder, is_file = entry.is_dir(), entry.is_file()
        except OSError as problem:  # a link that points at itself
            yield SkippedFile(_relative(path, root), f"cannot be read: {problem.strerror}")
            continue
        if is_folder:
            yield from _in_folder(path, root, own, seen)
        elif is_file:
            yield from _in_file(path, root, named=False)


def _in_file(path: Path, root: Path, *, named: bool) -> Iterator[Found | SkippedFile]:
    """Yield a photo, the photos of a shard, or why a file that the user means is neither."""
    suffix, source = path.suffix.lower(), _relative(path, root)
    try:
        if suffix == ".tar":
            yield from _in_shard(path, source)
        elif suffix in IMAGE_SUFFIXES:
            status = path.stat()
            yield Found(Place(str(path), source, status.st_size, status.st_mtime_ns))
        elif path.name.lower().endswith(PACKED):
            if named:
                yield SkippedFile(source, "packed: unpack it first, or make a plain .tar")
        elif suffix in UNREADABLE:
            yield SkippedFile(
                source, f"{suffix[1:].upper()} is not read: convert it to JPEG or PNG"
            )
        elif named:
            yield SkippedFile(
                source, "no photo: JPEG, PNG, WebP and TIFF are read, and .tar shards"
            )
    except OSError as problem:
        yield SkippedFile(source, f"cannot be read: {problem.strerror}")


def _in_shard(path: Path, source: str) -> Iterator[Found | SkippedFile]:
    """Yield the photos of a tar shard, wherever in it the other files of their keys lie."""
    status = path.stat()
    samples: dict[str, dict[str, _Part]] = {}  # the pictures of each key
    described: dict[str, tuple[int, int]] = {}  # where the sidecars lie
    try:
        with tarfile.open(path, "r:") as shard:
            for member in shard:
                if member.isreg() and not member.issparse():
                    file = Path(member.name)
                    if (suffix := file.suffix.lower()) in IMAGE_SUFFIXES:
                        part = _Part(member.name, member.offset_data, member.size)
                        samples.setdefault(key_of(str(file)), {})[str(file)] = part
                    elif suffix in SIDECARS and member.size <= LARGEST_SIDECAR:
                        note = member.offset_data, member.size
                        described[str(file.with_suffix(suffix))] = note
                shard.members.clear()  # type: ignore[attr-defined]  # it would keep every header
            # tarfile takes damage after the first member for the end; a real end is zeros or none.
            whole = not _read_part(str(path), shard.offset, tarfile.BLOCKSIZE).strip(b"\0")
    except tarfile.TarError:
        whole = False
    for pictures in samples.values():
        photos, _ = part_masks([Path(file) for file in pictures])
        for photo in photos:
            name, offset, length = pictures[str(photo)]
            place = Place(
                str(path), f"{source}/{name}", status.st_size, status.st_mtime_ns,
                name, offset, length,
            )  # fmt: skip
            notes = tuple(
                Note(sidecar.suffix, *described[str(sidecar)])
                for sidecar in sidecars(photo)
                if str(sidecar) in described
            )
            yield Found(place, notes)
    if not whole:
        yield SkippedFile(
            source, "the shard is broken or cut off: what follows its last photo is lost"
        )


def found_again(places: Iterable[Place]) -> Iterator[Found | SkippedFile]:
    """Find photos again whose files have changed; a shard is walked once."""
    shards: dict[str, str] = {}
    for place in places:
        if place.member:
            shards[place.path] = place.source.removesuffix("/" + place.member)
        elif place.path:
            status = os.stat(place.path)
            yield Found(Place(place.path, place.source, status.st_size, status.st_mtime_ns))
    for path, source in shards.items():
        yield from _in_shard(Path(path), source)


def read_place(place: Place, folder: Path | None = None) -> bytes:
    """Read a photo's bytes; ``folder`` is the library's, for photos that it keeps itself.

    Raises:
        OSError: it is gone or may not be read.
    """
    path = place.path if folder is None else os.path.join(folder, place.path)
    if place.member:
        return _read_part(path, place.offset, place.length)
    with open(path, "rb") as file:
        return file.read()


def refuse_early(found: Found, max_bytes: int) -> None:
    """Refuse a file that is too large before a byte of it is read.

    Raises:
        PhotoRefused: it is.
    """
    size = found.place.length if found.place.member else found.place.size
    if size > max_bytes:
        raise PhotoRefused(
            f"too large: {size / 1e6:,.0f} MB, and the limit is {max_bytes / 1e6:,.0f} MB"
        )


def _read_part(path: str, offset: int, length: int) -> bytes:
    with open(path, "rb") as file:
        file.seek(offset)
        return file.read(length)


def identity_of(folder: Path) -> tuple[int, int] | None:
    """Return what tells a folder from all others whatever its name is; None where there is none."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path != root else path.name
