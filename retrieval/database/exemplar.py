"""An exemplar: a colour photo that may lend its colours, as the library knows it."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

ID_LENGTH = 12  # base32 letters, 60 bits: two of a million photos share one once in two million
ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One photo of the library.

    ``id`` follows from the photo's bytes, so it is the same in every library; ``source`` is the
    path relative to the folder that was added (inside a shard ``shard.tar/member.jpg``);
    ``caption`` may be empty; ``width`` and ``height`` are the upright photo's; ``colors`` are its
    dominant colours as "#rrggbb", the most frequent first; ``key`` is the row's number here.
    """

    id: str
    source: str
    caption: str
    width: int
    height: int
    sha256: str
    colors: tuple[str, ...]
    key: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a photo's bytes lie.

    ``path`` is an absolute path, or for a photo that the library keeps itself one relative to the
    library's folder. ``member`` is the name inside a shard, else empty; then ``offset`` and
    ``length`` say where the bytes are. ``size`` and ``mtime_ns`` are those of the file at ``path``.
    """

    path: str
    source: str
    size: int
    mtime_ns: int
    member: str = ""
    offset: int = 0
    length: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A photo that was read and may become an exemplar.

    ``rgb`` is (h, w, 3) uint8 sRGB, small, for the image tower; ``thumbnail`` a JPEG; ``dhash`` 64
    bits of the picture's structure; ``captions`` the best first.
    """

    sha256: str
    width: int
    height: int
    rgb: NDArray[np.uint8]
    thumbnail: bytes
    colors: tuple[str, ...]
    dhash: int
    captions: tuple[str, ...] = ()


def exemplar_id(sha256: str) -> str:
    """Shorten the hex SHA-256 of a photo's bytes to an id of lower-case letters and digits."""
    return base64.b32encode(bytes.fromhex(sha256)).decode("ascii")[:ID_LENGTH].lower()
