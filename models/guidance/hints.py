"""Dabs of colour and painted hints, of full size, drawn onto the colorizer's working grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.color.lab import lab_to_srgb_in_gamut, parse_hex, srgb_to_lab
from models.guidance.condition import HintMap
from models.job import Hint

FloatArray = NDArray[np.float32]


def hint_map(
    hints: Sequence[Hint], *, full_size: tuple[int, int], grid_size: tuple[int, int]
) -> HintMap:
    """Draw hints given in full-size pixels onto the working grid; there is at least one.

    Sizes are (height, width). Every grid cell whose centre is no farther than the radius from the
    hint's, in full-size pixels, carries it, and always the cell that holds the hint's centre, so
    no hint is too small to count.
    Where hints overlap the later one wins, as paint does.
    """
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


def painted_map(pixels: NDArray[Any], grid_size: tuple[int, int]) -> HintMap | None:
    """Read a painted picture as hints on the working grid; None where nothing is painted.

    ``pixels`` is (H, W, 4) sRGB with straight alpha, uint8, uint16 or float32 in [0, 1]: every
    pixel is a hint of its colour with the confidence alpha. A cell takes the mean of its pixels'
    colours by alpha, and the largest alpha: no stroke is too thin to count.
    """
    rows, columns = grid_size
    # Smaller than the grid: every pixel becomes several, so that each cell has some.
    pixels = pixels.repeat(-(-rows // pixels.shape[0]), 0).repeat(-(-columns // pixels.shape[1]), 1)
    height, width = pixels.shape[:2]
    top = np.float32(1 if pixels.dtype == np.float32 else np.iinfo(pixels.dtype).max)
    starts = (np.arange(columns) * width) // columns
    color = np.zeros((rows, columns, 3), np.float32)
    total = np.zeros((rows, columns), np.float32)
    confidence = np.zeros((rows, columns), np.float32)
    for row in range(rows):
        strip = pixels[row * height // rows : (row + 1) * height // rows]
        alpha = strip[..., 3]
        if not alpha.any():
            continue
        share = alpha.astype(np.float32) / top
        paint = (strip[..., :3].astype(np.float32) / top * share[..., None]).sum(axis=0)
        color[row] = np.add.reduceat(paint, starts, axis=0)
        total[row] = np.add.reduceat(share.sum(axis=0), starts)
        confidence[row] = np.maximum.reduceat(share.max(axis=0), starts)
    if not confidence.any():
        return None
    known = total > 0
    ab = np.zeros((rows, columns, 2), np.float32)
    ab[known] = srgb_to_lab((color[known] / total[known][:, None]).clip(0, 1))[:, 1:]
    return HintMap(ab, confidence)


def joined_hints(lower: HintMap | None, upper: HintMap | None) -> HintMap | None:
    """Lay hints over others of the same grid; where the upper ones are, they count alone."""
    if lower is None or upper is None:
        return upper if lower is None else lower
    above = upper.confidence > 0
    return HintMap(
        np.where(above[..., None], upper.ab, lower.ab),
        np.where(above, upper.confidence, lower.confidence),
    )


def as_shown(hints: HintMap, lightness: FloatArray) -> HintMap:
    """Give hints the chroma that sRGB has at (h, w) lightness, theirs or less of the same hue.

    What cannot be shown where it was put should not be told of other places: navy on a white shirt
    would make the neck magenta.
    """
    known = hints.confidence > 0
    ab = hints.ab.copy()
    ab[known] = srgb_to_lab(lab_to_srgb_in_gamut(lightness[known], ab[known]))[:, 1:]
    return HintMap(ab, hints.confidence)


def _cell(centre: float, size: int) -> int:
    return min(max(round(centre), 0), size - 1)


def _span(centre: float, reach: float, size: int) -> slice:
    """Return the cells no farther than ``reach`` from the centre, its own one always."""
    cell = _cell(centre, size)
    first = max(min(int(np.ceil(centre - reach)), cell), 0)
    last = min(max(int(np.floor(centre + reach)), cell), size - 1)
    return slice(first, last + 1)
