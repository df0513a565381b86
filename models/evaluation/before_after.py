"""Two sets of weights on the same photos: how near each comes, and a sheet to look at.

After a training on a person's own photos the question is whether the new weights are better for
them than those that they began with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.box import SIMPLE
from rich.table import Table

from models.evaluation.evaluate import greyed
from models.evaluation.sheet import sheet_of
from models.guidance.condition import ChromaPredictor, Embedder
from models.job import ColorizeJob
from models.measures import ciede2000, colourfulness, psnr
from models.photos import Photo
from models.pipeline import colorize
from models.plural import number_of

UInt8Array = NDArray[np.uint8]

CELL = 200  # pixels: the height of a picture in the sheet
ENOUGH = 0.1  # dB; what is nearer by less is called no difference


@dataclass(frozen=True, slots=True, eq=False)
class Coloured:
    """One photo, made grey and coloured by both: all (H, W, 3) uint8."""

    original: UInt8Array
    grey: UInt8Array
    before: UInt8Array
    after: UInt8Array


@dataclass(frozen=True, slots=True)
class Means:
    """Means over the photos of one of the two, or of the grey picture."""

    name: str
    psnr: float
    ciede2000: float
    colourfulness_ratio: float


def color_by_both(
    photos: Iterable[Photo],
    before: tuple[ChromaPredictor, Embedder],
    after: tuple[ChromaPredictor, Embedder],
) -> Iterator[Coloured]:
    """Colour photos by two colorizers, each with its CLIP model, without any guidance."""
    for photo in photos:
        grey = greyed(photo.pixels)
        results = [
            np.asarray(colorize(grey, ColorizeJob(), colorizer=by, clip=clip).pixels, np.uint8)
            for by, clip in (before, after)
        ]
        yield Coloured(photo.pixels, np.repeat(grey, 3, axis=2), *results)


def means(pictures: Sequence[Coloured]) -> tuple[Means, Means, Means]:
    """Return those of the grey picture, of before and of after."""
    true = float(np.mean([colourfulness(one.original) for one in pictures]))

    def of(name: str, results: Sequence[UInt8Array]) -> Means:
        pairs = [(one.original, result) for one, result in zip(pictures, results, strict=True)]
        return Means(
            name,
            float(np.mean([psnr(*pair) for pair in pairs])),
            float(np.mean([ciede2000(*pair) for pair in pairs])),
            float(np.mean([colourfulness(result) for result in results])) / true,
        )

    return (
        of("grey", [one.grey for one in pictures]),
        of("before", [one.before for one in pictures]),
        of("after", [one.after for one in pictures]),
    )


def verdict(before: Means, after: Means, photos: int) -> str:
    """Say in a sentence which weights are nearer to the held-out photos."""
    gain = after.psnr - before.psnr
    seen = f"on {number_of(photos, 'photo')} held out"
    if gain < -ENOUGH:
        return (
            f"The new weights are worse than those before: {gain:+.2f} dB {seen}. Keep those "
            "before; more photos, or fewer steps, may help."
        )
    if gain < ENOUGH:
        return f"The new weights are no nearer than those before: {gain:+.2f} dB {seen}."
    return f"The new weights are nearer to your photos: {gain:+.2f} dB {seen}."


def table(rows: Iterable[Means]) -> Table:
    """Lay the means out for the terminal."""
    result = Table("colours", "PSNR", "CIEDE2000", "vivid", title="Held-out photos", box=SIMPLE)
    for row in rows:
        figures = (f"{row.psnr:.2f}", f"{row.ciede2000:.2f}", f"{row.colourfulness_ratio:.2f}")
        result.add_row(row.name, *figures)
    return result


def sheet_png(pictures: Sequence[Coloured]) -> bytes:
    """Lay photos out, a row each: grey, before, after, original; return a PNG."""
    rows = ((one.grey, one.before, one.after, one.original) for one in pictures)
    return sheet_of(rows, height=CELL)
