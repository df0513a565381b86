"""Pixels of a layer, and NumPy's file format for them, with the standard library alone."""

from __future__ import annotations

import array
import re
import sys
from dataclasses import dataclass

from api.errors import Failure
from api.texts import _

Buffer = bytes | bytearray | memoryview

MAGIC = b"\x93NUMPY"
ITEM_SIZES = {"uint8": 1, "uint16": 2, "float32": 4}
CODES = {"uint8": "u1", "uint16": "u2", "float32": "f4"}
DTYPES = {code: dtype for dtype, code in CODES.items()}
# What NumPy writes for arrays of two or three dimensions; a regular expression because the header
# of a stranger is not evaluated.
HEADER = re.compile(
    rb"\s*\{'descr': '([<>|=])(\w\d)', 'fortran_order': False, "
    rb"'shape': \((\d{1,9}), (\d{1,9})(?:, (\d{1,9}))?,?\),? *\}"
)
MAX_HEADER = 1024
PARTLY = re.compile(rb"[\x01-\xfe]+")
WHOLLY = re.compile(rb"\xff+")
NATIVE = "<" if sys.byteorder == "little" else ">"


@dataclass(frozen=True)
class Pixels:
    """A picture, row by row without gaps, sRGB-encoded, straight alpha.

    Attributes:
        data: the samples in this machine's byte order; never copied, so it must not change while
            it is being sent.
        shape: (height, width, channels); 1 gray, 2 gray and alpha, 3 RGB, 4 RGBA.
        dtype: "uint8", "uint16" or "float32" (in [0, 1]).

    Raises:
        ValueError: the three do not fit together.
    """

    data: Buffer
    shape: tuple[int, int, int]
    dtype: str

    def __post_init__(self) -> None:
        if self.dtype not in ITEM_SIZES:
            raise ValueError(f"dtype is {self.dtype!r}: use {', '.join(ITEM_SIZES)}")
        if len(self.shape) != 3 or min(self.shape) < 1 or self.shape[2] > 4:
            raise ValueError(f"shape is {self.shape}: use (height, width, 1 to 4 channels)")
        height, width, channels = self.shape
        expected = height * width * channels * ITEM_SIZES[self.dtype]
        there = memoryview(self.data).nbytes
        if there != expected:
            raise ValueError(
                f"{there:,} bytes were given and {width} x {height} pixels with {channels} "
                f"channels of {self.dtype} have {expected:,}"
            )

    @property
    def height(self) -> int:
        return self.shape[0]

    @property
    def width(self) -> int:
        return self.shape[1]

    @property
    def channels(self) -> int:
        return self.shape[2]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.width, self.height


def product(one: Pixels, other: Pixels) -> Pixels:
    """Multiply two masks, (h, w, 1) uint8 of one size; quick where ``other`` is black or white."""
    data, factors = bytes(one.data), bytes(other.data)
    assert one.shape == other.shape, "these are not masks of one photo"
    whole = bytearray(len(data))
    for run in WHOLLY.finditer(factors):
        whole[run.start() : run.end()] = data[run.start() : run.end()]
    for run in PARTLY.finditer(factors):
        pairs = zip(data[run.start() : run.end()], run[0], strict=True)
        whole[run.start() : run.end()] = bytes((2 * a * b + 255) // 510 for a, b in pairs)
    return Pixels(bytes(whole), one.shape, "uint8")


def npy_header(pixels: Pixels) -> bytes:
    """Write the header of an npy file, version 1.0; the samples follow it as they are."""
    code = CODES[pixels.dtype]
    order = "|" if code == "u1" else NATIVE
    text = f"{{'descr': '{order}{code}', 'fortran_order': False, 'shape': {tuple(pixels.shape)}, }}"
    # Magic, version, length and text together end on a multiple of 64 bytes, with a newline.
    text += " " * (63 - (len(MAGIC) + 4 + len(text)) % 64) + "\n"
    return MAGIC + b"\x01\x00" + len(text).to_bytes(2, "little") + text.encode("ascii")


def read_npy(body: Buffer) -> Pixels:
    """Read an npy file; the samples are a view of ``body`` unless their byte order is foreign.

    Raises:
        Failure: it is no npy file, or one that Photochrom never writes.
    """
    view = memoryview(body)
    width = 2 if bytes(view[6:7]) == b"\x01" else 4
    start = 8 + width
    end = start + int.from_bytes(view[8:start], "little")
    header = HEADER.match(bytes(view[start : min(end, start + MAX_HEADER)]))
    if bytes(view[:6]) != MAGIC or end > len(view) or header is None:
        raise Failure(_("the server's answer is not a layer"))
    order, code, *sides = (part and part.decode("ascii") for part in header.groups())
    dtype = DTYPES.get(code or "")
    data = view[end:]
    if order not in ("|", "=", NATIVE) and dtype in ("uint16", "float32"):
        size = ITEM_SIZES[dtype]
        data = _swapped(data[: len(data) // size * size], size)
    try:
        height, wide, channels = (int(side or 1) for side in sides)
        return Pixels(data, (height, wide, channels), dtype or str(code))
    except ValueError as problem:
        raise Failure(
            _("the server's answer is not a layer ({reason})").format(reason=problem)
        ) from problem


def _swapped(data: memoryview, size: int) -> memoryview:
    """Copy samples of ``size`` bytes into the other byte order."""
    samples = array.array("H" if size == 2 else "I")
    assert samples.itemsize == size, "this machine's integers have other sizes than all others"
    samples.frombytes(data)
    samples.byteswap()
    return memoryview(samples).cast("B")
