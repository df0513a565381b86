"""What a colour's name means as ab: at every lightness, and in each cell of a photo."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.color.lab import parse_hex, srgb_to_lab
from models.guidance.color_terms import ACHROMATIC, BEFORE_ISH, MODIFIERS, NAMED

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
    "hot": 1.25,
    "neon": 1.35,
}
PASTEL = 0.7  # "reddish" beside "red"
MIDDLE = 50.0  # L at which a colour that is nowhere is shown
SHADE = 25.0  # L below which natural colours lose chroma
# Colours that people call by one name: standard deviations of their hue in degrees, of the
# logarithm of their chroma, and of the chroma of what is called grey, black or white.
HUE_SPREAD, CHROMA_SPREAD, GREYISH = 15.0, 0.7, 6.0
FULLER = 1.1  # a mean of what is likely is paler than any of it
UNEXPECTED = 0.03  # evidence below which the network's own colours say little
_BASE = re.compile(
    rf"(?:({'|'.join(MODIFIERS)})[ -])?(#[0-9a-f]{{6}}|\D+?)(ish)?(?:[- ]colou?red)?$"
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
    base = base.replace("-", " ")
    if base not in NAMED:
        base = base.rpartition(" ")[2]  # "wine-red"
    return modifier or "", BEFORE_ISH.get(base, base) if ish else base, bool(ish)


def name_colors(
    names: Sequence[str],
    weights: FloatArray,
    bins: FloatArray,
    lightness: FloatArray,
    vividness: float,
) -> tuple[FloatArray, FloatArray]:
    """Say what a named colour would be in each cell, and how far the network expects it there.

    ``weights`` (Q, h, w) are the network's distribution over the (Q, 2) ab ``bins``, ``lightness``
    is (h, w). Bayes' rule: what the network holds possible, times how likely people would call it
    by the name. So "green grass" gets the green of grass in that light. Where the network expects
    nothing of the kind, it is what things of that name usually have, times ``vividness``.

    Returns the posterior's mean, (h, w, 2) ab, and the evidence, (h, w) in [0, 1].
    """
    cells = weights.reshape(len(bins), -1).T
    with_unit = np.column_stack([bins * np.float32(FULLER), np.ones(len(bins), np.float32)])
    total, evidence = np.zeros((cells.shape[0], 3), np.float32), np.zeros(cells.shape[0])
    knots = LEVELS.astype(np.float32)
    for name in names:
        usual = np.float32(vividness) * ab_at([name], knots)
        likely = _likelihood(bins, usual, is_neutral([name]))  # (K, Q)
        joint = cells @ (likely[:, :, None] * with_unit).transpose(1, 0, 2).reshape(len(bins), -1)
        joint = _between_knots(joint.reshape(len(cells), len(knots), 3), lightness.reshape(-1))
        prior = np.column_stack([ab_at([name], lightness.reshape(-1)), np.ones(len(cells))])
        prior[:, :2] *= vividness
        total += joint + np.float32(UNEXPECTED) * prior.astype(np.float32)
        evidence += joint[:, 2] / len(names)
    ab = (total[:, :2] / total[:, 2:]).reshape(*lightness.shape, 2)
    return np.asarray(ab, np.float32), np.asarray(evidence.reshape(lightness.shape), np.float32)


def _likelihood(bins: FloatArray, usual: FloatArray, neutral: bool) -> FloatArray:
    """Say how likely (Q, 2) ab are called by a name that usually is (K, 2) ab: (K, Q)."""
    chroma = np.hypot(bins[:, 0], bins[:, 1])
    if neutral:
        likely = np.exp(-((chroma / GREYISH) ** 2) / 2)
        return np.asarray(np.tile(likely, (len(usual), 1)), np.float32)
    asked = np.hypot(usual[:, 0], usual[:, 1])[:, None]
    turn = np.arctan2(bins[:, 1], bins[:, 0]) - np.arctan2(usual[:, 1], usual[:, 0])[:, None]
    turn = np.degrees(np.abs((turn + np.pi) % (2 * np.pi) - np.pi))
    fuller = np.log((chroma + 1) / (asked + 1))
    off = (turn / HUE_SPREAD) ** 2 + (fuller / CHROMA_SPREAD) ** 2
    return np.asarray(np.exp(-off / 2), np.float32)


def _between_knots(values: FloatArray, lightness: FloatArray) -> FloatArray:
    """Interpolate (N, K, C) values, one for each of LEVELS, at (N,) lightness: (N, C)."""
    at = np.interp(lightness, LEVELS, np.arange(len(LEVELS)))
    low = np.minimum(at.astype(np.intp), len(LEVELS) - 2)
    share = (at - low)[:, None].astype(np.float32)
    each = np.arange(len(values))
    below, above = values[each, low], values[each, low + 1]
    return np.asarray(below + share * (above - below), np.float32)
