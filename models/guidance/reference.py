"""A photo to take colours from, made ready for the two paths of guidance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.color.lab import srgb_to_lab
from models.color.shrinking import shrink

FloatArray = NDArray[np.float32]

AREA = 512 * 512  # pixels of a reference that are looked at; more would add nothing but time
COLOURLESS = 3.0  # a photo whose 99th percentile of Lab chroma is below has no colours to give
BACKDROP = 0.5  # what a transparent reference is laid on: neutral, so it adds no colour


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """A colour photo given or found, as small as serves.

    ``rgb`` is (h, w, 3) float32 sRGB in [0, 1]; ``name`` is what notices call it. One that
    ``is_colourless`` has no chroma to speak of.
    """

    rgb: FloatArray
    name: str = "reference"
    is_colourless: bool = False

    @classmethod
    def of(cls, pixels: NDArray[Any], name: str = "reference") -> Reference:
        """Shrink a photo, (H, W, C), C = 1..4 for grey, grey and alpha, RGB, RGBA.

        ``pixels`` are uint8, uint16 or float32 in [0, 1], sRGB-encoded, with straight alpha.
        """
        height, width = pixels.shape[:2]
        scale = min((AREA / (height * width)) ** 0.5, 1.0)
        size = (max(round(width * scale), 1), max(round(height * scale), 1))
        small, visible = shrink(pixels, size[1], size[0])
        rgb = np.repeat(small, 3, axis=2) if small.shape[2] == 1 else small
        if visible is not None:
            alpha = visible[..., None]
            rgb = rgb * alpha + np.float32(BACKDROP) * (1 - alpha)
        rgb = np.ascontiguousarray(rgb.clip(0, 1), np.float32)
        a, b = np.moveaxis(srgb_to_lab(rgb)[..., 1:], -1, 0)
        return cls(rgb, name, bool(np.percentile(np.hypot(a, b), 99) < COLOURLESS))
