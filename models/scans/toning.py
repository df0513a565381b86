"""Toned scans: sepia, yellowed paper, cyanotypes. Their one colour is the paper's, not the scene's.

In a toned scan every grey became one colour, so a and b lie on one narrow curve over L; in a colour
photo things as light as each other have different colours. Thresholds: of twelve scans of old
photographs the eight that are toned lie at 0.7 to 2.4, but one, stained, at 5.8; of 1,700 colour
photos (snow, sea and sky among them) the least lies at 3.5.
"""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from models.color.lab import srgb_to_lab

FloatArray = NDArray[np.float32]
Tone = Literal["sepia", "yellowed", "cyanotype", "one colour"]

AREA = 128 * 128  # pixels that are looked at
LEVELS = 24  # of L, each with a colour of its own
NARROW = 3.0  # ab; 95 % of a toned scan's pixels lie nearer to the curve
FAINT = 1.5  # mean chroma below which a scan is as good as grey
VIVID = 45.0  # chroma that toning does not reach: drawings in one ink do
FLAT = 10.0  # L; with less contrast there is no curve to see
SEPIA, YELLOW, BLUE = (20, 80), (80, 135), (195, 300)  # hues in degrees


def tone_of(rgb: FloatArray) -> Tone | None:
    """Name the one tone of a scan, or None for a grey photo or one in colours.

    ``rgb`` is (h, w, 3) float32 sRGB in [0, 1].
    """
    height, width = rgb.shape[:2]
    scale = min((AREA / (height * width)) ** 0.5, 1.0)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).reshape(-1, 3)
    lab = srgb_to_lab(small)
    level, ab = lab[:, 0], lab[:, 1:]
    chroma = np.hypot(ab[:, 0], ab[:, 1])
    dark, light = np.percentile(level, [1, 99])
    if chroma.mean() < FAINT or np.percentile(chroma, 95) > VIVID or light - dark < FLAT:
        return None
    step = (level * (LEVELS / 100)).astype(int).clip(0, LEVELS - 1)
    curve = np.zeros((LEVELS, 2), np.float32)
    for here in np.unique(step):
        curve[here] = np.median(ab[step == here], axis=0)  # a pencil mark must not move it
    off = np.hypot(*(ab - curve[step]).T)
    return _name(ab) if np.percentile(off, 95) < NARROW else None


def _name(ab: FloatArray) -> Tone:
    a, b = ab.mean(axis=0)
    hue = np.degrees(np.arctan2(b, a)) % 360
    names: tuple[tuple[Tone, tuple[int, int]], ...] = (
        ("sepia", SEPIA),
        ("yellowed", YELLOW),
        ("cyanotype", BLUE),
    )
    return next((name for name, (low, high) in names if low <= hue < high), "one colour")
