"""Dabs of colour, given in full-size pixels, drawn onto the colorizer's working grid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.color.lab import parse_hex, srgb_to_lab
from models.guidance.condition import HintMap
from models.job import Hint

FloatArray = NDArray[np.float32]


def hint_map(
    hints: Sequence[Hint], *, full_size: tuple[int, int], grid_size: tuple[int, int]
) -> HintMap | None:
    """Draw hints given in full-size pixels onto the working grid; None without hints.

    Sizes are (height, width). Every grid cell whose centre is no farther than the radius from the
    hint's, in full-size pixels, carries it, and always the cell that holds the hint's centre, so
    no hint is too small to count.
    Where hints overlap the later one wins, as paint does.
    """
    if not hints:
        return None
    height, width = full_size
    rows, columns = grid_size
    scale_y, scale_x = rows / height, columns / width
    colors = srgb_to_lab(np.stack([parse_hex(hint.color) for hint in hints]))[:, 1:]
    owner = np.full((rows, columns), -1)  # the hint on top, by its number
    for number, hint in enumerate(hints):
        radius = 0.01 * min(height, width) if hint.radius is None else hint.radius
        radius = min(radius, height + width)  # that covers all; more would overflow
        y, x = (hint.y + 0.5) * scale_y - 0.5, (hint.x + 0.5) * scale_x - 0.5
        at_rows = _span(y, radius * scale_y, rows)
        at_columns = _span(x, radius * scale_x, columns)
        # Far from square pictures are stretched on the grid, so distance is measured in theirs.
        down = (np.arange(at_rows.start, at_rows.stop)[:, None] - y) / scale_y
        across = (np.arange(at_columns.start, at_columns.stop) - x) / scale_x
        inside = down**2 + across**2 <= radius**2
        inside[_cell(y, rows) - at_rows.start, _cell(x, columns) - at_columns.start] = True
        owner[at_rows, at_columns][inside] = number
    known = owner >= 0
    ab = np.where(known[..., None], colors[owner], np.float32(0))
    return HintMap(ab, known.astype(np.float32))


def _cell(centre: float, size: int) -> int:
    return min(max(round(centre), 0), size - 1)


def _span(centre: float, reach: float, size: int) -> slice:
    """Return the cells no farther than ``reach`` from the centre, its own one always."""
    cell = _cell(centre, size)
    first = max(min(int(np.ceil(centre - reach)), cell), 0)
    last = min(max(int(np.floor(centre + reach)), cell), size - 1)
    return slice(first, last + 1)
