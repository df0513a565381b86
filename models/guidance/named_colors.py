"""What a colour's name means as ab at every lightness, and following edges with a place."""

from __future__ import annotations

import re
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from models.color.lab import parse_hex, srgb_to_lab
from models.guidance.color_words import ACHROMATIC, MODIFIERS, NAMED

FloatArray = NDArray[np.float32]

# Mean ab of the pixels that have the colour, at lightness 5, 15, ... 95, inside the boxes that
# people drew for phrases with that colour (the training photos of docs/model-card.md).
LEVELS = np.arange(5.0, 100.0, 10.0)
TYPICAL: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "red": ((21, 28, 37, 46, 51, 53, 40, 27, 16, 10), (9, 16, 24, 30, 33, 33, 24, 17, 11, 7)),
    "orange": ((8, 11, 16, 20, 27, 28, 29, 20, 11, 6), (12, 18, 25, 31, 39, 43, 48, 42, 29, 18)),
    "yellow": ((-2, -2, -1, -1, -1, -2, -2, -3, -4, -8), (14, 19, 26, 30, 36, 41, 45, 48, 48, 43)),
    "green": (
        (-14, -16, -19, -22, -25, -26, -29, -32, -34, -27),
        (10, 13, 16, 19, 22, 22, 25, 27, 25, 24),
    ),
    "blue": (
        (6, 5, 5, 4, 1, -2, -5, -8, -8, -10),
        (-20, -23, -27, -31, -32, -30, -28, -25, -19, -12),
    ),
    "purple": (
        (15, 19, 23, 26, 26, 26, 24, 22, 17, 13),
        (-18, -22, -26, -28, -27, -27, -24, -22, -16, -10),
    ),
    "pink": ((20, 25, 35, 41, 44, 45, 41, 31, 22, 12), (1, 0, 0, 0, -1, -2, -2, -1, -1, 0)),
    "brown": ((9, 11, 12, 12, 12, 12, 11, 10, 8, 5), (9, 15, 19, 22, 24, 24, 25, 24, 20, 14)),
    "tan": ((8, 10, 11, 12, 12, 11, 11, 10, 9, 6), (14, 19, 21, 23, 24, 25, 26, 24, 22, 15)),
    "golden": ((-1, -1, -2, -4, -5, -7, -4, -1, -1, -3), (15, 20, 25, 27, 29, 30, 30, 28, 26, 25)),
}
TYPICAL["gold"] = TYPICAL["golden"]
NEUTRAL = (0.0, 0.7)
# How a word before a colour changes its chroma; lightness stays the photo's own.
VIVIDNESS = {
    "dark": 0.85,
    "light": 0.7,
    "bright": 1.25,
    "pale": 0.5,
    "deep": 1.1,
    "vivid": 1.35,
    "soft": 0.7,
    "dull": 0.6,
}
PASTEL = 0.7  # "reddish" beside "red"
MIDDLE = 50.0  # L at which a colour that is nowhere is shown
SHADE = 25.0  # L below which natural colours lose chroma
SAME_HUE = (0.88, 0.985)  # cosine of the angle between hues: another one, the same one
VISIBLE_CHROMA = 8.0  # a hue can be seen from here on
EDGE = 10.0  # a step in L that is an edge
RADIUS = 2  # cells around one that are looked at for edges
_BASE = re.compile(
    rf"(?:({'|'.join(MODIFIERS)})[ -])?(#[0-9a-f]{{6}}|[a-z]+?)(ish)?(?:[- ]colou?red)?$"
)


def ab_at(names: Sequence[str], lightness: FloatArray) -> FloatArray:
    """Return the ab that things of a named colour have at (...) lightness: (..., 2) float32.

    Several names are mixed.
    """
    return np.asarray(np.mean([_ab_of_one(name, lightness) for name in names], axis=0), np.float32)


def ab_of(names: Sequence[str], level: float = MIDDLE) -> FloatArray:
    """Return the (2,) ab of a named colour at one lightness."""
    return ab_at(names, np.array(level, np.float32))


def is_neutral(names: Sequence[str]) -> bool:
    """Tell whether all names are of greys: they have no hue, only colour to take away."""
    return all(_parts(name)[1] in ACHROMATIC for name in names)


def _ab_of_one(name: str, lightness: FloatArray) -> FloatArray:
    modifier, base, is_pastel = _parts(name)
    if base in ACHROMATIC:
        return np.broadcast_to(np.asarray(NEUTRAL, np.float32), (*lightness.shape, 2))
    if base in TYPICAL:
        ab = np.stack([np.interp(lightness, LEVELS, row) for row in TYPICAL[base]], axis=-1)
    else:
        shade = np.minimum((lightness + 8) / (SHADE + 8), 1.0)
        ab = shade[..., None] * srgb_to_lab(parse_hex(NAMED.get(base, base)))[1:]
    vividness = VIVIDNESS.get(modifier, 1.0) * (PASTEL if is_pastel else 1.0)
    return np.asarray(vividness * ab, np.float32)


def _parts(name: str) -> tuple[str, str, bool]:
    """Take a colour's name apart: its modifier or "", the plain name, and whether it is pastel."""
    found = _BASE.match(name.strip().lower())
    assert found is not None, name
    modifier, base, ish = found.groups()
    return modifier or "", {"redd": "red"}.get(base, base) if ish else base, bool(ish)


def lacking(ab: FloatArray, share: FloatArray, color: FloatArray) -> FloatArray:
    """Tell how far (h, w, 2) ab lacks the hue of (h, w, 2) ``color``, 0 to 1: (h, w) float32.

    Where the network's own colours have the hue already they are the more natural: a cell is left
    as far as it, and the mean of the cells under (h, w) ``share``, have it.
    """
    total = max(float(share.sum()), 1e-6)
    mean, asked = ((share[..., None] * plane).sum((0, 1)) / total for plane in (ab, color))
    return np.asarray(1.0 - _has(mean, asked) * _has(ab, color), np.float32)


def follow_edges(plane: FloatArray, lightness: FloatArray) -> FloatArray:
    """Let (h, w) values in [0, 1] change where the lightness does.

    The guided filter of He, Sun and Tang (2013, "Guided Image Filtering"), guided by lightness.
    """
    mean_guide, mean_plane = _around(lightness), _around(plane)
    covariance = _around(lightness * plane) - mean_guide * mean_plane
    variance = _around(lightness * lightness) - mean_guide * mean_guide
    slope = np.asarray(covariance / (variance + np.float32(EDGE**2)), np.float32)
    offset = np.asarray(mean_plane - slope * mean_guide, np.float32)
    return np.asarray((_around(slope) * lightness + _around(offset)).clip(0, 1), np.float32)


def _has(ab: FloatArray, color: FloatArray) -> FloatArray:
    """Tell how far (..., 2) ab has the hue of (..., 2) ``color``, and visibly: 0 to 1."""
    chroma = np.hypot(ab[..., 0], ab[..., 1])
    asked = np.hypot(color[..., 0], color[..., 1])
    alike = (ab * color).sum(-1) / np.maximum(chroma * asked, 1e-6)
    return smooth_step(alike, *SAME_HUE) * np.minimum(chroma / VISIBLE_CHROMA, 1.0)


def smooth_step(plane: FloatArray, low: float, high: float) -> FloatArray:
    """Rise from 0 at ``low`` to 1 at ``high``, without a kink."""
    share = np.clip((plane - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def _around(plane: FloatArray) -> FloatArray:
    side = 2 * RADIUS + 1
    return np.asarray(cv2.blur(plane, (side, side)), np.float32)
