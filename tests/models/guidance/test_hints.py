"""Dabs of colour on the working grid."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from models.color.lab import lab_to_srgb, parse_hex, srgb_to_lab
from models.guidance.hints import as_shown, hint_map
from models.job import Hint


def test_every_pixel_within_the_radius_is_hinted_and_no_other() -> None:
    made = hint_map((Hint(10, 6, "#c04030", 3),), full_size=(16, 32), grid_size=(16, 32))
    y, x = np.mgrid[:16, :32]
    inside = (x - 10) ** 2 + (y - 6) ** 2 <= 9
    np.testing.assert_array_equal(made.confidence, inside)
    expected = srgb_to_lab(parse_hex("#c04030"))[1:]
    np.testing.assert_allclose(made.ab[inside], np.tile(expected, (inside.sum(), 1)))


def test_the_smallest_hint_still_counts_in_a_large_picture() -> None:
    made = hint_map((Hint(3999, 2999, "#00ff00", 0),), full_size=(3000, 4000), grid_size=(24, 32))
    assert made.confidence.sum() == 1
    assert made.confidence[-1, -1] == 1


def test_a_hint_lands_at_the_same_place_at_any_size() -> None:
    small = hint_map((Hint(49.5, 24.5, "#0000ff", 10),), full_size=(100, 100), grid_size=(50, 50))
    large = hint_map(
        (Hint(499.5, 249.5, "#0000ff", 100),), full_size=(1000, 1000), grid_size=(50, 50)
    )
    np.testing.assert_array_equal(small.confidence, large.confidence)


def test_later_hints_lie_on_top() -> None:
    made = hint_map(
        (Hint(5, 5, "#ff0000", 4), Hint(5, 5, "#0000ff", 1)), full_size=(11, 11), grid_size=(11, 11)
    )
    np.testing.assert_allclose(made.ab[5, 5], srgb_to_lab(parse_hex("#0000ff"))[1:])
    np.testing.assert_allclose(made.ab[5, 2], srgb_to_lab(parse_hex("#ff0000"))[1:])


def test_a_disc_keeps_its_length_in_a_picture_far_from_square() -> None:
    made = hint_map((Hint(2000, 5, "#ff0000", 100),), full_size=(10, 4000), grid_size=(64, 1024))
    columns = np.flatnonzero(made.confidence.any(axis=0))
    centre, reach = 2000.5 * 1024 / 4000 - 0.5, 100 * 1024 / 4000
    assert abs(columns[0] - (centre - reach)) <= 1
    assert abs(columns[-1] - (centre + reach)) <= 1
    assert made.confidence[:, round(centre)].all()


@pytest.mark.parametrize("radius", [1e200, sys.float_info.max])
@pytest.mark.parametrize("size", [(1, 1), (30, 40)])
def test_the_largest_radius_covers_everything(radius: float, size: tuple[int, int]) -> None:
    made = hint_map((Hint(0, 0, "#ff0000", radius),), full_size=size, grid_size=(8, 12))
    assert made.confidence.all()


def test_a_colour_that_its_place_cannot_show_tells_of_what_it_can() -> None:
    hints = (Hint(2, 4, "#000080", 0), Hint(6, 4, "#607040", 0))
    made = hint_map(hints, full_size=(8, 8), grid_size=(8, 8))
    lightness = np.full((8, 8), 45, np.float32)
    lightness[:, :4] = 90
    shown = as_shown(made, lightness)
    navy, olive = made.ab[4, 2], made.ab[4, 6]
    np.testing.assert_allclose(shown.ab[4, 6], olive, atol=1e-3)
    pale = shown.ab[4, 2]
    assert np.hypot(*pale) < 0.5 * np.hypot(*navy)
    np.testing.assert_allclose(pale / np.hypot(*pale), navy / np.hypot(*navy), atol=0.02)
    rgb = lab_to_srgb(np.array([90, *pale], np.float32))
    assert rgb.max() < 1.001
    np.testing.assert_array_equal(shown.confidence, made.confidence)
