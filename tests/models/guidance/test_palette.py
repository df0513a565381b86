"""A guess in other colours, a reference's or given ones, where the guess has such."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.color import rgb2lab

from models.guidance.palette import SAMPLES, Palette, paler, transport, transport_to_given
from models.job import PaletteColor

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


def given(*colors: tuple[str, float]) -> Palette:
    return Palette.of([PaletteColor(*color) for color in colors])


def test_given_colours_are_read_as_lab_and_shares() -> None:
    palette = given(("#2a6f4e", 3), ("#e8d8b0", 1))
    wanted = rgb2lab(np.float64([[[0x2A, 0x6F, 0x4E], [0xE8, 0xD8, 0xB0]]]) / 255)[0]
    np.testing.assert_allclose(palette.lab, wanted, atol=0.02)
    np.testing.assert_allclose(palette.weights, [0.75, 0.25])
    scaled = palette.for_network()
    assert (scaled.shape, scaled.dtype) == ((2, 3), np.float32)
    np.testing.assert_allclose(scaled[:, :2], palette.lab[:, 1:] / 25)
    np.testing.assert_array_equal(scaled[:, 2], palette.weights)


def test_one_colour_becomes_the_mean_and_half_of_the_variety_stays() -> None:
    ab, lightness = picture(5, 16, 16)
    palette = given(("#7a4a2b", 1))
    moved = transport_to_given(ab, lightness.clip(0, 55), palette)
    np.testing.assert_allclose(moved.mean(axis=(0, 1)), palette.lab[0, 1:], atol=1.5)
    before, after = (plane.std(axis=(0, 1)).sum() for plane in (ab, moved))
    assert 0.35 * before < after < 0.65 * before


def test_a_dark_colour_is_a_tint_of_itself_where_the_picture_is_light() -> None:
    ab = np.zeros((16, 16, 2), np.float32)
    palette = given(("#2a6f4e", 1))
    moved = [
        transport_to_given(ab, np.full((16, 16), level, np.float32), palette)
        for level in (40, 60, 90, 100)
    ]
    chroma = [float(np.hypot(*colors[0, 0])) for colors in moved]
    own = float(np.hypot(*palette.lab[0, 1:]))
    np.testing.assert_allclose(chroma[:2], own, rtol=1e-3)
    assert 0 < chroma[2] < own / 2
    assert chroma[3] < 0.1


def test_each_given_colour_takes_its_share_where_the_guess_is_like_it() -> None:
    ab = np.zeros((16, 16, 2), np.float32)
    ab[:12], ab[12:] = (4, 10), (-4, -12)  # three quarters warm, one quarter cold
    lightness = np.full((16, 16), 50, np.float32)
    palette = given(("#605080", 1), ("#a08040", 3))
    moved = transport_to_given(ab, lightness, palette)
    for part, color in ((moved[:12], 1), (moved[12:], 0)):
        assert np.abs(part - palette.lab[color, 1:]).max() < 0.1


def test_the_lighter_given_colour_goes_to_the_lighter_part() -> None:
    ab, lightness = np.zeros((16, 16, 2), np.float32), np.full((16, 16), 20, np.float32)
    lightness[:, 8:] = 85
    moved = transport_to_given(ab, lightness, given(("#c9d7ee", 1), ("#3a2a10", 1)))
    assert moved[:, 8:, 1].mean() < -10
    assert moved[:, :8, 1].mean() > 10


def test_a_colour_takes_half_to_one_and_a_half_of_its_share() -> None:
    ab = np.empty((16, 16, 2), np.float32)
    ab[:8, :8], ab[:8, 8:], ab[8:, :8], ab[8:, 8:] = (40, 40), (20, 40), (40, 10), (10, 0)
    lightness = np.full((16, 16), 50, np.float32)
    palette = given(("#a05a30", 1), ("#3060a0", 1))  # all is more like the first
    moved = transport_to_given(ab, lightness, palette)
    assert moved[8:, 8:, 1].max() < -20
    assert min(moved[:8, :, 1].min(), moved[:, :8, 1].min()) > 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (40, 3)])
def test_a_picture_of_any_size_takes_six_colours(shape: tuple[int, int]) -> None:
    colors = [(f"#{i}0{9 - i}0c0", 1000.0 if i == 3 else 0.01) for i in range(6)]
    ab, lightness = np.ones((*shape, 2), np.float32), np.full(shape, 40, np.float32)
    moved = transport_to_given(ab, lightness, given(*colors))
    assert moved.shape == ab.shape
    assert np.isfinite(moved).all()


def test_a_colour_that_the_photos_lightness_does_not_allow_is_known() -> None:
    palette = given(("#ffff00", 1), ("#808080", 1), ("#000080", 1))
    dark, light = (np.full((30, 30), level, np.float32) for level in (15, 96))
    assert paler(dark, palette).tolist() == [True, False, False]
    assert paler(light, palette).tolist() == [False, False, True]
    dark[0] = 96  # a thirtieth of the photo is enough
    assert paler(dark, palette).tolist() == [False, False, False]
