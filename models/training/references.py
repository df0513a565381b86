"""Photos as references in training: their CLIP vectors, and those of photos like them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.networks.clip import Clip
from models.photos import Photo
from models.training.neighbours import embed_photos, find_neighbours

NEIGHBOURS = 4


class ImageBank:
    """The image embeddings of all photos, in colour, and who resembles whom in grey.

    ``colour`` and ``grey`` are (N, D) float32 of unit length, in the order of ``keys``.
    """

    def __init__(
        self, keys: Sequence[str], colour: NDArray[np.float32], grey: NDArray[np.float32]
    ) -> None:
        self._rows = {key: i for i, key in enumerate(keys)}
        self._colour = torch.from_numpy(colour)
        self._neighbours = find_neighbours(grey, colour, NEIGHBOURS)

    @classmethod
    def of(cls, clip: Clip, photos: Sequence[Photo]) -> ImageBank:
        """Embed photos, in colour and in grey."""
        grey, colour = embed_photos(clip, photos)
        return cls([photo.key for photo in photos], colour, grey)

    def reference(self, key: str, generator: np.random.Generator) -> Tensor:
        """Return the (D,) vector of the photo itself or, as often, of one that resembles it."""
        row = self._rows[key]
        if generator.random() < 0.5:
            row = int(self._neighbours[row, int(generator.integers(NEIGHBOURS))])
        return self._colour[row]
