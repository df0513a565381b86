"""Accuracy at equal colourfulness: paler colours are nearer to the truth without being better.

Each result's chroma is scaled by several factors; between them the factor is found that makes the
results as colourful, on average, as the originals, and the accuracy at it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.color.lab import lab_to_srgb_in_gamut, srgb_to_lab
from models.measures import ciede2000, colourfulness, psnr

UInt8Array = NDArray[np.uint8]

SCALES = (0.0, 0.4, 0.6, 0.8, 1.0, 1.25, 1.6, 2.2, 3.0)
COARSE = 2  # CIEDE2000, the slowest, is the mean over every second row and column


@dataclass(frozen=True, slots=True)
class Curve:
    """One result at every scale of its chroma; ``original`` is the original's colourfulness."""

    psnr: tuple[float, ...]
    ciede2000: tuple[float, ...]
    colourfulness: tuple[float, ...]
    original: float

    def at(self, scale: float) -> tuple[float, float]:
        """Return PSNR and CIEDE2000 at a scale of the chroma."""
        near, far = (np.interp(scale, SCALES, values) for values in (self.psnr, self.ciede2000))
        return float(near), float(far)


@dataclass(frozen=True, slots=True)
class Matched:
    """The scale at which results are as colourful as the originals, and their accuracy there."""

    scale: float
    psnr: float
    ciede2000: float


def curve(original: UInt8Array, result: UInt8Array) -> Curve:
    """Measure a result, (H, W, 3) 8-bit sRGB, at every scale of its chroma."""
    lab = srgb_to_lab(result.astype(np.float32) / 255)
    lightness = np.ascontiguousarray(lab[..., 0])
    near, far, vivid = [], [], []
    for scale in SCALES:
        rgb = lab_to_srgb_in_gamut(lightness, np.float32(scale) * lab[..., 1:])
        picture = np.asarray(np.rint(rgb * 255), np.uint8)
        near.append(psnr(original, picture))
        far.append(ciede2000(original[::COARSE, ::COARSE], picture[::COARSE, ::COARSE]))
        vivid.append(colourfulness(picture))
    return Curve(tuple(near), tuple(far), tuple(vivid), colourfulness(original))


def match(curves: Sequence[Curve]) -> Matched | None:
    """Scale all results by one factor until they are as colourful as the originals, on average.

    None where no scale does, as for grey results.
    """
    if not curves:
        return None
    vivid = np.mean([c.colourfulness for c in curves], axis=0)
    wanted = float(np.mean([c.original for c in curves]))
    if not vivid.min() <= wanted <= vivid.max():
        return None
    scale = float(np.interp(wanted, np.maximum.accumulate(vivid), SCALES))
    near, far = np.mean([c.at(scale) for c in curves], axis=0)
    return Matched(scale, float(near), float(far))
