"""Photos of any size to send: a real photograph scaled up, with the grain of a scan."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import skimage.data
import tifffile
from numpy.typing import NDArray
from PIL import Image

from plugin_server.images.codec import Layer, encode

FORMATS = ("PNG", "JPEG", "TIFF", "npy")
MEDIA_TYPES = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "TIFF": "image/tiff",
    "npy": "application/x-npy",
}
TILE = 1024  # side of the pattern of grain


def pixels_of(megapixels: float, *, grey: bool = False) -> NDArray[np.uint8]:
    """Make (H, W, 3), or (H, W) grey, uint8; 3:2 as photographs are."""
    height = int((megapixels * 1e6 / 1.5) ** 0.5)  # never more than was asked for
    size = (int(height * 1.5), height)
    source = skimage.data.astronaut()[:341]
    if grey:
        source = cv2.cvtColor(source, cv2.COLOR_RGB2GRAY)
    picture: NDArray[Any] = cv2.resize(source, size, interpolation=cv2.INTER_CUBIC)
    grain = np.rint(np.random.default_rng(0).normal(8, 2, (TILE, TILE))).astype(np.uint8)
    for top in range(0, height, TILE):
        for left in range(0, size[0], TILE):
            part = picture[top : top + TILE, left : left + TILE]
            added = grain[: part.shape[0], : part.shape[1]]
            if not grey:
                added = np.repeat(added[..., None], 3, axis=2)
            cv2.subtract(cv2.add(part, added), np.full_like(part, 8), dst=part)
    return picture


def file_of(pixels: NDArray[np.uint8], kind: str) -> bytes:
    """Write a photo as one of FORMATS."""
    layer = Layer(pixels if pixels.ndim == 3 else pixels[..., None])
    return encode(layer, MEDIA_TYPES[kind])


def decode_and_encode(file: bytes, kind: str) -> None:
    """Do what no server can avoid, as is usual: Pillow, tifffile and NumPy with their defaults."""
    match kind:
        case "npy":
            np.save(io.BytesIO(), np.load(io.BytesIO(file)))
        case "TIFF":  # compressed, as what comes is
            pixels = tifffile.imread(io.BytesIO(file))
            tifffile.imwrite(io.BytesIO(), pixels, compression="zlib", photometric="rgb")
        case _:
            # The server answers a JPEG in PNG, as a second loss would touch the lightness.
            with Image.open(io.BytesIO(file)) as picture:
                picture.load()
                picture.save(io.BytesIO(), "PNG")


def lab_round_trip(unit: NDArray[np.float32]) -> None:
    """Go from float sRGB to Lab and back with OpenCV: the least that any colorizer does."""
    cv2.cvtColor(cv2.cvtColor(unit, cv2.COLOR_RGB2Lab), cv2.COLOR_Lab2RGB)
