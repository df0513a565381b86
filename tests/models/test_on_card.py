"""Prints on card: the colours of a print are those that it has alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.color import lab2rgb, rgb2lab

from models.guidance.condition import (
    Condition,
    Distribution,
    HintMap,
    Located,
    NamedThing,
    Prediction,
)
from models.guidance.reference import Reference
from models.job import ColorizeJob
from models.on_card import OnCard, print_box
from models.pipeline import colorize, view_of
from models.suggestions import suggest
from tests.support.fakes import FakeClip, FakeColorizer

FloatArray = NDArray[np.float32]
CARD = 94.0


class Summing(FakeColorizer):
    """Takes one colour from the mean of all that it sees, as the card would change it."""

    working_size = 224

    def predict(self, lightness: FloatArray, condition: Condition) -> Prediction:
        shape = lightness.shape[0] // 4, lightness.shape[1] // 4
        ab = np.empty((*shape, 2), np.float32)
        ab[:] = (lightness.mean() - 40) / 2, lightness.std()
        return Prediction(ab, np.full(shape, lightness.mean() / 100, np.float32))

    def distribution(
        self, lightness: FloatArray, condition: Condition, *, row: int, column: int
    ) -> Distribution:
        ab = self.predict(lightness, condition).ab[row // 4, column // 4]
        return Distribution(ab[None], np.ones(1, np.float32))

    def match(self, lightness: FloatArray, reference: FloatArray) -> HintMap:
        ab = np.empty((*lightness.shape, 2), np.float32)
        ab[:] = 0, lightness.mean() - 20
        return HintMap(ab, np.ones(lightness.shape, np.float32))


class Locating(Summing):
    """Finds things in the right half of what it sees."""

    locates = True

    def locate(
        self, lightness: FloatArray, things: Sequence[NamedThing], others: Sequence[NamedThing] = ()
    ) -> Located:
        rows, columns = lightness.shape[0] // 4, lightness.shape[1] // 4
        found = np.zeros((len(things), rows, columns), np.float32)
        found[:, :, columns // 2 :] = 1
        colors = np.zeros((len(things), rows, columns, 2), np.float32) + 40
        return Located(found, found, np.ones(len(things), np.float32), colors)


def scene() -> FloatArray:
    """A print of 160 x 240 levels, darker on one side."""
    y, x = np.indices((160, 240))
    return np.asarray(25 + 0.12 * x + 8 * np.sin(x / 9) * np.cos(y / 7), np.float32)


def mounted(left: int = 60) -> FloatArray:
    levels = np.full((240, 360), CARD, np.float32)
    levels[30:190, left : left + 240] = scene()
    return levels


def grey(levels: FloatArray) -> FloatArray:
    rgb = lab2rgb(np.dstack([levels, 0 * levels, 0 * levels]))
    return np.asarray(rgb[..., :1], np.float32)


def ab_of(levels: FloatArray, colorizer: FakeColorizer, **given: Any) -> NDArray[np.float64]:
    job = given.pop("job", ColorizeJob())
    result = colorize(grey(levels), job, colorizer=colorizer, clip=FakeClip(), **given)
    return np.asarray(rgb2lab(result.pixels)[..., 1:])


def test_a_print_has_the_colours_that_it_has_alone() -> None:
    alone = ab_of(scene(), Summing())[12:-12, 12:-12]
    on_card = ab_of(mounted(), Summing())
    np.testing.assert_allclose(on_card[42:178, 72:288], alone, atol=1.5)
    card = np.hypot(*np.moveaxis(on_card, -1, 0))
    assert max(card[:24].max(), card[196:].max(), card[:, :54].max()) < 0.5


def test_a_reference_tints_the_print_as_if_it_were_alone_and_no_card() -> None:
    y, x = np.indices((64, 64))
    reference = Reference(np.dstack([x / 64, y / 64, 0.5 + 0 * x]).astype(np.float32))
    alone = ab_of(scene(), Summing(), reference=reference)[12:-12, 12:-12]
    on_card = ab_of(mounted(), Summing(), reference=reference)
    np.testing.assert_allclose(on_card[42:178, 72:288], alone, atol=1.5)
    assert np.hypot(*np.moveaxis(on_card, -1, 0))[200:].max() < 0.5


def test_things_are_sought_in_the_print_and_on_the_card() -> None:
    view = view_of(grey(mounted()), Locating())
    assert isinstance(view.colorizer, OnCard)
    thing = NamedThing(np.ones(4, np.float32), ("red",), "dress")
    located = view.colorizer.locate(view.read, [thing])
    rows, columns = (side // 4 for side in view.read.shape)
    assert located.probability.shape == (1, rows, columns)
    assert located.colors is not None
    assert located.colors.shape == (1, rows, columns, 2)
    row = located.probability[0, round(rows * 100 / 240)]
    # In the print from column 60 + 120 on; on the card around it from the picture's middle on.
    assert row[round(columns * 70 / 360) : round(columns * 170 / 360)].max() == 0
    assert row[round(columns * 190 / 360) :].min() == pytest.approx(1)
    assert located.probability[0, -1, : columns // 2 - 1].max() == 0


def test_suggestions_in_the_print_are_its_own() -> None:
    def color(levels: FloatArray, x: float, y: float) -> str:
        found, _ = suggest(
            grey(levels), ColorizeJob(), x=x, y=y, k=1, colorizer=Summing(), clip=FakeClip()
        )
        return found[0].color

    level = scene()
    level[80, 120] = mounted()[110, 180]
    own = np.array([int(color(level, 120, 80)[i : i + 2], 16) for i in (1, 3, 5)])
    here = np.array([int(color(mounted(), 180, 110)[i : i + 2], 16) for i in (1, 3, 5)])
    np.testing.assert_allclose(here, own, atol=4)


def test_a_scene_a_typed_page_and_a_stamp_have_no_box() -> None:
    assert not isinstance(view_of(grey(scene()), Summing()).colorizer, OnCard)
    paper = np.ones((224, 224), np.float32)
    assert print_box(paper) is None
    paper[100:120, 100:120] = 0
    assert print_box(paper) is None
    paper[40:120, 60:180] = 0
    box = print_box(paper)
    assert box is not None
    assert (box.top, box.bottom, box.left, box.right) == (41, 119, 61, 179)
