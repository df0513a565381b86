"""Charts as inline SVG: they take their colours from the page, light or dark, and need no script.

Each stands beside a table with the same numbers, so its text for screen readers is its title.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from markupsafe import Markup

WIDTH, HEIGHT = 520, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 28, 44
ROW = 26  # a row of dots
LABELS = 150  # the column of their names


@dataclass(frozen=True, slots=True)
class Dot:
    """A mean with its standard error, named."""

    name: str
    value: float
    error: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """Points (x, y) in order, named."""

    name: str
    points: Sequence[tuple[float, float]]


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Choose round numbers that cover [low, high], about ``count`` steps of 1, 2 or 5 x 10^n."""
    span = max(high - low, 1e-9)
    power = 10.0 ** floor(log10(span / count))
    step = next(s * power for s in (1, 2, 5, 10) if s * power * count >= span)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [i * step for i in range(first, max(last, first + 1) + 1)]


def dots(title: str, rows: Sequence[Dot], *, unit: str) -> Markup:
    """Draw a row for each mean, with whiskers of one standard error; zero is marked."""
    if not rows:
        return Markup()
    low = min(0.0, *(row.value - row.error for row in rows))
    high = max(0.0, *(row.value + row.error for row in rows))
    marks = ticks(low, high)
    top = 4
    height = top + ROW * len(rows) + BOTTOM

    def x(value: float) -> float:
        return LABELS + (value - marks[0]) / (marks[-1] - marks[0]) * (WIDTH - LABELS - RIGHT)

    bottom = top + ROW * len(rows)
    parts = [
        Markup('<line class="grid{}" x1="{x:.1f}" x2="{x:.1f}" y1="{}" y2="{}"/>').format(
            " zero" if abs(mark) < 1e-9 else "", top, bottom, x=x(mark)
        )
        + _text(x(mark), bottom + 16, _short(mark), "middle")
        for mark in marks
    ]
    for i, row in enumerate(rows):
        y = top + ROW * (i + 0.5)
        parts.append(_text(LABELS - 10, y + 4, row.name, "end"))
        parts.append(
            Markup(
                '<line class="whisker" x1="{:.1f}" x2="{:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
                '<circle class="dot" cx="{:.1f}" cy="{y:.1f}" r="4.5"/>'
            ).format(x(row.value - row.error), x(row.value + row.error), x(row.value), y=y)
        )
    parts.append(_text((LABELS + WIDTH) / 2, height - 8, unit, "middle"))
    return _svg(title, parts, height)


def lines(
    title: str, drawn: Sequence[Line], *, across: str, up: str, mark: float | None = None
) -> Markup:
    """Draw up to four lines over one another; ``mark`` is a place across that is pointed out."""
    if not any(line.points for line in drawn):
        return Markup()
    xs = [x for line in drawn for x, _ in line.points]
    ys = [y for line in drawn for _, y in line.points]
    x_marks, y_marks = ticks(min(xs), max(xs)), ticks(min(ys), max(ys))
    height = HEIGHT + 20 * len(drawn)

    def x(value: float) -> float:
        share = (value - x_marks[0]) / (x_marks[-1] - x_marks[0])
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        share = (value - y_marks[0]) / (y_marks[-1] - y_marks[0])
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    grid = '<line class="grid{}" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>'
    parts = []
    for value in x_marks:
        parts.append(Markup(grid).format("", x(value), x(value), TOP, HEIGHT - BOTTOM))
        parts.append(_text(x(value), HEIGHT - BOTTOM + 16, _short(value), "middle"))
    for value in y_marks:
        parts.append(Markup(grid).format("", LEFT, WIDTH - RIGHT, y(value), y(value)))
        parts.append(_text(LEFT - 8, y(value) + 4, _short(value), "end"))
    if mark is not None:
        parts.append(Markup(grid).format(" zero", x(mark), x(mark), TOP, HEIGHT - BOTTOM))
    for i, line in enumerate(drawn):
        path = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in line.points)
        parts.append(Markup('<polyline class="line line{}" points="{}"/>').format(i % 4, path))
        low = HEIGHT + 20 * i + 6
        parts.append(
            Markup('<line class="line line{}" x1="{}" x2="{}" y1="{y}" y2="{y}"/>').format(
                i % 4, LEFT, LEFT + 28, y=low
            )
        )
        parts.append(_text(LEFT + 36, low + 4, line.name, "start"))
    parts.append(_text((LEFT + WIDTH) / 2, HEIGHT - 8, across, "middle"))
    parts.append(_text(LEFT, TOP - 12, up, "start"))
    return _svg(title, parts, height)


def _svg(title: str, parts: Sequence[Markup], height: float) -> Markup:
    return Markup(
        '<svg role="img" aria-label="{}" viewBox="0 0 {} {}"><title>{}</title>{}</svg>'
    ).format(title, WIDTH, height, title, Markup("").join(parts))


def _text(x: float, y: float, words: str, anchor: str) -> Markup:
    text = '<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>'
    return Markup(text).format(x, y, anchor, words)


def _short(value: float) -> str:
    """Write a number without needless digits."""
    return f"{value:.6g}".replace("-", "−") if abs(value) > 1e-9 else "0"
