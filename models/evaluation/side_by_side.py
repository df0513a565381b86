"""The baselines without a network beside Photochrom: the same photos, hints and references."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from models.baselines import HINTED, OURS, REFERENCED
from models.baselines.levin2004 import optimise
from models.baselines.sample_colorize import transfer
from models.color.lab import lab_to_srgb_in_gamut, lightness
from models.evaluation.evaluate import HINTED as NAMED_COUNTS
from models.evaluation.evaluate import greyed, random_hints
from models.evaluation.references import intersection, mirrored_part
from models.guidance.condition import ChromaPredictor, Embedder
from models.guidance.hints import hint_map
from models.guidance.reference import Reference
from models.job import ColorizeJob, Hint
from models.measures import ciede2000, colourfulness, psnr
from models.photos import Photo
from models.pipeline import colorize

UInt8Array = NDArray[np.uint8]
HintPainter = Callable[[UInt8Array, tuple[Hint, ...]], UInt8Array]
ReferencePainter = Callable[[UInt8Array, UInt8Array], UInt8Array]

REFERENCES = ("original", "mirrored part", "random")


@dataclass(frozen=True, slots=True)
class Guided:
    """Means over photos of one painter under one kind of guidance.

    ``intersection`` is that of the result's colours with the reference's, None for hints.
    """

    painter: str
    guidance: str
    photos: int
    psnr_against_grey: float
    ciede2000: float
    colourfulness_ratio: float
    intersection: float | None


def measure_hints(
    photos: Iterable[Photo], painters: Mapping[str, HintPainter], *, seed: int = 0
) -> list[Guided]:
    """Colour every photo after the same 1, 10 and 100 random hints by each painter."""
    generator = np.random.default_rng(seed)
    rows = []
    for photo in photos:
        grey = greyed(photo.pixels)
        for count, guidance in NAMED_COUNTS.items():
            hints = random_hints(photo.pixels, count, generator)
            for name, paint in painters.items():
                rows.append(_row(name, guidance, photo, paint(grey, hints)))
    return _means(rows)


def measure_references(
    photos: Sequence[Photo], painters: Mapping[str, ReferencePainter], *, seed: int = 0
) -> list[Guided]:
    """Colour every photo by itself, by a mirrored part of it and by another photo at random."""
    generator = np.random.default_rng(seed)
    rows = []
    for number, photo in enumerate(photos):
        grey = greyed(photo.pixels)
        stranger = (number + 1 + int(generator.integers(max(len(photos) - 1, 1)))) % len(photos)
        pictures = (
            photo.pixels,
            mirrored_part(photo.pixels, generator),
            photos[stranger].pixels,
        )
        for kind, reference in zip(REFERENCES, pictures, strict=True):
            for name, paint in painters.items():
                rows.append(_row(name, kind, photo, paint(grey, reference), reference))
    return _means(rows)


def paint_by_levin(grey: UInt8Array, hints: tuple[Hint, ...]) -> UInt8Array:
    """Colour (H, W, 1) grey by hints alone, at its own size."""
    plane = lightness(grey[..., 0] / np.float32(255))
    known = hint_map(hints, full_size=plane.shape, grid_size=plane.shape)
    return _joined(plane, optimise(plane, known))


def paint_by_sample(grey: UInt8Array, reference: UInt8Array) -> UInt8Array:
    """Colour (H, W, 1) grey by a reference's colours of the same lightness."""
    plane = lightness(grey[..., 0] / np.float32(255))
    rgb = np.asarray(reference / np.float32(255), np.float32)
    return _joined(plane, transfer(plane, rgb))


def hint_painters(colorizer: ChromaPredictor, clip: Embedder) -> dict[str, HintPainter]:
    """Return Levin's optimisation and Photochrom, in this order."""

    def ours(grey: UInt8Array, hints: tuple[Hint, ...]) -> UInt8Array:
        job = ColorizeJob(hints=hints)
        return np.asarray(colorize(grey, job, colorizer=colorizer, clip=clip).pixels, np.uint8)

    return {HINTED: paint_by_levin, OURS: ours}


def reference_painters(colorizer: ChromaPredictor, clip: Embedder) -> dict[str, ReferencePainter]:
    """Return the luminance-histogram transfer and Photochrom, in this order."""

    def ours(grey: UInt8Array, reference: UInt8Array) -> UInt8Array:
        given = Reference.of(reference)
        done = colorize(grey, ColorizeJob(), colorizer=colorizer, clip=clip, reference=given)
        return np.asarray(done.pixels, np.uint8)

    return {REFERENCED: paint_by_sample, OURS: ours}


def table(means: Sequence[Guided]) -> Table:
    """Lay the figures out for the terminal."""
    columns = ("photos", "PSNR - grey", "CIEDE2000", "vivid", "shared ab")
    result = Table("guidance", "painter", *columns, title="Mean over photos")
    for row in means:
        shared = "-" if row.intersection is None else f"{row.intersection:.3f}"
        result.add_row(
            row.guidance,
            row.painter,
            str(row.photos),
            f"{row.psnr_against_grey:+.2f}",
            f"{row.ciede2000:.2f}",
            f"{row.colourfulness_ratio:.2f}",
            shared,
        )
    return result


@dataclass(frozen=True, slots=True)
class _Row:
    painter: str
    guidance: str
    psnr_against_grey: float
    ciede2000: float
    colourfulness: float
    original: float
    intersection: float | None


def _row(
    painter: str,
    guidance: str,
    photo: Photo,
    result: UInt8Array,
    reference: UInt8Array | None = None,
) -> _Row:
    plain = np.repeat(greyed(photo.pixels), 3, axis=2)
    return _Row(
        painter,
        guidance,
        psnr(photo.pixels, result) - psnr(photo.pixels, plain),
        ciede2000(photo.pixels, result),
        colourfulness(result),
        colourfulness(photo.pixels),
        None if reference is None else intersection(result, reference),
    )


def _means(rows: Sequence[_Row]) -> list[Guided]:
    means = []
    for guidance, painter in dict.fromkeys((row.guidance, row.painter) for row in rows):
        same = [row for row in rows if (row.guidance, row.painter) == (guidance, painter)]
        shared = [row.intersection for row in same if row.intersection is not None]
        means.append(
            Guided(
                painter,
                guidance,
                len(same),
                float(np.mean([row.psnr_against_grey for row in same])),
                float(np.mean([row.ciede2000 for row in same])),
                float(
                    np.mean([row.colourfulness for row in same])
                    / np.mean([row.original for row in same])
                ),
                float(np.mean(shared)) if shared else None,
            )
        )
    return means


def _joined(plane: NDArray[np.float32], ab: NDArray[np.float32]) -> UInt8Array:
    return np.asarray(np.rint(lab_to_srgb_in_gamut(plane, ab) * 255), np.uint8)
