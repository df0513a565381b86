"""The working grid: which size a layer has for the network."""

from __future__ import annotations

GRID = 4  # sides of the working grid are multiples of it: a cell of the colorizer's chroma
MAX_ASPECT = 16  # beyond it the long side stays bounded and the short one shrinks no further


def working_shape(height: int, width: int, working_size: int) -> tuple[int, int]:
    """Choose (rows, columns) of the working grid for a layer, aspect ratio kept."""
    aspect = min(max(width / height, 1 / MAX_ASPECT), MAX_ASPECT)
    rows, columns = working_size / aspect**0.5, working_size * aspect**0.5
    return _to_grid(rows), _to_grid(columns)


def _to_grid(side: float) -> int:
    return max(round(side / GRID), 1) * GRID
