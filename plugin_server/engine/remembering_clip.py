"""CLIP, asked for the same descriptions again and again."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from models.guidance.condition import Embedder, TextEmbedding

DESCRIPTIONS: Final = 256  # that are remembered as they were read
LONGEST: Final = 2000  # letters; a longer description is not worth its place


class RememberingClip:
    """A CLIP model that remembers the descriptions it read last: previews ask for one again."""

    def __init__(self, clip: Embedder) -> None:
        self.name = clip.name
        self.embed_image = clip.embed_image
        self._read = clip.embed_text
        self._remembered = lru_cache(DESCRIPTIONS)(clip.embed_text)

    def embed_text(self, text: str, language: str | None = None) -> TextEmbedding:
        """Embed a description, or remember how it was embedded."""
        return (self._remembered if len(text) <= LONGEST else self._read)(text, language)
