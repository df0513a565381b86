"""Pictures that say where: masks of the whole photo, of regions and things, and painted hints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.color.lab import lightness
from models.color.mask import Mask
from models.job import ColorizeJob
from plugin_server.errors import BadValue
from plugin_server.images.codec import ImageError, Layer, Limits
from plugin_server.images.layer import Pixels, TooLarge, strips, to_depth

Decode = Callable[[bytes], Layer]

MOST_COVERED = 4  # times the largest photo: what masks may cover together


def read_mask(
    data: bytes, name: str, width: int, height: int, decode: Decode
) -> NDArray[np.float32]:
    """Decode a mask of a photo of this size: (H, W) float32 in [0, 1].

    Raises:
        ImageError: it cannot be read.
        BadValue: it has another size.
    """
    return mask_of(_decoded(data, name, width, height, decode).pixels)


def mask_of(pixels: Pixels) -> NDArray[np.float32]:
    """Turn pixels into weights: CIELAB's L / 100, and nothing where the mask is transparent.

    Args:
        pixels: (H, W, 1..4) uint8, uint16 or float32, sRGB-encoded, straight alpha.

    Returns:
        (H, W) float32 in [0, 1]; exactly 0 for black and 1 for white.
    """
    weights = np.empty(pixels.shape[:2], np.float32)
    for rows in strips(pixels):
        weights[rows] = _weigh(to_depth(pixels[rows], 32))
    return weights


def _weigh(strip: NDArray[np.float32]) -> NDArray[np.float32]:
    channels = strip.shape[2]
    colour = strip[..., :1] if channels < 3 else strip[..., :3]
    weights = lightness(colour[..., 0] if channels < 3 else colour)
    np.clip(weights / 100, 0, 1, out=weights)
    # Rounding must not leave a trace of the old colour under pure white.
    weights[colour.min(axis=2) >= 1] = 1
    if channels in (2, 4):
        weights *= strip[..., -1]
    return weights


def read_places(
    job: ColorizeJob,
    parts: Mapping[str, bytes],
    width: int,
    height: int,
    decode: Decode,
    limits: Limits,
) -> dict[str, Mask]:
    """Decode the masks that a job's regions and things name.

    Raises:
        ImageError: one cannot be read, or they cover too much together.
        BadValue: one has another size.
    """
    places: dict[str, Mask] = {}
    covered = 0
    for name in sorted(job.masks):
        layer = _decoded(parts[name], f"mask {name}", width, height, decode)
        places[name] = Mask.of_levels(_levels(layer.pixels))
        covered += places[name].levels.size
        if covered > MOST_COVERED * limits.max_pixels:
            raise TooLarge(
                f"the masks of regions and things cover more than {MOST_COVERED} times "
                f"{limits.max_pixels / 1e6:,.1f} megapixels together; give fewer, or boxes"
            )
    return places


def read_painted(data: bytes, width: int, height: int, decode: Decode) -> NDArray[Any]:
    """Decode a hint image: (H, W, 4).

    Raises:
        ImageError: it cannot be read.
        BadValue: it has another size or no transparency.
    """
    pixels = _decoded(data, "hint_image", width, height, decode).pixels
    if pixels.shape[2] not in (2, 4):
        raise BadValue(
            "hint_image has no transparency, so every pixel of it would be a hint; send RGBA, "
            "transparent where nothing is painted"
        )
    return pixels if pixels.shape[2] == 4 else pixels[..., [0, 0, 0, 1]]


def _levels(pixels: Pixels) -> NDArray[np.uint8]:
    """Read a picture as the masks of things are written: (H, W), its own values as they are.

    A coloured one counts by the mean of its channels, and nothing where it is transparent.
    """
    eight = to_depth(pixels, 8)
    channels = eight.shape[2]
    if channels < 3:
        levels = eight[..., 0]
    else:
        levels = ((eight[..., :3].sum(axis=2, dtype=np.uint16) + 1) // 3).astype(np.uint8)
    if channels in (2, 4):
        levels = np.asarray(cv2.multiply(levels, eight[..., -1].copy(), scale=1 / 255))
    return np.ascontiguousarray(levels)


def _decoded(data: bytes, name: str, width: int, height: int, decode: Decode) -> Layer:
    try:
        layer = decode(data)
    except ImageError as problem:
        raise type(problem)(f"{name}: {problem}") from problem
    own_height, own_width = layer.pixels.shape[:2]
    if (own_width, own_height) != (width, height):
        raise BadValue(
            f"the {name} is {own_width} x {own_height} and the image {width} x {height} pixels "
            f"(both upright); send a {name.partition(' ')[0]} of the image's size"
        )
    return layer
