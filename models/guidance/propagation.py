"""Hints spread over the picture after the network: exact where they are, up to the next edge.

Colours are known at some cells of the chroma grid. Two fields are spread from there over the
picture, as Levin, Lischinski and Weiss (2004, "Colorization using optimization") spread
scribbles: neighbours of like lightness, and of like colour in the guess, take like values; an
edge keeps them apart. With a pull towards zero everywhere a hint fades with distance.

    influence u   of 1 at a hint: how far the hints reach
    offset v      of what the hint asks for less ``kept`` of what the guess is there

Dabs, which are certain, fill what they reach: v / u is the mean of what the hints ask for, and
from an influence of FULL on it counts wholly.

    result = guess + share(u) (v / u - (1 - kept) guess)

Colours carried from a reference count as far as they are trusted, so their share is u itself.

At a dab the result is the dab; where no hint reaches it is the guess. In between, only ``kept``
of the guess's own ups and downs lies over the colours of the hints: they know better.

Before dabs are spread, what they say of places that look like theirs corrects the guess, where
these can be told (``models.guidance.kriging``). Neighbours that are told apart there are so here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.guidance.condition import HintMap, Related
from models.guidance.kriging import correct, near_of

FloatArray = NDArray[np.float32]
Float64Array = NDArray[np.float64]

CHROMA_STEP = 12.0  # neighbours whose guessed ab differ by that are like each other by 0.61
DESCRIBED_STEP = 0.3  # the same for what kriging holds near
LEAST = 1e-4  # of likeness: an edge is never quite closed
FULL = 0.6  # influence from which a dab counts wholly
CERTAIN = 1e3  # weight of a hint of confidence 1: exact for the eye
TINY = 1e-9  # influence that counts as none
TRUSTED = 1.0  # weight of the others, which their confidence lowers
NEARLY = 64  # power of a confidence that says how near it is to certainty: 0.98 is a quarter


@dataclass(frozen=True, slots=True)
class Spreading:
    """How hints are spread.

    They ``fill`` what they reach, or count as far as they are trusted. ``kept`` is the share of the
    guess's own variation that stays under them. Neighbours whose L differs by ``lightness_step``
    are like each other by 0.61. ``pull`` is that towards zero, against a likeness of 1: how soon a
    hint fades.
    """

    fill: bool
    kept: float = 0.25
    lightness_step: float = 6.0
    pull: float = 3e-3

    def share(self, influence: Float64Array) -> Float64Array:
        """Say how far an influence counts: itself, or risen smoothly to 1 at FULL."""
        if not self.fill:
            return influence
        t = np.clip(influence / FULL, 0, 1)
        return t * t * (3 - 2 * t)


CARRIED, DABS = Spreading(fill=False), Spreading(fill=True)
# Dabs that have corrected the guess before: it is nearer, and more is known of its edges.
CORRECTED = Spreading(fill=True, kept=0.9, lightness_step=10.0, pull=2e-3)


def spread_hints(
    guess: FloatArray,
    hints: HintMap,
    lightness: FloatArray,
    related: Related | None = None,
) -> FloatArray:
    """Return the chroma that meets the dabs, fills what they lie on, and else is the guess.

    ``guess`` is (h, w, 2) float32 ab, ``lightness`` (h, w) float32 in [0, 100] on the same grid;
    ``hints`` lie on a grid that is a whole number of times finer in each direction; a dab has
    confidence 1, paint its alpha. With what is ``related`` the guess is first corrected everywhere
    by what they say of it, as far as they are sure (``models.guidance.kriging``).
    """
    if related is None:
        return _joined(guess, hints, lightness, DABS)
    ab, confidence = _on_grid(hints, lightness.shape)
    corrected = correct(guess, ab, confidence, related)
    return _joined(corrected, hints, lightness, CORRECTED, near_of(related.descriptors))


def settle_carried(guess: FloatArray, carried: HintMap, lightness: FloatArray) -> FloatArray:
    """Return the chroma between the guess and the colours carried from a reference.

    Arrays as in ``spread_hints``. A colour of confidence p is taken to be right with that
    probability, so it pulls p of the way; cells without any follow their neighbours.
    """
    return _joined(guess, carried, lightness, CARRIED)


def _joined(
    guess: FloatArray,
    hints: HintMap,
    lightness: FloatArray,
    how: Spreading,
    described: FloatArray | None = None,
) -> FloatArray:
    ab, confidence = _on_grid(hints, lightness.shape)
    if not confidence.any():
        return guess
    weight, pull = weigh(confidence, how)
    values = np.dstack([ab - np.float32(how.kept) * guess, np.ones(lightness.shape)])
    alike = likeness(lightness, guess, described, lightness_step=how.lightness_step)
    fields = spread(values, weight, pull, alike)
    offset, influence = fields[..., :2], fields[..., 2:]
    wanted = offset / np.maximum(influence, TINY) - (1 - how.kept) * guess
    return np.asarray(guess + how.share(influence) * wanted, np.float32)


def weigh(confidence: FloatArray, how: Spreading) -> tuple[Float64Array, Float64Array]:
    """Turn (h, w) confidence into how hard a cell is held to its hint, and to zero.

    Of confidence p both together have the weight TRUSTED p, shared out as p to 1 - p; what is
    certain has the weight CERTAIN, and of dabs and paint what is nearly so nearly that. To zero a
    cell is held by the least pull besides.
    """
    p = confidence.astype(np.float64)
    certain = p**NEARLY if how.fill else (p >= 1).astype(np.float64)
    whole = TRUSTED + (CERTAIN - TRUSTED) * certain
    return whole * p * p, how.pull + whole * p * (1 - p)


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
    # SciPy takes half a second to import; a photo without dabs and reference needs none of it.
    from scipy.linalg import solveh_banded

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


def likeness(
    lightness: FloatArray,
    guess: FloatArray,
    described: FloatArray | None = None,
    *,
    lightness_step: float,
) -> dict[tuple[int, int], Float64Array]:
    """Tell how alike neighbours are, in (0, 1], for each of four steps (down, across).

    A Gaussian of the difference in lightness, in guessed chroma and in what is ``described``,
    (h, w, D); diagonal neighbours, which are farther apart, count half.
    """
    known, steps = [lightness, guess], [lightness_step, CHROMA_STEP, CHROMA_STEP]
    if described is not None:
        known, steps = [*known, described], steps + [DESCRIBED_STEP] * described.shape[2]
    features = np.dstack(known).astype(np.float64) / steps
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
