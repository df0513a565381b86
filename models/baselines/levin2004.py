"""Levin, Lischinski, Weiss 2004: "Colorization using Optimization" (ACM ToG 23(3)).

Neighbours of like lightness are of like colour: every pixel without a hint is the weighted mean of
the pixels in the 3 x 3 window around it. The paper minimises, for each of a and b (its U and V),

    sum over r of (U(r) - sum over s in N(r) of w_rs U(s))^2,
    w_rs proportional to exp(-(Y(r) - Y(s))^2 / (2 sigma_r^2)),

sigma_r^2 being the variance of Y around r, with U given at the hints. Over the pixels without a
hint that sum has the minimum 0, which a sparse linear system gives. No training, nothing reduced.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter
from scipy.sparse import coo_array, csc_array
from scipy.sparse.linalg import splu

from models.guidance.condition import HintMap

FloatArray = NDArray[np.float32]
Float64Array = NDArray[np.float64]

LEAST_VARIANCE = 1e-2  # L squared: in a flat window all weights are the same
LEAST_WEIGHT = 1e-8  # so that no pixel is ever cut off from all others


def optimise(lightness: FloatArray, hints: HintMap) -> FloatArray:
    """Spread hints over the picture.

    ``lightness`` is (h, w) float32 in [0, 100]; the hints lie on the same grid, and are exact
    where their confidence is not 0. Returns (h, w, 2) float32 ab: all 0 without any hint.
    """
    assert hints.confidence.shape == lightness.shape, (hints.confidence.shape, lightness.shape)
    known = hints.confidence.reshape(-1) > 0
    given = np.where(known[:, None], hints.ab.reshape(-1, 2), 0).astype(np.float64)
    if not known.any():
        return given.reshape(*lightness.shape, 2).astype(np.float32)
    free = np.flatnonzero(~known)
    rows = neighbour_weights(lightness)[free]  # of pixels without a hint
    result = given
    if len(free):
        system = csc_array(_identity(free, known.size) - rows)[:, free]
        result[free] = splu(system).solve(rows @ given)
    return result.reshape(*lightness.shape, 2).astype(np.float32)


def neighbour_weights(lightness: FloatArray) -> csc_array:
    """Return w_rs as an (h w, h w) sparse array whose rows sum to 1."""
    plane = lightness.astype(np.float64)
    mean = uniform_filter(plane, 3)
    variance = np.maximum(uniform_filter(plane**2, 3) - mean**2, LEAST_VARIANCE)
    numbers = np.arange(plane.size).reshape(plane.shape)
    pieces: list[tuple[NDArray[np.int_], NDArray[np.int_], Float64Array]] = []
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            if down == across == 0:
                continue
            here = (_inside(down), _inside(across))
            there = (_inside(-down), _inside(-across))
            apart = np.square(plane[here] - plane[there])
            weight = np.exp(-apart / (2 * variance[here])) + LEAST_WEIGHT
            pieces.append((numbers[here].ravel(), numbers[there].ravel(), weight.ravel()))
    row, column, weight = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    total = np.bincount(row, weight, minlength=plane.size)
    size = (plane.size, plane.size)
    return coo_array((weight / total[row], (row, column)), shape=size).tocsr()


def _inside(step: int) -> slice:
    """Return the cells along one axis that have a neighbour this step ahead."""
    return slice(max(-step, 0), min(-step, 0) or None)


def _identity(rows: NDArray[np.int_], size: int) -> csc_array:
    return coo_array(
        (np.ones(len(rows)), (np.arange(len(rows)), rows)), shape=(len(rows), size)
    ).tocsr()
