"""Palettes: the colours of a guess moved towards others, like colours together.

The guess's colours are assigned to the others so that together they have the shortest way to go,
in chroma and lightness (optimal transport); like colours go about the same way, so no edge appears
that the guess does not have. A reference's palette is all of its colours: where nothing in it shows
the same thing, they may still say what light and what dyes there were. A palette that a person
gives is a few colours with weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.color.lab import lab_to_srgb_in_gamut, parse_hex, srgb_to_lab
from models.guidance.condition import AB_SCALE
from models.job import PaletteColor

FloatArray = NDArray[np.float32]

SAMPLES = 16  # rows and columns of the grid on which colours are taken
LIGHTNESS_WEIGHT = 0.3  # a step of L counts as so much of a step in a or b
GIVEN_WEIGHT = 0.8  # the same for given colours, which are few: a dark one belongs on dark things
LIKE = 6.0  # ab; colours that are so near go about the same way
LEAST, MOST = 0.5, 1.5  # times its share: what a given colour takes of a picture
KEPT = 0.5  # of the variety among what becomes one given colour: none would look painted
ITSELF = 20.0  # of L; a colour that is lighter by no more is shown with its own chroma
NEAR = 10.0  # ab; a colour that is met no nearer is paler than the one given
ENOUGH = 0.01  # the least share of a photo in which a given colour should be possible


@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """Colours given for a whole picture: ``lab`` is (P, 3) CIELAB, ``weights`` (P,), sum one."""

    lab: FloatArray
    weights: FloatArray

    @classmethod
    def of(cls, colors: Sequence[PaletteColor]) -> Palette:
        """Read one or more colours."""
        weights = np.array([color.weight for color in colors], np.float32)
        lab = srgb_to_lab(np.stack([parse_hex(color.color) for color in colors]))
        return cls(lab, weights / weights.sum())

    def for_network(self) -> FloatArray:
        """Return (P, 3) float32 as ``models.guidance.condition.Condition`` has it."""
        return np.column_stack([self.lab[:, 1:] / np.float32(AB_SCALE), self.weights])


def transport(
    guess: FloatArray, lightness: FloatArray, palette: FloatArray, palette_lightness: FloatArray
) -> FloatArray:
    """Return the guess in the colours of a picture: (h, w, 2) float32 ab.

    ``guess`` is (h, w, 2) ab with its ``lightness`` (h, w); ``palette`` is (H, W, 2) ab with its
    own lightness, (H, W).
    """
    ours = _points(guess, lightness)
    here, there = _sampled(ours), _sampled(_points(palette, palette_lightness))
    chosen = _assigned(_squares(here, there))
    return _moved(ours, here, (there[chosen] - here)[:, :2])


def _assigned(cost: FloatArray) -> NDArray[np.intp]:
    """Choose a column for each row of (n, m) so that their sum is least."""
    # It takes most of a second to import, and most requests have no palette.
    from scipy.optimize import linear_sum_assignment

    return np.asarray(linear_sum_assignment(cost)[1])


def transport_to_given(guess: FloatArray, lightness: FloatArray, palette: Palette) -> FloatArray:
    """Return the guess in given colours: (h, w, 2) float32 ab.

    ``guess`` is (h, w, 2) ab with its ``lightness`` (h, w). Each colour takes about the
    share of the picture that its weight says: exact shares would make patches of what has no place.
    What becomes one colour is moved to it, or to a tint of it where it is much lighter, and keeps
    half of its own variety.
    """
    ours = _points(guess, lightness, GIVEN_WEIGHT)
    here = _sampled(ours)
    level = here[:, 2:] / np.float32(GIVEN_WEIGHT)
    wanted = _points(palette.lab[:, 1:][None], palette.lab[:, 0][None], GIVEN_WEIGHT)[0]
    least = int(LEAST * len(here))
    more = int((MOST - LEAST) * len(here))
    color_of = np.concatenate(
        [np.repeat(np.arange(len(wanted)), _shares(palette.weights, n)) for n in (least, more)]
    )
    cost = _squares(here, wanted[color_of])
    cost[:, :least] -= cost.max() + 1  # so that all of these are taken
    chosen = _assigned(cost)
    goal = np.empty((len(here), 2), np.float32)
    for color, ab in enumerate(wanted[:, :2]):
        members = color_of[chosen] == color
        if members.any():
            own = here[members, :2]
            kept = np.float32(KEPT) * (own - own.mean(axis=0))
            goal[members] = _tint(level[members], palette.lab[color, 0]) * ab + kept
    return _moved(ours, here, goal - here[:, :2])


def _tint(lightness: FloatArray, own: np.float32) -> FloatArray:
    """Tell how much of its chroma a colour of L ``own`` keeps where it is lighter: (n, 1).

    Mixed with white it loses chroma as it gains lightness, (n, 1) L. Without that a dark green
    would be mint on a sky.
    """
    left = max(np.float32(100 - ITSELF) - own, np.float32(1.25))
    return np.asarray(((100 - lightness) / left).clip(0, 1), np.float32)


def paler(lightness: FloatArray, palette: Palette) -> NDArray[np.bool_]:
    """Tell which given colours sRGB hardly has at the lightness of any part of a photo: (P,)."""
    levels = np.arange(101, dtype=np.float32)
    share = np.bincount(np.rint(lightness).astype(int).clip(0, 100).ravel(), minlength=101)
    ab = np.broadcast_to(palette.lab[:, None, 1:], (len(palette.lab), len(levels), 2))
    shown = srgb_to_lab(lab_to_srgb_in_gamut(np.broadcast_to(levels, ab.shape[:2]), ab))[..., 1:]
    possible = np.hypot(*np.moveaxis(shown - ab, -1, 0)) < NEAR
    return np.asarray(possible @ share < ENOUGH * lightness.size)


def _shares(weights: FloatArray, count: int) -> NDArray[np.intp]:
    """Divide ``count`` by weights that sum to one, the largest remainders rounded up."""
    exact = weights.astype(np.float64) * count
    whole = np.floor(exact).astype(np.intp)
    most = np.argsort(whole - exact, kind="stable")[: count - int(whole.sum())]
    whole[most] += 1
    return whole


def _moved(ours: FloatArray, here: FloatArray, ways: FloatArray) -> FloatArray:
    """Move (h, w, 3) points the ways, (n, 2), that the samples, (n, 3), most like them go."""
    flat = ours.reshape(-1, 3)
    weight = -_squares(flat, here) / (2 * LIKE**2)
    weight = np.exp(weight - weight.max(axis=1, keepdims=True))
    moved = flat[:, :2] + weight @ ways / weight.sum(axis=1, keepdims=True)
    return np.asarray(moved.reshape(*ours.shape[:2], 2), np.float32)


def _points(ab: FloatArray, lightness: FloatArray, weight: float = LIGHTNESS_WEIGHT) -> FloatArray:
    """Join ab and weighted lightness, so that distance is what a way costs: (h, w, 3)."""
    return np.asarray(np.dstack([ab, np.float32(weight) * lightness]), np.float32)


def _sampled(points: FloatArray) -> FloatArray:
    """Take points on a regular grid: (SAMPLES * SAMPLES, 3)."""
    rows, columns = (
        ((np.arange(SAMPLES) + 0.5) * side / SAMPLES).astype(int) for side in points.shape[:2]
    )
    return np.asarray(points[rows][:, columns].reshape(-1, 3), np.float32)


def _squares(first: FloatArray, second: FloatArray) -> FloatArray:
    """Squared distances of (n, 3) and (m, 3) points: (n, m)."""
    product = first @ second.T
    squares = np.square(first).sum(1)[:, None] + np.square(second).sum(1) - 2 * product
    return np.asarray(np.maximum(squares, 0), np.float32)
