"""Dabs of colour, given in full-size pixels, drawn onto the colorizer's working grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.color import parse_hex, srgb_to_lab
from models.guidance import HintMap
from models.job import Hint

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Disc:
    """A hint brought to the working grid, in its pixels."""

    x: float
    y: float
    radius: float
    ab: FloatArray = field(repr=False)


def hint_map(
    hints: Sequence[Hint], *, full_size: tuple[int, int], grid_size: tuple[int, int]
) -> HintMap | None:
    """Draw hints given in full-size pixels onto the working grid; None without hints.

    Sizes are (height, width). Every grid cell whose area a disc touches by its centre carries the
    hint, and always the cell that holds the disc's centre, so no hint is too small to count.
    Where hints overlap the later one wins, as paint does.
    """
    if not hints:
        return None
    height, width = full_size
    rows, columns = grid_size
    scale_y, scale_x = rows / height, columns / width
    ab = np.zeros((rows, columns, 2), np.float32)
    confidence = np.zeros((rows, columns), np.float32)
    for hint in hints:
        radius = 0.01 * min(height, width) if hint.radius is None else hint.radius
        disc = _Disc(
            (hint.x + 0.5) * scale_x - 0.5,
            (hint.y + 0.5) * scale_y - 0.5,
            radius * (scale_x * scale_y) ** 0.5,
            srgb_to_lab(parse_hex(hint.color))[1:],
        )
        top, bottom = _span(disc.y, disc.radius, rows)
        left, right = _span(disc.x, disc.radius, columns)
        y, x = np.mgrid[top:bottom, left:right]
        inside = (y - disc.y) ** 2 + (x - disc.x) ** 2 <= disc.radius**2
        inside |= (y == _cell(disc.y, rows)) & (x == _cell(disc.x, columns))
        ab[top:bottom, left:right][inside] = disc.ab
        confidence[top:bottom, left:right][inside] = 1.0
    return HintMap(ab, confidence)


def _cell(centre: float, size: int) -> int:
    return min(max(round(centre), 0), size - 1)


def _span(centre: float, radius: float, size: int) -> tuple[int, int]:
    cell = _cell(centre, size)
    first = max(min(int(np.ceil(centre - radius)), cell), 0)
    last = min(max(int(np.floor(centre + radius)), cell), size - 1)
    return first, last + 1
