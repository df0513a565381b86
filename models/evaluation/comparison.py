"""Several models side by side, on the photos that all of them were measured on.

Photos differ far more than models do, so a difference between two models is the mean of the
differences on each photo, with the standard error of that mean.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from models.evaluation.results import ORIGINAL, error_of_mean, mean
from models.plural import number_of

Photos = Mapping[str, Mapping[str, Any]]


class ComparisonError(ValueError):
    """Evaluations that cannot be compared; the message names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A measure that models are compared by: its value under a guidance.

    ``minus`` is a guidance whose value of ``of`` is taken away; ``relative`` divides by the
    originals' mean. ``better`` is "higher", "lower" or "near 1".
    """

    name: str
    guidance: str
    measure: str
    minus: str | None = None
    of: str = "psnr"
    relative: bool = False
    better: str = "higher"
    digits: int = 2


@dataclass(frozen=True, slots=True)
class Cell:
    """A model's mean; how far it is from the first model's, and the standard error of that.

    One photo alone has no standard error: None.
    """

    mean: float
    difference: float | None = None
    error: float | None = None
    best: bool = False


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """One measure over the photos that every model has it for; a model without it has None."""

    measure: Compared
    photos: int
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Models by name, the first one being what the others are compared with."""

    names: tuple[str, ...]
    photos: int
    rows: tuple[ComparedRow, ...]


EQUALLY = "equally colourful"
COMPARED = (
    Compared("PSNR against grey, no guidance", "none", "psnr", "grey"),
    Compared("PSNR against grey, caption", "caption", "psnr", "grey"),
    Compared(f"PSNR against grey, no guidance, {EQUALLY}", "none", f"psnr, {EQUALLY}", "grey"),
    Compared(f"PSNR against grey, caption, {EQUALLY}", "caption", f"psnr, {EQUALLY}", "grey"),
    Compared("CIEDE2000, no guidance", "none", "ciede2000", better="lower"),
    Compared("CIEDE2000, caption", "caption", "ciede2000", better="lower"),
    Compared(f"CIEDE2000, no guidance, {EQUALLY}", "none", f"ciede2000, {EQUALLY}", better="lower"),
    Compared(f"CIEDE2000, caption, {EQUALLY}", "caption", f"ciede2000, {EQUALLY}", better="lower"),
    Compared("SSIM, no guidance", "none", "ssim", digits=3),
    Compared("LPIPS-alex, no guidance", "none", "lpips", better="lower", digits=3),
    Compared("LPIPS-alex, caption", "caption", "lpips", better="lower", digits=3),
    Compared(
        "colourfulness ratio, no guidance", "none", "colourfulness", relative=True, better="near 1"
    ),
    Compared(
        "colourfulness ratio, caption", "caption", "colourfulness", relative=True, better="near 1"
    ),
    Compared("bleeding ratio, no guidance", "none", "bleeding", relative=True, better="near 1"),
    Compared("caption gain over none", "caption", "psnr", "none"),
    Compared("caption gain over another photo's", "caption", "psnr", "other caption"),
    Compared("colour obedience (chance 0.14)", "obedience", "obeyed"),
    Compared("leak, ab", "obedience", "leak", better="lower"),
    Compared("aim", "obedience", "aim"),
    Compared("PSNR against grey, 1 hint", "1 hint", "psnr", "grey"),
    Compared("PSNR against grey, 10 hints", "10 hints", "psnr", "grey"),
    Compared("PSNR against grey, 100 hints", "100 hints", "psnr", "grey"),
    Compared("PSNR, reference: the original itself", "reference: original", "psnr"),
    Compared("PSNR, reference: the retrieved", "reference: retrieved", "psnr"),
    Compared("ab shared with the retrieved", "reference: retrieved", "intersection", digits=3),
)


def read_figures(path: Path) -> dict[str, Any]:
    """Read what ``photochrom evaluate --json`` wrote.

    Raises:
        ComparisonError: it cannot be read, or holds no values of single photos.
    """
    try:
        figures: Any = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as problem:
        raise ComparisonError(
            f"{path} cannot be read ({problem}): name a file that `photochrom evaluate --json` "
            "wrote"
        ) from problem
    if not isinstance(figures, dict) or not isinstance(figures.get("photos"), dict):
        raise ComparisonError(
            f"{path} holds no values of single photos: measure the model again with "
            "`photochrom evaluate PHOTOS --json FILE`"
        )
    return figures


def compare(models: Mapping[str, Mapping[str, Any]]) -> Comparison:
    """Compare the figures of models, by name; the first is what the others are held against.

    Raises:
        ComparisonError: no photo was measured with all of them.
    """
    photos: list[Photos] = [figures["photos"] for figures in models.values()]
    common = set(photos[0]).intersection(*photos[1:])
    if not common:
        raise ComparisonError(
            f"{', '.join(models)} have no photo in common: measure them on the same photos, with "
            "the same --limit"
        )
    rows = [_row(measure, photos, sorted(common)) for measure in COMPARED]
    known = tuple(row for row in rows if any(row.cells))
    return Comparison(tuple(models), len(common), known)


def table(comparison: Comparison) -> Table:
    """Lay a comparison out for the terminal."""
    photos = number_of(comparison.photos, "photo")
    title = f"Means over {photos}, differences from {comparison.names[0]}"
    result = Table("measure", "photos", *comparison.names, title=title)
    for row in comparison.rows:
        result.add_row(row.measure.name, str(row.photos), *(_written(row, c) for c in row.cells))
    return result


def _written(row: ComparedRow, cell: Cell | None) -> str:
    if cell is None:
        return "-"
    digits = row.measure.digits
    text = f"{cell.mean:.{digits}f}"
    if cell.difference is not None:
        error = "" if cell.error is None else f" ± {cell.error:.{digits}f}"
        text += f" ({cell.difference:+.{digits}f}{error})"
    return f"[bold]{text}[/bold]" if cell.best else text


def _row(measure: Compared, models: Sequence[Photos], common: Sequence[str]) -> ComparedRow:
    columns = [
        {key: value for key in common if (value := _value(measure, photos[key])) is not None}
        for photos in models
    ]
    told = [column for column in columns if column]
    keys = [key for key in common if all(key in column for column in told)] if told else []
    if not keys:
        return ComparedRow(measure, 0, (None,) * len(models))
    whole = 1.0
    if measure.relative:
        own = (models[0][key]["guidance"][ORIGINAL].get(measure.measure) for key in keys)
        whole = mean([value for value in own if value is not None]) or 1.0
    values = [[column[key] / whole for key in keys] if column else [] for column in columns]
    means = [mean(column) for column in values]
    best = min((_distance(measure, m) for m, column in zip(means, values, strict=True) if column))
    cells: list[Cell | None] = []
    for i, (column, average) in enumerate(zip(values, means, strict=True)):
        if not column:
            cells.append(None)
            continue
        is_best = len(told) > 1 and _distance(measure, average) == best
        if i == 0 or not values[0]:
            cells.append(Cell(average, best=is_best))
        else:
            gaps = [ours - first for ours, first in zip(column, values[0], strict=True)]
            error = error_of_mean(gaps) if len(gaps) > 1 else None
            cells.append(Cell(average, mean(gaps), error, is_best))
    return ComparedRow(measure, len(keys), tuple(cells))


def _value(measure: Compared, photo: Mapping[str, Any]) -> float | None:
    values = photo.get("obedience") if measure.guidance == "obedience" else _of(photo, measure)
    value = None if values is None else values.get(measure.measure)
    if value is None or measure.minus is None:
        return None if value is None else float(value)
    less = photo["guidance"].get(measure.minus, {}).get(measure.of)
    return None if less is None else float(value) - float(less)


def _of(photo: Mapping[str, Any], measure: Compared) -> Mapping[str, Any] | None:
    values: Mapping[str, Any] | None = photo["guidance"].get(measure.guidance)
    return values


def _distance(measure: Compared, value: float) -> float:
    """Return how far a mean is from the best that could be; lower is better."""
    match measure.better:
        case "higher":
            return -value
        case "lower":
            return value
        case _:
            return abs(value - 1)
