"""Descriptions as the colorizer reads them, remembered: a text is embedded once in a run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.networks.clip import Clip

HalfArray = NDArray[np.float16]


class TextBank:
    """Embeds texts with CLIP and keeps what it has embedded."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self.name = clip.name
        self._vectors: dict[str, HalfArray] = {}

    @property
    def width(self) -> int:
        """Width of the vectors."""
        self._read(["a photo"])
        return int(self._vectors["a photo"].shape[0])

    def remember(self, text: str, vector: HalfArray) -> None:
        """Take in what was embedded before."""
        self._vectors[text] = vector

    def vectors(self, texts: Sequence[str | None], null: Tensor) -> Tensor:
        """Return (N, D) float32 vectors of texts, ``null`` (D,) where there is none."""
        self._read([text for text in texts if text])
        return torch.stack(
            [torch.from_numpy(self._vectors[text]).float() if text else null for text in texts]
        )

    def _read(self, texts: Sequence[str]) -> None:
        new = sorted({text for text in texts if text not in self._vectors}, key=len)
        if not new:
            return
        vectors = self._clip.embed_texts(new)
        for text, vector in zip(new, vectors, strict=True):
            self.remember(text, vector.astype(np.float16))
