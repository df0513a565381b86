"""Which CLIP model made the library's vectors, and batches through its image tower.

A name alone does not tell: the embedded model keeps its name when its weights are replaced. So the
library also keeps the model's embedding of one fixed picture, the probe.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from models.guidance.condition import ImageEmbedder, TextEmbedder
from retrieval.database import queries
from retrieval.errors import WrongClip

FloatArray = NDArray[np.float32]

PASS: Final = 8  # photos at a time: their features stay in the cache, which saves a fifth over 32
PROBE_SIDE: Final = 64
SAME_MODEL: Final = 0.999  # processors differ in the last bits; other weights differ far more


@runtime_checkable
class BatchEmbedder(Protocol):
    """An image tower that takes several photos at once; in life ``models.networks.clip.Clip``."""

    def embed_images(self, photos: Sequence[FloatArray]) -> FloatArray:
        """Embed photos, each (H, W, 3) float32 sRGB in [0, 1], as (N, D) float32 unit vectors."""


def embed_photos(clip: ImageEmbedder, photos: Sequence[NDArray[np.uint8]]) -> FloatArray:
    """Embed (h, w, 3) uint8 sRGB photos: (N, D) float32, unit length."""
    floats = [photo.astype(np.float32) / np.float32(255) for photo in photos]
    if isinstance(clip, BatchEmbedder):
        passes = [floats[start : start + PASS] for start in range(0, len(floats), PASS)]
        return np.concatenate([clip.embed_images(some) for some in passes])
    return np.stack([clip.embed_image(photo) for photo in floats])


@runtime_checkable
class BatchReader(Protocol):
    """A text tower that takes several texts at once; in life ``models.networks.clip.Clip``."""

    def embed_texts(self, texts: Sequence[str]) -> FloatArray:
        """Embed texts as (N, D) float32 unit vectors."""


def embed_captions(clip: TextEmbedder, captions: Sequence[str]) -> list[FloatArray | None]:
    """Embed captions: a (D,) float32 unit vector for each, or None for an empty one."""
    texts = [caption for caption in captions if caption]
    if not texts:
        return [None] * len(captions)
    if isinstance(clip, BatchReader):
        vectors = iter(clip.embed_texts(texts))
    else:
        vectors = iter([clip.embed_text(text).vector for text in texts])
    return [next(vectors) if caption else None for caption in captions]


def probe_of(clip: ImageEmbedder) -> FloatArray:
    """Embed the probe: a red, a green and a blue ramp, and bars across them."""
    ramp = np.linspace(0, 1, PROBE_SIDE, dtype=np.float32)
    bars = (np.arange(PROBE_SIDE) // 8 % 2).astype(np.float32)
    picture = np.empty((PROBE_SIDE, PROBE_SIDE, 3), np.float32)
    picture[..., 0] = ramp[:, None]
    picture[..., 1] = ramp[None, :] * bars[:, None]
    picture[..., 2] = bars[None, :]
    return clip.embed_image(picture)


def model_number(connection: sqlite3.Connection, name: str, probe: FloatArray) -> int | None:
    """Find a model among those that the library knows."""
    for number, known, vector in queries.models(connection):
        same = known == name and vector.shape == probe.shape
        if same and float(vector @ probe) >= SAME_MODEL:
            return number
    return None


def check_model(
    connection: sqlite3.Connection, name: str, number: int | None, *, remedy: str
) -> None:
    """Refuse a model other than the one that made the library's vectors.

    Raises:
        WrongClip: there are vectors of another model.
    """
    others = queries.other_models(connection, number)
    if others:
        other = others[0] if others[0] != name else f"other weights of {others[0]}"
        raise WrongClip(
            f"the library's vectors were made by the CLIP model {other}, and this is {name}: "
            f"compute them again with {remedy}, or use the library with its own model"
        )
