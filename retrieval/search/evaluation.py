"""How well searches find the right photo.

Everything is measured on photos with captions that the CLIP model never saw. Recall and chance are
those of ``models.evaluation.recall``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from models.evaluation.recall import ranks, recall
from models.guidance.condition import Embedder
from retrieval.database.clip_model import embed_captions, embed_photos
from retrieval.search.scoring import Calibration, words_logit
from retrieval.search.search import grey_picture

FloatArray = NDArray[np.float32]
Rows = NDArray[np.int64]

BATCH: Final = 32


class CaptionedPhoto(Protocol):
    """A colour photo with captions; ``pixels`` is (H, W, 3) uint8 sRGB."""

    @property
    def pixels(self) -> NDArray[np.uint8]: ...

    @property
    def captions(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """Photos as CLIP sees them, unit vectors in float32.

    ``photos`` (N, D) in colour, ``grey`` (N, D) the same in grey, ``captions`` (M, D), ``rows``
    (M,) the photo of each caption.
    """

    photos: FloatArray
    grey: FloatArray
    captions: FloatArray
    rows: Rows

    def first_captions(self) -> tuple[NDArray[np.bool_], Rows]:
        """Return which captions (M,) come first of their photo, and each photo's first or -1."""
        first = np.full(len(self.photos), -1, np.int64)
        for caption in range(len(self.rows) - 1, -1, -1):
            first[self.rows[caption]] = caption
        is_first = np.zeros(len(self.rows), np.bool_)
        is_first[first[first >= 0]] = True
        return is_first, first


def embed(
    photos: Iterable[CaptionedPhoto],
    clip: Embedder,
    *,
    on_progress: Callable[[int], None] = lambda done: None,
) -> Embedded:
    """Embed photos, in colour and in grey, and their captions."""
    color: list[FloatArray] = []
    grey: list[FloatArray] = []
    texts: list[str] = []
    rows: list[int] = []
    batch: list[NDArray[np.uint8]] = []

    def flush() -> None:
        if batch:
            greys = [np.rint(255 * grey_picture(pixels)).astype(np.uint8) for pixels in batch]
            color.append(embed_photos(clip, batch))
            grey.append(embed_photos(clip, greys))
            batch.clear()

    for row, photo in enumerate(photos):
        batch.append(photo.pixels)
        texts += [caption for caption in photo.captions if caption]
        rows += [row] * sum(bool(caption) for caption in photo.captions)
        if len(batch) == BATCH:
            flush()
        on_progress(row + 1)
    flush()
    words = _embed_texts(clip, texts)
    return Embedded(
        np.concatenate(color) if color else np.empty((0, 0), np.float32),
        np.concatenate(grey) if grey else np.empty((0, 0), np.float32),
        words if len(words) else np.empty((0, color[0].shape[1] if color else 0), np.float32),
        np.asarray(rows, np.int64),
    )


def _embed_texts(clip: Embedder, texts: Sequence[str]) -> FloatArray:
    """Embed texts (N, D), those of a length together: a batch takes the time of its longest."""
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    vectors: dict[int, FloatArray] = {}
    for start in range(0, len(order), BATCH):
        some = order[start : start + BATCH]
        for i, vector in zip(some, embed_captions(clip, [texts[i] for i in some]), strict=True):
            assert vector is not None, "an empty caption was kept"
            vectors[i] = vector
    if not vectors:
        return np.empty((0, 0), np.float32)
    return np.stack([vectors[i] for i in range(len(texts))])


def evaluate(
    found: Embedded,
    *,
    calibration: Calibration,
    sizes: Sequence[int] = (),
    draws: int = 20,
    seed: int = 0,
) -> dict[str, Any]:
    """Measure every kind of search among all photos, and among as many drawn as ``sizes`` say.

    - ``caption -> photo``: the library knows no caption;
    - ``another caption -> photo``: it knows one, and each of the photo's others is searched;
    - ``grey -> photo``: the grey version of each photo is searched.
    """
    rng = np.random.default_rng(seed)
    searches = _searches(found, calibration)
    total = len(found.photos)
    figures: dict[str, Any] = {"photos": total, "captions": len(found.rows), "searches": {}}
    for size in dict.fromkeys((*(size for size in sizes if size < total), total)):
        for name, (scores, right) in searches.items():
            places = [
                _places_among(scores, right, rng.permutation(total)[:size])
                for _ in range(1 if size == total else draws)
            ]
            together = np.concatenate(places)
            if len(together):
                shares = {name: round(share, 4) for name, share in recall(together, size).items()}
                entry = {"among": size, "count": len(together)} | shares
                figures["searches"].setdefault(name, []).append(entry)
    return figures


def _searches(found: Embedded, calibration: Calibration) -> dict[str, tuple[FloatArray, Rows]]:
    """Score every search: (Q, N), and the right photo of each, (Q,)."""
    is_first, first = found.first_captions()
    captioned = first >= 0
    known = np.zeros_like(found.photos)
    known[captioned] = found.captions[first[captioned]]
    none = np.zeros_like(captioned)

    def told(captions: Rows, knows: NDArray[np.bool_]) -> FloatArray:
        logits = [
            words_logit(found.captions[i], found.photos, known, knows, calibration)
            for i in captions
        ]
        return np.stack(logits) if logits else np.empty((0, len(found.photos)), np.float32)

    every, later = np.arange(len(found.rows)), np.flatnonzero(~is_first)
    return {
        "caption -> photo": (told(every, none), found.rows[every]),
        "another caption -> photo": (told(later, captioned), found.rows[later]),
        "grey -> photo": (found.grey @ found.photos.T, np.arange(len(found.photos))),
    }


def _places_among(scores: FloatArray, right: Rows, some: Rows) -> Rows:
    """Rank the right photos of the searches among some photos, where they are among them."""
    place = np.full(scores.shape[1], -1, np.int64)
    place[some] = np.arange(len(some))
    asked = np.flatnonzero(place[right] >= 0)
    return ranks(scores[np.ix_(asked, some)], place[right[asked]])
