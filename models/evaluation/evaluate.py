"""Colour photos whose colours are known, and measure how near they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.color import lab_to_srgb, srgb_to_lab, to_hex
from models.evaluation.matched import Curve, Matched, curve, match
from models.evaluation.measures import (
    ciede2000,
    colourfulness,
    colourfulness_absolute,
    psnr,
    ssim,
)
from models.evaluation.obedience import Obedience, colored_caption, measure_obedience
from models.guidance import ChromaPredictor, Embedder
from models.job import ColorizeJob, Hint
from models.pipeline import colorize
from models.training.photos import Photo
from models.training.recoloring import WORDS, only_color_word, replace_color_word

UInt8Array = NDArray[np.uint8]
Measure = Callable[[UInt8Array, UInt8Array], float]

MEASURES: dict[str, Measure] = {"psnr": psnr, "ssim": ssim, "ciede2000": ciede2000}
HINT_COUNTS = (1, 10, 100)
MATCHED = ("none", "caption", "other caption")


@dataclass(slots=True)
class Row:
    """One photo, by its number, under one kind of guidance: measure -> value."""

    photo: int
    guidance: str
    source: str
    values: dict[str, float]
    curve: Curve | None = None


@dataclass(slots=True)
class Pictures:
    """What the contact sheet shows of one photo."""

    caption: str
    other: str
    pictures: dict[str, UInt8Array]


@dataclass(slots=True)
class Evaluation:
    """Everything measured, row by row."""

    rows: list[Row] = field(default_factory=list)
    obedience: list[Obedience] = field(default_factory=list)
    pictures: list[Pictures] = field(default_factory=list)

    def mean(self, guidance: str, measure: str, source: str | None = None) -> float:
        """Mean of a measure over the photos of a guidance; nan without any."""
        values = [
            row.values[measure]
            for row in self.rows
            if row.guidance == guidance
            and measure in row.values
            and (source is None or row.source == source)
        ]
        return float(np.mean(values)) if values else float("nan")

    def on_same(self, guidance: str, other: str, measure: str) -> float:
        """Mean of a measure under ``guidance`` over the photos that ``other`` was given to."""
        photos = {row.photo for row in self.rows if row.guidance == other}
        values = [
            row.values[measure]
            for row in self.rows
            if row.guidance == guidance and row.photo in photos
        ]
        return float(np.mean(values)) if values else float("nan")

    def matched(self, guidance: str, other: str | None = None) -> Matched | None:
        """Accuracy at the originals' colourfulness, on the photos that ``other`` was given to."""
        photos = {row.photo for row in self.rows if other is None or row.guidance == other}
        rows = [row for row in self.rows if row.guidance == guidance and row.photo in photos]
        return match([row.curve for row in rows if row.curve is not None])

    def ratio(self, guidance: str, measure: str = "colourfulness") -> float:
        """Mean colourfulness over the originals' mean colourfulness, same photos."""
        return self.mean(guidance, measure) / self.mean(guidance, f"{measure} of original")


def evaluate(
    photos: Sequence[Photo],
    *,
    colorizer: ChromaPredictor,
    clip: Embedder,
    lpips: Measure | None = None,
    hints: bool = True,
    keep_pictures: int = 48,
    seed: int = 0,
) -> Iterator[Evaluation]:
    """Yield the growing evaluation after each photo.

    Guidance: ``grey`` (ab = 0, the baseline), ``none``, ``caption`` (the photo's first),
    ``other caption`` (another photo's), and hints at random places.
    """
    generator = np.random.default_rng(seed)
    measures = MEASURES | ({"lpips": lpips} if lpips else {})
    result = Evaluation()
    others = _other_captions(photos, generator)
    shown = set(generator.permutation(len(photos))[:keep_pictures].tolist())
    for i, photo in enumerate(photos):
        original = photo.pixels
        lab = srgb_to_lab(original.astype(np.float32) / 255)
        grey = grey_of(lab[..., 0])

        def run(job: ColorizeJob, grey: UInt8Array = grey) -> UInt8Array:
            return colorize(grey, job, colorizer=colorizer, clip=clip).pixels

        pictures = {"grey": np.repeat(grey, 3, axis=2), "none": run(ColorizeJob())}
        if photo.captions:
            pictures["caption"] = run(ColorizeJob(photo.captions[0]))
            pictures["other caption"] = run(ColorizeJob(others[i]))
        if hints:
            for count in HINT_COUNTS:
                job = ColorizeJob(hints=random_hints(original, count, generator))
                pictures[f"{count} hints"] = run(job)
        for name, picture in pictures.items():
            values = {key: measure(original, picture) for key, measure in measures.items()}
            for key, of in (
                ("colourfulness", colourfulness),
                ("colourfulness absolute", colourfulness_absolute),
            ):
                values |= {key: of(picture), f"{key} of original": of(original)}
            matchable = name in MATCHED
            row_curve = curve(original, picture) if matchable else None
            result.rows.append(Row(i, name, photo.source, values, row_curve))
        if caption := colored_caption(photo.captions):
            result.obedience.append(_obedience(caption, lab[..., 1:], run))
        if i in shown:
            caption = photo.captions[0] if photo.captions else ""
            result.pictures.append(Pictures(caption, others[i], {"original": original} | pictures))
        yield result


def grey_of(lightness: NDArray[np.float32]) -> UInt8Array:
    """Make the (H, W, 1) 8-bit grey picture of (H, W) lightness: ab = 0."""
    lab = np.dstack([lightness, np.zeros((*lightness.shape, 2), np.float32)])
    return np.asarray(np.rint(lab_to_srgb(lab).clip(0, 1) * 255), np.uint8)[..., :1]


def random_hints(
    original: UInt8Array, count: int, generator: np.random.Generator
) -> tuple[Hint, ...]:
    """Reveal the mean colour of 2x2 px of a 224 px picture at random places (iColoriT's protocol).

    The patch is scaled with the picture.
    """
    height, width = original.shape[:2]
    side = max(round(2 * min(height, width) / 224), 1)
    hints = []
    for _ in range(count):
        y = int(generator.integers(max(height - side, 1)))
        x = int(generator.integers(max(width - side, 1)))
        patch = original[y : y + side, x : x + side].reshape(-1, 3).mean(axis=0) / 255
        centre = (side - 1) / 2
        hints.append(Hint(x + centre, y + centre, to_hex(patch), 0.72 * side))
    return tuple(hints)


def _obedience(
    caption: str, original: NDArray[np.float32], run: Callable[[ColorizeJob], UInt8Array]
) -> Obedience:
    results = {}
    for word in WORDS:
        picture = run(ColorizeJob(replace_color_word(caption, word)))
        results[word] = srgb_to_lab(picture.astype(np.float32) / 255)[..., 1:]
    true = only_color_word(caption)
    assert true is not None
    return measure_obedience(results, original, true)


def _other_captions(photos: Sequence[Photo], generator: np.random.Generator) -> list[str]:
    """Give every photo the first caption of another one; empty where no other has any."""
    pool = [(i, photo.captions[0]) for i, photo in enumerate(photos) if photo.captions]
    others = []
    for i in range(len(photos)):
        strangers = [caption for owner, caption in pool if owner != i]
        others.append(strangers[int(generator.integers(len(strangers)))] if strangers else "")
    return others
