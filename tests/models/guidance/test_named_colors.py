"""What a colour's name means, and laying it over things."""

from __future__ import annotations

import numpy as np
import pytest

from models.color.lab import parse_hex, srgb_to_lab
from models.guidance.color_words import ACHROMATIC, MODIFIERS, NAMED, color_phrases
from models.guidance.named_colors import (
    ab_at,
    ab_of,
    follow_edges,
    is_neutral,
    lacking,
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
            np.degrees(np.arctan2(*ab_of(["red"])[::-1])), abs=0.1
        )
    pale, plain, vivid = (np.hypot(*ab_of([f"{m}red"])) for m in ("pale ", "", "vivid "))
    assert pale < plain < vivid


def test_several_names_are_mixed_and_neutral_ones_pale() -> None:
    np.testing.assert_allclose(
        ab_of(["blue", "white"]), (ab_of(["blue"]) + ab_of(["white"])) / 2, atol=1e-4
    )
    assert np.hypot(*ab_of(["black"])) < 2


GREY = np.full((20, 20), 60, np.float32)


def test_light_and_dark_things_are_paler_than_those_between() -> None:
    levels = np.float32([5, 45, 95])
    for name in ("red", "pink", "purple", "#c8202a"):
        dark, middle, light = np.hypot(*ab_at([name], levels).T)
        assert dark < middle
        assert light < middle or name.startswith("#")  # what is typed is meant exactly


def test_greys_have_no_hue_to_show() -> None:
    assert is_neutral(["white", "dark grey"])
    assert not is_neutral(["white", "blue"])


def test_what_has_the_hue_already_lacks_nothing() -> None:
    everywhere, color = np.ones((20, 20), np.float32), ab_at(["green"], GREY)
    assert lacking(color / 2, everywhere, color).max() < 0.1
    assert lacking(-color, everywhere, color).min() > 0.99
    assert lacking(0 * color, everywhere, color).min() > 0.99


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
