"""Captions for photos with masks: what is there in which colour, as people would say it.

Few photos with masks come with captions. Where most of a mask has one hue, that hue is said of it:
"a blue sky, green grass and a brown horse".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from models.color.lab import srgb_to_lab
from models.guidance.color_words import color_phrases
from models.training.color_naming import WORDS, named_area
from models.training.regions import NOT_NAMES, RegionPhoto, read_masks

SAID = (*WORDS, "brown", "white", "black")
AREA = (0.004, 0.6)  # of the picture that a mask covers
LEAST_FILL = 0.55  # of a mask that the colour covers
THINGS = 3  # in a caption


def tells_colors(captions: Sequence[str]) -> bool:
    """Tell whether any of the captions gives something a colour."""
    return any(map(color_phrases, captions))


def read_captioned(masks: Sequence[Path], generator: np.random.Generator) -> Iterator[RegionPhoto]:
    """Yield the photos of shards with masks that have a caption with colours, or are given one."""
    for photo in read_masks(masks):
        told = with_caption(photo, generator)
        if not told.grey and tells_colors(told.captions):
            yield told


def with_caption(photo: RegionPhoto, generator: np.random.Generator) -> RegionPhoto:
    """Give a photo with masks a caption of at most THINGS things, if it has none with colours.

    A photo that is too grey to name colours stays as it is.
    """
    if photo.labels is None or photo.grey or tells_colors(photo.captions):
        return photo
    lab = srgb_to_lab(photo.pixels.astype(np.float32) / 255)
    areas = {color: named_area(lab, (color,)) for color in SAID}
    phrases = []
    for i, name in enumerate(photo.names):
        mask = photo.labels == i
        if name in NOT_NAMES or not AREA[0] < mask.mean() < AREA[1]:
            continue
        fills = {c: float(area[mask].mean()) for c, area in areas.items() if area is not None}
        color = max(fills, key=lambda c: fills[c])
        if fills[color] > LEAST_FILL:
            phrases.append(f"a {color} {name}")
    if not phrases:
        return photo
    some = [phrases[i] for i in generator.permutation(len(phrases))[:THINGS]]
    return replace(photo, captions=(" and ".join(some),))
