"""Colour conversions against scikit-image and colour-science, and the gamut on random data."""

from __future__ import annotations

import re
import tracemalloc

import colour
import numpy as np
import pytest
from skimage import color as oracle
from skimage import data

from models.color.lab import (
    lab_to_srgb,
    lab_to_srgb_in_gamut,
    lightness,
    parse_hex,
    srgb_to_lab,
    to_hex,
)

D65 = colour.CCS_ILLUMINANTS["CIE 1931 2 Degree Standard Observer"]["D65"]


@pytest.fixture(scope="module")
def colors() -> np.ndarray:
    """(N, 3) float32 sRGB: random ones, the corners, near black, and a photograph's."""
    rng = np.random.default_rng(0)
    corners = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1]), axis=-1).reshape(-1, 3)
    photo = data.coffee()[::7, ::7].reshape(-1, 3) / 255
    parts = (rng.random((20_000, 3)), corners, rng.random((2_000, 3)) * 0.06, photo)
    return np.concatenate(parts).astype(np.float32)


def test_lab_agrees_with_scikit_image(colors: np.ndarray) -> None:
    expected = oracle.rgb2lab(colors.astype(np.float64))
    np.testing.assert_allclose(srgb_to_lab(colors), expected, atol=0.006)


def test_lab_agrees_with_colour_science(colors: np.ndarray) -> None:
    # It uses the standard's matrix, rounded to four digits: up to 0.02 from scikit-image too.
    expected = colour.XYZ_to_Lab(colour.sRGB_to_XYZ(colors.astype(np.float64)), D65)
    np.testing.assert_allclose(srgb_to_lab(colors), expected, atol=0.03)


def test_lab_back_to_srgb_agrees_with_scikit_image(colors: np.ndarray) -> None:
    lab = oracle.rgb2lab(colors.astype(np.float64)).astype(np.float32)
    np.testing.assert_allclose(lab_to_srgb(lab), colors, atol=1e-4)


def test_round_trip(colors: np.ndarray) -> None:
    np.testing.assert_allclose(lab_to_srgb(srgb_to_lab(colors)), colors, atol=3e-5)


def test_all_greys_are_exactly_neutral_and_survive_16_bits() -> None:
    grey = np.arange(65536, dtype=np.float32)[None] / 65535
    lab = srgb_to_lab(np.repeat(grey[..., None], 3, axis=-1))
    assert np.abs(lab[..., 1:]).max() < 2e-4
    np.testing.assert_allclose(lightness(grey), lab[..., 0], atol=2e-5)
    back = lab_to_srgb_in_gamut(lightness(grey), np.zeros((1, 65536, 2)))
    assert np.array_equal(np.rint(back[0, :, 1] * 65535), np.arange(65536))


def test_lightness_reads_colours_and_greys(colors: np.ndarray) -> None:
    expected = oracle.rgb2lab(colors.astype(np.float64))[:, 0]
    np.testing.assert_allclose(lightness(colors[None])[0], expected, atol=0.003)
    assert lightness(np.zeros((5, 7))).shape == (5, 7)
    assert lightness(np.zeros((5, 7, 3))).shape == (5, 7)
    assert lightness(np.ones((2, 2))) == pytest.approx(100, abs=1e-4)


@pytest.mark.parametrize("shape", [(3,), (0, 3), (1, 1, 3), (2, 5, 7, 3), (70_001, 3)])
def test_any_shape(shape: tuple[int, ...]) -> None:
    rgb = np.random.default_rng(1).random(shape)
    lab = srgb_to_lab(rgb)
    assert lab.shape == shape
    assert lab.dtype == np.float32
    np.testing.assert_allclose(lab, oracle.rgb2lab(rgb.reshape(-1, 3)).reshape(shape), atol=0.006)


def test_a_view_is_read_and_not_written() -> None:
    whole = np.random.default_rng(2).random((9, 8, 4), np.float32)
    kept = whole.copy()
    view = whole[::2, 1::3, :3]
    np.testing.assert_array_equal(srgb_to_lab(view), srgb_to_lab(view.copy()))
    np.testing.assert_array_equal(whole, kept)


def test_a_wrong_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=re.escape("(4, 4, 2) must end in 3")):
        srgb_to_lab(np.zeros((4, 4, 2)))
    with pytest.raises(ValueError, match="ab has the shape"):
        lab_to_srgb_in_gamut(np.zeros((4, 4)), np.zeros((4, 5, 2)))


@pytest.mark.parametrize("scale", [0, 5, 40, 120, 1e4, 1e30, np.inf])
def test_the_gamut_keeps_lightness_whatever_is_asked(scale: float) -> None:
    rng = np.random.default_rng(3)
    wanted = rng.uniform(0, 100, (50, 200)).astype(np.float32)
    wanted[0, :100], wanted[0, 100:] = 0, 100
    ab = rng.choice([-1, 1], (50, 200, 2)) * rng.uniform(0.1, 1, (50, 200, 2)) * scale
    rgb = lab_to_srgb_in_gamut(wanted, ab)
    assert rgb.min() >= 0
    assert rgb.max() <= 1
    for seen in (rgb, np.rint(rgb * 65535) / 65535):
        got = oracle.rgb2lab(seen.astype(np.float64))[..., 0]
        assert np.abs(got - wanted).max() <= 0.05
    in_8_bit = oracle.rgb2lab(np.rint(rgb.astype(np.float64) * 255) / 255)[..., 0]
    assert np.abs(in_8_bit - wanted).max() <= 0.5
    assert np.abs(in_8_bit - wanted).mean() <= 0.15


def test_the_gamut_leaves_colours_inside_alone(colors: np.ndarray) -> None:
    lab = srgb_to_lab(colors)
    np.testing.assert_allclose(lab_to_srgb_in_gamut(lab[:, 0], lab[:, 1:]), colors, atol=5e-5)


def test_the_gamut_keeps_the_hue_and_reaches_the_border() -> None:
    rng = np.random.default_rng(4)
    wanted = rng.uniform(15, 90, 4000).astype(np.float32)
    hue = rng.uniform(-np.pi, np.pi, 4000)
    rgb = lab_to_srgb_in_gamut(wanted, 300 * np.stack([np.cos(hue), np.sin(hue)], axis=-1))
    lab = oracle.rgb2lab(rgb.astype(np.float64))
    turned = np.angle(np.exp(1j * (np.arctan2(lab[:, 2], lab[:, 1]) - hue)))
    assert np.abs(np.rad2deg(turned)).max() < 0.2
    stronger = lab.copy()
    stronger[:, 1:] += 0.3 * np.stack([np.cos(hue), np.sin(hue)], axis=-1)
    beyond = lab_to_srgb(stronger)
    assert ((beyond.min(axis=-1) < 0) | (beyond.max(axis=-1) > 1)).all()


def test_lightness_outside_its_range_is_cut() -> None:
    rgb = lab_to_srgb_in_gamut(np.array([-5, 120]), np.zeros((2, 2)))
    np.testing.assert_allclose(rgb, [[0, 0, 0], [1, 1, 1]], atol=1e-6)


def test_a_large_picture_needs_no_memory_beyond_its_result() -> None:
    rgb = np.full((1500, 2000, 3), 0.4, np.float32)
    tracemalloc.start()
    lab = srgb_to_lab(rgb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < lab.nbytes + 8e6


def test_hex() -> None:
    np.testing.assert_allclose(parse_hex("#ff8000"), [1, 128 / 255, 0], atol=1e-7)
    assert to_hex(parse_hex("#C0392b")) == "#c0392b"
    assert to_hex(np.array([-1, 0.5, 2])) == "#0080ff"
    for wrong in ("", "c0392b", "#c0392", "#c0392bb", "red", "#gggggg", "#c0392b\n"):
        with pytest.raises(ValueError, match="#rrggbb"):
            parse_hex(wrong)
