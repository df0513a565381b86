"""Hints spread over the picture after the network: exact where they are, up to the next edge.

Colours are known at a few cells of the chroma grid. Two fields are spread from there over the
picture, as Levin, Lischinski and Weiss (2004, "Colorization using optimization") spread
scribbles: neighbours of like lightness, and of like colour in the network's own guess, take like
values; an edge keeps them apart. With a pull towards zero everywhere a hint fades with distance.

    influence u   of 1 at a hint: how far the hints reach
    offset v      of what the hint asks for less KEPT of what the network guessed there
    result        guess + v - (1 - KEPT) u guess

At a certain hint u = 1, so the result is the hint; where none reaches u = v = 0, so it is the
network's guess. In between, only the share KEPT of the guess's own ups and downs lies over the
colours of the hints: they know better.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from models.guidance import HintMap

FloatArray = NDArray[np.float32]
Float64Array = NDArray[np.float64]

LIGHTNESS_STEP = 6.0  # neighbours whose L differs by that are like each other by 0.61
CHROMA_STEP = 12.0  # the same for ab of the network's guess
LEAST = 1e-4  # of likeness: an edge is never quite closed
PULL = 5e-4  # towards zero, against a likeness of 1: how soon a hint fades
KEPT = 0.25  # share of the guess's own variation that stays under the hints
CERTAIN = 1e3  # weight of a hint of confidence 1: exact for the eye
TRUSTED = 1.0  # weight of the others, which their confidence lowers


def propagate(guess: FloatArray, hints: HintMap, lightness: FloatArray) -> FloatArray:
    """Return the chroma that keeps the hints and goes over into the guess.

    ``guess`` is (h, w, 2) float32 ab, ``lightness`` (h, w) float32 in [0, 100] on the same grid,
    ``hints`` lie on a grid that is a whole number of times finer in each direction.
    A hint of confidence 1 is met; one of confidence p < 1 is taken to be right with that
    probability, so it pulls p of the way.
    """
    ab, confidence = _on_grid(hints, lightness.shape)
    if not confidence.any():
        return guess
    weight, pull = weigh(confidence)
    values = np.dstack([ab - np.float32(KEPT) * guess, np.ones(lightness.shape)])
    fields = spread(values, weight, pull, likeness(lightness, guess))
    offset, influence = fields[..., :2], fields[..., 2:]
    return np.asarray(guess + offset - (1 - KEPT) * influence * guess, np.float32)


def lay_over(dabs: HintMap, carried: HintMap, guess: FloatArray, lightness: FloatArray) -> HintMap:
    """Lay a person's dabs over colours carried from a reference, both on the same fine grid.

    As far as the dabs reach over the picture, to the next edge, the carried colours lose their
    confidence: a dab is a correction, and what it corrects must not pull against it.
    """
    _, confidence = _on_grid(dabs, lightness.shape)
    weight, pull = weigh(confidence)
    ones = np.ones((*lightness.shape, 1))
    influence = spread(ones, weight, pull, likeness(lightness, guess))[..., 0]
    size = tuple(
        fine // coarse for fine, coarse in zip(dabs.confidence.shape, lightness.shape, strict=True)
    )
    kept = np.kron(1 - influence.clip(0, 1), np.ones(size))
    painted = dabs.confidence > 0
    ab = np.where(painted[..., None], dabs.ab, carried.ab)
    confidence = np.where(painted, dabs.confidence, carried.confidence * kept)
    return HintMap(ab, confidence.astype(np.float32))


def weigh(confidence: FloatArray) -> tuple[Float64Array, Float64Array]:
    """Turn (h, w) confidence into how hard a cell is held to its hint, and to zero.

    Of confidence p both together have the weight TRUSTED p, shared out as p to 1 - p.
    """
    p = confidence.astype(np.float64)
    certain = p >= 1
    weight = np.where(certain, CERTAIN, TRUSTED * p * p)
    return weight, PULL + np.where(certain, 0.0, TRUSTED * p * (1 - p))


def spread(
    values: NDArray[np.floating],
    weight: Float64Array,
    pull: Float64Array,
    edges: dict[tuple[int, int], Float64Array],
) -> Float64Array:
    """Minimise sum weight (x - value)^2 + sum pull x^2 + sum likeness (x_i - x_j)^2.

    ``values`` is (h, w, C), ``weight`` and ``pull`` are (h, w), both not negative and not both 0;
    ``edges`` comes from ``likeness``. The system is banded, narrowest along the short side, and
    solved directly: the same request gives the same bytes.
    """
    if weight.shape[1] > weight.shape[0]:
        turned = {(across, down): plane.T for (down, across), plane in edges.items()}
        return spread(values.swapaxes(0, 1), weight.T, pull.T, turned).swapaxes(0, 1)
    rows, columns = weight.shape
    diagonal = weight + pull
    # LAPACK's lower form: band[k, j] is element (j + k, j) of the matrix.
    band = np.zeros((columns + 2, rows * columns))
    for step, plane in edges.items():
        here, there = _pair(step)
        diagonal[here] += plane
        diagonal[there] += plane
        down, across = step
        first = np.zeros((rows, columns))
        first[here if down * columns + across > 0 else there] = -plane
        band[abs(down * columns + across)] += first.reshape(-1)
    band[0] = diagonal.reshape(-1)
    right = (weight[..., None] * values).reshape(rows * columns, -1)
    solved: Float64Array = solveh_banded(
        band, right, lower=True, overwrite_ab=True, overwrite_b=True, check_finite=False
    )
    return solved.reshape(rows, columns, -1)


def likeness(lightness: FloatArray, guess: FloatArray) -> dict[tuple[int, int], Float64Array]:
    """Tell how alike neighbours are, in (0, 1], for each of four steps (down, across).

    A Gaussian of the difference in lightness and guessed chroma; diagonal neighbours, which are
    farther apart, count half.
    """
    features = np.dstack([lightness / LIGHTNESS_STEP, guess / CHROMA_STEP]).astype(np.float64)
    planes = {}
    for step, share in (((0, 1), 1.0), ((1, 0), 1.0), ((1, 1), 0.5), ((1, -1), 0.5)):
        here, there = _pair(step)
        apart = np.square(features[here] - features[there]).sum(axis=-1)
        planes[step] = share * (np.exp(-0.5 * apart) + LEAST)
    return planes


def _pair(step: tuple[int, int]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return where the cells lie that have a neighbour at this step, and where those lie."""
    (up, down), (left, right) = (_ends(along) for along in step)
    return (up, left), (down, right)


def _ends(along: int) -> tuple[slice, slice]:
    match along:
        case 0:
            return slice(None), slice(None)
        case 1:
            return slice(None, -1), slice(1, None)
        case _:
            return slice(1, None), slice(None, -1)


def _on_grid(hints: HintMap, shape: tuple[int, ...]) -> tuple[FloatArray, FloatArray]:
    """Bring hints to the chroma grid: ab averaged by confidence, the largest confidence kept."""
    rows, columns = shape
    height, width = hints.confidence.shape
    assert height % rows == width % columns == 0, (hints.confidence.shape, shape)
    blocks = (rows, height // rows, columns, width // columns)
    confidence = hints.confidence.reshape(blocks)
    total = confidence.sum(axis=(1, 3))
    ab = (hints.ab.reshape(*blocks, 2) * confidence[..., None]).sum(axis=(1, 3))
    mean = ab / np.maximum(total, np.float32(1e-6))[..., None]
    return mean.astype(np.float32), confidence.max(axis=(1, 3))
