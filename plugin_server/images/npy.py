"""NumPy's own format: no compression, so a large layer crosses the loopback in milliseconds."""

from __future__ import annotations

import io
import math

import numpy as np
from numpy.lib import format as npy

from plugin_server.images.layer import (
    BrokenImage,
    Limits,
    Pixels,
    Stored,
    UnsupportedImage,
    reading,
)

MAGIC = b"\x93NUMPY"
DTYPES = (np.uint8, np.uint16, np.float32)
SHAPES = "(height, width) or (height, width, 1..4)"
MAX_SIDE = 2**32  # the header may write any number, too large for a float even
MAX_HEADER = 512  # bytes; NumPy's own has 118
ROUNDING = 1e-3  # floats this far outside [0, 1] are what arithmetic left there


def read(data: bytes, limits: Limits) -> Stored:
    """Read (H, W) or (H, W, 1..4) uint8, uint16 or float32 in [0, 1], of either byte order."""
    file = io.BytesIO(data)
    with reading("npy"):
        version = npy.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise UnsupportedImage(f"the npy file has version {version}; write version 1.0 or 2.0")
        read_header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
        try:
            shape, by_columns, dtype = read_header[version](file, max_header_size=MAX_HEADER)
        except (MemoryError, RecursionError) as problem:  # of Python's parser, which has few steps
            raise BrokenImage("the npy header is none; write it again") from problem
    if dtype.newbyteorder("=") not in DTYPES:
        remedy = ': write array.astype("float32")' if dtype.kind == "f" else ""
        raise UnsupportedImage(f"the array is {dtype}; send uint8, uint16 or float32{remedy}")
    if len(shape) not in (2, 3) or (len(shape) == 3 and not 1 <= shape[2] <= 4):
        raise UnsupportedImage(f"the array has the shape {shape}; send {SHAPES}")
    if max(shape) > MAX_SIDE:
        raise BrokenImage("the npy header promises a size that no picture has; write it again")
    limits.check_size(shape[1], shape[0])
    expected, there = math.prod(shape) * dtype.itemsize, len(data) - file.tell()
    if expected != there:
        raise BrokenImage(
            f"the npy header promises {expected:,} bytes of pixels and {there:,} follow; "
            "the file is cut off or its header is wrong, so write it again"
        )
    stored = np.frombuffer(data, dtype, offset=file.tell())
    pixels = stored.reshape(shape, order="F" if by_columns else "C")
    pixels = np.ascontiguousarray(pixels, dtype.newbyteorder("="))
    pixels, notices = in_range(pixels)
    return Stored(pixels if pixels.ndim == 3 else pixels[..., None], notices=notices)


def write(pixels: Pixels) -> bytes:
    """Write (H, W, C) as version 1.0."""
    pixels = np.ascontiguousarray(pixels)
    header = io.BytesIO()
    npy.write_array_header_1_0(header, npy.header_data_from_array_1_0(pixels))
    return b"".join((header.getvalue(), pixels.data.cast("B")))  # the one copy there is


def in_range(pixels: Pixels) -> tuple[Pixels, tuple[str, ...]]:
    """Clip floats that are off by rounding; a notice says so.

    Raises:
        BrokenImage: floats that are farther than ``ROUNDING`` from [0, 1], or are no numbers.
    """
    if pixels.dtype != np.float32:
        return pixels, ()
    low, high = float(pixels.min()), float(pixels.max())
    if math.isnan(low):  # min passes a nan on
        raise BrokenImage("the picture holds values that are not numbers (nan); send [0, 1]")
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise BrokenImage(
            f"the picture's floats reach from {low:g} to {high:g}; "
            "send sRGB-encoded values in [0, 1]"
        )
    if low < 0 or high > 1:
        notice = f"The picture's floats reach from {low:g} to {high:g}; they were cut to [0, 1]."
        return pixels.clip(0, 1), (notice,)
    return pixels, ()
