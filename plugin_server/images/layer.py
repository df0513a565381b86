"""A picture between its file and the models: the layer, its limits, and what can be wrong.

::

    ImageError
    |- UnsupportedImage   a kind of picture that is not read, or that cannot be written as asked
    |- TooLarge           more bytes or pixels than the limits allow
    `- BrokenImage        damaged, cut off, or with values that are no colours
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[Any]  # (H, W, 1..4) uint8, uint16 or float32

MEDIA_TYPES = ("image/png", "image/jpeg", "image/tiff", "image/webp", "application/x-npy")
READABLE = "PNG, JPEG, TIFF, WebP or NumPy (.npy)"
TYPE_OF: Final = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".jpe": "image/jpeg",
    ".jfif": "image/jpeg",
    ".mpo": "image/jpeg",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
    ".npy": "application/x-npy",
}
# The usual suffix of each type, for results that get a new name.
SUFFIX_OF: Final = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/tiff": ".tif",
    "image/webp": ".webp",
    "application/x-npy": ".npy",
}
EIGHT_BIT: Final = ("image/jpeg", "image/webp")  # and lossy


class ImageError(Exception):
    """A picture cannot be used; the message names the value, the limit and the remedy."""


class UnsupportedImage(ImageError):
    """A kind of picture that is not read, or that cannot be written as asked."""


class TooLarge(ImageError):
    """More bytes or pixels than the limits allow."""


class BrokenImage(ImageError):
    """A picture that is damaged, cut off, or holds values that are no colours."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a picture may be; checked before any pixel is decoded."""

    max_bytes: int = 512 * 1024 * 1024
    max_pixels: int = 100_000_000

    def check_bytes(self, data: bytes) -> None:
        """Raise TooLarge for a file over the limit."""
        if len(data) > self.max_bytes:
            raise TooLarge(
                f"the picture has {len(data):,} bytes and the limit is {self.max_bytes:,}; "
                "send a smaller picture, or raise the server's limit"
            )

    def check_size(self, width: int, height: int) -> None:
        """Raise TooLarge for more pixels than the limit, BrokenImage for none."""
        if width < 1 or height < 1:
            raise BrokenImage(f"the picture is {width} x {height} pixels; it has no pixel")
        if width * height > self.max_pixels:
            raise TooLarge(
                f"the picture is {width} x {height} pixels ({width * height / 1e6:,.1f} million) "
                f"and the limit is {self.max_pixels / 1e6:,.1f} megapixels; "
                "send a smaller copy, or raise the server's limit"
            )


@dataclass(frozen=True, slots=True)
class Metadata:
    """What travels from a file to the answer beside the pixels."""

    dpi: tuple[float, float] | None = None  # across, down; of the upright picture
    exif: bytes | None = None  # TIFF structure without the "Exif" mark, orientation reset
    texts: tuple[tuple[str, str], ...] = ()  # PNG's keyword, such as Author, and the text
    compression: str = ""  # of a TIFF file: "none", "lzw" or "deflate"
    xmp: bytes | None = None  # a packet that ``xmp`` can read
    iptc: bytes | None = None  # IIM records


@dataclass(frozen=True, slots=True)
class Layer:
    """A decoded picture, upright, sRGB-encoded, with straight alpha.

    pixels: (H, W, C), C = 1..4 (grey, grey + alpha, RGB, RGBA), uint8, uint16 or float32 in
        [0, 1]. Where a colour profile was applied, 8-bit files are uint16 here.
    media_type: of the file it came from.
    bits: the depth of the file, 8, 16 or 32 (float), and of the answer.
    profile: the ICC profile that the answer carries, or None.
    source: the pixels as they were, in the profile's own space, where it is not sRGB. Pixels
        that nobody changed are written back from here.
    notices: what the user should know about the reading.
    """

    pixels: Pixels
    media_type: str = "image/png"
    profile: bytes | None = None
    bits: int = 8
    metadata: Metadata = Metadata()
    source: Pixels | None = None
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stored:
    """What a file holds, before orientation and profile are applied.

    pixels: (H, W, 1..4) as stored; CMYK where `is_cmyk` (4 channels, full ink is the maximum).
    orientation: EXIF's, 1..8.
    """

    pixels: Pixels
    orientation: int = 1
    profile: bytes | None = None
    metadata: Metadata = Metadata()
    is_cmyk: bool = False
    notices: tuple[str, ...] = ()


@contextmanager
def reading(kind: str) -> Iterator[None]:
    """Turn whatever a decoder raises over damaged bytes into BrokenImage.

    Decoders of damaged files raise nearly anything: OSError, struct.error, IndexError,
    ZeroDivisionError... None of it is a mistake of ours. Memory running out is no such error.
    """
    try:
        yield
    except (ImageError, MemoryError):
        raise
    except Exception as problem:
        raise BrokenImage(
            f"the {kind} file cannot be read ({_first_line(problem)}); it is damaged or cut off, "
            "so save or send it again"
        ) from problem


def to_depth(pixels: Pixels, bits: int) -> Pixels:
    """Convert to uint8, uint16 or float32 in [0, 1] (bits 8, 16, 32), rounded."""
    dtype = np.dtype({8: np.uint8, 16: np.uint16, 32: np.float32}[bits])
    if pixels.dtype == dtype:
        return pixels
    if pixels.dtype == np.uint8 and bits == 16:
        return pixels * np.uint16(257)
    out = np.empty(pixels.shape, dtype)
    scale = np.float32(top_of(dtype) / top_of(pixels.dtype))
    for rows in strips(pixels):
        scaled = pixels[rows].astype(np.float32) * scale
        out[rows] = scaled if bits == 32 else np.rint(scaled)
    return out


def top_of(dtype: np.dtype[Any]) -> float:
    """Return the value of white: 255, 65535 or, for floats, 1."""
    return {"u": 2.0 ** (8 * dtype.itemsize) - 1}.get(dtype.kind, 1.0)


def strips(pixels: Pixels, size: int = 1 << 18) -> Iterator[slice]:
    """Cut (H, W, ...) into slices of rows, `size` pixels or one row each."""
    step = max(1, size // max(1, pixels.shape[1]))
    for start in range(0, len(pixels), step):
        yield slice(start, min(start + step, len(pixels)))


def _first_line(problem: Exception) -> str:
    text = str(problem).strip().partition("\n")[0] or type(problem).__name__
    return text if len(text) <= 120 else text[:117] + "..."
