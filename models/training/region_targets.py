"""What a photo with named regions teaches the grounder: a crop of it and where each name is.

Three kinds of evidence say where a name is:

- *masks* say it to the pixel;
- *boxes* say "somewhere inside, nothing outside"; where their phrase has a colour, the pixels of
  that colour inside are the thing;
- *captions* that give a thing a colour: the pixels of that colour, which counts for less.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.color.lab import srgb_to_lab
from models.color.shrinking import shrunk
from models.guidance.color_words import color_phrases
from models.training.color_naming import named_area, word_area
from models.training.regions import NOT_NAMES, UNKNOWN, Boxes, RegionPhoto, box_mask
from models.training.samples import age, emulsion_lightness

FloatArray = NDArray[np.float32]
Levels = NDArray[np.uint8]

PLANTS = re.compile(r"\b(grass|lawn|grassy \w+|trees?|leaves|forest|bushes|plants?|hedge)\b")
MARGIN = 0.03  # of the sides: boxes may be off by so much
LEAST_CELLS = 3
LEAST_FILL = 0.12  # of a box that its colour must cover to say where the thing is
LEAST_LEFT = 0.5  # of a box that a crop must keep
CAPTION_AREA = (0.004, 0.6)  # of the picture: less is chance, more is everything
CAPTIONS = 3  # phrases of captions taken from one view


class Evidence(Enum):
    """What says where a name is."""

    MASK = "mask"
    BOX = "box"
    CAPTION = "caption"


@dataclass(slots=True)
class Target:
    """Where a name is: ``place`` (h, w) uint8, 255 = here; ``known`` how far each cell is known.

    ``inside`` is the area of its boxes, where there are only boxes. Where it is ``exclusive``, no
    other name is right in its place.
    """

    name: str
    evidence: Evidence
    place: Levels
    known: Levels
    inside: Levels | None = None
    exclusive: bool = False


@dataclass(frozen=True, slots=True)
class Crop:
    """A part of a photo, in pixels, perhaps mirrored."""

    top: int
    left: int
    height: int
    width: int
    is_mirrored: bool

    def of(self, plane: NDArray[Any]) -> NDArray[Any]:
        """Cut it out of (H, W, ...)."""
        part = plane[self.top : self.top + self.height, self.left : self.left + self.width]
        return np.ascontiguousarray(part[:, ::-1] if self.is_mirrored else part)


def random_part(
    shape: tuple[int, int], generator: np.random.Generator, *, least: float, is_mirrored: bool
) -> Crop:
    """Choose a part of at least a share ``least`` of an (H, W) photo."""
    height, width = shape
    area, form = generator.uniform(least, 1.0), np.exp(generator.uniform(-0.2, 0.2))
    h = min(height, int(height * np.sqrt(area / form)))
    w = min(width, int(width * np.sqrt(area * form)))
    top, left = int(generator.integers(height - h + 1)), int(generator.integers(width - w + 1))
    return Crop(top, left, h, w, is_mirrored)


def make_view(
    photo: RegionPhoto,
    crop: Crop,
    generator: np.random.Generator,
    *,
    side: int,
    grid: int,
    names: frozenset[str],
    p_emulsion: float = 0.25,
    p_old: float = 0.3,
) -> tuple[FloatArray, list[Target]]:
    """Cut out a part: (side, side) lightness in [0, 100], and what is where on (grid, grid) cells.

    ``names`` are those that captions may teach. With ``p_emulsion`` the lightness is that of an old
    emulsion, with ``p_old`` that of an old print.
    """
    pixels = crop.of(photo.pixels)
    how = cv2.INTER_AREA if min(crop.height, crop.width) >= side else cv2.INTER_LINEAR
    rgb = cv2.resize(pixels, (side, side), interpolation=how).astype(np.float32) / 255
    lab = srgb_to_lab(rgb)
    lightness = lab[..., 0]
    if generator.random() < p_emulsion:
        lightness = emulsion_lightness(np.asarray(rgb, np.float32), generator)
    if generator.random() < p_old:
        lightness = age(np.ascontiguousarray(lightness), generator)
    targets = list(_from_masks(photo, crop, grid))
    for boxes in photo.boxes:
        target = _from_boxes(boxes, photo, crop, lab, grid)
        if target is not None:
            targets.append(target)
    if not photo.grey and photo.labels is None:
        boxed = {target.name for target in targets}
        targets += list(_from_captions(photo, lab, names - boxed, generator, grid))
    return np.ascontiguousarray(lightness, np.float32), targets


def _from_masks(photo: RegionPhoto, crop: Crop, grid: int) -> Iterator[Target]:
    if photo.labels is None:
        return
    labels = crop.of(photo.labels)
    known = _shrunk(labels != UNKNOWN, grid)
    for i, name in enumerate(photo.names):
        place = _shrunk(labels == i, grid)
        if name not in NOT_NAMES and (place > 127).sum() >= LEAST_CELLS:
            yield Target(name, Evidence.MASK, place, known, exclusive=True)


def _from_boxes(
    one: Boxes, photo: RegionPhoto, crop: Crop, lab: FloatArray, grid: int
) -> Target | None:
    height, width = photo.pixels.shape[:2]
    boxes = one.boxes.copy()
    boxes[:, [0, 2]] = (boxes[:, [0, 2]] * width - crop.left) / crop.width
    boxes[:, [1, 3]] = (boxes[:, [1, 3]] * height - crop.top) / crop.height
    if crop.is_mirrored:
        boxes[:, [0, 2]] = 1 - boxes[:, [2, 0]]
    cut = boxes.clip(0, 1)
    left = _areas(cut) / _areas(boxes).clip(1e-6)
    if left.max() < LEAST_LEFT:
        return None
    cut = cut[left > LEAST_LEFT / 2]
    inside = box_mask(cut, (grid, grid))
    near = box_mask(cut, (grid, grid), MARGIN)
    target = Target(
        one.name,
        Evidence.BOX,
        np.zeros((grid, grid), np.uint8),
        np.where(near, 0, 255).astype(np.uint8),
        np.where(inside, 255, 0).astype(np.uint8),
    )
    area = None
    if one.colors and not photo.grey:
        area = named_area(lab, one.colors)
    elif PLANTS.search(one.name) and not photo.grey:
        area = word_area(lab[..., 1:], "green") | word_area(lab[..., 1:], "yellow")
    if area is not None:
        fill = np.asarray(_shrunk(area, grid) * inside, np.uint8)
        if (fill > 127).sum() >= max(LEAST_CELLS, LEAST_FILL * inside.sum()):
            target.place, target.exclusive = fill, True
            target.known = np.maximum(target.known, fill)
    return target


def _from_captions(
    photo: RegionPhoto,
    lab: FloatArray,
    names: frozenset[str],
    generator: np.random.Generator,
    grid: int,
) -> Iterator[Target]:
    said: dict[str, tuple[str, ...]] = {}
    for caption in photo.captions:
        for phrase in color_phrases(caption):
            if phrase.thing in names:
                said.setdefault(phrase.thing, phrase.colors)
        for match in PLANTS.finditer(caption):
            if match[1] in names:
                said.setdefault(match[1], ("green",))
    everywhere = np.full((grid, grid), 255, np.uint8)
    for i in generator.permutation(len(said))[:CAPTIONS]:
        name = list(said)[i]
        area = named_area(lab, said[name])
        if area is not None and CAPTION_AREA[0] < area.mean() < CAPTION_AREA[1]:
            yield Target(name, Evidence.CAPTION, _shrunk(area, grid), everywhere)


def _areas(boxes: FloatArray) -> FloatArray:
    sides = (boxes[:, 2:] - boxes[:, :2]).clip(0)
    return np.asarray(sides[:, 0] * sides[:, 1], np.float32)


def _shrunk(area: NDArray[Any], grid: int) -> Levels:
    small = shrunk(area.astype(np.float32), (grid, grid))
    return np.asarray((small * 255).round(), np.uint8)
