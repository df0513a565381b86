"""A reference's palette: the colours of a guess moved towards it, all of them a little.

Where nothing in the reference shows the same thing, its colours may still say what light and what
dyes there were. The guess's colours are assigned to the reference's so that together they have the
shortest way to go, in chroma and lightness (optimal transport); like colours go the same way, so
no edge appears that the guess does not have.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

FloatArray = NDArray[np.float32]

SAMPLES = 16  # rows and columns of the grid on which colours are taken
LIGHTNESS_WEIGHT = 0.3  # a step of L counts as so much of a step in a or b
LIKE = 6.0  # ab; colours that are so near go about the same way


def transport(
    guess: FloatArray, lightness: FloatArray, palette: FloatArray, palette_lightness: FloatArray
) -> FloatArray:
    """Return the guess in the colours of the palette: (h, w, 2) float32 ab.

    ``guess`` is (h, w, 2) ab with its ``lightness`` (h, w); ``palette`` is (H, W, 2) ab with its
    own lightness, (H, W).
    """
    ours = _points(guess, lightness)
    here, there = _sampled(ours), _sampled(_points(palette, palette_lightness))
    _, chosen = linear_sum_assignment(_squares(here, there))
    ways = (there[chosen] - here)[:, :2]
    flat = ours.reshape(-1, 3)
    weight = -_squares(flat, here) / (2 * LIKE**2)
    weight = np.exp(weight - weight.max(axis=1, keepdims=True))
    moved = flat[:, :2] + weight @ ways / weight.sum(axis=1, keepdims=True)
    return np.asarray(moved.reshape(guess.shape), np.float32)


def _points(ab: FloatArray, lightness: FloatArray) -> FloatArray:
    """Join ab and weighted lightness, so that distance is what a way costs: (h, w, 3)."""
    return np.asarray(np.dstack([ab, np.float32(LIGHTNESS_WEIGHT) * lightness]), np.float32)


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
