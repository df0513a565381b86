"""How well a photo's colours are carried over from a reference, good or bad.

Five references for every target: the original itself; a part of it, mirrored; the other photo that
CLIP finds most like the grey target; a photo drawn at random; none. PSNR tells whether the colours
are nearer to the true ones for it, the histogram intersection whether they are the reference's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.box import SIMPLE
from rich.table import Table

from models.color.lab import srgb_to_lab
from models.evaluation.evaluate import greyed
from models.evaluation.results import Pictures
from models.evaluation.sheet import sheet_of
from models.guidance.condition import ChromaPredictor, Embedder
from models.guidance.reference import Reference
from models.job import ColorizeJob
from models.measures import colourfulness, psnr
from models.photos import Photo
from models.pipeline import colorize, view_of

FloatArray = NDArray[np.float32]
UInt8Array = NDArray[np.uint8]

BIN = 10.0  # ab; a bin of the histogram is so wide, one of them centred on grey
LIMIT = 110.0
PART = 0.75  # share of each side that the mirrored part keeps
KINDS = ("original", "mirrored part", "retrieved", "random")


class NoOtherPhoto(ValueError):
    """A target that has no other photo to take colours from; the message names the remedy."""


@dataclass(frozen=True, slots=True)
class ReferenceRow:
    """One target with one kind of reference; all intersections are with that reference."""

    key: str
    kind: str
    likeness: float  # CLIP's, of the grey target and the reference
    psnr: float
    psnr_none: float
    intersection: float
    intersection_none: float
    intersection_original: float
    colourfulness: float


@dataclass(slots=True)
class ReferenceEvaluation:
    """Everything measured, row by row; ``colourfulness_original`` is the photos' own mean."""

    rows: list[ReferenceRow] = field(default_factory=list)
    colourfulness_original: list[float] = field(default_factory=list)
    colourfulness_none: list[float] = field(default_factory=list)
    pictures: list[Pictures] = field(default_factory=list)


def evaluate_references(
    targets: Sequence[Photo],
    candidates: Sequence[Photo],
    *,
    colorizer: ChromaPredictor,
    clip: Embedder,
    keep_pictures: int = 0,
    seed: int = 0,
) -> Iterator[ReferenceEvaluation]:
    """Yield the growing evaluation after each target.

    The retrieved reference is the one of ``candidates``, the target itself aside, whose embedding
    is nearest to that of the grey target.

    Raises:
        NoOtherPhoto: a target is the only candidate.
    """
    if any({photo.key for photo in candidates} <= {target.key} for target in targets):
        raise NoOtherPhoto("references come from other photos: name two photos at least")
    generator = np.random.default_rng(seed)
    vectors = np.stack([clip.embed_image(_floats(photo.pixels)) for photo in candidates])
    keys = [photo.key for photo in candidates]
    shown = set(generator.permutation(len(targets))[:keep_pictures].tolist())
    result = ReferenceEvaluation()
    for number, photo in enumerate(targets):
        grey = greyed(photo.pixels)
        likeness = vectors @ clip.embed_image(np.repeat(_floats(grey), 3, axis=2))
        likeness[[i for i, key in enumerate(keys) if key == photo.key]] = -1.0
        best = int(likeness.argmax())
        stranger = int(generator.choice(np.flatnonzero(likeness >= -0.999)))
        references = {
            "original": (photo.pixels, 1.0),
            "mirrored part": (mirrored_part(photo.pixels, generator), 1.0),
            "retrieved": (candidates[best].pixels, float(likeness[best])),
            "random": (candidates[stranger].pixels, float(likeness[stranger])),
        }
        view = view_of(grey, colorizer)
        none = colorize(grey, ColorizeJob(), colorizer=colorizer, clip=clip, view=view).pixels
        pictures = {"grey": np.repeat(grey, 3, axis=2), "none": none}
        for kind, (pixels, like) in references.items():
            coloured = colorize(
                grey,
                ColorizeJob(),
                colorizer=colorizer,
                clip=clip,
                reference=Reference.of(pixels),
                view=view,
            ).pixels
            result.rows.append(
                ReferenceRow(
                    photo.key,
                    kind,
                    like,
                    psnr(photo.pixels, coloured),
                    psnr(photo.pixels, none),
                    intersection(coloured, pixels),
                    intersection(none, pixels),
                    intersection(photo.pixels, pixels),
                    colourfulness(coloured),
                )
            )
            if kind in ("retrieved", "random"):
                pictures |= {f"reference, {kind}": pixels}
            pictures |= {f"by {kind}": coloured}
        result.colourfulness_original.append(colourfulness(photo.pixels))
        result.colourfulness_none.append(colourfulness(none))
        if number in shown:
            caption = f"{photo.key}; retrieved {keys[best]}, likeness {likeness[best]:.2f}"
            result.pictures.append(Pictures(caption, "", {"original": photo.pixels} | pictures))
        yield result


def histogram(rgb: UInt8Array) -> NDArray[np.float64]:
    """Count the Lab chroma of (H, W, 3) 8-bit sRGB in bins of 10 x 10 ab units; sums to 1.

    The bins are centred on multiples of 10, so that the greys share one; the outermost hold what
    lies beyond 110.
    """
    ab = srgb_to_lab(_floats(rgb))[..., 1:].reshape(-1, 2)
    steps = int(LIMIT / BIN)
    index = np.rint(ab / BIN).astype(int).clip(-steps, steps) + steps
    width = 2 * steps + 1
    counts = np.bincount(index[:, 0] * width + index[:, 1], minlength=width * width)
    shares: NDArray[np.float64] = counts / counts.sum()
    return shares


def intersection(first: UInt8Array, second: UInt8Array) -> float:
    """Share of the colours that two pictures have in common, 0 to 1 (Swain and Ballard 1991)."""
    return float(np.minimum(histogram(first), histogram(second)).sum())


def mirrored_part(pixels: UInt8Array, generator: np.random.Generator) -> UInt8Array:
    """Cut out a part at random and mirror it left to right."""
    height, width = pixels.shape[:2]
    h, w = max(round(PART * height), 1), max(round(PART * width), 1)
    y, x = int(generator.integers(height - h + 1)), int(generator.integers(width - w + 1))
    return np.ascontiguousarray(pixels[y : y + h, x : x + w][:, ::-1])


def summary(evaluation: ReferenceEvaluation, details: dict[str, Any]) -> dict[str, Any]:
    """Return the means as plain numbers; ``details`` say what was evaluated."""
    originals = float(np.mean(evaluation.colourfulness_original))
    table: dict[str, Any] = {}
    for kind in KINDS:
        rows = [row for row in evaluation.rows if row.kind == kind]
        table[kind] = {
            "photos": len(rows),
            "likeness": float(np.mean([row.likeness for row in rows])),
            "psnr": float(np.mean([row.psnr for row in rows])),
            "psnr_over_none": float(np.mean([row.psnr - row.psnr_none for row in rows])),
            "worse_by_1_db": float(np.mean([row.psnr < row.psnr_none - 1 for row in rows])),
            "psnr_deviation": float(np.std([row.psnr for row in rows])),
            "intersection": float(np.mean([row.intersection for row in rows])),
            "intersection_over_none": float(
                np.mean([row.intersection - row.intersection_none for row in rows])
            ),
            "intersection_of_original": float(np.mean([row.intersection_original for row in rows])),
            "colourfulness_ratio": float(np.mean([row.colourfulness for row in rows]) / originals),
        }
    ratio = float(np.mean(evaluation.colourfulness_none)) / originals
    return {"details": details | {"colourfulness_ratio_of_none": ratio}, "reference": table}


def table(figures: dict[str, Any]) -> Table:
    """Lay the figures out for the terminal, 80 columns wide; JSON has all of them."""
    columns = ("PSNR", "over none", "1 dB worse", "shared ab", "over none", "vivid")
    result = Table("reference", *columns, title="Mean over photos", box=SIMPLE)
    for kind, row in figures["reference"].items():
        result.add_row(
            kind,
            f"{row['psnr']:.2f}",
            f"{row['psnr_over_none']:+.2f}",
            f"{row['worse_by_1_db']:.0%}",
            f"{row['intersection']:.3f}",
            f"{row['intersection_over_none']:+.3f}",
            f"{row['colourfulness_ratio']:.2f}",
        )
    return result


def sheet_png(evaluation: ReferenceEvaluation) -> bytes:
    """Lay the kept pictures out, a target in every row; return a PNG."""
    return sheet_of((shown.pictures.values() for shown in evaluation.pictures), height=224)


def _floats(pixels: UInt8Array) -> FloatArray:
    return pixels.astype(np.float32) / np.float32(255)
