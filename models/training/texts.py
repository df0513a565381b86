"""Descriptions as the colorizer reads them, remembered: a caption is embedded once in a run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.clip import Clip
from models.film import Words
from models.words import without_colors

HalfArray = NDArray[np.float16]

# A colour word's next word is what has the colour, unless it is one of these.
_LINKS = frozenset(("and", "or", "is", "are", "in", "on", "with", "of", "at", "the", "a", "an"))


@dataclass(frozen=True, slots=True)
class Described:
    """Descriptions ready for the network.

    ``vectors`` is (N, D) float32, unit length, of the scenes (without colours where the model gives
    word pieces); ``blank`` is (N,) bool, True where there is no scene. ``words`` is None where the
    model gives no pieces; ``focus`` is (N, T) bool: the pieces of a colour word and its noun.
    """

    vectors: Tensor
    blank: Tensor
    words: Words | None
    focus: Tensor

    def vectors_or(self, null: Tensor) -> Tensor:
        """Return the scenes' vectors (N, D), the learned null (D,) where there is no scene."""
        return torch.where(self.blank[:, None], null, self.vectors)


class TextBank:
    """Embeds texts with CLIP and keeps what it has embedded."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self.name = clip.name
        self.token_width = clip.token_width
        self._vectors: dict[str, HalfArray] = {}
        self._tokens: dict[str, HalfArray] = {}

    @property
    def width(self) -> int:
        """Width of the vectors."""
        return int(self._vector_of("a photo").shape[0])

    def remember(self, text: str, vector: HalfArray, tokens: HalfArray | None) -> None:
        """Take in what was embedded before."""
        self._vectors[text] = vector
        if tokens is not None:
            self._tokens[text] = tokens

    def describe(
        self, texts: Sequence[str | None], colors: Sequence[str | None] | None = None
    ) -> Described:
        """Read descriptions; None is none at all. ``colors`` names each one's word to focus on."""
        scenes = [text and (without_colors(text) if self.token_width else text) for text in texts]
        self._read([text for text in texts if text], [scene for scene in scenes if scene])
        blank = torch.tensor([not scene for scene in scenes])
        nothing = np.zeros(self.width, np.float16)
        vectors = np.stack([self._vectors[s] if s else nothing for s in scenes])
        words, focus = None, torch.zeros(len(texts), 1, dtype=torch.bool)
        if self.token_width:
            words, focus = self._words(texts, colors or [None] * len(texts))
        return Described(torch.from_numpy(vectors.astype(np.float32)), blank, words, focus)

    def _words(
        self, texts: Sequence[str | None], colors: Sequence[str | None]
    ) -> tuple[Words, Tensor]:
        pieces = [self._tokens[text] if text else None for text in texts]
        longest = max((len(p) for p in pieces if p is not None), default=1)
        tokens = np.zeros((len(texts), longest, self.token_width), np.float16)
        known = np.zeros((len(texts), longest), np.bool_)
        focus = np.zeros((len(texts), longest), np.bool_)
        for i, (text, color, piece) in enumerate(zip(texts, colors, pieces, strict=True)):
            if text is None or piece is None:
                continue
            tokens[i, : len(piece)] = piece
            known[i, : len(piece)] = True
            if color and (span := color_span(text, color)):
                for j, (start, end) in enumerate(self._clip.spans(text)):
                    focus[i, j] = start < span[1] and end > span[0]
        read = torch.from_numpy(tokens).float()
        return Words(read, torch.from_numpy(known)), torch.from_numpy(focus)

    def _vector_of(self, text: str) -> HalfArray:
        self._read([], [text])
        return self._vectors[text]

    def _read(self, texts: Sequence[str], scenes: Sequence[str]) -> None:
        new = {text for text in texts if self.token_width and text not in self._tokens}
        new |= {scene for scene in scenes if scene not in self._vectors}
        if not new:
            return
        names = sorted(new, key=len)
        vectors, tokens = self._clip.read_texts(names)
        for i, name in enumerate(names):
            self.remember(
                name,
                vectors[i].astype(np.float16),
                None if tokens is None else tokens[i].astype(np.float16),
            )


def color_span(text: str, color: str) -> tuple[int, int] | None:
    """Return from where to where a colour word and the noun after it reach, in letters."""
    found = re.search(rf"\b{re.escape(color)}\b(?:\s+(\w+))?", text, re.IGNORECASE)
    if found is None:
        return None
    noun = found[1]
    if noun is None or noun.lower() in _LINKS:
        return found.start(), found.start() + len(color)
    return found.span()
