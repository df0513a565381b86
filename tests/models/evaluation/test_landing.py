"""Where a caption's colours land, on pictures whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from models.evaluation.landing import landing_caption, measure_landing

GREY, RED, BLUE = (120, 120, 120), (200, 60, 50), (60, 80, 190)


def halves(left: tuple[int, int, int], right: tuple[int, int, int]) -> np.ndarray:
    picture = np.empty((20, 40, 3), np.uint8)
    picture[:, :20], picture[:, 20:] = left, right
    return picture


def test_the_hue_in_its_place_is_seen_and_nearer() -> None:
    original = halves(RED, GREY)
    landed = measure_landing(original, halves(GREY, GREY), original, "a red door")
    assert landed is not None
    assert (landed.seen, landed.seen_without) == (1.0, 0.0)
    assert landed.nearer > 40
    assert landed.farther == pytest.approx(0)
    assert landed.gain > 10


def test_the_hue_beside_its_place_hurts() -> None:
    landed = measure_landing(halves(GREY, RED), halves(GREY, GREY), halves(RED, GREY), "red")
    assert landed is not None
    assert landed.seen == 0
    assert landed.nearer == pytest.approx(0)
    assert landed.farther > 40
    assert landed.gain < -1


def test_what_the_photo_does_not_show_is_not_judged() -> None:
    original = halves(RED, GREY)
    assert measure_landing(original, original, original, "a blue door") is None
    assert measure_landing(original, original, halves(RED, RED), "a red door") is None  # all of it
    assert landing_caption(("a door", "a Blue and red door")) == "a Blue and red door"
    assert landing_caption(("a door",)) is None
