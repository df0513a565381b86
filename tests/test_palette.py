"""A guess in a reference's palette: its colours, in the places where the guess has such."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from models.palette import SAMPLES, transport

Array = NDArray[np.float32]


def picture(seed: int, height: int = 20, width: int = 28) -> tuple[Array, Array]:
    """Draw ab of a few soft patches and their lightness."""
    generator = np.random.default_rng(seed)
    patches = generator.integers(0, 4, (4, 4)).repeat(7, 1).repeat(5, 0)[:height, :width]
    colours = generator.uniform(-40, 40, (4, 2))
    return colours[patches].astype(np.float32), (20 + 20 * patches).astype(np.float32)


def test_its_own_palette_changes_nothing() -> None:
    ab, lightness = picture(0)
    np.testing.assert_allclose(transport(ab, lightness, ab, lightness), ab, atol=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_a_palette_that_is_moved_moves_the_guess_along(seed: int) -> None:
    ab, lightness = picture(seed)
    moved = transport(ab, lightness, ab + np.float32([6, -4]), lightness)
    np.testing.assert_allclose(moved, ab + np.float32([6, -4]), atol=1e-3)


def test_places_in_the_reference_do_not_matter() -> None:
    ab, lightness = picture(1)
    there, there_lightness = picture(2)
    one = transport(ab, lightness, there, there_lightness)
    rows, columns = ((np.arange(SAMPLES) + 0.5) * side / SAMPLES for side in there.shape[:2])
    sampled = there[rows.astype(int)][:, columns.astype(int)]
    sampled_lightness = there_lightness[rows.astype(int)][:, columns.astype(int)]
    order = np.random.default_rng(0).permutation(SAMPLES)
    other = transport(ab, lightness, sampled[order], sampled_lightness[order])
    np.testing.assert_allclose(one, other, atol=1e-3)


def test_colours_stay_within_those_of_both() -> None:
    ab, lightness = picture(3)
    there, there_lightness = picture(4, 9, 11)
    moved = transport(ab, lightness, there, there_lightness)
    assert moved.shape == ab.shape
    assert moved.dtype == np.float32
    both = np.concatenate([ab.reshape(-1, 2), there.reshape(-1, 2)])
    assert (moved >= both.min(0) - 1e-3).all()
    assert (moved <= both.max(0) + 1e-3).all()


def test_lightness_decides_between_colours_that_are_as_far() -> None:
    ab = np.zeros((16, 16, 2), np.float32)
    lightness = np.zeros((16, 16), np.float32)
    lightness[:, 8:] = 80
    there = np.zeros_like(ab)
    there[:8, :, 1], there[8:, :, 1] = -20, 20  # blue and yellow
    there_lightness = np.zeros_like(lightness)
    there_lightness[8:] = 80  # the yellow is bright
    moved = transport(ab, lightness, there, there_lightness)
    assert moved[:, :8, 1].mean() < -15
    assert moved[:, 8:, 1].mean() > 15
