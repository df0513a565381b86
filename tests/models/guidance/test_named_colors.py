"""What a colour's name means, and laying it over things."""

from __future__ import annotations

import numpy as np
import pytest

from models.color.lab import parse_hex, srgb_to_lab
from models.guidance.color_words import ACHROMATIC, MODIFIERS, NAMED, color_phrases
from models.guidance.named_colors import (
    LEAST_FOUND,
    TYPICAL,
    ab_of,
    follow_edges,
    is_found,
    lay_names,
)
from models.training.color_naming import WORDS, nearest_word


@pytest.mark.parametrize("word", WORDS)
def test_basic_words_have_their_own_hue(word: str) -> None:
    assert WORDS[int(nearest_word(ab_of([word])))] == word


@pytest.mark.parametrize("name", [*NAMED, *ACHROMATIC])
@pytest.mark.parametrize("form", ["{}", "dark {}", "{}-coloured", "{}ish", "light-{}"])
def test_every_name_that_is_read_has_a_colour(name: str, form: str) -> None:
    said = form.format(name)
    (phrase,) = color_phrases(f"a {said} thing")
    assert np.isfinite(ab_of(phrase.colors)).all()


def test_hex_is_exact_and_modifiers_scale_the_chroma() -> None:
    exact = srgb_to_lab(parse_hex("#2a6f4e"))[1:]
    np.testing.assert_allclose(ab_of(["#2a6f4e"]), exact, atol=1e-4)
    for modifier in MODIFIERS:
        scaled = ab_of([f"{modifier} red"])
        assert np.degrees(np.arctan2(scaled[1], scaled[0])) == pytest.approx(
            np.degrees(np.arctan2(*TYPICAL["red"][::-1])), abs=0.1
        )
    pale, plain, vivid = (np.hypot(*ab_of([f"{m}red"])) for m in ("pale ", "", "vivid "))
    assert pale < plain < vivid


def test_several_names_are_mixed_and_neutral_ones_pale() -> None:
    np.testing.assert_allclose(
        ab_of(["blue", "white"]), (ab_of(["blue"]) + ab_of(["white"])) / 2, atol=1e-4
    )
    assert np.hypot(*ab_of(["black"])) < 2


GREY = np.full((20, 20), 60, np.float32)
NOTHING = np.zeros((20, 20, 2), np.float32)
RED, BLUE = np.float32([40, 20]), np.float32([0, -30])


def left_half(probability: float) -> np.ndarray:
    plane = np.zeros((20, 20), np.float32)
    plane[:, :10] = probability
    return plane


def hue(ab: np.ndarray) -> float:
    return float(np.degrees(np.arctan2(ab[1], ab[0])))


def test_a_thing_takes_its_hue_wholly_and_its_chroma_by_how_sure_it_is() -> None:
    below = np.tile(np.float32([0, 25]), (20, 20, 1))
    sure, unsure = (
        lay_names(below, [left_half(p)], [BLUE], GREY, strength=1.0) for p in (1.0, 0.3)
    )
    np.testing.assert_allclose(sure[10, 4], BLUE, atol=1e-3)
    assert hue(unsure[10, 4]) == pytest.approx(-90, abs=0.1)
    assert 0.4 < np.hypot(*unsure[10, 4]) / np.hypot(*BLUE) < 0.8
    for laid in (sure, unsure):
        np.testing.assert_allclose(laid[10, 16], below[10, 16], atol=1e-3)


def test_what_is_hardly_found_anywhere_takes_little() -> None:
    faint = left_half(LEAST_FOUND / 3)
    assert not is_found(faint)
    assert is_found(left_half(0.5))
    assert np.hypot(*lay_names(NOTHING, [faint], [RED], GREY, strength=1.0)[10, 4]) < 3


def test_neutral_names_take_colour_away_as_far_as_they_are_likely() -> None:
    below = np.tile(np.float32([0, 30]), (20, 20, 1))
    laid = lay_names(below, [left_half(0.5)], [ab_of(["white"])], GREY, strength=1.0)
    assert laid[10, 4, 1] == pytest.approx(15, abs=0.5)


def test_later_colours_lie_on_top_and_strength_scales_them() -> None:
    both = [left_half(1.0), left_half(1.0)]
    laid = lay_names(NOTHING, both, [RED, BLUE], GREY, strength=1.0)
    np.testing.assert_allclose(laid[10, 4], BLUE, atol=1e-3)
    half = lay_names(NOTHING, both[:1], [RED], GREY, strength=0.5)
    np.testing.assert_allclose(half[10, 4], RED / 2, atol=1e-3)


def test_shadows_take_less_chroma() -> None:
    dark = lay_names(NOTHING, [left_half(1.0)], [RED], 0 * GREY, strength=1.0)
    assert 0 < np.hypot(*dark[10, 4]) < np.hypot(*RED) / 2


def test_values_move_to_the_edges_of_the_lightness() -> None:
    lightness = np.full((20, 20), 20, np.float32)
    lightness[:, 10:] = 80
    rough = np.zeros((20, 20), np.float32)
    rough[:, :9] = 1  # one column short of the edge
    fine = follow_edges(rough, lightness)
    steps = -np.diff(fine[10])
    assert steps.argmax() == 9
    assert steps[9] > 2 * np.delete(steps, 9).max()
    flat = follow_edges(np.full((20, 20), 0.4, np.float32), lightness)
    np.testing.assert_allclose(flat, 0.4, atol=1e-5)
