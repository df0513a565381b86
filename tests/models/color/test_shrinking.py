"""A layer made small: an area mean where it is opaque, and nothing of what is hidden."""

from __future__ import annotations

import numpy as np
import pytest

from models.color.shrinking import shrink, shrunk
from models.guidance.reference import Reference

RNG = np.random.default_rng(3)
DTYPES = pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])


def layer(channels: int, dtype: type, height: int = 60, width: int = 90) -> np.ndarray:
    unit = RNG.random((height, width, channels), np.float32)
    return unit if dtype is np.float32 else (unit * np.iinfo(dtype).max).astype(dtype)


def top_of(pixels: np.ndarray) -> float:
    return 1.0 if pixels.dtype == np.float32 else float(np.iinfo(pixels.dtype).max)


@DTYPES
@pytest.mark.parametrize("channels", [2, 4])
def test_a_cell_is_the_mean_of_its_pixels_weighed_by_their_alpha(
    channels: int, dtype: type
) -> None:
    pixels = layer(channels, dtype)
    small, visible = shrink(pixels, 20, 30)
    unit = pixels.astype(np.float64) / top_of(pixels)
    cells = unit.reshape(20, 3, 30, 3, channels)
    alpha = cells[..., -1:].sum(axis=(1, 3))
    expected = (cells[..., :-1] * cells[..., -1:]).sum(axis=(1, 3)) / alpha
    np.testing.assert_allclose(small, expected, atol=1e-4)
    assert visible is not None
    np.testing.assert_allclose(visible, alpha[..., 0] / 9, atol=1e-4)


def test_a_cell_of_a_plane_is_its_mean() -> None:
    plane = RNG.random((60, 90), np.float32)
    expected = plane.reshape(20, 3, 30, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(shrunk(plane, (20, 30)), expected, atol=1e-6)


@DTYPES
@pytest.mark.parametrize("channels", [1, 3])
def test_opaque_alpha_changes_nothing(channels: int, dtype: type) -> None:
    pixels = layer(channels, dtype)
    opaque = np.full((60, 90, 1), top_of(pixels), dtype)
    plain, _ = shrink(pixels, 17, 23)
    with_alpha, visible = shrink(np.concatenate([pixels, opaque], axis=2), 17, 23)
    np.testing.assert_array_equal(plain, with_alpha)
    assert visible is None


@DTYPES
@pytest.mark.parametrize("shape", [(16, 24), (60, 90), (80, 100)])
@pytest.mark.parametrize("channels", [2, 4])
def test_what_is_hidden_does_not_matter(channels: int, shape: tuple[int, int], dtype: type) -> None:
    one, other = layer(channels, dtype), layer(channels, dtype)
    hidden = np.zeros((60, 90), bool)
    hidden[10:50, 25:70] = True
    other[~hidden] = one[~hidden]
    one[hidden, -1] = other[hidden, -1] = 0
    for small, again in zip(shrink(one, *shape), shrink(other, *shape), strict=True):
        np.testing.assert_array_equal(small, again)
    np.testing.assert_array_equal(Reference.of(one).rgb, Reference.of(other).rgb)


def test_what_is_hidden_continues_its_surroundings() -> None:
    pixels = np.full((64, 64, 2), 200, np.uint8)
    pixels[..., 1] = 255
    pixels[16:48, 16:48] = 0
    small, _ = shrink(pixels, 32, 32)
    np.testing.assert_allclose(small, 200 / 255, atol=0.01)
    assert np.isfinite(shrink(np.zeros((9, 9, 4), np.uint8), 4, 4)[0]).all()
