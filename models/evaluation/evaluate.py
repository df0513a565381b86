"""Colour photos whose colours are known, and measure how near they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from models.color.lab import lab_to_srgb, srgb_to_lab, to_hex
from models.evaluation.kinds import KindOfPhoto
from models.evaluation.landing import ab_of, landing_caption, measure_landing
from models.evaluation.matched import curve
from models.evaluation.obedience import colored_caption, measure_obedience
from models.evaluation.perceptual import Lpips
from models.evaluation.results import ORIGINAL, Evaluation, Pictures, Row, Subject
from models.guidance.condition import ChromaPredictor, Embedder
from models.job import ColorizeJob, Hint
from models.measures import (
    bleeding,
    ciede2000,
    colourfulness,
    colourfulness_absolute,
    differences,
    psnr,
    ssim,
)
from models.photos import Photo
from models.pipeline import View, colorize, view_of
from models.training.color_naming import WORDS, only_color_word, replace_color_word

FloatArray = NDArray[np.float32]
UInt8Array = NDArray[np.uint8]
Measure = Callable[[UInt8Array, UInt8Array], float]

MEASURES: dict[str, Measure] = {"psnr": psnr, "ssim": ssim, "ciede2000": ciede2000}
HINT_COUNTS = (1, 10, 100)
HINTED = {count: f"{count} hint{'s' * (count > 1)}" for count in HINT_COUNTS}
MATCHED = ("none", "caption", "other caption")
WORST = 12
WORDS_SHOWN = 8


def evaluate(
    photos: Sequence[Photo],
    *,
    colorizer: ChromaPredictor,
    clip: Embedder,
    lpips: Lpips | None = None,
    captions: bool = True,
    hints: bool = True,
    keep_pictures: int = 40,
    seed: int = 0,
) -> Iterator[Evaluation]:
    """Yield the growing evaluation after each photo.

    Guidance: ``grey`` (ab = 0, the baseline), ``none``, ``caption`` (the photo's first),
    ``other caption`` (another photo's), and hints at random places; ``captions`` and ``hints`` tell
    whether the model is asked with them. Pictures are kept of so many photos drawn at random, of
    the worst, and of some with a colour word.
    """
    generator = np.random.default_rng(seed)
    kind_of = KindOfPhoto(clip)
    result = Evaluation()
    others = _other_captions(photos, generator)
    shown = set(generator.permutation(len(photos))[:keep_pictures].tolist())
    for i, photo in enumerate(photos):
        original = photo.pixels
        lab = srgb_to_lab(original.astype(np.float32) / 255)
        grey = grey_of(lab[..., 0])

        start = time.perf_counter()
        view = view_of(grey, colorizer)  # the photo is looked at once for all that is asked
        seconds = {"none": time.perf_counter() - start}

        def run(job: ColorizeJob, grey: UInt8Array = grey, view: View = view) -> UInt8Array:
            return colorize(grey, job, colorizer=colorizer, clip=clip, view=view).pixels

        pictures = {"grey": np.repeat(grey, 3, axis=2)}
        jobs = {"none": ColorizeJob()}
        if captions and photo.captions:
            jobs["caption"] = ColorizeJob(photo.captions[0])
            jobs["other caption"] = ColorizeJob(others[i])
        for count, name in HINTED.items() if hints else ():
            jobs[name] = ColorizeJob(hints=random_hints(original, count, generator))
        for name, job in jobs.items():
            start = time.perf_counter()
            pictures[name] = run(job)
            seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - start

        result.subjects.append(_subject(photo, grey, clip, kind_of))
        result.rows.append(Row(i, ORIGINAL, _own_values(original)))
        distance = lpips.to(original) if lpips else None
        for name, picture in pictures.items():
            values = _values(original, picture)
            if distance:
                values["lpips"] = distance(picture)
            if name in seconds:
                values["seconds"] = seconds[name]
            off = at_hints(original, picture, jobs[name].hints) if name in jobs else ()
            scaled = curve(original, picture) if name in MATCHED else None
            result.rows.append(Row(i, name, values, scaled, off))

        caption = photo.captions[0] if photo.captions else ""
        off_by = result.values("none", "ciede2000", {i})[i]
        kept = Pictures(caption, others[i], {ORIGINAL: original} | pictures, photo.key, off_by)
        if i in shown:
            result.pictures.append(kept)
        if keep_pictures:
            result.worst = sorted([*result.worst, kept], key=lambda p: -p.off)[:WORST]
        if named := landing_caption(photo.captions) if captions else None:
            described = (
                pictures["caption"] if named == photo.captions[0] else run(ColorizeJob(named))
            )
            landed = measure_landing(described, pictures["none"], original, named)
            if landed is not None:
                result.landing[i] = landed
        if colored := colored_caption(photo.captions) if captions else None:
            by_word = {w: run(ColorizeJob(replace_color_word(colored, w))) for w in WORDS}
            ab = {word: ab_of(picture) for word, picture in by_word.items()}
            true = only_color_word(colored)
            assert true is not None
            result.obedience[i] = measure_obedience(ab, lab[..., 1:], true)
            if len(result.words) < min(keep_pictures, WORDS_SHOWN):
                shows = {ORIGINAL: original} | by_word
                result.words.append(Pictures(colored, "", shows, photo.key))
        yield result


def greyed(pixels: UInt8Array) -> UInt8Array:
    """Make the (H, W, 1) 8-bit grey picture of (H, W, 3) sRGB."""
    return grey_of(srgb_to_lab(pixels.astype(np.float32) / 255)[..., 0])


def grey_of(lightness: FloatArray) -> UInt8Array:
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
    side = _patch_side(original)
    hints = []
    for _ in range(count):
        y = int(generator.integers(max(height - side, 1)))
        x = int(generator.integers(max(width - side, 1)))
        patch = original[y : y + side, x : x + side].reshape(-1, 3).mean(axis=0) / 255
        centre = (side - 1) / 2
        hints.append(Hint(x + centre, y + centre, to_hex(patch), 0.72 * side))
    return tuple(hints)


def at_hints(original: UInt8Array, result: UInt8Array, hints: Sequence[Hint]) -> tuple[float, ...]:
    """Measure the CIEDE2000 of the mean colours of both pictures in the patch of each hint."""
    if not hints:
        return ()
    side = _patch_side(original)
    corners = [[round(c - (side - 1) / 2) for c in (hint.y, hint.x)] for hint in hints]
    colours = [
        np.stack([p[y : y + side, x : x + side].reshape(-1, 3).mean(axis=0) for y, x in corners])
        for p in (original, result)
    ]
    first, second = (np.asarray(np.rint(c), np.uint8)[None] for c in colours)
    return tuple(differences(first, second)[0].tolist())


def _patch_side(original: UInt8Array) -> int:
    side: int = round(2 * min(original.shape[:2]) / 224)
    return max(side, 1)


def _values(original: UInt8Array, picture: UInt8Array) -> dict[str, float]:
    """Measure one result; what cannot be measured is left out."""
    values = {name: measure(original, picture) for name, measure in MEASURES.items()}
    share = bleeding(original, picture).share
    return values | _vividness(picture) | ({} if share is None else {"bleeding": share})


def _own_values(original: UInt8Array) -> dict[str, float]:
    """Measure what an original has itself, and how long it takes to code and decode it."""
    own = bleeding(original, original)
    values = {"seconds": _floor(original), "bleeding by chance": own.chance}
    return values | _vividness(original) | ({} if own.share is None else {"bleeding": own.share})


def _vividness(picture: UInt8Array) -> dict[str, float]:
    return {
        "colourfulness": colourfulness(picture),
        "colourfulness absolute": colourfulness_absolute(picture),
    }


def _subject(photo: Photo, grey: UInt8Array, clip: Embedder, kind_of: KindOfPhoto) -> Subject:
    seen = clip.embed_image(photo.pixels.astype(np.float32) / np.float32(255))
    seen_grey = clip.embed_image(np.repeat(grey.astype(np.float32), 3, axis=2) / np.float32(255))
    caption = clip.embed_text(photo.captions[0]).vector if photo.captions else None
    kind = kind_of(seen, caption)
    return Subject(photo.key, photo.source, kind, seen, seen_grey, caption)


def _floor(original: UInt8Array) -> float:
    """Measure the seconds that coding the photo as PNG and decoding it take."""
    start = time.perf_counter()
    cv2.imdecode(cv2.imencode(".png", original)[1], cv2.IMREAD_COLOR)
    return time.perf_counter() - start


def _other_captions(photos: Sequence[Photo], generator: np.random.Generator) -> list[str]:
    """Give every photo the first caption of another one; empty where no other has any."""
    pool = [(i, photo.captions[0]) for i, photo in enumerate(photos) if photo.captions]
    others = []
    for i in range(len(photos)):
        strangers = [caption for owner, caption in pool if owner != i]
        others.append(strangers[int(generator.integers(len(strangers)))] if strangers else "")
    return others
