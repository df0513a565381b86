"""The way of a layer: pixels and a job in, coloured pixels out.

Lightness at a small working size -> guidance becomes a condition -> chroma from the colorizer, none
on the paper around a print -> overlays over it, in order: palette, reference, things, regions,
hints -> joined, at full size, with the lightness the layer came with.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.color.lab import lightness
from models.color.mask import Mask
from models.color.shrinking import shrink, shrunk, working_shape
from models.color.upsampling import recolor
from models.conditions import condition_of
from models.guidance.condition import (
    ChromaPredictor,
    Condition,
    Embedder,
    HintMap,
    TextEmbedding,
)
from models.guidance.hints import as_shown, hint_map, joined_hints, painted_map
from models.guidance.overlays import (
    CarriedOverlay,
    Chroma,
    HintsOverlay,
    Overlay,
    PaletteOverlay,
    RegionOverlay,
    ThingsOverlay,
)
from models.guidance.palette import Palette, paler
from models.guidance.reference import Reference
from models.guidance.regions import place_region, region_masks
from models.guidance.things import FoundThing, describe_thing, place_things, unused_changes
from models.job import ColorizeJob
from models.layers import ColorLayer, layers_of
from models.on_card import OnCard, print_box
from models.progress import Progress, unwatched
from models.scans import is_black_and_white, paper_of, tone_of, without_screen

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Colorized:
    """A coloured layer: (H, W, 3 or 4) of the input's dtype, what to tell, seconds a stage.

    ``scan`` says what was left out of a scan when it was read, such as ``sepia``, ``halftone``;
    ``things`` are what the description and the regions name, and where it is. Where they were
    asked for, ``layers`` part the colours by what they come from; ``guide`` is (h, w) lightness.
    ``confidence`` is how sure the network was on the whole, from 0 to 1.
    """

    pixels: NDArray[Any]
    notices: tuple[str, ...]
    timings: dict[str, float]
    scan: tuple[str, ...] = ()
    things: tuple[FoundThing, ...] = ()
    layers: tuple[ColorLayer, ...] = ()
    guide: FloatArray = field(default_factory=lambda: np.zeros((1, 1), np.float32), repr=False)
    confidence: float = 0.0


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
    screen, ``scan`` as in ``Colorized``; ``paper`` (h, w) is 1 on paper and ink and 0 on a print,
    None where there is none; ``colorizer`` remembers what it worked out about them. Threads may
    share a view.
    """

    lightness: FloatArray
    read: FloatArray
    scan: tuple[str, ...]
    paper: FloatArray | None
    colorizer: ChromaPredictor

    def kept(self, shape: tuple[int, ...]) -> FloatArray | None:
        """Say on a grid where there is no paper, (h, w) float32 in [0, 1]; None: everywhere."""
        if self.paper is None:
            return None
        # A cell that is half paper keeps nothing: upsampling spreads what its neighbour has.
        return np.asarray((1 - 2 * shrunk(self.paper, shape)).clip(0, 1), np.float32)

    def without_paper(self, ab: FloatArray) -> FloatArray:
        """Take the colour from paper in an (h/4, w/4, 2) guess."""
        kept = self.kept(ab.shape[:2])
        return ab if kept is None else ab * kept[..., None]


def view_of(pixels: NDArray[Any], colorizer: ChromaPredictor) -> View:
    """Look at a layer, to colour it perhaps more than once."""
    seen = _at_working_size(pixels, colorizer.working_size)
    tone = tone_of(seen) if seen.ndim == 3 else None
    there = lightness(seen)
    paper = paper_of(there)
    # The lines of a typed page are as regular as a screen.
    read = there if paper is not None and paper.all() else without_screen(there)
    scan = (tone, None if read is there else "halftone")
    looking = colorizer.remembering()
    if paper is not None and (box := print_box(paper)) is not None:
        alone = _at_working_size(box.of(pixels, paper.shape), colorizer.working_size)
        looking = OnCard.of(colorizer, without_screen(lightness(alone)), box)
    return View(there, read, tuple(filter(None, scan)), paper, looking)


def colorize(
    pixels: NDArray[Any],
    job: ColorizeJob,
    *,
    colorizer: ChromaPredictor,
    clip: Embedder,
    reference: Reference | None = None,
    mask: NDArray[np.float32] | None = None,
    places: Mapping[str, Mask] | None = None,
    painted: NDArray[Any] | None = None,
    progress: Progress = unwatched,
    view: View | None = None,
    may_overwrite: bool = False,
    in_layers: bool = False,
) -> Colorized:
    """Colour one layer.

    ``pixels`` is (H, W, C), C = 1..4 for grey, grey and alpha, RGB, RGBA; uint8, uint16 or float32
    in [0, 1]; sRGB-encoded, straight alpha. ``reference`` is a photo to take colours from.
    ``mask`` is (H, W) float32 in [0, 1]: 1 = colour here. ``places`` are the masks that the job's
    regions and things name; ``painted`` is (H, W, 4): hints, with alpha as their confidence.
    ``progress`` hears of each stage as it begins, and of the blocks of the last one. Where the
    caller ``may_overwrite`` the pixels, the result may take their place and save memory. ``view``
    is what ``view_of`` these pixels gave before: the network need not look at them again.
    ``in_layers`` asks for the layers, too.

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
        text_embedding = clip.embed_text(job.description, job.language) if reads else None
        condition, carried, said = condition_of(
            job, text_embedding, reference, read,
            colorizer=colorizer, clip=clip, has_painted=painted is not None,
        )  # fmt: skip
        notices = list(said)
        if view.scan:
            notices.append(
                f"The photo looks like a scan ({', '.join(view.scan)}): its colours were chosen as "
                "if it were clean."
            )
        if is_black_and_white(pixels):
            notices.append(
                "The photo is only black and white, with no greys to colour: scan it in greyscale."
            )
    with watch.stage("network"):
        prediction = colorizer.predict(read, condition)
        guide = shrunk(small, prediction.ab.shape[:2])
        overlays: list[Overlay] = []
        things: tuple[FoundThing, ...] = ()
        if job.strength > 0:
            overlays, things, more = _overlays(
                job, text_embedding, carried, view, guide, (height, width),
                clip=clip, places=places or {}, painted=painted,
            )  # fmt: skip
            notices += more
        steps = [Chroma(view.without_paper(prediction.ab))]
        for overlay in overlays:
            steps.append(overlay.apply(steps[-1], guide))
    with watch.stage("join"):
        chroma, vivid = steps[-1], np.float32(job.saturation)
        patches = [replace(patch, ab=patch.ab * vivid) for patch in chroma.patches]
        result = recolor(
            pixels, chroma.ab * vivid, guide, patches=patches, mask=mask,
            report=partial(progress, "join"), may_overwrite=may_overwrite,
        )  # fmt: skip
    layers = layers_of(overlays, steps, guide) if in_layers else ()
    return Colorized(
        result, tuple(notices), watch.timings, view.scan, things, layers, guide,
        float(prediction.confidence.mean()),
    )  # fmt: skip


def find_things(
    pixels: NDArray[Any],
    job: ColorizeJob,
    *,
    clip: Embedder,
    view: View,
    places: Mapping[str, Mask] | None = None,
) -> tuple[tuple[FoundThing, ...], tuple[str, ...]]:
    """Say what a job's description and regions name in a layer, and where, without colouring it.

    Beside the things come notices: how the description was read, and what could not be used.
    ``pixels``, ``places`` and ``view`` are as for ``colorize``.

    Raises:
        JobError: a box lies outside the layer.
    """
    height, width = pixels.shape[:2]
    job.check_against(width, height)
    text_embedding = clip.embed_text(job.description, job.language) if job.description else None
    grid = view.colorizer.predict(view.read, Condition()).ab.shape[:2]  # remembered for the colours
    guide = shrunk(view.lightness, grid)
    job = replace(job, palette=(), hints=())
    _, things, notices = _overlays(
        job, text_embedding, None, view, guide, (height, width),
        clip=clip, places=places or {}, painted=None,
    )  # fmt: skip
    read_as = () if text_embedding is None else text_embedding.notices
    return things, (*read_as, *notices)


def _overlays(
    job: ColorizeJob,
    text_embedding: TextEmbedding | None,
    carried: HintMap | None,
    view: View,
    guide: FloatArray,
    full_size: tuple[int, int],
    *,
    clip: Embedder,
    places: Mapping[str, Mask],
    painted: NDArray[Any] | None,
) -> tuple[list[Overlay], tuple[FoundThing, ...], tuple[str, ...]]:
    """Make what is laid over the network's answer, in order; name the things, and say what is not.

    ``guide`` is the view's lightness on the grid of the answer; ``carried`` are the colours of a
    reference.
    """
    overlays: list[Overlay] = []
    things: list[FoundThing] = []
    notices: list[str] = []
    colorizer, read = view.colorizer, view.read
    if job.palette:
        palette = Palette.of(job.palette)
        overlays.append(PaletteOverlay(palette, job.strength))
        notices += _paler_notices(job, palette, guide)
    if carried is not None:
        overlays.append(CarriedOverlay(carried, job.strength, view.kept(guide.shape)))
    if text_embedding is not None:
        named, more = place_things(
            text_embedding, read, guide.shape, colorizer=colorizer, changes=job.things, masks=places
        )
        overlays.append(ThingsOverlay(named, job.strength))
        things += [describe_thing(thing, guide, full_size) for thing in named]
        notices += more
    else:
        notices += unused_changes(job.things, ())
    masks = region_masks(job.regions, places, *full_size) if job.regions else ()
    for number, (region, place) in enumerate(zip(job.regions, masks, strict=True)):
        if place.is_empty:
            notices.append(f"Region {number} was not used: its mask is black everywhere.")
            continue
        placed, more = place_region(
            region,
            number,
            place,
            read,
            guide.shape,
            colorizer=colorizer,
            clip=clip,
            language=job.language,
        )
        overlays.append(RegionOverlay(placed, job.strength))
        things += [describe_thing(thing, guide, full_size, place) for thing in placed.things]
        notices += more
    hints = None
    if job.hints:
        hints = hint_map(job.hints, full_size=full_size, grid_size=view.lightness.shape)
    if painted is not None:
        hints = joined_hints(painted_map(painted, view.lightness.shape), hints)
    if hints is not None:  # last: a dab is a correction of all that came before
        shown = as_shown(hints, view.lightness)
        overlays.append(HintsOverlay(shown, colorizer.relate(read), job.strength))
    return overlays, tuple(things), tuple(notices)


def _paler_notices(job: ColorizeJob, palette: Palette, guide: FloatArray) -> list[str]:
    return [
        f"The palette's {given.color} shows paler than you gave it: hardly anything in the photo "
        "has a lightness at which sRGB has that colour. Give a paler one."
        for given, is_paler in zip(job.palette, paler(guide, palette), strict=True)
        if is_paler
    ]


def _at_working_size(pixels: NDArray[Any], working_size: int) -> FloatArray:
    """Return the layer small, float32 sRGB in [0, 1], as it is seen: (h, w), or (h, w, 3).

    The area is about ``working_size`` squared whatever the layer's size, so that colours do not
    depend on it; sides are multiples of the chroma grid's cell.
    """
    height, width = pixels.shape[:2]
    rows, columns = working_shape(height, width, working_size)
    small, _ = shrink(pixels, rows, columns)
    return small[..., 0] if small.shape[2] == 1 else small
