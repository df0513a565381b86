"""Fitting the scores' curves to what people wrote about photos, and checking how true they are.

Two photos *share a scene* where their captions agree at least as well as three quarters of people
agree about one and the same photo (``_agreement``). The curves are fitted to half of the searches
and checked on the other half.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from retrieval.search.evaluation import Embedded
from retrieval.search.scoring import Calibration, picture_logit, probability, words_logit

FloatArray = NDArray[np.float32]
Rows = NDArray[np.int64]

FITTED_DEPTH: Final = 20  # hits of each search that a curve is fitted to
CHECKED_DEPTH: Final = 10
LEAST: Final = 2 * FITTED_DEPTH  # photos with three captions
AGREE: Final = 0.25  # this quantile of the agreement about one photo is where sharing begins
STEPS: Final = 50  # of Newton's method


def fit(found: Embedded, *, seed: int = 0) -> Calibration:
    """Fit the three curves to half of the searches; ``check_scores`` looks at the other half.

    Raises:
        ValueError: there are too few photos with three captions.
    """
    curves: dict[str, list[float]] = {}
    cases = _cases(found, seed=seed)
    if not cases:
        raise ValueError(
            f"there are too few photos to fit scores to: give at least {LEAST} with three captions"
        )
    for name, case in cases.items():
        query, photo = case.hits(case.ranking, case.fitted, FITTED_DEPTH)
        features = np.stack([feature[query, photo] for feature in case.features], axis=1)
        weights = fit_logistic(features, case.shares[query, photo])
        curves[name] = [round(float(weight), 2) for weight in weights]
    words, both, picture = (curves[name] for name in CASES)
    return Calibration((words[0], words[1]), (both[0], both[1], both[2]), (picture[0], picture[1]))


def fit_logistic(features: FloatArray, true: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Fit slopes and offset (F + 1,) of a logistic curve to (N, F) by Newton's method."""
    inputs = np.column_stack([features, np.ones(len(features))]).astype(np.float64)
    weights = np.zeros(inputs.shape[1])
    ridge = 1e-6 * len(inputs) * np.eye(inputs.shape[1])  # keeps separable data finite
    for _ in range(STEPS):
        guess = 1 / (1 + np.exp(-(inputs @ weights)))
        gradient = inputs.T @ (guess - true) + ridge @ weights
        curvature = (inputs * (guess * (1 - guess))[:, None]).T @ inputs + ridge
        weights = weights - np.linalg.solve(curvature, gradient)
    return weights


def check_scores(found: Embedded, calibration: Calibration, *, seed: int = 0) -> dict[str, Any]:
    """Compare scores with how often they came true, on the searches that no curve was fitted to.

    For the first hits of each search: the mean score and the share that does share the scene, in
    tenths; ``error`` is the mean distance of the two (expected calibration error).
    """
    checked: dict[str, Any] = {}
    for name, case in _cases(found, seed=seed).items():
        log_odds = case.log_odds(calibration)
        query, photo = case.hits(log_odds, ~case.fitted, CHECKED_DEPTH)
        scores = probability(log_odds[query, photo])
        checked[name] = reliability(scores, case.shares[query, photo])
    return checked


def reliability(scores: FloatArray, true: NDArray[np.bool_]) -> dict[str, Any]:
    """Sort (N,) scores into tenths and compare their mean with the share that is true."""
    tenth = np.minimum((scores * 10).astype(int), 9)
    rows = []
    error = 0.0
    for number in range(10):
        inside = tenth == number
        if inside.any():
            mean, share = float(scores[inside].mean()), float(true[inside].mean())
            error += float(inside.mean()) * abs(mean - share)
            rows.append({"score": round(mean, 3), "true": round(share, 3), "n": int(inside.sum())})
    return {"error": round(error, 4), "tenths": rows}


CASES: Final = ("words", "words and caption", "picture")


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    """One kind of score: Q searches among N photos.

    ``features`` are (Q, N) cosines and ``ranking`` (Q, N) orders them roughly; ``shares`` (Q, N)
    says who shares the scene; ``fitted`` (Q,) which searches are fitted to; ``log_odds`` what a
    calibration makes of it.
    """

    features: tuple[FloatArray, ...]
    ranking: FloatArray
    shares: NDArray[np.bool_]
    fitted: NDArray[np.bool_]
    log_odds: Callable[[Calibration], FloatArray]

    def hits(self, ranking: FloatArray, chosen: NDArray[np.bool_], depth: int) -> tuple[Rows, Rows]:
        """Return search and photo of the first hits of some searches."""
        queries = np.flatnonzero(chosen)
        depth = min(depth, ranking.shape[1])
        best = np.argpartition(-ranking[queries], depth - 1, axis=1)[:, :depth]
        return np.repeat(queries, depth), best.reshape(-1)


def _cases(found: Embedded, *, seed: int) -> dict[str, _Case]:
    """Prepare the three kinds of score on photos with at least three captions each.

    The first caption is the one that the library knows; the others tell who shares a scene.
    """
    counts = np.bincount(found.rows, minlength=len(found.photos))
    kept = np.flatnonzero(counts >= 3)
    if len(kept) < LEAST:
        return {}
    is_first, first = found.first_captions()
    place = np.full(len(found.photos), -1)
    place[kept] = np.arange(len(kept))
    others = np.flatnonzero(~is_first & (place[found.rows] >= 0))
    own = place[found.rows[others]]
    images, grey, known = found.photos[kept], found.grey[kept], found.captions[first[kept]]
    texts = found.captions[others]
    half = np.random.default_rng(seed).permutation(len(kept)) < len(kept) // 2
    shares, photos_share = _agreement(texts, own, len(kept))
    seen, told, alike = texts @ images.T, texts @ known.T, grey @ images.T

    def words(calibration: Calibration) -> FloatArray:
        none = np.zeros(len(kept), np.bool_)
        return np.stack([words_logit(t, images, known, none, calibration) for t in texts])

    def both(calibration: Calibration) -> FloatArray:
        every = np.ones(len(kept), np.bool_)
        return np.stack([words_logit(t, images, known, every, calibration) for t in texts])

    def picture(calibration: Calibration) -> FloatArray:
        return np.stack([picture_logit(p, images, calibration) for p in grey])

    cases = (
        _Case((seen,), seen, shares, half[own], words),
        _Case((seen, told), seen + 1.5 * told, shares, half[own], both),
        _Case((alike,), alike, photos_share, half, picture),
    )
    return dict(zip(CASES, cases, strict=True))


def _agreement(
    texts: FloatArray, own: Rows, count: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which photos share the scene of each caption (Q, N) and of each photo (N, N).

    The mean cosine of a caption with the captions of another photo is compared with what captions
    of one photo have among themselves: at least as much as the upper three quarters of those.
    """
    member = np.zeros((count, len(texts)), np.float32)
    member[own, np.arange(len(texts))] = 1
    number = member.sum(axis=1)
    sums = (texts @ texts.T) @ member.T  # (Q, N)
    queries = np.arange(len(texts))
    among_own = (sums[queries, own] - 1) / np.maximum(number[own] - 1, 1)
    shares = sums / number >= np.quantile(among_own, AGREE)
    shares[queries, own] = True
    pairs = member @ sums / (number[:, None] * number)
    within = (np.diag(pairs) * number**2 - number) / np.maximum(number * (number - 1), 1)
    photos_share = pairs >= np.quantile(within, AGREE)
    np.fill_diagonal(photos_share, True)
    return shares, photos_share
