"""How often the right photo is among the first that are found.

Recall at k is the share of searches that have it among their first k; chance is k / photos.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from models.evaluation.results import Subject

FloatArray = NDArray[np.float32]
Rows = NDArray[np.int64]

DEPTHS: Final = (1, 5, 10)


def ranks(scores: FloatArray, right: Rows) -> Rows:
    """Return how many of (Q, N) stand before the right one of each search: (Q,).

    What is as good as the right one stands before it, so that equal scores earn nothing.
    """
    own = scores[np.arange(len(right)), right][:, None]
    return np.asarray((scores >= own).sum(axis=1) - 1, np.int64)


def recall(ranks_of_right: Rows, among: int) -> dict[str, float]:
    """Return the shares of searches that have the right photo among their first, and chance's.

    ``ranks_of_right`` is (Q,), of searches ``among`` so many photos.
    """
    shares = {f"recall@{k}": float((ranks_of_right < k).mean()) for k in DEPTHS}
    return shares | {f"chance@{k}": min(k / among, 1.0) for k in DEPTHS}


def retrieval(subjects: Sequence[Subject]) -> dict[str, dict[str, float]]:
    """Search for each grey photo among all by its caption, and for each photo by its grey copy."""
    if not subjects:
        return {}
    colour = np.stack([subject.seen for subject in subjects])
    grey = np.stack([subject.seen_grey for subject in subjects])
    told = [subject for subject in subjects if subject.caption is not None]
    found = {"grey copy to photo": _found(grey @ colour.T)}
    if told:
        # The captioned photos come first, so that search q is for photo q.
        rest = [subject for subject in subjects if subject.caption is None]
        captions = np.stack([s.caption for s in told if s.caption is not None])
        all_grey = np.stack([subject.seen_grey for subject in (*told, *rest)])
        found["caption to grey photo"] = _found(captions @ all_grey.T)
    return found


def _found(scores: FloatArray) -> dict[str, float]:
    """Count what (Q, N) scores find; search q is for photo q."""
    searches, photos = scores.shape
    return {"searches": searches, "among": photos} | recall(
        ranks(scores, np.arange(searches)), photos
    )
