"""A layer made small for the networks: to which size, and what is transparent has no say in it.

A plane without transparency is brought to a coarser grid by its means alone.
"""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

FAINT: Final = 1 / 512  # of a cell: with less to be seen in it, it continues what is around it
GRID: Final = 4  # sides of the working grid are multiples of it: a cell of the colorizer's chroma
MAX_ASPECT: Final = 16  # beyond it the long side stays bounded and the short one shrinks no further
UNSEEN: Final = 0.5  # where nothing is to be seen at all


def working_shape(height: int, width: int, working_size: int) -> tuple[int, int]:
    """Choose (rows, columns) of the working grid for a layer, aspect ratio kept."""
    aspect = min(max(width / height, 1 / MAX_ASPECT), MAX_ASPECT)
    rows, columns = working_size / aspect**0.5, working_size * aspect**0.5
    return _to_grid(rows), _to_grid(columns)


def _to_grid(side: float) -> int:
    return max(round(side / GRID), 1) * GRID


def shrink(pixels: NDArray[Any], rows: int, columns: int) -> tuple[FloatArray, FloatArray | None]:
    """Return colours (rows, columns, 1 or 3) float32 in [0, 1], and how far each cell is visible.

    ``pixels`` is (H, W, 1..4), uint8, uint16 or float32 in [0, 1], sRGB-encoded, straight alpha.
    A cell is the mean of its pixels, each weighed by its alpha; where nothing is visible it
    continues its surroundings. The second is (rows, columns) in [0, 1], None where all is opaque.
    """
    height, width, channels = pixels.shape
    is_smaller = rows < height or columns < width
    how = cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR
    alpha = pixels[..., -1] if channels in (2, 4) else None
    colours = pixels[..., : channels - (alpha is not None)]
    top = np.float32(1 if pixels.dtype == np.float32 else np.iinfo(pixels.dtype).max)
    if alpha is None or alpha.min() == top:
        small = cv2.resize(np.ascontiguousarray(colours), (columns, rows), interpolation=how)
        if small.dtype != np.float32:
            small = small / top
        return np.asarray(small.reshape(rows, columns, -1), np.float32), None

    # The product of two bytes fits into 16 bits, which spares half of the memory.
    wide: type[np.uint16 | np.float32] = np.uint16 if pixels.dtype == np.uint8 else np.float32
    weights: NDArray[Any] = alpha.astype(wide)
    full = np.float32(top * top)

    def small_of(plane: NDArray[Any]) -> FloatArray:
        return np.asarray(cv2.resize(plane, (columns, rows), interpolation=how), np.float32) / full

    visible = small_of(weights * wide(top)).reshape(rows, columns)
    planes = [
        small_of(colours[..., channel].astype(wide) * weights)
        for channel in range(colours.shape[2])
    ]
    premultiplied = np.stack([plane.reshape(rows, columns) for plane in planes], axis=-1)
    return _continued(premultiplied, visible), visible


def shrunk(plane: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Bring an (H, W) plane to a coarser grid of (rows, columns): the mean of each cell."""
    size = (shape[1], shape[0])
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)


def _continued(premultiplied: FloatArray, visible: FloatArray) -> FloatArray:
    """Divide (h, w, C) by (h, w), and fill the holes from wider and wider surroundings."""
    out = np.full_like(premultiplied, UNSEEN)
    holes = np.ones(visible.shape, bool)
    known: NDArray[Any] = premultiplied
    weight: NDArray[Any] = visible
    spread = 1.0
    while holes.any():
        seen = holes & (weight > FAINT)
        out[seen] = known[seen] / weight[seen, None]
        holes &= ~seen
        if spread > 2 * max(visible.shape):
            break
        known = cv2.GaussianBlur(premultiplied, (0, 0), spread).reshape(premultiplied.shape)
        weight = cv2.GaussianBlur(visible, (0, 0), spread).reshape(visible.shape)
        spread *= 2
    return np.asarray(np.clip(out, 0, 1), np.float32)
