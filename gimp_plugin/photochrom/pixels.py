"""Pixels of a layer, and NumPy's file format for them, with the standard library alone."""

from __future__ import annotations

import array
import ast
import sys
from dataclasses import dataclass

from failures import BadAnswer

Buffer = bytes | bytearray | memoryview

MAGIC = b"\x93NUMPY"
ITEM_SIZES = {"uint8": 1, "uint16": 2, "float32": 4}
CODES = {"uint8": "u1", "uint16": "u2", "float32": "f4"}
DTYPES = {code: dtype for dtype, code in CODES.items()}
NATIVE = "<" if sys.byteorder == "little" else ">"


@dataclass(frozen=True)
class Pixels:
    """A picture, row by row without gaps, sRGB-encoded, straight alpha.

    Attributes:
        data: the samples in this machine's byte order; never copied, so it must not change while
            it is being sent.
        shape: (height, width, channels); 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.
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
        BadAnswer: it is no npy file, or one that Photochrom never writes.
    """
    view = memoryview(body)
    if bytes(view[:6]) != MAGIC or len(view) < 12:
        raise BadAnswer(f"the answer is not an npy file: it begins with {bytes(view[:16])!r}")
    width = 2 if view[6] == 1 else 4
    start = 8 + width
    end = start + int.from_bytes(view[8:start], "little")
    try:
        header = ast.literal_eval(bytes(view[start:end]).decode("latin-1").strip())
        descr, shape = str(header["descr"]), tuple(int(side) for side in header["shape"])
        by_columns = bool(header["fortran_order"])
    except (ValueError, SyntaxError, KeyError, TypeError, MemoryError, RecursionError) as problem:
        raise BadAnswer(f"the answer's npy header cannot be read ({problem})") from problem
    dtype = DTYPES.get(descr[1:])
    if dtype is None or by_columns or len(shape) not in (2, 3):
        raise BadAnswer(f"the answer is an array of {descr} with the shape {shape}")
    data = view[end:]
    if descr[0] not in ("|", "=", NATIVE) and dtype != "uint8":
        data = _swapped(data, ITEM_SIZES[dtype])
    try:
        return Pixels(data, (shape[0], shape[1], shape[2] if len(shape) == 3 else 1), dtype)
    except ValueError as problem:
        raise BadAnswer(f"the answer is cut off: {problem}") from problem


def _swapped(data: memoryview, size: int) -> memoryview:
    """Copy samples of ``size`` bytes into the other byte order."""
    samples = array.array("H" if size == 2 else "I")
    assert samples.itemsize == size, "this machine's integers have other sizes than all others"
    samples.frombytes(data)
    samples.byteswap()
    return memoryview(samples).cast("B")
