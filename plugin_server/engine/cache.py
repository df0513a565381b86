"""Answers that are asked for again and again, kept in a bounded memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

from cachetools import LRUCache

if TYPE_CHECKING:
    from models.guidance.condition import Embedder, FloatArray, TextEmbedding

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

DESCRIPTIONS = 256
LONGEST = 2000  # letters; a longer description is not worth its place


class Memory(Generic[Key, Value]):
    """The values used last, as many as fit; safe for threads."""

    def __init__(self, room: int, size_of: Callable[[Value], int] = lambda _: 1) -> None:
        self._lock = threading.Lock()
        self._values: LRUCache[Key, Value] = LRUCache(room, size_of)

    def get(self, key: Key) -> Value | None:
        """Return what is remembered of a key."""
        with self._lock:
            return self._values.get(key)

    def put(self, key: Key, value: Value) -> None:
        """Remember a value where it fits, and forget others for it."""
        with self._lock, suppress(ValueError):  # larger than all the room
            self._values[key] = value

    def retain(self, wanted: Callable[[Key], bool]) -> None:
        """Forget the values of all other keys."""
        with self._lock:
            for key in [key for key in self._values if not wanted(key)]:
                del self._values[key]


class RememberingClip:
    """A CLIP model that remembers the descriptions it read last: previews ask for one again."""

    def __init__(self, clip: Embedder) -> None:
        self.name = clip.name
        self._clip = clip
        self._texts: Memory[tuple[str, str | None], TextEmbedding] = Memory(DESCRIPTIONS)

    def embed_text(self, text: str, language: str | None = None) -> TextEmbedding:
        """Embed a description, or remember how it was embedded."""
        known = self._texts.get((text, language))
        if known is None:
            known = self._clip.embed_text(text, language)
            if len(text) <= LONGEST:
                self._texts.put((text, language), known)
        return known

    def embed_image(self, rgb: FloatArray) -> FloatArray:
        """Embed a photo."""
        return self._clip.embed_image(rgb)
