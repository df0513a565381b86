"""Near duplicates: the same picture, saved again at another size or quality.

Two photos are twins where few bits of their difference hashes differ and 16x16 cells agree in
lightness and in colour. CLIP's embedding is no use here: saving a photo at quality 50 moves it
farther (cosine 0.84 at the median) than painting all of it warmer does (0.98). A photo in other
colours is no twin. It may lend those.
"""

from __future__ import annotations

import io
import sqlite3
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.color.lab import srgb_to_lab
from retrieval.database import queries
from retrieval.database.exemplar import Exemplar, Prepared

FloatArray = NDArray[np.float32]

# Of 300 photos saved again at 0.7 of their size and quality 50, 99 % differ from the originals by
# at most 5 bits, 0.6 in lightness and 2.5 in colour; made 15 % brighter, 95 % by 5 bits, 10 and 5.
# Of the 47 million pairs of 9,665 different photos, none is so near.
NEAR_BITS: Final = 8  # of 64
NEAR_LIGHTNESS: Final = 10.0  # root mean square over the cells, CIELAB
NEAR_COLOR: Final = 6.0
CELLS: Final = 16


class NearDuplicates:
    """The difference hashes of all exemplars."""

    def __init__(self) -> None:
        self._keys = np.zeros(0, np.int64)
        self._hashes = np.zeros(0, np.uint64)
        self._count = 0
        self._revision = -1

    def refresh(self, connection: sqlite3.Connection) -> None:
        """Read the hashes again where somebody else changed the library."""
        revision = queries.revision(connection)
        if revision == self._revision:
            return
        self._revision = revision
        keys, hashes = queries.hashes(connection)
        self._keys = np.array(keys, np.int64)
        self._hashes = np.array(hashes, np.uint64)
        self._count = len(keys)

    def written(self, connection: sqlite3.Connection) -> None:
        """Remember the revision that this transaction will have made."""
        self._revision = queries.revision(connection) + 1

    def add(self, key: int, dhash: int) -> None:
        """Take in a new exemplar."""
        if self._count == len(self._keys):  # grow by half, so that adding n costs O(n)
            room = np.zeros(max(1024, self._count // 2), np.int64)
            self._keys = np.concatenate([self._keys, room])
            self._hashes = np.concatenate([self._hashes, room.astype(np.uint64)])
        self._keys[self._count] = key
        self._hashes[self._count] = dhash
        self._count += 1

    def find(self, connection: sqlite3.Connection, photo: Prepared) -> Exemplar | None:
        """Find the exemplar that shows the same picture in the same colours."""
        bits = np.bitwise_count(self._hashes[: self._count] ^ np.uint64(photo.dhash))
        near = np.flatnonzero(bits <= NEAR_BITS)
        for index in near[np.argsort(bits[near], kind="stable")]:
            key = int(self._keys[index])
            thumbnail = queries.thumbnail(connection, key)
            if thumbnail is not None and look_the_same(photo.rgb, _decode(thumbnail)):
                return queries.by_keys(connection, [key]).get(key)
        return None


def look_the_same(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    """Tell whether two pictures, (H, W, 3) uint8 sRGB of any sizes, agree cell by cell."""
    gap = _cells(one) - _cells(other)
    lightness = float(np.sqrt(np.mean(gap[..., 0] ** 2)))
    color = float(np.sqrt(np.mean(np.sum(gap[..., 1:] ** 2, axis=-1))))
    return lightness <= NEAR_LIGHTNESS and color <= NEAR_COLOR


def _cells(rgb: NDArray[np.uint8]) -> FloatArray:
    """Average a picture to (16, 16, 3) CIELAB."""
    small = cv2.resize(rgb, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    return srgb_to_lab(small.astype(np.float32) / np.float32(255))


def _decode(thumbnail: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(thumbnail)) as image:
        return np.asarray(image.convert("RGB"), np.uint8)
