"""A mask at a picture's full size: how much each pixel belongs to a place."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """Weights from 0 to 255, and where in the picture they lie; all around them is 0.

    ``levels`` is (rows, columns) uint8, its first pixel at row ``top`` and column ``left`` of a
    picture of ``height`` x ``width``.
    """

    levels: NDArray[np.uint8]
    top: int
    left: int
    height: int
    width: int

    @classmethod
    def of_box(cls, x: float, y: float, w: float, h: float, *, height: int, width: int) -> Mask:
        """Cover every pixel that a box touches; it needs no memory.

        The box must reach into the picture.
        """
        left, right = max(int(np.floor(x)), 0), min(int(np.ceil(x + w)), width)
        top, bottom = max(int(np.floor(y)), 0), min(int(np.ceil(y + h)), height)
        levels = np.broadcast_to(np.uint8(255), (bottom - top, right - left))
        return cls(levels, top, left, height, width)

    @classmethod
    def of_levels(cls, levels: NDArray[np.uint8]) -> Mask:
        """Keep of (H, W) levels what is not 0."""
        height, width = levels.shape
        x, y, w, h = cv2.boundingRect(levels)
        part = levels[y : y + h, x : x + w]
        return cls(part if part.size == levels.size else part.copy(), y, x, height, width)

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Return column, row, width and height of what is not 0."""
        return self.left, self.top, self.levels.shape[1], self.levels.shape[0]

    @property
    def is_empty(self) -> bool:
        """Tell whether no pixel belongs to the place."""
        return self.levels.size == 0

    def within(self, rows: slice, columns: slice) -> FloatArray | None:
        """Return the weights of a part of the picture in [0, 1]; None where all are 0."""
        down, own_rows = _overlap(rows, self.top, self.levels.shape[0])
        across, own_columns = _overlap(columns, self.left, self.levels.shape[1])
        own = self.levels[own_rows, own_columns]
        if not own.any():
            return None
        out = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.float32)
        np.multiply(own, np.float32(1 / 255), out=out[down, across])
        return out

    def shrunk(self, shape: tuple[int, int]) -> FloatArray:
        """Return the mean weights on a grid of (h, w) cells, in [0, 1].

        A place too small for the grid counts wholly in the cell where its middle lies.
        """
        rows, columns = shape
        out = np.zeros(shape, np.float32)
        if self.is_empty:
            return out
        if self.height < rows or self.width < columns:
            whole = self.within(slice(0, self.height), slice(0, self.width))
            if whole is not None:
                out[:] = cv2.resize(whole, (columns, rows)).reshape(shape)
            return out
        down, across = rows / self.height, columns / self.width
        high, wide = self.levels.shape
        # Only the cells that it touches, so that a small place in a large picture costs little.
        r0, r1 = int(self.top * down), min(int(np.ceil((self.top + high) * down)), rows)
        c0, c1 = int(self.left * across), min(int(np.ceil((self.left + wide) * across)), columns)
        y0, y1 = int(r0 / down), min(int(np.ceil(r1 / down)), self.height)
        x0, x1 = int(c0 / across), min(int(np.ceil(c1 / across)), self.width)
        part = self.within(slice(y0, y1), slice(x0, x1))
        if part is not None:
            small = cv2.resize(part, (c1 - c0, r1 - r0), interpolation=cv2.INTER_AREA)
            out[r0:r1, c0:c1] = small.reshape(r1 - r0, c1 - c0)
        middle = (
            min(int((self.top + high / 2) * down), rows - 1),
            min(int((self.left + wide / 2) * across), columns - 1),
        )
        if out.max() < 0.5:
            out[middle] = float(self.levels.max()) / 255
        return out


def _overlap(part: slice, start: int, size: int) -> tuple[slice, slice]:
    """Where a part and a range meet: in the part, and in the range."""
    first, last = max(part.start, start), min(part.stop, start + size)
    last = max(first, last)
    if last == first:
        return slice(0, 0), slice(0, 0)
    return slice(first - part.start, last - part.start), slice(first - start, last - start)
