"""Descriptions as vectors, remembered: a caption is embedded once in a training run."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from models.clip import Clip


class TextBank:
    """Embeds texts with CLIP and keeps what it has embedded."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._known: dict[str, np.ndarray[tuple[int], np.dtype[np.float32]]] = {}

    def __call__(self, texts: list[str]) -> Tensor:
        """Return (N, D) unit vectors."""
        new = sorted({text for text in texts if text not in self._known})
        if new:
            self._known.update(zip(new, self._clip.embed_texts(new), strict=True))
        return torch.from_numpy(np.stack([self._known[text] for text in texts]))
