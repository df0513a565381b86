"""Photos as references in training: their CLIP vectors, and those of photos like them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.networks.clip import Clip
from models.photos import Photo

NEIGHBOURS = 4
_BLOCK = 1024


class ImageBank:
    """The image embeddings of all photos, in colour, and who resembles whom in grey.

    ``colour`` and ``grey`` are (N, D) float32 of unit length, in the order of ``keys``.
    """

    def __init__(
        self, keys: Sequence[str], colour: NDArray[np.float32], grey: NDArray[np.float32]
    ) -> None:
        self._rows = {key: i for i, key in enumerate(keys)}
        self._colour = torch.from_numpy(colour)
        self._neighbours = _neighbours(torch.from_numpy(grey), self._colour)

    @classmethod
    def of(cls, clip: Clip, photos: Sequence[Photo]) -> ImageBank:
        """Embed photos, in colour and in grey."""
        colour, grey = [], []
        for photo in photos:
            rgb = np.asarray(photo.pixels / np.float32(255), np.float32)
            colour.append(clip.embed_image(rgb))
            plain = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
            grey.append(clip.embed_image(np.asarray(np.dstack([plain] * 3), np.float32)))
        return cls([photo.key for photo in photos], np.stack(colour), np.stack(grey))

    def reference(self, key: str, generator: np.random.Generator) -> Tensor:
        """Return the (D,) vector of the photo itself or, as often, of one that resembles it."""
        row = self._rows[key]
        if generator.random() < 0.5:
            row = int(self._neighbours[row, int(generator.integers(NEIGHBOURS))])
        return self._colour[row]


def _neighbours(grey: Tensor, colour: Tensor) -> Tensor:
    """Return for each grey photo the rows of the most similar other colour photos, (N, K)."""
    count = min(NEIGHBOURS, len(colour) - 1)
    rows = []
    for start in range(0, len(grey), _BLOCK):
        similar = grey[start : start + _BLOCK] @ colour.T
        own = torch.arange(start, start + len(similar))
        similar[torch.arange(len(similar)), own] = -2.0
        rows.append(similar.topk(count, dim=1).indices)
    return torch.cat(rows)
