"""Things: what a description gives a colour, each with its place in the photo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.color.lab import lab_to_srgb_in_gamut, parse_hex, srgb_to_lab, to_hex
from models.color.mask import Mask
from models.guidance.condition import ChromaPredictor, NamedThing, TextEmbedding
from models.guidance.named_colors import MIDDLE, ab_at, ab_of
from models.job import ThingChange

FloatArray = NDArray[np.float32]

LEAST_FOUND = 0.1  # below, a thing was hardly found, and colours nothing
LIKELIEST = 8  # cells whose mean probability says how sure it is that a thing was found


def how_found(probability: FloatArray) -> FloatArray:
    """Return the mean probability of the likeliest cells of (..., h, w) places: (...)."""
    cells = probability.reshape(*probability.shape[:-2], -1)
    count = min(LIKELIEST, cells.shape[-1])
    return np.asarray(np.partition(cells, -count)[..., -count:].mean(-1), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class PlacedThing:
    """A thing, its colour and where it is.

    ``phrase`` is what was said, ``thing`` the words for it, ``colors`` their names as written.
    ``probability`` is (h, w) float32: that a cell shows it, ``share`` how strongly it takes its
    colour. ``typed`` is the colour #rrggbb that a
    person gave it, ``given`` the place. ``is_everywhere``: the description is nothing but a colour.
    ``region`` is the number of the region that speaks of it. ``vividness`` scales the chroma that
    its named colours usually have: bricks are paler than coats. ``expected`` is (h, w, 2) float32
    ab: its named colours as the network expects them in each cell, None where nobody asked it.
    """

    phrase: str
    thing: str
    colors: tuple[str, ...]
    probability: FloatArray
    share: FloatArray
    is_found: bool
    typed: str | None = None
    given: Mask | None = None
    use: bool = True
    is_everywhere: bool = False
    region: int | None = None
    vividness: float = 1.0
    expected: FloatArray | None = None

    @property
    def found(self) -> float:
        """Say how sure its place is, 0 to 1."""
        if self.given is not None:
            return float(self.has_place)
        return float(how_found(self.probability))

    @property
    def has_place(self) -> bool:
        """Tell whether it is anywhere: where a person says so, else where it was found."""
        return self.is_found if self.given is None else not self.given.is_empty

    @property
    def is_used(self) -> bool:
        """Tell whether it is coloured: what has no place colours nothing."""
        return self.use and self.has_place

    @property
    def ab(self) -> FloatArray:
        """Return its (2,) colour."""
        if self.typed is not None:
            return srgb_to_lab(parse_hex(self.typed))[1:]
        return self.vividness * ab_of(self.colors)

    def natural(self, lightness: FloatArray) -> FloatArray:
        """Return what its named colours are in (h, w) lightness: (h, w, 2) float32 ab."""
        if self.expected is not None:
            return self.expected
        return np.asarray(np.float32(self.vividness) * ab_at(self.colors, lightness), np.float32)

    def place(self, lightness: FloatArray) -> FloatArray:
        """Return its soft mask on the grid of (h, w) lightness: (h, w) float32 in [0, 1]."""
        if self.given is not None:
            return self.given.shrunk(lightness.shape)
        if self.is_everywhere:
            return np.ones(lightness.shape, np.float32)
        return self.share

    def color_at(self, lightness: FloatArray, place: FloatArray) -> str:
        """Return the colour that it gets at the mean lightness of its place, as #rrggbb."""
        if self.typed is not None:
            return self.typed
        total = float(place.sum())
        level, ab = MIDDLE, self.vividness * ab_of(self.colors)
        if total > 0:
            level = float((place * lightness).sum()) / total
            ab = (place[..., None] * self.natural(lightness)).sum((0, 1)) / np.float32(total)
        return to_hex(lab_to_srgb_in_gamut(np.array(level), ab))


@dataclass(frozen=True, slots=True, eq=False)
class FoundThing:
    """A thing as people and programs are told of it.

    ``color`` is #rrggbb; ``found`` and ``area`` are from 0 to 1; ``box`` is column, row, width and
    height in pixels of the photo, None where there is no place; ``place`` is (h, w) float32 in
    [0, 1], ``given`` the mask of full size where a person gave it.
    """

    phrase: str
    thing: str
    colors: tuple[str, ...]
    color: str
    found: float
    box: tuple[int, int, int, int] | None
    area: float
    region: int | None
    notice: str | None
    place: FloatArray | None
    given: Mask | None

    def members(self, number: int) -> dict[str, object]:
        """Return the members of its JSON, without its place; ``number`` is that in its list."""
        names = ("phrase", "thing", "colors", "color", "found", "box", "area", "region", "notice")
        return {"id": number} | {name: getattr(self, name) for name in names}


def describe_thing(
    thing: PlacedThing,
    lightness: FloatArray,
    full_size: tuple[int, int],
    within: Mask | None = None,
) -> FoundThing:
    """Say what a thing is and where; ``full_size`` is the photo's (height, width).

    ``within`` is its region. ``lightness`` is (h, w), on the thing's own grid.
    """
    given = thing.given
    if given is None and within is not None and thing.is_everywhere:
        given = within
    if given is not None and given.is_empty:
        given, place = None, None
    elif given is not None:
        place = given.shrunk(lightness.shape)
    elif thing.is_found:
        place = thing.place(lightness)
        if within is not None:
            place = place * within.shrunk(lightness.shape)
    else:
        place = None
    color = thing.color_at(lightness, np.zeros_like(lightness) if place is None else place)
    return FoundThing(
        phrase=thing.phrase,
        thing=thing.thing,
        colors=thing.colors,
        color=color,
        found=round(thing.found, 3),
        box=_box_of(place, full_size) if given is None else given.box,
        area=0.0 if place is None else round(float(place.mean()), 4),
        region=thing.region,
        notice=_without_place(thing) if place is None else None,
        place=place,
        given=given,
    )


def _box_of(
    place: FloatArray | None, full_size: tuple[int, int]
) -> tuple[int, int, int, int] | None:
    """Return the box in full-size pixels around the cells that belong to a place."""
    if place is None or not place.any():
        return None
    height, width = full_size
    inside = place >= 0.5 * place.max()
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    down, across = height / place.shape[0], width / place.shape[1]
    top, left = int(rows[0] * down), int(columns[0] * across)
    bottom = min(int(np.ceil((rows[-1] + 1) * down)), height)
    right = min(int(np.ceil((columns[-1] + 1) * across)), width)
    return left, top, right - left, bottom - top


def place_things(
    text_embedding: TextEmbedding,
    lightness: FloatArray,
    grid: tuple[int, int],
    *,
    colorizer: ChromaPredictor,
    changes: Sequence[ThingChange] = (),
    masks: Mapping[str, Mask] | None = None,
) -> tuple[tuple[PlacedThing, ...], tuple[str, ...]]:
    """Find the things of a description in (h, w) lightness, and say what was not found.

    ``grid`` is the shape of the colorizer's answer. ``changes`` are a person's, with their
    ``masks`` by name.
    """
    placed = [
        _change(thing, changes, masks or {})
        for thing in _locate(text_embedding, lightness, grid, colorizer)
    ]
    # A colorizer that finds nothing takes the colours from the whole description.
    looked = colorizer.locates or text_embedding.scene is None
    notices = [
        _without_place(thing)
        for thing in placed
        if thing.use and not thing.is_used and (looked or thing.given is not None)
    ]
    return tuple(placed), (*notices, *unused_changes(changes, placed))


def unused_changes(changes: Sequence[ThingChange], placed: Sequence[PlacedThing]) -> list[str]:
    """Say which changes are about nothing that a description gives a colour."""
    names = ", ".join(f'"{thing.phrase}"' for thing in placed) or "nothing"
    return [
        f'The change of "{change.phrase}" was not used: the description gives colours to {names}.'
        for change in changes
        if not any(change.is_about(thing.phrase) for thing in placed)
    ]


def not_found(phrase: str) -> str:
    """Say that a thing was not found, and what to do."""
    return (
        f'Hardly anything in the photo looks like "{phrase}": use a commoner word for it ("car" '
        "for a make of car), or dab the colour on it."
    )


def _without_place(thing: PlacedThing) -> str:
    """Say why a thing has no place, and what to do."""
    if thing.given is not None:
        return (
            f'"{thing.phrase}" was not used: its mask is black everywhere. Paint its place white.'
        )
    return not_found(thing.phrase)


def _locate(
    text_embedding: TextEmbedding,
    lightness: FloatArray,
    grid: tuple[int, int],
    colorizer: ChromaPredictor,
) -> list[PlacedThing]:
    if not text_embedding.named:
        return []
    if text_embedding.scene is None:
        everywhere = np.ones(grid, np.float32)
        return [replace(_of(t, everywhere, True), is_everywhere=True) for t in text_embedding.named]
    placed = [_of(thing, np.zeros(grid, np.float32), False) for thing in text_embedding.named]
    known = [i for i, thing in enumerate(text_embedding.named) if thing.is_understood]
    if not colorizer.locates or not known:
        return placed
    sought = [text_embedding.named[i] for i in known]
    located = colorizer.locate(lightness, sought, text_embedding.others)
    found = how_found(located.probability)
    for k, i in enumerate(known):
        placed[i] = replace(
            _of(sought[k], located.probability[k], bool(found[k] >= LEAST_FOUND)),
            share=located.shares[k],
            vividness=float(located.vividness[k]),
            expected=None if located.colors is None else located.colors[k],
        )
    return placed


def _of(thing: NamedThing, probability: FloatArray, is_there: bool) -> PlacedThing:
    typed = thing.colors[0] if len(thing.colors) == 1 and thing.colors[0].startswith("#") else None
    return PlacedThing(
        thing.phrase, thing.thing, thing.colors, probability, probability, is_there, typed
    )


def _change(
    thing: PlacedThing, changes: Sequence[ThingChange], masks: Mapping[str, Mask]
) -> PlacedThing:
    for change in changes:
        if change.is_about(thing.phrase):
            thing = replace(
                thing,
                typed=change.color or thing.typed,
                given=thing.given if change.mask is None else masks[change.mask],
                use=change.use,
            )
    return thing
