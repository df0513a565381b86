"""Searching the library: by words, by a grey photo, or by both; for colours; with variety.

The vector indexes name candidates; these are compared exactly, by the vectors in the database,
filtered by colour, and a diverse few are chosen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray

from models.color.lab import parse_hex
from models.color.shrinking import shrink
from models.guidance.condition import Embedder
from retrieval.database import queries
from retrieval.database.exemplar import Exemplar
from retrieval.database.store import Store
from retrieval.errors import BadQuery
from retrieval.index.synced import LibraryIndexes
from retrieval.search.color_filter import Tone, has_color, has_tone
from retrieval.search.diversity import choose_diverse
from retrieval.search.scoring import picture_logit, probability, words_logit

FloatArray = NDArray[np.float32]

MAX_COLORS: Final = 6
POOL: Final = 8  # for each hit wanted, so many candidates to choose a diverse few from
LEAST_POOL: Final = 64
WIDER: Final = 8  # times as many candidates where the colour filters leave too few
WIDEST: Final = 20_000  # candidates at most, where the index is approximate
EMBEDDED_SIDE: Final = 512  # a photo is shrunk to about so much before it is embedded
LUMA: Final = np.asarray([0.299, 0.587, 0.114], np.float32)  # as the image tower was trained


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """What is looked for.

    ``description`` is in plain words; ``image`` (H, W, 1..4) or (H, W), uint8, uint16 or float32 in
    [0, 1], is read for its lightness, its colours and alpha do not count; one of the two must be
    given. Where both are, ``weight`` is the image's share, in [0, 1]. Only exemplars with every one
    of ``colors`` ("#rrggbb") and of this ``tone`` are found. ``diversity`` in [0, 1]: how much the
    hits shall differ from one another, 0 for the best ones whatever they are.

    Raises:
        BadQuery: a value makes no sense.
    """

    description: str = ""
    image: NDArray[Any] | None = None
    weight: float = 0.5
    colors: tuple[str, ...] = ()
    tone: Tone | None = None
    diversity: float = 0.3

    def __post_init__(self) -> None:
        for name in ("weight", "diversity"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise BadQuery(f"{name} is {value}: give a number from 0 to 1")
        if len(self.colors) > MAX_COLORS:
            raise BadQuery(f"{len(self.colors)} colours: give at most {MAX_COLORS}")
        for color in self.colors:
            try:
                parse_hex(color)
            except ValueError as problem:
                raise BadQuery(str(problem)) from problem
        if self.tone is not None and self.tone not in get_args(Tone):
            raise BadQuery(f"tone is {self.tone!r}: give warm or cool")
        if not self.description.strip() and self.image is None:
            raise BadQuery("there is nothing to look for: give a description, a photo or both")
        if self.image is not None and not _is_picture(self.image):
            raise BadQuery(f"the photo has the shape {self.image.shape}: give (H, W, 1..4)")


@dataclass(frozen=True, slots=True)
class Match:
    """A hit; ``score`` in [0, 1] is the probability that it shares the scene (see scoring.py)."""

    exemplar: Exemplar
    score: float


class Search:
    """Answers queries from a library; threads may share it."""

    def __init__(self, store: Store, clip: Embedder, indexes: LibraryIndexes) -> None:
        self._store = store
        self._clip = clip
        self._indexes = indexes

    def find(self, query: Query, *, k: int, notices: list[str] | None = None) -> list[Match]:
        """Find up to k exemplars, best first; fewer where the filters leave fewer.

        What is to be said about the description, such as how it was read, is added to ``notices``.

        Raises:
            BadQuery: k is less than 1.
            WrongClip: the library was made again with another model.
        """
        if k < 1:
            raise BadQuery(f"k is {k}: ask for at least 1")
        wanted = self._embed(query, [] if notices is None else notices)
        self._indexes.refresh()
        total = len(self._indexes.images)
        most = min(total, WIDEST) if self._indexes.images.is_trained else total
        pool = max(POOL * k, LEAST_POOL)
        while True:
            matches, vectors = self._candidates(query, wanted, min(pool, most))
            if len(matches) >= k * POOL or pool >= most or not (query.colors or query.tone):
                break
            pool *= WIDER
        scores = np.asarray([match.score for match in matches], np.float32)
        chosen = choose_diverse(scores, vectors, k=k, diversity=query.diversity)
        return [matches[row] for row in chosen]

    def _embed(self, query: Query, notices: list[str]) -> _Wanted:
        text = None
        if description := query.description.strip():
            embedding = self._clip.embed_text(description)
            text = embedding.vector
            notices += embedding.notices
        picture = None
        if query.image is not None:
            picture = self._clip.embed_image(grey_picture(query.image))
        share = 1.0 if text is None else 0.0 if picture is None else query.weight
        return _Wanted(text if share < 1 else None, picture if share > 0 else None, share)

    def _candidates(
        self, query: Query, wanted: _Wanted, count: int
    ) -> tuple[list[Match], FloatArray]:
        """Return some ``count`` of the best matches that pass the filters, and their vectors."""
        if count == 0:
            return [], np.empty((0, self._indexes.images.dimension), np.float32)
        near = wanted.near(self._indexes, count)
        with self._store.reading() as connection:
            keys, images = queries.vectors_of(connection, near)
            told, words = queries.vectors_of(connection, keys, table=queries.CAPTION_VECTORS)
            exemplars = queries.by_keys(connection, keys)
        captions, captioned = np.zeros_like(images), np.isin(keys, told)
        if len(told):
            captions[captioned] = words
        scores = probability(wanted.log_odds(images, captions, captioned))
        kept, matches = [], []
        for row in np.argsort(-scores, kind="stable"):
            exemplar = exemplars.get(int(keys[row]))
            if exemplar is not None and passes(exemplar.colors, query):
                kept.append(int(row))
                matches.append(Match(exemplar, float(scores[row])))
        return matches, images[kept]


@dataclass(frozen=True, slots=True, eq=False)
class _Wanted:
    """A query's vectors; ``share`` is the picture's, 0 without one and 1 without words."""

    text: FloatArray | None
    picture: FloatArray | None
    share: float

    def near(self, indexes: LibraryIndexes, count: int) -> set[int]:
        """Name candidates: the nearest of each kind."""
        found: set[int] = set()
        if self.text is not None:
            found |= indexes.images.nearest(self.text, count)
            found |= indexes.captions.nearest(self.text, count)
        if self.picture is not None:
            found |= indexes.images.nearest(self.picture, count)
        return found

    def log_odds(
        self, images: FloatArray, captions: FloatArray, captioned: NDArray[np.bool_]
    ) -> FloatArray:
        """Weigh words and picture: (N,)."""
        total = np.zeros(len(images), np.float32)
        if self.text is not None:
            total += (1 - self.share) * words_logit(self.text, images, captions, captioned)
        if self.picture is not None:
            total += self.share * picture_logit(self.picture, images)
        return total


def passes(colors: tuple[str, ...], query: Query) -> bool:
    """Tell whether an exemplar with these dominant colours passes the query's filters."""
    if query.tone is not None and not has_tone(colors, query.tone):
        return False
    return all(has_color(colors, wanted) for wanted in query.colors)


def grey_picture(image: NDArray[Any]) -> FloatArray:
    """Make (H, W) or (H, W, 1..4) of any depth a grey (h, w, 3) float32 in [0, 1], and small."""
    pixels = image[..., None] if image.ndim == 2 else image
    height, width = pixels.shape[:2]
    scale = min(EMBEDDED_SIDE / max(height, width), 1)
    unit, _ = shrink(pixels, max(1, round(height * scale)), max(1, round(width * scale)))
    grey = unit @ LUMA if unit.shape[2] == 3 else unit[..., 0]
    return np.repeat(grey[..., None], 3, axis=2)


def _is_picture(image: NDArray[Any]) -> bool:
    channels = image.ndim == 2 or (image.ndim == 3 and 1 <= image.shape[2] <= 4)
    return bool(channels and min(image.shape[:2]) > 0)
