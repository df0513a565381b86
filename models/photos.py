"""Photos with captions, read from WebDataset-style tar shards or from a folder."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from models.captions import LARGEST_SIDECAR, captions_in_json, captions_in_sidecar, sidecars
from models.plural import number_of
from models.shown import shown

# MPO is what some cameras call a JPEG with a second picture behind the photo.
IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".tif", ".tiff"}
)

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


def read_photos(paths: Iterable[Path], *, short_side: int | None = None) -> Iterator[Photo]:
    """Yield the photos of shards, folders and single files, in a fixed order.

    A photo's captions come from ``KEY.json`` or ``KEY.txt`` beside it (``models.captions``).
    ``short_side`` shrinks larger photos to that many pixels.

    Raises:
        PhotosError: a path does not exist, or no photo was found at all.
    """
    count = 0
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
                continue
            count += 1
            yield Photo(key, pixels, captions, source)
    if count == 0:
        raise PhotosError(
            "no photo found: name .tar shards or folders that hold JPEG or PNG photos"
        )


def in_colour(
    photos: Iterable[Photo], *, least: int, what: str
) -> tuple[list[Photo], tuple[str, ...]]:
    """Part off the photos that are grey, and say which; ``what`` needs ``least`` others.

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
    names = ", ".join(grey[:SHOWN]) + (", ..." if len(grey) > SHOWN else "")
    aside = (f"{len(grey)} without colours set aside: {names}",) if grey else ()
    if len(colour) < least:
        more = f" ({aside[0]})" if aside else ""
        raise PhotosError(
            f"{number_of(len(colour), 'photo')} in colour found{more}, and {what} needs at least "
            f"{least}: name more"
        )
    return colour, aside


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


_Member = tuple[str, bytes, tuple[str, ...], str]


def _shard_members(path: Path) -> Iterator[_Member]:
    with tarfile.open(path) as shard:
        image: tuple[str, bytes] | None = None
        details: tuple[str, bytes] | None = None
        for member in shard:
            file = shard.extractfile(member)
            if file is None:
                continue
            key, _, suffix = member.name.rpartition(".")
            if f".{suffix.lower()}" in IMAGE_SUFFIXES:
                image = (key, file.read())
            elif suffix == "json":
                details = (key, file.read())
            # The two members of a sample are neighbours, in either order.
            if image and details and image[0] == details[0]:
                record = json.loads(details[1])
                yield (
                    image[0],
                    image[1],
                    captions_in_json(details[1]),
                    str(record.get("source", path.stem)),
                )
                image = details = None


def _folder_members(path: Path) -> Iterator[_Member]:
    files = [path] if path.is_file() else sorted(path.rglob("*"))
    for file in files:
        if file.suffix.lower() in IMAGE_SUFFIXES and file.is_file():  # folders have such names too
            yield str(file), file.read_bytes(), _captions_beside(file), file.parent.name


def _captions_beside(photo: Path) -> tuple[str, ...]:
    for sidecar in sidecars(photo):
        if sidecar.is_file() and sidecar.stat().st_size <= LARGEST_SIDECAR:
            found = captions_in_sidecar(sidecar.suffix, sidecar.read_bytes())
            if found:
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
