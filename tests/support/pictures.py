"""Picture files for the tests, written by Pillow, tifffile and hand, never by what is tested."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

# First row, first column, steps down and across (PNG 3rd edition, 8.2).
ADAM7 = (
    (0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4),
    (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1),
)  # fmt: skip


def random_pixels(
    height: int = 37, width: int = 53, channels: int = 3, dtype: type = np.uint8
) -> np.ndarray:
    """Make (H, W, C), smooth enough for lossy formats, the extremes among them."""
    rng = np.random.default_rng(8)
    coarse = Image.fromarray(rng.integers(0, 256, (5, 7, 4), np.uint8), "RGBA")
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), np.float32) / 255
    unit = np.clip(smooth[..., :channels] * 1.3 - 0.15, 0, 1)
    if dtype is np.float32:
        return np.ascontiguousarray(unit)
    return np.rint(unit * np.iinfo(dtype).max).astype(dtype)


def saved(pixels: np.ndarray, kind: str, **options: object) -> bytes:
    """Let Pillow write (H, W, C) uint8."""
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    return saved_image(image, kind, **options)


def saved_image(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def tiff_of(pixels: np.ndarray, **options: object) -> bytes:
    """Let tifffile write a page, as RGB where there are three channels or more."""
    file = io.BytesIO()
    kind = "rgb" if pixels.ndim == 3 and pixels.shape[-1] > 2 else "minisblack"
    tifffile.imwrite(file, pixels, **{"photometric": kind, **options})
    return file.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def png_chunk(name: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + check


def png_of(pixels: np.ndarray, *extra: bytes) -> bytes:
    """Write a PNG by hand, unfiltered: (H, W, C) uint8 or uint16, `extra` chunks before IDAT."""
    height, width, channels = pixels.shape
    depth, color = 8 * pixels.dtype.itemsize, {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = pixels.astype(pixels.dtype.newbyteorder(">")).view(np.uint8).reshape(height, -1)
    raw = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1).tobytes()
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    chunks = (
        png_chunk(b"IHDR", header),
        *extra,
        png_chunk(b"IDAT", zlib.compress(raw)),
        png_chunk(b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def interlaced_png(pixels: np.ndarray) -> bytes:
    """Write (H, W, C) uint8 in the seven passes of Adam7, unfiltered."""
    raw = b""
    for top, left, down, right in ADAM7:
        part = pixels[top::down, left::right]
        if part.size:
            rows = part.reshape(len(part), -1)
            raw += np.concatenate([np.zeros((len(part), 1), np.uint8), rows], axis=1).tobytes()
    plain = png_of(pixels)
    header = plain[16:28] + b"\x01"
    chunks = png_chunk(b"IDAT", zlib.compress(raw)) + png_chunk(b"IEND", b"")
    return plain[:8] + png_chunk(b"IHDR", header) + chunks


def png_pixels(data: bytes) -> np.ndarray:
    """Read a PNG of 8 or 16 bits by the book, without any library: (H, W, C)."""
    at, idat = 8, b""
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        name, content = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length)[0] == zlib.crc32(name + content)
        if name == b"IHDR":
            width, height, depth, color = struct.unpack_from(">IIBB", content)
        elif name == b"IDAT":
            idat += content
        at += 12 + length
    channels = {0: 1, 4: 2, 2: 3, 6: 4}[color]
    step = channels * depth // 8
    rows = np.frombuffer(zlib.decompress(idat), np.uint8).reshape(height, -1)
    out = np.zeros((height + 1, width * step + step), np.int64)  # a border of zeros
    for y in range(height):
        for x in range(width * step):
            left, up = out[y + 1, x], out[y, x + step]
            add = {0: 0, 1: left, 2: up, 3: (left + up) // 2}[int(rows[y, 0])]
            out[y + 1, x + step] = (rows[y, 1 + x] + add) % 256
    values = out[1:, step:].astype(np.uint8).tobytes()
    return np.frombuffer(values, f">u{depth // 8}").reshape(height, width, channels)


def exif_with_orientation(value: int, order: str = "<") -> bytes:
    """Write an EXIF block of two entries, Make and Orientation."""
    mark = b"II*\x00" if order == "<" else b"MM\x00*"
    entries = struct.pack(order + "HHI4s", 0x010F, 2, 4, b"Oak\x00")
    entries += struct.pack(order + "HHIHH", 0x0112, 3, 1, value, 0)
    head = struct.pack(order + "I", 8) + struct.pack(order + "H", 2)
    return mark + head + entries + bytes(4)


def grey_picture(height: int = 24, width: int = 32, *, seed: int = 0) -> NDArray[np.uint8]:
    """Return a smooth grey picture, (H, W) uint8, another one for each seed."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (4, 4), np.uint8))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BILINEAR))


def encoded(pixels: NDArray[np.generic], kind: str = "PNG") -> bytes:
    """Encode pixels with Pillow, or as npy."""
    file = io.BytesIO()
    if kind == "npy":
        np.save(file, pixels)
    else:
        Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def decoded(body: bytes) -> NDArray[np.generic]:
    """Decode a picture or npy with NumPy and Pillow, which the product does not use for this."""
    if body.startswith(b"\x93NUMPY"):
        pixels: NDArray[np.generic] = np.load(io.BytesIO(body))
        return pixels
    return np.asarray(Image.open(io.BytesIO(body)))
