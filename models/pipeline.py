"""The way of a layer: pixels and a job in, coloured pixels out.

Lightness at a small working size -> guidance becomes a condition -> chroma from the colorizer ->
carried colours and dabs spread over it -> joined, at full size, with the lightness the layer came
with.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.color.lab import lightness
from models.color.upsampling import recolor
from models.color.working_size import working_shape
from models.guidance.condition import ChromaPredictor, Condition, Embedder, TextEmbedding
from models.guidance.hints import hint_map
from models.guidance.named_colors import ab_of, is_found, lay_names
from models.guidance.palette import Palette, paler, transport_to_given
from models.guidance.propagation import settle_carried, spread_dabs
from models.guidance.reference import Reference, is_colourless, join_embeddings
from models.job import ColorizeJob
from models.progress import Progress, unwatched
from models.scans.halftone import without_screen
from models.scans.toning import tone_of

__all__ = [
    "Colorized",
    "Reference",
    "View",
    "colorize",
    "condition_of",
    "view_of",
    "working_shape",
]

FloatArray = NDArray[np.float32]

FEW_MATCHES = 0.25  # mean confidence below which hardly anything in a reference was found again
WHOLE = 0.6  # share of the asked colour where a description is nothing but a colour


@dataclass(frozen=True, slots=True)
class Colorized:
    """A coloured layer: (H, W, 3 or 4) of the input's dtype, what to tell, seconds a stage.

    ``scan`` says what was left out of a scan when it was read, such as ``sepia``, ``halftone``.
    """

    pixels: NDArray[Any]
    notices: tuple[str, ...]
    timings: dict[str, float]
    scan: tuple[str, ...] = ()


@dataclass(slots=True)
class Stopwatch:
    """Seconds spent in each stage of one request; tells ``progress`` when a stage begins."""

    progress: Progress = unwatched
    timings: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time inside the block to the stage."""
        self.progress(name, 0.0)
        start = time.perf_counter()
        try:
            yield
        finally:
            self.timings[name] = self.timings.get(name, 0.0) + time.perf_counter() - start


@dataclass(frozen=True, slots=True)
class View:
    """A layer as the network sees it: what does not depend on what is asked for.

    ``lightness`` is (h, w) float32 at the working size, ``read`` the same without a printed
    screen, ``scan`` as in ``Colorized``; ``colorizer`` remembers what it worked out about them.
    Threads may share a view.
    """

    lightness: FloatArray
    read: FloatArray
    scan: tuple[str, ...]
    colorizer: ChromaPredictor


def view_of(pixels: NDArray[Any], colorizer: ChromaPredictor) -> View:
    """Look at a layer, to colour it perhaps more than once."""
    seen = _at_working_size(pixels, colorizer.working_size)
    tone = tone_of(seen) if seen.ndim == 3 else None
    there = lightness(seen)
    read = without_screen(there)
    scan = (tone, None if read is there else "halftone")
    return View(there, read, tuple(filter(None, scan)), colorizer.remembering())


def colorize(
    pixels: NDArray[Any],
    job: ColorizeJob,
    *,
    colorizer: ChromaPredictor,
    clip: Embedder,
    reference: Reference | None = None,
    mask: NDArray[np.float32] | None = None,
    progress: Progress = unwatched,
    view: View | None = None,
    may_overwrite: bool = False,
) -> Colorized:
    """Colour one layer.

    ``pixels`` is (H, W, C), C = 1..4 for grey, grey and alpha, RGB, RGBA; uint8, uint16 or float32
    in [0, 1]; sRGB-encoded, straight alpha. ``reference`` is a photo to take colours from.
    ``mask`` is (H, W) float32 in [0, 1]: 1 = colour here.
    ``progress`` hears of each stage as it begins, and of the blocks of the last one. Where the
    caller ``may_overwrite`` the pixels, the result may take their place and save memory. ``view``
    is what ``view_of`` these pixels gave before: the network need not look at them again.

    Raises:
        JobError: a hint lies outside the layer.
        Stopped: ``progress`` says so.
    """
    height, width = pixels.shape[:2]
    job.check_against(width, height)
    watch = Stopwatch(progress)
    with watch.stage("lightness"):
        view = view_of(pixels, colorizer) if view is None else view
        small, read, colorizer = view.lightness, view.read, view.colorizer
    with watch.stage("guidance"):
        reads = job.description and job.strength > 0
        told = clip.embed_text(job.description, job.language) if reads else None
        condition, notices = condition_of(
            job, told, reference, read, colorizer=colorizer, clip=clip
        )
        if view.scan:
            notices = (
                *notices,
                f"The photo looks like a scan ({', '.join(view.scan)}): its colours were chosen as "
                "if it were clean.",
            )
    with watch.stage("network"):
        # Carried colours are laid over the answer alone: hundreds of half-sure hints among the
        # network's inputs drive its colours far off.
        prediction = colorizer.predict(read, replace(condition, hints=None))
        guide = _shrunk(small, prediction.ab.shape[:2])
        dabs = hint_map(job.hints, full_size=(height, width), grid_size=small.shape)
        ab = prediction.ab
        if job.palette and job.strength > 0:
            ab, more = _with_palette(ab, job, guide)
            notices = (*notices, *more)
        if condition.hints is not None:
            settled = settle_carried(ab, condition.hints, guide)
            ab = ab + np.float32(job.strength) * (settled - ab)
        if told is not None and told.named and colorizer.locates:
            ab, more = _with_names(ab, told, read, guide, job.strength, colorizer)
            notices = (*notices, *more)
        if dabs is not None:  # last: a dab is a correction of all that came before
            dabbed = spread_dabs(ab, dabs, guide, colorizer.relate(read))
            ab = ab + np.float32(job.strength) * (dabbed - ab)
    with watch.stage("join"):
        ab = ab * np.float32(job.saturation)
        result = recolor(
            pixels, ab, guide, mask=mask, report=partial(progress, "join"),
            may_overwrite=may_overwrite,
        )  # fmt: skip
    return Colorized(result, notices, watch.timings, view.scan)


def condition_of(
    job: ColorizeJob,
    told: TextEmbedding | None,
    reference: Reference | None,
    lightness: FloatArray,
    *,
    colorizer: ChromaPredictor,
    clip: Embedder,
) -> tuple[Condition, tuple[str, ...]]:
    """Turn words and a reference into a condition, and say what could not be used.

    ``told`` is the job's description as CLIP sees it. The condition's hints are the colours carried
    from the reference. ``colorize`` lays them over the network's answer, then the colours of named
    things, and then the dabs, which are not among them.
    """
    if job.strength == 0:
        given = job.description or job.hints or job.palette or reference
        notice = "The guidance was not used: strength is 0. Raise it."
        return Condition(None, None, 0.0), (notice,) if given else ()
    notices: tuple[str, ...] = ()
    text = image = matches = None
    if told is not None:
        notices = told.notices
        # A colour belongs to a place, not to the scene.
        text = told.scene if colorizer.locates else told.vector
    if reference is not None:
        colours = reference.small()
        if is_colourless(colours):
            notices = (
                *notices,
                f"The {reference.name} has no colours and was not used: give a colour photo.",
            )
        else:
            image = clip.embed_image(colours)
            matches = colorizer.match(lightness, colours)
            if float(matches.confidence.mean()) < FEW_MATCHES:
                notices = (
                    *notices,
                    f"The {reference.name} had little effect: nothing in it looks like what this "
                    "photo shows. Give one of a similar scene.",
                )
    palette = Palette.of(job.palette).for_network() if job.palette else None
    return Condition(join_embeddings(text, image), matches, job.strength, palette), notices


def _with_palette(
    ab: FloatArray, job: ColorizeJob, guide: FloatArray
) -> tuple[FloatArray, tuple[str, ...]]:
    """Move (h, w, 2) ab to the job's palette, as far as its strength says."""
    palette = Palette.of(job.palette)
    notices = tuple(
        f"The palette's {given.color} shows paler than you gave it: hardly anything in the photo "
        "has a lightness at which sRGB has that colour. Give a paler one."
        for given, is_paler in zip(job.palette, paler(guide, palette), strict=True)
        if is_paler
    )
    return ab + np.float32(job.strength) * (transport_to_given(ab, guide, palette) - ab), notices


def _with_names(
    ab: FloatArray,
    told: TextEmbedding,
    lightness: FloatArray,
    guide: FloatArray,
    strength: float,
    colorizer: ChromaPredictor,
) -> tuple[FloatArray, tuple[str, ...]]:
    """Give (h, w, 2) ab the colours that a description names, where it names them.

    A description that is nothing but a colour speaks of the whole picture.
    """
    colors = [ab_of(thing.colors) for thing in told.named]
    if told.scene is None:
        everywhere = [np.ones(guide.shape, np.float32) for _ in told.named]
        return lay_names(ab, everywhere, colors, guide, strength=WHOLE * strength), ()
    found = colorizer.locate(lightness, told.named)
    notices = tuple(
        f'Hardly anything in the photo looks like "{thing.said}": name the thing as it looks in '
        "the photo, or dab the colour on it."
        for thing, where in zip(told.named, found, strict=True)
        if not is_found(where)
    )
    return lay_names(ab, list(found), colors, guide, strength=strength), notices


def _at_working_size(pixels: NDArray[Any], working_size: int) -> FloatArray:
    """Return the layer small, float32 sRGB in [0, 1], without alpha: (h, w), or (h, w, 3).

    The area is about ``working_size`` squared whatever the layer's size, so that colours do not
    depend on it; sides are multiples of the chroma grid's cell.
    """
    height, width = pixels.shape[:2]
    rows, columns = working_shape(height, width, working_size)
    channels = pixels.shape[2] - (pixels.shape[2] in (2, 4))
    colour = np.ascontiguousarray(pixels[..., :channels])
    shrinks = rows < height or columns < width
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    small = cv2.resize(colour, (columns, rows), interpolation=how)
    if small.dtype != np.float32:
        small = small / np.float32(np.iinfo(pixels.dtype).max)
    shape = (rows, columns) if channels == 1 else (rows, columns, channels)
    return np.asarray(small.reshape(shape), np.float32)


def _shrunk(plane: FloatArray, shape: tuple[int, int]) -> FloatArray:
    size = (shape[1], shape[0])
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)
