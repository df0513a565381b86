"""How far a photo's colours are moved by what should not move them.

    python -m models.evaluation.moved PHOTO... [--limit 6]

Two things: light card around the photo, as around a mounted print, and a piece of knitted cloth as
the reference, which shows nothing that the photo does. Beside them what the loss of its outermost
hundredth does, as the yardstick: no two pictures of one thing get quite the same colours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from models.evaluation.evaluate import greyed
from models.evaluation.landing import ab_of
from models.guidance.condition import ChromaPredictor, Embedder
from models.guidance.reference import Reference
from models.job import ColorizeJob
from models.photos import Photo, read_photos, spread_evenly
from models.pipeline import colorize

FloatArray = NDArray[np.float32]
UInt8Array = NDArray[np.uint8]

LONG_SIDE = 900  # pixels; as much as a result on paper shows
CARDS = ((235, 0.06), (235, 0.12), (235, 0.3), (200, 0.12))  # its level, its share of the long side
NOISE = 1.5  # levels; of a scanner
EDGE = 0.01  # of each side, that is cut off


@dataclass(frozen=True, slots=True)
class Moved:
    """What was done to one photo, how far its colours moved, and the chroma of card around it.

    ``by`` is the mean distance in ab from the colours without it.
    """

    key: str
    what: str
    by: float
    around: float = 0.0


def cloth(height: int = 384, width: int = 280) -> UInt8Array:
    """Knit a piece of violet cloth: (height, width, 3) uint8."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    stitch = np.cos(2 * np.pi * x / 19) * 0.5 + np.cos(2 * np.pi * y / 17) * 0.5
    slant = np.cos(2 * np.pi * (y + np.abs((x % 19) - 9.5)) / 17) * 0.4
    noise = np.random.default_rng(4).normal(0, 1, (height, width)).astype(np.float32)
    wool = cv2.GaussianBlur(noise, (0, 0), 2) * 1.5
    folds = np.sin(x / 90 + y / 140) * 0.5
    shade = 1 + 0.22 * (stitch + slant + wool + folds)
    return np.asarray((shade[..., None] * (82, 36, 138)).clip(0, 255), np.uint8)


def on_card(grey: UInt8Array, level: int, margin: float) -> tuple[UInt8Array, int]:
    """Mount an (H, W, 1) photo; give the sheet, and how many pixels of card are on each side."""
    border = round(margin * max(grey.shape))
    shape = (grey.shape[0] + 2 * border, grey.shape[1] + 2 * border, 1)
    sheet = np.random.default_rng(0).normal(level, NOISE, shape).clip(0, 255).astype(np.uint8)
    sheet[border:-border, border:-border] = grey
    return sheet, border


def measure(photos: Sequence[Photo], colorizer: ChromaPredictor, clip: Embedder) -> Iterator[Moved]:
    """Yield how far each photo is moved by each thing."""

    def colored(grey: UInt8Array, reference: Reference | None = None) -> FloatArray:
        return ab_of(
            colorize(
                grey, ColorizeJob(), colorizer=colorizer, clip=clip, reference=reference
            ).pixels
        )

    def apart(some: FloatArray, other: FloatArray) -> float:
        return float(np.hypot(*np.moveaxis(some - other, -1, 0)).mean())

    knitted = Reference.of(cloth())
    for photo in photos:
        scale = min(LONG_SIDE / max(photo.pixels.shape[:2]), 1.0)
        small = cv2.resize(photo.pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        grey = greyed(np.asarray(small, np.uint8))
        alone = colored(grey)
        rows, columns = (max(round(EDGE * side), 1) for side in grey.shape[:2])
        inner = slice(rows, -rows), slice(columns, -columns)
        cropped = colored(np.ascontiguousarray(grey[inner]))
        yield Moved(photo.key, "its edge cut off", apart(cropped, alone[inner]))
        for level, margin in CARDS:
            sheet, border = on_card(grey, level, margin)
            result = colored(sheet)
            inside = slice(border, -border), slice(border, -border)
            chroma = np.hypot(*np.moveaxis(result, -1, 0))
            card = np.ones(chroma.shape, bool)
            card[inside] = False
            name = f"card of {level}, {margin:.0%} wide"
            yield Moved(photo.key, name, apart(result[inside], alone), float(chroma[card].mean()))
        yield Moved(photo.key, "cloth as reference", apart(colored(grey, knitted), alone))


@click.command()
@click.argument("photos", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--limit", type=click.IntRange(1), help="So many photos, spread evenly.")
@click.option("--weights", type=click.Path(exists=True, path_type=Path))
def main(photos: tuple[Path, ...], limit: int | None, weights: Path | None) -> None:
    """Measure PHOTOS: files, folders or tar shards; their colours are not looked at."""
    from models.networks.loading import load_pair

    colorizer, clip = load_pair(weights)
    rows: dict[str, list[Moved]] = {}
    for moved in measure(spread_evenly(list(read_photos(photos)), limit), colorizer, clip):
        rows.setdefault(moved.what, []).append(moved)
        click.echo(f"{moved.key}, {moved.what}: {moved.by:.1f} ab")
    for what, some in rows.items():
        by = [row.by for row in some]
        card = f"; card {np.mean([row.around for row in some]):.2f}" if "card" in what else ""
        click.echo(
            f"{what}: moved by {np.mean(by):.1f} ab ({min(by):.1f} to {max(by):.1f}, "
            f"{len(some)} photos){card}"
        )


if __name__ == "__main__":
    main()
