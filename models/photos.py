"""Photos with captions, read from WebDataset-style tar shards or from a folder."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from models.captions import LARGEST_SIDECAR, captions_in_sidecar, decoded
from models.photo_files import IMAGE_SUFFIXES, UNREADABLE, key_of, part_masks, sidecars
from models.plural import number_of
from models.shown import shown

COLOURLESS = 6.0  # levels of 255; noise and compression reach it in a grey photo
SHOWN = 5  # photos that are named

AnyPhoto = TypeVar("AnyPhoto")


class PhotosError(ValueError):
    """A shard or folder that cannot be read, or holds no photo."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A colour photo in memory.

    ``pixels`` is (H, W, 3) uint8 sRGB; ``captions`` may be empty; ``source`` names the collection.
    """

    key: str
    pixels: NDArray[np.uint8]
    captions: tuple[str, ...]
    source: str


def read_photos(
    paths: Iterable[Path], *, short_side: int | None = None, unread: list[str] | None = None
) -> Iterator[Photo]:
    """Yield the photos of shards, folders and single files, in a fixed order.

    A photo's captions come from ``KEY.json`` or ``KEY.txt`` beside it (``models.captions``).
    ``short_side`` shrinks larger photos to that many pixels. The names of pictures that cannot be
    read are added to ``unread``.

    Raises:
        PhotosError: a path does not exist, a shard is broken, or no photo was found at all.
    """
    count = 0
    unread = [] if unread is None else unread
    for path in paths:
        if not path.exists():
            raise PhotosError(
                f"{shown(path)} does not exist: name a .tar shard or a folder of photos"
            )
        if not (path.is_dir() or path.is_file()):
            raise PhotosError(
                f"{shown(path)} is no file and no folder: name a .tar shard or a folder"
            )
        members = _shard_members(path) if path.suffix == ".tar" else _folder_members(path)
        for key, image, captions, source in members:
            pixels = _decode(image, short_side)
            if pixels is None:
                unread.append(Path(key).name)
                continue
            count += 1
            yield Photo(key, pixels, captions, source)
    if count == 0:
        more = "".join(f" ({sentence})" for sentence in _set_aside("that cannot be read", unread))
        raise PhotosError(
            f"no photo found{more}: name .tar shards or folders that hold JPEG or PNG photos"
        )


def in_colour(
    photos: Iterable[Photo], *, least: int, what: str, unread: Sequence[str] = ()
) -> tuple[list[Photo], tuple[str, ...]]:
    """Part off the photos that are grey, and say which; ``what`` needs ``least`` others.

    ``unread``, which ``read_photos`` may fill meanwhile, names those that could not be read.

    Raises:
        PhotosError: there are fewer; the message says how many and why.
    """
    colour: list[Photo] = []
    grey: list[str] = []
    for photo in photos:
        if _chroma(photo.pixels) < COLOURLESS:
            grey.append(photo.key)
        else:
            colour.append(photo)
    aside = _set_aside("without colours", grey) + _set_aside("that cannot be read", unread)
    if len(colour) < least:
        more = f" ({'; '.join(aside)})" if aside else ""
        raise PhotosError(
            f"{number_of(len(colour), 'photo')} in colour found{more}, and {what} needs at least "
            f"{least}: name more"
        )
    return colour, aside


def read_in_colour(
    paths: Iterable[Path], *, least: int, what: str, short_side: int | None = None
) -> tuple[list[Photo], tuple[str, ...]]:
    """Read photos as ``read_photos`` does, those in colour; say which are set aside, and why.

    Raises:
        PhotosError: as ``read_photos`` and ``in_colour`` do.
    """
    unread: list[str] = []
    photos = read_photos(paths, short_side=short_side, unread=unread)
    return in_colour(photos, least=least, what=what, unread=unread)


def _set_aside(what: str, names: Sequence[str]) -> tuple[str, ...]:
    """Say how many photos are set aside and name the first of them; no sentence where none is."""
    if not names:
        return ()
    first = ", ".join(map(shown, names[:SHOWN])) + (", ..." if len(names) > SHOWN else "")
    return (f"{len(names)} {what} set aside: {first}",)


def _chroma(pixels: NDArray[np.uint8]) -> float:
    """Return how far apart the channels of all but a hundredth of the pixels are, in levels."""
    step = max(min(pixels.shape[:2]) // 64, 1)
    small = pixels[::step, ::step].astype(np.int16)
    return float(np.percentile(np.ptp(small, axis=2), 99))


def spread_evenly(photos: Sequence[AnyPhoto], limit: int | None) -> list[AnyPhoto]:
    """Take so many photos, spread evenly; None or more than there are: all."""
    if limit is None or limit >= len(photos):
        return list(photos)
    return [photos[i * len(photos) // limit] for i in range(limit)]


def square(photo: Photo, side: int) -> NDArray[np.uint8]:
    """Squeeze a photo to (side, side, 3) uint8, so that photos of any shape make one batch."""
    small = cv2.resize(photo.pixels, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


_Member = tuple[str, bytes, tuple[str, ...], str]  # key, content (b"": not read), captions, source


def _shard_members(path: Path) -> Iterator[_Member]:
    """Read a shard as the folder that it was made of; its samples may name their ``source``.

    Files of one key are one sample (WebDataset) with one photo, and perhaps its mask.
    """
    try:
        with tarfile.open(path) as shard:
            files = {
                Path(member.name): member
                for member in shard if member.isreg() or member.islnk()
            }  # fmt: skip

            def read(file: Path, most: int | None = None) -> bytes | None:
                if file not in files or (most is not None and files[file].size > most):
                    return None
                content = shard.extractfile(files[file])
                assert content is not None, "it is a file"
                return content.read()

            pictures: dict[str, list[Path]] = {}
            for file, member in files.items():
                if file.suffix.lower() in IMAGE_SUFFIXES | UNREADABLE:
                    pictures.setdefault(key_of(member.name), []).append(file)
            for key, found in pictures.items():
                file, *_ = part_masks(found)[0]
                if file.suffix.lower() in UNREADABLE:
                    yield key, b"", (), path.stem
                    continue
                captions = _captions_of(file, lambda name: read(name, LARGEST_SIDECAR))
                record = read(file.with_suffix(".json"), LARGEST_SIDECAR) or b""
                yield key, read(file) or b"", captions, _source_in(record) or path.stem
    except (tarfile.TarError, KeyError) as problem:  # KeyError: a link to what is not there
        raise PhotosError(
            f"{shown(path)} is broken or cut off ({problem}): make the shard anew"
        ) from problem


def _source_in(record: bytes) -> str:
    """Read ``source`` of a sample's JSON, "" where it says nothing."""
    try:
        details = json.loads(decoded(record))
    except (ValueError, RecursionError):
        return ""
    return str(details.get("source") or "") if isinstance(details, dict) else ""


def _folder_members(path: Path) -> Iterator[_Member]:
    files = [path] if path.is_file() else sorted(path.rglob("*"))
    for file in files:
        suffix = file.suffix.lower()
        if not (suffix in IMAGE_SUFFIXES | UNREADABLE and file.is_file()):
            continue  # folders have such names too
        if suffix in UNREADABLE:
            yield str(file), b"", (), file.parent.name
        else:
            captions = _captions_of(file, _read_sidecar)
            yield str(file), file.read_bytes(), captions, file.parent.name


def _read_sidecar(file: Path) -> bytes | None:
    if file.is_file() and file.stat().st_size <= LARGEST_SIDECAR:
        return file.read_bytes()
    return None


def _captions_of(photo: Path, read: Callable[[Path], bytes | None]) -> tuple[str, ...]:
    """Read the first sidecar that says anything; ``read`` gives None for one that is not there."""
    for sidecar in sidecars(photo):
        data = read(sidecar)
        if data is not None and (found := captions_in_sidecar(sidecar.suffix, data)):
            return found
    return ()


def _decode(image: bytes, short_side: int | None) -> NDArray[np.uint8] | None:
    if not image:  # OpenCV raises where nothing is to decode
        return None
    bgr = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        return None
    height, width = bgr.shape[:2]
    if short_side is not None and min(height, width) > short_side:
        scale = short_side / min(height, width)
        size = (round(width * scale), round(height * scale))
        bgr = cv2.resize(bgr, size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(bgr[..., ::-1], dtype=np.uint8)
