"""A picture read as a mask: white where colour is wanted, black where the input stays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.color.lab import lightness
from plugin_server.images.layer import Pixels, strips, to_depth


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
