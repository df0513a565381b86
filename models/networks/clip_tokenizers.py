"""Tokenizers of CLIP's text towers: how a text becomes ids, and how much of it is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

CONTEXT_LENGTH = 128  # word pieces: what all-MiniLM-L6-v2 was trained on


class Tokenizer(Protocol):
    """Turns texts into the ids a text tower reads."""

    context_length: int

    def count(self, text: str) -> int:
        """Count the word pieces of a text, without any limit."""

    def knows(self, text: str) -> bool:
        """Tell whether any word piece of a text is in the vocabulary."""

    def is_word(self, word: str) -> bool:
        """Tell whether a word, in small letters, is one piece of the vocabulary."""

    def cut(self, text: str) -> str:
        """Cut a text after the last word that is read whole, if it is too long."""

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Return (N, T) ids, cut at ``context_length`` and padded."""


class WordPieces:
    """MiniLM's own tokenizer."""

    context_length = CONTEXT_LENGTH

    def __init__(self, path: Path) -> None:
        from tokenizers import Tokenizer as HuggingFaceTokenizer

        self._tokenizer = HuggingFaceTokenizer.from_file(str(path))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._separator = int(self._tokenizer.token_to_id("[SEP]") or 0)
        self._padding = int(self._tokenizer.token_to_id("[PAD]") or 0)

    def count(self, text: str) -> int:
        """Count the word pieces of a text, without any limit."""
        return len(self._tokenizer.encode(text).ids)

    def knows(self, text: str) -> bool:
        """Tell whether any word piece of a text, beyond its marks, is in the vocabulary."""
        pieces = self._tokenizer.encode(text, add_special_tokens=False).tokens
        return any(piece != "[UNK]" and piece.strip("#").isalnum() for piece in pieces)

    def is_word(self, word: str) -> bool:
        """Tell whether a word, in small letters, is one piece of the vocabulary."""
        return self._tokenizer.token_to_id(word) is not None

    def cut(self, text: str) -> str:
        """Cut a text after the last word that is read whole, if it is too long."""
        encoding = self._tokenizer.encode(text)
        words = encoding.word_ids
        if len(words) <= self.context_length:
            return text
        last = self.context_length - 2  # the closing mark takes a place
        while words[last] == words[last + 1]:
            last -= 1
        end: int = encoding.offsets[last][1]
        return text[:end]

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Return (N, T) ids, cut at the limit and padded to the longest."""
        rows = [list(encoding.ids) for encoding in self._tokenizer.encode_batch(list(texts))]
        for row in rows:
            if len(row) > self.context_length:
                row[self.context_length - 1 :] = [self._separator]
        longest = max(map(len, rows))
        return torch.tensor([row + [self._padding] * (longest - len(row)) for row in rows])


class OpenClipTokenizer:
    """The tokenizer that open_clip gives for a named model."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self.context_length: int = tokenizer.context_length

    def count(self, text: str) -> int:
        """Count the word pieces of a text, without any limit."""
        inner = getattr(self._tokenizer, "tokenizer", None)  # a Hugging Face one inside
        marks = 0 if inner is not None else 2  # its start and end marks are counted already
        return len((inner or self._tokenizer).encode(text)) + marks

    def knows(self, text: str) -> bool:
        """Tell whether the text has letters or digits; these models read any byte."""
        return any(character.isalnum() for character in text)

    def is_word(self, word: str) -> bool:
        """Tell whether a word is one piece of the vocabulary, beside the two marks."""
        return self.count(word) <= 3

    def cut(self, text: str) -> str:
        """Return the text: it is cut as it is embedded, and no thing is looked for in it."""
        return text

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Return (N, context_length) ids, cut and padded."""
        ids: Tensor = self._tokenizer(list(texts))
        return ids
