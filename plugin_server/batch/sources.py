"""Which photos a batch colours: the files of folders, each under the name that its result gets."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.photo_files import UNREADABLE
from models.shown import shown
from plugin_server.images import heic
from plugin_server.images.codec import NAMES, media_type_of
from plugin_server.images.layer import SUFFIX_OF, TYPE_OF, ImageError
from retrieval.ingest.walk import identity_of

START: Final = 32  # bytes that tell what a file holds
NO_FILE: Final = "it is a pipe or a device and no file: save it as a file first"


class SourceError(ValueError):
    """Folders that cannot be a batch; the message names them and the remedy."""


@dataclass(frozen=True, slots=True)
class SourcePhoto:
    """A photo to colour.

    ``name`` is its path below the folder that was named, with ``/`` between the parts; the result
    has the same below the output folder.
    """

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class SkippedPhoto:
    """Something that the user may take for photos and that cannot be read, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Sources:
    """The folders and photos of a batch, and the output folder, which is no part of them.

    ``roots`` pairs each of them with the name it has in the output folder: a single folder has
    none, several keep their own.
    """

    roots: tuple[tuple[Path, str], ...]
    output: Path
    recursive: bool

    @classmethod
    def parse(cls, inputs: Sequence[Path], output: Path, *, recursive: bool) -> Sources:
        """Understand what was named on the command line.

        Raises:
            SourceError: a path does not exist, two have the same name, or results would lie among
                the photos.
        """
        roots: dict[str, Path] = {}
        target = output.resolve()
        if output.exists() and not output.is_dir():
            raise SourceError(f"{shown(output)} is a file: give a folder with -o")
        for path in inputs:
            if not path.exists():
                raise SourceError(f"{shown(path)} does not exist: name folders or photos")
            if not (path.is_dir() or path.is_file()):
                raise SourceError(f"{shown(path)} is no folder and no photo: {NO_FILE}")
            own = path.resolve()
            holds_photos = own if path.is_dir() else own.parent
            if target == holds_photos or (path.is_dir() and target in own.parents):
                raise SourceError(
                    f"the results in {shown(output)} would lie among the photos of {shown(path)}, "
                    "under the same names: give a folder of their own with -o"
                )
            name = "" if len(inputs) == 1 and path.is_dir() else os.path.basename(own)
            if name in roots:
                raise SourceError(
                    f"{shown(roots[name])} and {shown(path)} have the same name, so their results "
                    "would meet: colour them in two runs"
                )
            roots[name] = path
        return cls(tuple((path, name) for name, path in roots.items()), output, recursive)

    def __iter__(self) -> Iterator[SourcePhoto | SkippedPhoto]:
        """Yield the photos folder by folder, by name; a folder's list is all that is held.

        Links to folders are followed, but no folder is entered twice, so a loop of links ends.
        """
        seen = {identity for identity in (identity_of(self.output),) if identity is not None}
        for path, name in self.roots:
            if path.is_dir():
                yield from _walk(path, name, seen, recursive=self.recursive)
            else:
                yield SourcePhoto(path, name)

    def count(self) -> int:
        """Count what iterating would yield, without decoding any photo."""
        return sum(1 for _ in self)


def read_file(path: Path) -> bytes:
    """Read a picture's file; anything else may have no end, or never begin.

    Raises:
        OSError: it cannot be read, or is a pipe or a device.
    """
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError(errno.EINVAL, NO_FILE)
    return path.read_bytes()


def _walk(
    root: Path, root_name: str, seen: set[tuple[int, int]], *, recursive: bool
) -> Iterator[SourcePhoto | SkippedPhoto]:
    waiting = [(root, root_name)]  # a stack of our own: folders may be nested a thousand deep
    while waiting:
        folder, name = waiting.pop()
        identity = identity_of(folder)
        if identity is not None and identity in seen:
            continue
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as problem:
            yield SkippedPhoto(name or root.name, f"the folder cannot be read: {problem.strerror}")
            continue
        if identity is not None:
            seen.add(identity)
        below = []
        for entry in entries:
            if entry.name.startswith("."):
                continue  # thumbnails of file managers, macOS's ._ files, version control
            path, inner = folder / entry.name, f"{name}/{entry.name}" if name else entry.name
            if _is_folder(entry):
                below.append((path, inner))
            elif (found := _of_file(entry, path, inner)) is not None:
                yield found
        if recursive:
            waiting += reversed(below)


def _of_file(entry: os.DirEntry[str], path: Path, name: str) -> SourcePhoto | SkippedPhoto | None:
    suffix = path.suffix.lower()
    is_heic = suffix in heic.SUFFIXES
    if is_heic and not heic.can_be_read():
        return SkippedPhoto(name, "HEIC is not read: pip install 'photochrom[heic]', or convert it")
    if suffix in UNREADABLE and not is_heic:
        return SkippedPhoto(
            name, f"{suffix[1:].upper()} is not read: convert it to JPEG, PNG or TIFF"
        )
    if not suffix:
        return _without_suffix(entry, path, name)
    if suffix not in TYPE_OF and not is_heic:
        return None
    try:
        if entry.is_file():
            return SourcePhoto(path, name)
    except OSError as problem:  # a link that points at itself
        return SkippedPhoto(name, f"cannot be read: {problem.strerror}")
    return SkippedPhoto(name, "is a link to nothing" if entry.is_symlink() else "is no file")


def _without_suffix(entry: os.DirEntry[str], path: Path, name: str) -> SkippedPhoto | None:
    """Name a photo that only its content shows to be one."""
    try:
        if not entry.is_file():
            return None
        with path.open("rb") as file:
            media_type = media_type_of(file.read(START))
    except (OSError, ImageError):
        return None
    suffix = SUFFIX_OF[media_type]
    return SkippedPhoto(
        name,
        f"it is a {NAMES.get(media_type, suffix[1:].upper())} file whose name does not say so: "
        f"rename it to {shown(path.name + suffix)}",
    )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
