"""A picture read as a mask: white where colour is wanted, black where the input stays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.color import lightness

ROWS = 256  # a strip this high keeps the float arrays of a large mask small


def mask_of(pixels: NDArray[np.generic]) -> NDArray[np.float32]:
    """Turn pixels into weights: CIELAB's L / 100, and nothing where the mask is transparent.

    Args:
        pixels: (H, W, 1..4) uint8, uint16 or float32, sRGB-encoded, straight alpha.

    Returns:
        (H, W) float32 in [0, 1]; exactly 0 for black and 1 for white.
    """
    weights = np.empty(pixels.shape[:2], np.float32)
    for top in range(0, pixels.shape[0], ROWS):
        weights[top : top + ROWS] = _weigh(pixels[top : top + ROWS])
    return weights


def _weigh(strip: NDArray[np.generic]) -> NDArray[np.float32]:
    channels = strip.shape[2]
    scale = np.iinfo(strip.dtype).max if np.issubdtype(strip.dtype, np.integer) else 1
    values = strip.astype(np.float32) / np.float32(scale)
    grey_or_rgb = values[..., 0] if channels < 3 else values[..., :3]
    weights = np.clip(lightness(grey_or_rgb) / np.float32(100), 0, 1)
    white = (values[..., :1] if channels < 3 else values[..., :3]).min(axis=2) >= 1
    weights[white] = 1  # rounding must not leave a trace of the old colour under pure white
    return weights * values[..., -1] if channels in (2, 4) else weights
