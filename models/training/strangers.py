"""Coloured phrases of other photos: what a description may name that a photo does not show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from models.guidance.color_words import color_phrases
from models.photos import Photo
from models.training.name_groups import may_overlap


@dataclass(frozen=True, slots=True)
class ColoredName:
    """What a phrase names, and the colours that it gives it."""

    name: str
    colors: tuple[str, ...]


def names_in_captions(photos: Sequence[Photo]) -> list[ColoredName]:
    """Return the coloured phrases of each photo's first two captions."""
    return [
        ColoredName(phrase.thing, phrase.colors)
        for photo in photos
        for caption in photo.captions[:2]
        for phrase in color_phrases(caption)
        if phrase.thing
    ]


def strangers_to(
    shown: Sequence[str], names: Sequence[ColoredName], generator: np.random.Generator
) -> Iterator[ColoredName]:
    """Yield, in random order, the names whose thing nothing that is said of a photo may mean.

    ``shown`` are its captions and the names of its boxes and masks.
    """
    for i in generator.permutation(len(names)):
        if not any(may_overlap(names[i].name, other) for other in shown):
            yield names[i]
