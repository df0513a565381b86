"""Which photos resemble which: what a grey one is most like among the others in colour."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from models.networks.clip import Clip
from models.photos import Photo

FloatArray = NDArray[np.float32]

_BLOCK = 256  # photos compared at a time


def embed_photos(clip: Clip, photos: Sequence[Photo]) -> tuple[FloatArray, FloatArray]:
    """Embed photos without and with their colours: two (N, D) arrays of unit vectors."""
    grey, colour = [], []
    for photo in photos:
        rgb = photo.pixels.astype(np.float32) / np.float32(255)
        luma = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        colour.append(clip.embed_image(rgb))
        grey.append(clip.embed_image(np.repeat(luma[..., None], 3, axis=2)))
    return np.stack(grey), np.stack(colour)


def find_neighbours(
    grey: FloatArray, colour: FloatArray, count: int, *, twins: float | None = None
) -> NDArray[np.int64]:
    """Name for each of N photos the others that its grey version is most like, the best first.

    ``grey`` and ``colour`` are (N, D) embeddings of the photos without and with their colours. The
    result is (N, k), k being ``count`` or all others. Photos whose colour versions have a cosine
    above ``twins`` come last.
    """
    count = min(count, len(grey) - 1)
    found = np.empty((len(grey), count), np.int64)
    for start in range(0, len(grey), _BLOCK):
        part = slice(start, start + _BLOCK)
        likeness = grey[part] @ colour.T
        if twins is not None:
            likeness[colour[part] @ colour.T > twins] = -1
        np.fill_diagonal(likeness[:, start:], -2)
        best = np.argpartition(-likeness, count - 1, axis=1)[:, :count]
        order = np.argsort(-np.take_along_axis(likeness, best, axis=1), axis=1)
        found[part] = np.take_along_axis(best, order, axis=1)
    return found
