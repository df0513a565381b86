"""What a colour's name means as ab, and laying it over the things that a description names."""

from __future__ import annotations

import re
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from models.color.lab import parse_hex, srgb_to_lab
from models.guidance.color_words import ACHROMATIC, MODIFIERS, NAMED

FloatArray = NDArray[np.float32]

# Mean ab of the pixels that have the colour, in photos whose captions name it.
TYPICAL = {
    "red": (34.9, 22.4),
    "orange": (24.0, 42.0),  # their mean is that of skin and wood, which lie at the same hue
    "yellow": (-3.8, 33.8),
    "green": (-20.5, 20.3),
    "blue": (-0.1, -24.5),
    "purple": (22.6, -24.0),
    "pink": (37.6, -0.9),
    "brown": (10.2, 19.3),
    "tan": (10.2, 22.9),
    "golden": (-3.2, 26.6),
    "gold": (-2.0, 31.7),
}
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
SHADE = 25.0  # L below which natural colours lose chroma
NEUTRAL_CHROMA = 3.0  # below, a colour only takes colour away
LIKELY = 7.0  # percent of the picture that a named thing may fill for sure
DECLINE = 3.0  # how soon less likely cells take less of the colour
FAINT = 0.5  # share of the chroma where a thing is hardly likely; all of it where it is certain
MORE_LIKELY_THAN_NOT = (0.4, 0.7)  # between these a cell comes to be taken for the thing
SAME_HUE = (0.88, 0.985)  # cosine of the angle between hues: another one, the same one
VISIBLE_CHROMA = 8.0  # a hue can be seen from here on
LEAST_FOUND = 0.12  # probability of the likeliest places below which a thing was hardly found
EDGE = 10.0  # a step in L that is an edge
RADIUS = 2  # cells around one that are looked at for edges
_BASE = re.compile(
    rf"(?:({'|'.join(MODIFIERS)})[ -])?(#[0-9a-f]{{6}}|[a-z]+?)(ish)?(?:[- ]colou?red)?$"
)


def ab_of(names: Sequence[str]) -> FloatArray:
    """Return the (2,) ab of a colour's name, the mean of several ones'."""
    return np.asarray(np.mean([_ab_of_one(name) for name in names], axis=0), np.float32)


def _ab_of_one(name: str) -> FloatArray:
    found = _BASE.match(name.strip().lower())
    assert found is not None, name
    modifier, base, ish = found.groups()
    base = {"redd": "red"}.get(base, base) if ish else base
    if base in ACHROMATIC:
        return np.asarray(NEUTRAL, np.float32)
    if base.startswith("#") or base not in TYPICAL:
        ab = srgb_to_lab(parse_hex(NAMED.get(base, base)))[1:]
    else:
        ab = np.asarray(TYPICAL[base], np.float32)
    return np.asarray(ab * VIVIDNESS.get(modifier, 1.0) * (PASTEL if ish else 1.0), np.float32)


def is_found(probability: FloatArray) -> bool:
    """Tell whether (h, w) probabilities that a cell shows a thing are high anywhere."""
    return bool(np.percentile(probability, 100 - LIKELY) >= LEAST_FOUND)


def lay_names(
    ab: FloatArray,
    found: Sequence[FloatArray],
    colors: Sequence[FloatArray],
    lightness: FloatArray,
    *,
    strength: float,
) -> FloatArray:
    """Lay (2,) colours over (h, w, 2) ab, each where its thing is found; later ones on top.

    ``found`` are (h, w) probabilities, ``lightness`` is (h, w) in [0, 100]. The description says
    that the thing is there, so its likeliest places take the colour's hue wholly; how vivid it
    is follows the probability, for a strong colour in the wrong place is the worst of mistakes.
    """
    shade = np.minimum((lightness + 8) / (SHADE + 8), 1.0)
    for rough, color in zip(found, colors, strict=True):
        probability = follow_edges(rough, lightness)
        if np.hypot(*color) < NEUTRAL_CHROMA:
            share = probability  # nothing to show, only colour to lose
        else:
            sure = max(float(np.percentile(probability, 100 - LIKELY)), LEAST_FOUND)
            probability = np.maximum(probability, _smooth_step(probability, *MORE_LIKELY_THAN_NOT))
            share = np.maximum(np.minimum(probability / sure, 1.0) ** DECLINE, probability)
            share = share * _missing(ab, share, color)
        vivid = shade * (FAINT + (1 - FAINT) * probability)
        ab = ab + strength * share[..., None] * (vivid[..., None] * color - ab)
    return np.asarray(ab, np.float32)


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


def _missing(ab: FloatArray, share: FloatArray, color: FloatArray) -> FloatArray:
    """Tell how far (h, w, 2) ab under a share lacks a colour's hue, 0 to 1: (h, w) float32.

    Where the network has understood the words, its own colours are the more natural: there a cell
    is left as far as it has the hue itself.
    """
    mean = (share[..., None] * ab).sum((0, 1)) / max(float(share.sum()), 1e-6)
    return np.asarray(1.0 - _has(mean, color) * _has(ab, color), np.float32)


def _has(ab: FloatArray, color: FloatArray) -> FloatArray:
    """Tell how far (..., 2) ab has a colour's hue, and visibly: 0 to 1."""
    chroma = np.hypot(ab[..., 0], ab[..., 1])
    alike = ab @ color / np.maximum(chroma * np.hypot(*color), 1e-6)
    return _smooth_step(alike, *SAME_HUE) * np.minimum(chroma / VISIBLE_CHROMA, 1.0)


def _smooth_step(plane: FloatArray, low: float, high: float) -> FloatArray:
    share = np.clip((plane - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def _around(plane: FloatArray) -> FloatArray:
    side = 2 * RADIUS + 1
    return np.asarray(cv2.blur(plane, (side, side)), np.float32)
