"""Bleeding on pictures whose colours and edges are known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

from models.color.lab import lab_to_srgb, srgb_to_lab
from models.measures import bleeding

SIDE = 224


def picture(lightness: NDArray[np.float32], ab: NDArray[np.float32]) -> NDArray[np.uint8]:
    rgb = lab_to_srgb(np.dstack([lightness, ab]))
    assert rgb.min() > 0
    assert rgb.max() < 1
    return np.asarray(np.rint(rgb * 255), np.uint8)


def step(place: int) -> NDArray[np.float32]:
    """Return 0 left of a column and 1 right of it, (SIDE, SIDE)."""
    return np.tile((np.arange(SIDE) >= place).astype(np.float32), (SIDE, 1))


def chroma(*places: int, size: float = 15) -> NDArray[np.float32]:
    """Return an ab that jumps by the same amount at each place."""
    jumps = sum(step(place) for place in places)
    return np.dstack([size * (jumps - 0.5), -size * (jumps - 0.5)]).astype(np.float32)


LIGHTNESS = 45 + 20 * step(100)
NOWHERE = np.zeros((SIDE, SIDE, 2), np.float32)


def test_colour_that_stops_at_the_edge_does_not_bleed() -> None:
    made = bleeding(picture(LIGHTNESS, NOWHERE), picture(LIGHTNESS, chroma(100)))
    assert made.share == pytest.approx(0, abs=0.05)  # rounding to 8 bits is all there is
    assert made.chance > 0.9  # nearly all of the picture is plain


def test_colour_that_runs_over_the_edge_is_all_bleeding() -> None:
    made = bleeding(picture(LIGHTNESS, NOWHERE), picture(LIGHTNESS, chroma(112)))
    assert made.share == pytest.approx(1, abs=0.05)


def test_one_of_two_equal_steps_beside_the_edge_is_half() -> None:
    made = bleeding(picture(LIGHTNESS, NOWHERE), picture(LIGHTNESS, chroma(100, 150)))
    assert made.share == pytest.approx(0.5, abs=0.05)


def test_it_does_not_depend_on_how_vivid_the_colours_are() -> None:
    original = picture(LIGHTNESS, NOWHERE)
    pale, vivid = (
        bleeding(original, picture(LIGHTNESS, chroma(100, 150, size=size))).share
        for size in (10, 20)
    )
    assert pale == pytest.approx(vivid, abs=0.03)


def test_colour_that_knows_nothing_of_the_picture_bleeds_by_chance() -> None:
    stripes = np.tile(40 + 20 * (np.arange(SIDE) // 14 % 2), (SIDE, 1)).astype(np.float32)
    rows = np.arange(SIDE)[:, None] * np.ones(SIDE)
    across = np.dstack([20 * np.sin(rows / 9), 20 * np.cos(rows / 9)]).astype(np.float32)
    made = bleeding(picture(stripes, NOWHERE), picture(stripes, across))
    assert made.chance == pytest.approx(made.share, abs=0.03)
    assert 0.2 < made.chance < 0.8


def test_grey_has_no_colour_to_bleed() -> None:
    grey = picture(LIGHTNESS, NOWHERE)
    assert bleeding(grey, grey).share is None


def test_blurred_colours_bleed_more_than_the_photos_own() -> None:
    import cv2

    photo = data.coffee()
    lab = srgb_to_lab(photo.astype(np.float32) / 255)
    lab[..., 1:] = cv2.GaussianBlur(lab[..., 1:], (0, 0), 15)
    blurred = np.asarray(np.rint(lab_to_srgb(lab).clip(0, 1) * 255), np.uint8)
    own, more = bleeding(photo, photo).share, bleeding(photo, blurred).share
    assert own is not None
    assert more is not None
    assert more > own + 0.05


def test_the_size_of_a_photo_matters_little() -> None:
    photo = data.coffee()
    twice = np.repeat(np.repeat(photo, 2, axis=0), 2, axis=1)
    assert bleeding(twice, twice).share == pytest.approx(bleeding(photo, photo).share, abs=0.01)
