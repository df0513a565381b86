"""Choosing a few hits that differ from one another."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

# Cosine of two photos' embeddings from which they count as shots of one moment. Of photos framed
# and exposed a little differently, 80 % are nearer than this; of pairs of different photos among
# the 281 of the most uniform development photos (glaciers, forests, dishes), 0.02 %.
NEAR_IDENTICAL: Final = 0.9


def choose_diverse(
    scores: FloatArray, vectors: FloatArray, *, k: int, diversity: float
) -> list[int]:
    """Choose up to k rows by maximal marginal relevance (Carbonell and Goldstein 1998).

    ``scores`` (N,) in [0, 1], ``vectors`` (N, D) of unit length. Each step takes the row with the
    largest (1 - diversity) * score - diversity * (cosine to the nearest row taken before). With
    any diversity, near-identical rows come only when nothing else is left; with none, the best
    rows are taken. The choice is returned best score first.
    """
    order = np.argsort(-scores, kind="stable")
    if diversity == 0:
        return [int(row) for row in order[:k]]
    left = [int(row) for row in order]
    chosen: list[int] = []
    nearest = np.full(len(scores), -1.0, np.float32)
    while left and len(chosen) < k:
        rows = np.asarray(left)
        gain = (1 - diversity) * scores[rows] - diversity * np.maximum(nearest[rows], 0)
        gain = np.where(nearest[rows] >= NEAR_IDENTICAL, gain - 2, gain)
        best = left.pop(int(gain.argmax()))
        chosen.append(best)
        nearest = np.maximum(nearest, vectors @ vectors[best])
    return sorted(chosen, key=lambda row: (-scores[row], row))
