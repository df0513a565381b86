"""How often CLIP finds the right photo among those of an evaluation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.evaluation.results import Subject

FloatArray = NDArray[np.float32]

DEPTHS = (1, 5, 10)


def recall(scores: FloatArray) -> dict[str, float]:
    """Return the share of searches that have the right photo among their first k, and chance.

    ``scores`` is (Q, N); search q is for photo q. What scores as much as the right one stands
    before it, so that equal scores earn nothing.
    """
    searches, photos = scores.shape
    before = (scores >= np.diagonal(scores)[:, None]).sum(axis=1) - 1
    shares = {f"recall@{k}": float((before < k).mean()) for k in DEPTHS}
    chances = {f"chance@{k}": min(k / photos, 1.0) for k in DEPTHS}
    return {"searches": searches, "among": photos} | shares | chances


def retrieval(subjects: Sequence[Subject]) -> dict[str, dict[str, float]]:
    """Search for each grey photo among all by its caption, and for each photo by its grey copy."""
    if not subjects:
        return {}
    colour = np.stack([subject.seen for subject in subjects])
    grey = np.stack([subject.seen_grey for subject in subjects])
    told = [subject for subject in subjects if subject.caption is not None]
    found = {"grey copy to photo": recall(grey @ colour.T)}
    if told:
        # The captioned photos come first, so that search q is for photo q.
        rest = [subject for subject in subjects if subject.caption is None]
        captions = np.stack([s.caption for s in told if s.caption is not None])
        all_grey = np.stack([subject.seen_grey for subject in (*told, *rest)])
        found["caption to grey photo"] = recall(captions @ all_grey.T)
    return found
