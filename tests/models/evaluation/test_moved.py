"""How far photos are moved by card around them and by cloth as their reference."""

from __future__ import annotations

import numpy as np
import pytest

from models.evaluation.moved import CARDS, cloth, measure, on_card
from models.photos import Photo
from models.scans import paper_of
from tests.support.fakes import FakeClip, FakeColorizer


class Small(FakeColorizer):
    working_size = 160


def photo() -> Photo:
    y, x = np.indices((120, 160))
    levels = (90 + 50 * np.sin(x / 20) * np.cos(y / 15)).astype(np.uint8)
    return Photo("p", np.repeat(levels[..., None], 3, axis=2), (), "test")


def test_the_cloth_is_violet_and_knitted() -> None:
    knitted = cloth()
    red, green, blue = knitted.reshape(-1, 3).mean(axis=0)
    assert blue > red > 2 * green
    assert 5 < knitted[..., 2].std() < 60


@pytest.mark.parametrize(("level", "margin"), CARDS)
def test_the_card_is_card(level: int, margin: float) -> None:
    sheet, border = on_card(photo().pixels[..., :1], level, margin)
    assert border == round(margin * 160)
    np.testing.assert_array_equal(sheet[border:-border, border:-border], photo().pixels[..., :1])
    lightness = np.asarray(sheet[..., 0] / 2.55, np.float32)
    paper = paper_of(lightness)
    assert paper is not None
    assert 0 < paper.mean() < 1


def test_each_thing_is_measured_against_the_photo_alone() -> None:
    rows = {row.what: row for row in measure([photo()], Small(), FakeClip())}
    assert len(rows) == 2 + len(CARDS)
    # A fake that colours each place by itself moves nothing but what it takes from the cloth.
    assert rows["its edge cut off"].by < 1
    assert rows["card of 235, 12% wide"].by < 2
    assert rows["card of 235, 12% wide"].around < 1
    assert rows["cloth as reference"].by > 3
