"""Dabs of paint become discs: their colours, places and sizes, on layers without GIMP."""

from __future__ import annotations

import numpy as np
import pytest
from dabs import MAX_HINTS, Hint, find_dabs

from models.job import MAX_HINTS as SERVER_TAKES
from models.job import parse_hints

RED, BLUE = (200, 30, 30), (30, 60, 190)


def layer(height: int = 60, width: int = 80) -> np.ndarray:
    """Return an empty layer, (H, W, 4) uint8."""
    return np.zeros((height, width, 4), np.uint8)


def paint(
    rgba: np.ndarray, x: int, y: int, radius: float, color: tuple[int, int, int], alpha: int = 255
) -> np.ndarray:
    """Paint a disc; return where, (H, W) bool."""
    rows, columns = np.mgrid[: rgba.shape[0], : rgba.shape[1]]
    inside = (columns - x) ** 2 + (rows - y) ** 2 <= radius**2
    rgba[inside] = (*color, alpha)
    return np.asarray(inside)


def find(rgba: np.ndarray) -> list[Hint]:
    return find_dabs(rgba.tobytes(), rgba.shape[1], rgba.shape[0])


def covered(hints: list[Hint], shape: tuple[int, ...]) -> np.ndarray:
    """Draw the discs as the server would: every pixel no farther than the radius."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    whole = np.zeros(shape[:2], bool)
    for hint in hints:
        whole |= (columns - hint.x) ** 2 + (rows - hint.y) ** 2 <= hint.radius**2
    return whole


def test_an_empty_layer_has_none() -> None:
    assert find(layer()) == []


def test_a_disc_is_found_where_it_is() -> None:
    rgba = layer()
    paint(rgba, 33, 21, 9, RED)
    largest = find(rgba)[0]
    assert largest.color == RED
    assert (largest.x, largest.y) == pytest.approx((33, 21), abs=1.5)
    assert largest.radius == pytest.approx(9, abs=2)


@pytest.mark.parametrize("place", [(0, 0), (79, 59), (40, 0)])
def test_a_single_pixel_counts_at_the_border_too(place: tuple[int, int]) -> None:
    rgba = layer()
    rgba[place[1], place[0]] = (*BLUE, 255)
    (hint,) = find(rgba)
    assert (hint.x, hint.y, hint.color) == (*place, BLUE)
    assert hint.radius < 1


def test_thin_paint_does_not_count() -> None:
    rgba = layer()
    paint(rgba, 20, 20, 5, RED, alpha=127)
    assert find(rgba) == []
    paint(rgba, 20, 20, 5, RED, alpha=128)
    assert find(rgba)


def test_the_discs_cover_a_stroke_and_little_else() -> None:
    rgba = layer()
    where = np.zeros(rgba.shape[:2], bool)
    for x in range(10, 70):
        where |= paint(rgba, x, 15 + x // 3, 4, RED)
    drawn = covered(find(rgba), rgba.shape)
    assert drawn[where].mean() > 0.85
    assert not drawn[~where].any()


def test_two_colours_that_touch_are_two_dabs_without_their_mixture() -> None:
    rgba = layer()
    paint(rgba, 25, 30, 12, RED)
    paint(rgba, 50, 30, 12, BLUE)
    for column, share in zip(range(35, 40), np.linspace(0, 1, 5), strict=True):
        mixed = (1 - share) * np.array(RED) + share * np.array(BLUE)
        rgba[24:37, column] = (*mixed.astype(int), 255)
    assert {hint.color for hint in find(rgba) if hint.radius > 1} <= {RED, BLUE}
    assert {RED, BLUE} <= {hint.color for hint in find(rgba)}


def test_a_small_dab_on_a_large_one_is_kept() -> None:
    rgba = layer()
    paint(rgba, 40, 30, 20, RED)
    paint(rgba, 40, 30, 3, BLUE)
    assert any(
        hint.color == BLUE and (hint.x, hint.y) == pytest.approx((40, 30), abs=1)
        for hint in find(rgba)
    )


def test_a_layer_full_of_paint_is_one_colour() -> None:
    rgba = layer(700, 900)
    rgba[:] = (*BLUE, 255)
    hints = find(rgba)
    assert {hint.color for hint in hints} == {BLUE}
    assert covered(hints, rgba.shape).mean() > 0.9


def test_noise_is_bounded() -> None:
    rng = np.random.default_rng(3)
    rgba = rng.integers(0, 256, (300, 300, 4), np.uint8)
    assert len(find(rgba)) <= MAX_HINTS <= SERVER_TAKES


def test_the_server_reads_them_moved_into_the_photo() -> None:
    import json

    rgba = layer()
    paint(rgba, 33, 21, 5, RED)
    sent = json.dumps([hint.to_json(100, -7) for hint in find(rgba)])
    read = parse_hints(sent)[0]
    assert (read.x, read.y) == pytest.approx((133, 14), abs=1.5)
    assert read.color == "#c81e1e"
