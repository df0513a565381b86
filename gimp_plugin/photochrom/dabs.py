"""Dabs of colour painted on a layer, as hints for the server: discs that fill every dab.

Pure Python on bytes. Paint is found at full size with a search for runs of opaque samples, so a
large empty layer costs next to nothing; thick paint is sampled more coarsely.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Any

Cell = tuple[int, int]  # row and column of a sample
Color = tuple[int, int, int]

MAX_CELLS = 30_000  # samples looked at one by one
MAX_HINTS = 2_000  # sent at most, the largest first
NEAR = 28  # channels of one dab's colours differ by this at most (of 255)
MIXED = 0.2  # where two dabs touch, what lies between has no colour with this share of its samples
THICK = 0.2  # of the deepest: what lies deeper than this is always covered
PAINT = re.compile(rb"[\x80-\xff]+")
SIDES = ((-1, 0), (1, 0), (0, -1), (0, 1))
AROUND = (*SIDES, (-1, -1), (-1, 1), (1, -1), (1, 1))


@dataclass(frozen=True)
class Hint:
    """A disc of colour; ``x`` and ``y`` are column and row of its centre in pixels."""

    x: float
    y: float
    color: Color
    radius: float

    def to_json(self, dx: float = 0, dy: float = 0) -> dict[str, Any]:
        """Give the server's form of it, moved by (dx, dy)."""
        red, green, blue = self.color
        return {
            "x": self.x + dx,
            "y": self.y + dy,
            "color": f"#{red:02x}{green:02x}{blue:02x}",
            "radius": self.radius,
        }


def find_dabs(rgba: bytes, width: int, height: int) -> list[Hint]:
    """Find the dabs in (height, width, 4) uint8 pixels, straight alpha.

    Paint counts where it is at least half opaque. Samples that touch and have nearly one colour
    are a dab; it becomes discs along its middle, each as large as fits, that together cover it.
    """
    step, cells = _sample(rgba, width, height)
    hints = [hint for region in _regions(cells) for hint in _discs(region, cells, step)]
    hints.sort(key=lambda hint: -hint.radius)
    return hints[:MAX_HINTS]


def _sample(rgba: bytes, width: int, height: int) -> tuple[int, dict[Cell, Color]]:
    """Return every ``step``-th painted pixel of every ``step``-th row, by row and column / step."""
    alpha = rgba[3::4]
    painted = sum(len(run) for run in PAINT.findall(alpha))
    step = max(1, ceil(sqrt(painted / MAX_CELLS)))
    first = step // 2
    cells: dict[Cell, Color] = {}
    for row, y in enumerate(range(min(first, height - 1), height, step)):
        for run in PAINT.finditer(alpha, y * width, (y + 1) * width):
            start, end = run.start() - y * width, run.end() - y * width
            column = max(0, ceil((start - first) / step))
            for x in range(column * step + first, end, step):
                at = 4 * (y * width + x)
                cells[row, x // step] = (rgba[at], rgba[at + 1], rgba[at + 2])
    return step, cells


def _regions(cells: dict[Cell, Color]) -> Iterator[list[Cell]]:
    """Split the cells into connected regions of nearly one colour, the commonest colours first."""
    common = Counter(cells.values())
    left = set(cells)
    for seed in sorted(cells, key=lambda cell: (-common[cells[cell]], cell)):
        if seed not in left:
            continue
        left.remove(seed)
        colour, region, meets = cells[seed], [seed], False
        for row, column in region:  # grows while it is walked
            for down, right in AROUND:
                cell = row + down, column + right
                if cell in left and _alike(cells[cell], colour):
                    left.remove(cell)
                    region.append(cell)
                elif cell in cells and not _alike(cells[cell], colour):
                    meets = True
        # Where soft dabs of two colours overlap lies a seam of mixtures, which nobody meant.
        count = Counter(cells[cell] for cell in region).most_common(1)[0][1]
        if not meets or (count > 1 and count >= MIXED * len(region)):
            yield region


def _alike(one: Color, other: Color) -> bool:
    return all(abs(a - b) <= NEAR for a, b in zip(one, other, strict=True))


def _discs(region: list[Cell], cells: dict[Cell, Color], step: int) -> Iterator[Hint]:
    """Cover a region with discs, the largest first, each around a middle of the region."""
    colour = _mean(cells[cell] for cell in region)
    depth = _depths(region)
    thick = THICK * max(depth.values())
    covered: set[Cell] = set()
    for row, column in sorted(region, key=lambda cell: (-depth[cell], cell)):
        here = depth[row, column]
        if (row, column) in covered:
            continue
        deeper = any(depth.get((row + down, column + right), 0) > here for down, right in AROUND)
        if deeper and here < thick:
            continue  # a disc nearby takes the rim along, but for crumbs
        reach = _reach(row, column, here, depth)
        span = int(reach)
        for y in range(row - span, row + span + 1):
            for x in range(column - span, column + span + 1):
                if (y - row) ** 2 + (x - column) ** 2 <= reach**2:
                    covered.add((y, x))
        middle = step // 2
        yield Hint(column * step + middle, row * step + middle, colour, reach * step)


def _reach(row: int, column: int, depth: int, region: Container[Cell]) -> float:
    """Return how far a disc may reach from a cell without touching one outside the region."""
    span = depth + 1
    nearest = min(
        (y - row) ** 2 + (x - column) ** 2
        for y in range(row - span, row + span + 1)
        for x in range(column - span, column + span + 1)
        if (y, x) not in region
    )
    return sqrt(nearest) - 0.5


def _depths(region: list[Cell]) -> dict[Cell, int]:
    """Return how many cells deep each cell lies (1 at the border), by turns of 4 and 8 neighbours.

    The turns make the distance that of an octagon, which is near enough to a circle.
    """
    left = set(region)
    depths: dict[Cell, int] = {}
    depth = 0
    border = [
        cell for cell in region if any((cell[0] + y, cell[1] + x) not in left for y, x in SIDES)
    ]
    while border:
        depth += 1
        for cell in border:
            depths[cell] = depth
        left.difference_update(border)
        steps = AROUND if depth % 2 else SIDES
        border = list({(row + y, column + x) for row, column in border for y, x in steps} & left)
    return depths


def _mean(colours: Iterable[Color]) -> Color:
    every = list(colours)
    red, green, blue = (round(sum(channel) / len(every)) for channel in zip(*every, strict=True))
    return red, green, blue
