"""Regions: places that a person gives, with words or a colour of their own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.color.mask import Mask
from models.guidance.condition import ChromaPredictor, Condition, TextEmbedder
from models.guidance.things import PlacedThing, place_things
from models.job import Region

FloatArray = NDArray[np.float32]

# A region with one thing is that thing, unless it is surely found in a small part of it.
SURE = 0.6  # probability of its likeliest cells
FILLS = 0.25  # share of the region that shows it
LIKE_ITS_BEST = 0.3  # of its best probability: from there on a cell shows it
USUAL_SPREAD = 8.0  # of L in a region, beside which its own says how the network shades it
LEAST_CHROMA = 6.0  # below it the network's chroma says nothing of shading
SHADES = (0.3, 1.6)  # of a colour's chroma: the least and the most that shading makes of it
_ARTICLE = re.compile(r"(?:an?|the)\s+", re.I)


@dataclass(frozen=True, slots=True, eq=False)
class PlacedRegion:
    """A region, and what is to be coloured in it.

    Either ``things`` inside it, one that fills it having the probability 1 everywhere; or, where
    its words name no colour, the ``guess`` that the network makes by them, (h, w, 2) ab.
    """

    label: str
    mask: Mask
    things: tuple[PlacedThing, ...] = ()
    guess: FloatArray | None = None


def place_region(
    region: Region,
    number: int,
    mask: Mask,
    lightness: FloatArray,
    grid: tuple[int, int],
    *,
    colorizer: ChromaPredictor,
    clip: TextEmbedder,
    language: str | None = None,
) -> tuple[PlacedRegion, tuple[str, ...]]:
    """Look inside a region for what it is about, and say what was not found.

    ``lightness`` is (h, w), ``grid`` the shape of the colorizer's answer.
    """
    label = region.description or f"{region.color}"
    words = region.description
    text_embedding = clip.embed_text(words, language) if words else None
    if text_embedding is not None and not text_embedding.named and region.color is not None:
        words = f"{region.color} {_ARTICLE.sub('', words, count=1)}"
        text_embedding = clip.embed_text(words, language)
    notices = (
        ()
        if text_embedding is None
        else tuple(f"Region {number}: {n}" for n in text_embedding.notices)
    )
    if text_embedding is not None and not text_embedding.named and region.color is None:
        vector = text_embedding.scene if text_embedding.scene is not None else text_embedding.vector
        guess = colorizer.predict(lightness, Condition(vector)).ab
        return PlacedRegion(label, mask, guess=guess), notices
    things: tuple[PlacedThing, ...] = ()
    if text_embedding is not None:
        things, _ = place_things(text_embedding, lightness, grid, colorizer=colorizer)
    if not things:
        assert region.color is not None, "a region without a colour names some"
        things = (_filling(region.description or region.color, region.color, grid),)
    things = tuple(replace(thing, region=number) for thing in things)
    if region.color is not None:
        things = (replace(things[0], typed=region.color), *things[1:])
    weight = mask.shrunk(grid)
    inside = tuple(_inside(thing, weight) for thing in things)
    if len(inside) == 1 and _fills(inside[0], weight):
        inside = (_everywhere(inside[0]),)
    missing = tuple(
        f'Region {number}: hardly anything in it looks like "{thing.phrase}": draw a region of '
        "its own for each thing."
        for thing in inside
        if not thing.is_found
    )
    return PlacedRegion(label, mask, inside), (*notices, *missing)


def colored(region: PlacedRegion, ab: FloatArray, lightness: FloatArray) -> FloatArray:
    """Return (h, w, 2) ab in the region's colours, everywhere: its mask says where they count.

    ``ab`` is what was there, ``lightness`` (h, w) on the same grid.
    """
    if region.guess is not None:
        return region.guess
    weight = region.mask.shrunk(lightness.shape)
    found = [thing for thing in region.things if thing.is_found]
    places = [thing.place(lightness) for thing in found]
    total = np.full_like(lightness, 1e-6)
    for place in places:
        total += place * place
    result = ab
    for thing, place in zip(found, places, strict=True):
        own = place * (place * place / total) if len(places) > 1 else place
        color = shaded(thing.ab, ab, lightness, weight * own)
        result = result + own[..., None] * (color - result)
    return np.asarray(result, np.float32)


def shaded(
    color: FloatArray, ab: FloatArray, lightness: FloatArray, weight: FloatArray
) -> FloatArray:
    """Spread a (2,) colour over a place as light and shade would have it: (h, w, 2) ab.

    It is met where the place has its median lightness. Elsewhere its chroma changes with lightness
    as that of the guess ``ab``, (h, w, 2), does in the place, (h, w) ``weight``: the slope of a
    line fitted to it. Where lightness hardly varies, or the guess has no colour, that says nothing,
    and chroma goes as that of a matte surface in more or less light: X, Y and Z in proportion, so
    a and b as L + 16.
    """
    total = max(float(weight.sum()), 1e-6)
    middle = _median(lightness, weight)
    off = lightness - np.float32(middle)
    chroma = np.hypot(ab[..., 0], ab[..., 1])
    mean = float((weight * chroma).sum()) / total
    together = float((weight * off * (chroma - mean)).sum()) / total
    spread = float((weight * off * off).sum()) / total
    matte = 1 / (middle + 16)
    slope = (together / max(mean, LEAST_CHROMA) + USUAL_SPREAD**2 * matte) / (
        spread + USUAL_SPREAD**2
    )
    share = (1 + np.float32(slope) * off).clip(*SHADES)
    return np.asarray(share[..., None] * color, np.float32)


def _median(values: FloatArray, weight: FloatArray) -> float:
    if not weight.any():
        return float(np.median(values))
    return float(np.quantile(values, 0.5, weights=weight, method="inverted_cdf"))


def _inside(thing: PlacedThing, weight: FloatArray) -> PlacedThing:
    if thing.is_everywhere or not thing.is_found:
        return thing
    return replace(thing, probability=thing.probability * weight, share=thing.share * weight)


def _fills(thing: PlacedThing, weight: FloatArray) -> bool:
    """Tell whether a thing is all of a region, by the region's (h, w) weight."""
    if not thing.is_found or thing.found < SURE:
        return True
    shows = thing.probability >= LIKE_ITS_BEST * thing.found
    return bool(weight[shows].sum() >= FILLS * weight.sum())


def _everywhere(thing: PlacedThing) -> PlacedThing:
    whole = np.ones_like(thing.probability)
    return replace(thing, probability=whole, share=whole, is_found=True, is_everywhere=True)


def _filling(label: str, color: str, grid: tuple[int, int]) -> PlacedThing:
    whole = np.ones(grid, np.float32)
    return PlacedThing(label, "", (color,), whole, whole, True, color, is_everywhere=True)


def region_masks(
    regions: tuple[Region, ...], masks: Mapping[str, Mask], height: int, width: int
) -> list[Mask]:
    """Return each region's place in a picture of this size; ``masks`` are those it names."""
    places = []
    for region in regions:
        if region.box is not None:
            places.append(Mask.of_box(*astuple(region.box), height=height, width=width))
        else:
            assert region.mask is not None, "a region has a mask or a box"
            places.append(masks[region.mask])
    return places
