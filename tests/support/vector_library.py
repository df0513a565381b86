"""Libraries of vectors without photos, for the tests of searching."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.guidance.condition import TextEmbedding
from retrieval.database import queries
from retrieval.database.exemplar import Place, Prepared
from retrieval.database.store import Store
from retrieval.index.synced import LibraryIndexes
from retrieval.index.vector_index import EXACT_UP_TO
from retrieval.search.search import Search

FloatArray = NDArray[np.float32]
D = 8


class MappedClip:
    """Embeds as it was told to: each text by name, every picture as one vector."""

    name = "mapped"

    def __init__(self, texts: Mapping[str, FloatArray], picture: FloatArray | None = None) -> None:
        self._texts = texts
        self._picture = picture
        self.seen: list[FloatArray] = []

    def embed_text(self, text: str, language: str | None = None) -> TextEmbedding:
        return TextEmbedding(self._texts[text])

    def embed_image(self, rgb: FloatArray) -> FloatArray:
        self.seen.append(rgb)
        assert self._picture is not None
        return self._picture


def unit(*values: float) -> FloatArray:
    """Make a unit vector whose first numbers are in this proportion."""
    vector = np.zeros(D, np.float32)
    vector[: len(values)] = values
    return vector / np.float32(np.linalg.norm(vector))


def random_units(count: int, *, seed: int = 0) -> FloatArray:
    vectors = np.random.default_rng(seed).standard_normal((count, D)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@dataclass(frozen=True)
class Entry:
    """An exemplar to be: its name becomes its source, and its bytes' stand-in."""

    name: str
    vector: FloatArray
    colors: tuple[str, ...] = ("#808080",)
    caption_vector: FloatArray | None = None


def put(store: Store, *entries: Entry) -> list[int]:
    """Put exemplars into the database in one transaction and return their keys."""
    keys = []
    with store.writing() as connection:
        models = list(queries.models(connection))
        model = models[0][0] if models else queries.insert_model(connection, "mapped", unit(1))
        for entry in entries:
            photo = Prepared(
                sha256=hashlib.sha256(entry.name.encode()).hexdigest(),
                width=1,
                height=1,
                rgb=np.zeros((1, 1, 3), np.uint8),
                thumbnail=b"",
                colors=entry.colors,
                dhash=0,
                captions=() if entry.caption_vector is None else (f"a caption of {entry.name}",),
            )
            added = queries.insert(
                connection, photo, Place(f"/{entry.name}", entry.name, 0, 0), model=model,
                vector=entry.vector, caption_vector=entry.caption_vector,
            )  # fmt: skip
            keys.append(added.key)
    return keys


def indexes_of(store: Store, *, exact_up_to: int = EXACT_UP_TO) -> LibraryIndexes:
    return LibraryIndexes(
        store, dimension=D, check=lambda connection: None, exact_up_to=exact_up_to
    )


def search_of(store: Store, clip: MappedClip, *, exact_up_to: int = EXACT_UP_TO) -> Search:
    return Search(store, clip, indexes_of(store, exact_up_to=exact_up_to))
