"""Small deterministic stand-ins for the models: a server with them starts at once."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.color.lab import srgb_to_lab
from models.guidance.color_words import color_phrases, without_colors
from models.guidance.condition import (
    Condition,
    Distribution,
    HintMap,
    Located,
    NamedThing,
    Prediction,
    Related,
    TextEmbedding,
)

WORDS = 12  # a longer description is cut


class FakeClip:
    """Embeds a text as the digest of its words."""

    name = "fake-clip"

    def embed_text(self, text: str, language: str | None = None) -> TextEmbedding:
        words = text.split()
        notices = []
        if len(words) > WORDS:
            notices.append(f"the description has {len(words)} words: only {WORDS} were read")
        if not text.isascii():
            notices.append(f"some letters of “{text}” are not known to the model")
        digest = hashlib.sha256(" ".join(words[:WORDS]).encode()).digest()
        vector = np.frombuffer(digest[:8], np.uint8).astype(np.float32) - 127.5
        vector /= np.float32(np.linalg.norm(vector))
        return TextEmbedding(vector, tuple(notices), scene=vector)

    def embed_image(self, rgb: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embed a photo by its mean colour, the rest of the vector zero."""
        vector = np.zeros(8, np.float32)
        vector[:3] = rgb.reshape(-1, 3).mean(axis=0) + 1e-3
        return vector / np.float32(np.linalg.norm(vector))


class NamingClip(FakeClip):
    """Knows what a description gives colours, as the real one does."""

    def embed_text(self, text: str, language: str | None = None) -> TextEmbedding:
        plain, rest = super().embed_text(text), without_colors(text)
        named = tuple(
            NamedThing(np.zeros(8, np.float32), phrase.colors, phrase.thing)
            for phrase in color_phrases(text)
        )
        scene = super().embed_text(rest).vector if rest else None
        return TextEmbedding(plain.vector, plain.notices, named, scene=scene)


class FakeColorizer:
    """Paints bright parts warm and dark parts cold, and all of it in the description's hue."""

    name = "fake-colorizer"
    working_size = 32
    locates: bool = False

    def remembering(self) -> Self:
        return self

    def predict(self, lightness: NDArray[np.float32], condition: Condition) -> Prediction:
        ab = np.empty((*lightness.shape, 2), np.float32)
        ab[..., 0] = 10 + lightness * 0.1
        ab[..., 1] = lightness * 0.4 - 20
        if condition.embedding is not None:
            ab += 30 * condition.strength * condition.embedding[:2]
        return Prediction(ab, np.full(lightness.shape, 0.5, np.float32))

    def distribution(
        self, lightness: NDArray[np.float32], condition: Condition, *, row: int, column: int
    ) -> Distribution:
        """Hold the predicted colour likely, its opposite less so, and grey hardly."""
        ab = self.predict(lightness, condition).ab[row, column]
        weights = np.array([0.6, 0.3, 0.1], np.float32)
        return Distribution(np.stack([ab, -ab, 0 * ab]).astype(np.float32), weights)

    def match(self, lightness: NDArray[np.float32], reference: NDArray[np.float32]) -> HintMap:
        """Carry the reference's mean colour to where lightness is near the reference's mean."""
        lab = srgb_to_lab(reference).reshape(-1, 3).mean(axis=0)
        confidence = np.clip(1 - np.abs(lightness - lab[0]) / 25, 0, 0.9).astype(np.float32)
        ab = np.broadcast_to(lab[1:], (*lightness.shape, 2)).astype(np.float32)
        return HintMap(ab, confidence)

    def relate(self, lightness: NDArray[np.float32]) -> Related | None:
        return None

    def locate(
        self,
        lightness: NDArray[np.float32],
        things: Sequence[NamedThing],
        others: Sequence[NamedThing] = (),
    ) -> Located:
        """Find everything in the left half of the picture."""
        found = np.zeros((len(things), *lightness.shape), np.float32)
        found[:, :, : lightness.shape[1] // 2] = 1.0
        return Located(found, found, np.ones(len(things), np.float32))


class LocatingColorizer(FakeColorizer):
    """Finds everything that is named in the left half of the picture."""

    locates = True


class HeldColorizer(FakeColorizer):
    """Waits for ``release`` inside ``predict``; ``arrived`` counts who got there."""

    def __init__(self) -> None:
        self.arrived = threading.Semaphore(0)
        self.release = threading.Event()

    def predict(self, lightness: NDArray[np.float32], condition: Condition) -> Prediction:
        self.arrived.release()
        assert self.release.wait(timeout=20), "nobody released the colorizer"
        return super().predict(lightness, condition)


class FailingColorizer(FakeColorizer):
    """Raises what it was given."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def predict(self, lightness: NDArray[np.float32], condition: Condition) -> Prediction:
        raise self.error
