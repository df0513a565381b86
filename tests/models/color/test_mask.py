"""Masks of full size, and chroma that counts only inside one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.color.mask import Mask
from models.color.upsampling import Patch, recolor, upsampled


def levels(height: int, width: int, *, seed: int = 0) -> np.ndarray:
    """Return a soft blob: zeros around it."""
    rows, columns = np.indices((height, width))
    y, x = np.random.default_rng(seed).uniform(0.2, 0.8, 2) * (height, width)
    away = np.hypot(rows - y, columns - x) / (0.3 * min(height, width))
    return np.rint(255 * np.clip(1.5 - away, 0, 1)).astype(np.uint8)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 9), st.data())
def test_a_part_of_a_mask_is_that_part(height: int, width: int, seed: int, data: Any) -> None:
    whole = levels(height, width, seed=seed)
    top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    part = np.s_[top : top + 20, left : left + 20]
    rows = slice(top, min(top + 20, height))
    columns = slice(left, min(left + 20, width))
    found = Mask.of_levels(whole).within(rows, columns)
    if found is None:
        assert not whole[part].any()
    else:
        np.testing.assert_allclose(found, whole[part] / 255, atol=1e-6)


@pytest.mark.parametrize("size", [(40, 60), (400, 300), (7, 9)])
def test_shrinking_keeps_the_mean(size: tuple[int, int]) -> None:
    whole = levels(*size)
    small = Mask.of_levels(whole).shrunk((20, 24))
    assert small.mean() == pytest.approx(whole.mean() / 255, abs=0.03)
    assert small.min() >= 0
    assert small.max() <= 1


def test_no_place_is_too_small_for_the_grid() -> None:
    whole = np.zeros((500, 500), np.uint8)
    whole[333, 111] = 255
    small = Mask.of_levels(whole).shrunk((10, 10))
    assert np.argwhere(small).tolist() == [[6, 2]]
    assert small.max() == 1
    assert not Mask.of_levels(np.zeros((9, 9), np.uint8)).shrunk((3, 3)).any()


def test_a_box_is_cut_at_the_pictures_edge() -> None:
    box = Mask.of_box(-3, 5.5, 10, 100, height=20, width=30)
    assert box.box == (0, 5, 7, 15)
    whole = box.within(slice(0, 20), slice(0, 30))
    assert whole is not None
    assert whole.sum() == 7 * 15


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_outside_a_patch_no_bit_changes(dtype: Any, channels: int) -> None:
    rng = np.random.default_rng(4)
    pixels = rng.random((150, 210, channels), np.float32)
    if dtype != np.float32:
        pixels = (pixels * np.iinfo(dtype).max).astype(dtype)
    guide = rng.random((12, 16)).astype(np.float32) * 100
    # Far out of sRGB in part: those pixels take a way of their own.
    ab, other = (rng.normal(0, 60, (12, 16, 2)).astype(np.float32) for _ in range(2))
    place = levels(150, 210)
    job_mask = rng.random((150, 210)).astype(np.float32).round(1)
    for mask in (None, job_mask):
        plain = recolor(pixels, ab, guide, mask=mask)
        patch = Patch(other, Mask.of_levels(place))
        over = recolor(pixels, ab, guide, mask=mask, patches=[patch])
        inside = recolor(pixels, other, guide, mask=mask)
        np.testing.assert_array_equal(over[place == 0], plain[place == 0])
        step = 1e-4 if dtype == np.float32 else 1
        wrong = np.abs(over[place == 255].astype(float) - inside[place == 255])
        assert wrong.max() <= step
        assert (over[place == 128] != plain[place == 128]).any() or not (place == 128).any()


def test_a_later_patch_lies_on_top() -> None:
    pixels = np.full((40, 40, 1), 120, np.uint8)
    guide = np.full((10, 10), 50, np.float32)
    planes = [np.full((10, 10, 2), value, np.float32) for value in (0, 20, -20)]
    boxes = [Mask.of_box(x, 0, 20, 40, height=40, width=40) for x in (0, 10)]
    both = [Patch(plane, box) for plane, box in zip(planes[1:], boxes, strict=True)]
    over = recolor(pixels, planes[0], guide, patches=both)
    alone = [recolor(pixels, plane, guide) for plane in planes]
    np.testing.assert_array_equal(over[:, :10], alone[1][:, :10])
    np.testing.assert_array_equal(over[:, 10:30], alone[2][:, 10:30])
    np.testing.assert_array_equal(over[:, 30:], alone[0][:, 30:])


def test_a_coarse_mask_follows_the_edges_of_the_photo() -> None:
    pixels = np.full((200, 200, 1), 60, np.uint8)
    pixels[:, 107:] = 200  # which the grid does not meet
    guide = np.full((10, 10), 25, np.float32)
    guide[:, 6:], guide[:, 5] = 80, 25 + 0.65 * 55
    plane = np.zeros((10, 10), np.float32)
    plane[:, 6:], plane[:, 5] = 1, 0.65
    mask = upsampled(plane, pixels, guide)
    assert mask.dtype == np.uint8
    assert mask[:, 110:].min() > 200
    assert mask[:, :104].max() < 55
