"""What a colour's name means, and laying it over things."""

from __future__ import annotations

import numpy as np
import pytest

from models.color.lab import parse_hex, srgb_to_lab
from models.guidance.color_terms import ACHROMATIC, MODIFIERS, NAMED
from models.guidance.color_words import color_phrases
from models.guidance.named_colors import (
    FULLER,
    ab_at,
    ab_of,
    is_neutral,
    name_colors,
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


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("wine-red", "red"),
        ("all-white", "white"),
        ("navy-blue", "navy"),
        ("dark olive-green", "dark olive"),
        ("bluish", "blueish"),
        ("Off-White", "off white"),
        ("olive drab", "olive"),
    ],
)
def test_other_spellings_are_the_same_colour(said: str, plain: str) -> None:
    np.testing.assert_array_equal(ab_of([said]), ab_of([plain]))


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


BINS = np.float32([[a, b] for a in range(-50, 51, 10) for b in range(-50, 51, 10)])


def expecting(*colors: tuple[float, float]) -> np.ndarray:
    """Return a distribution over BINS that holds these colours possible, alike: (Q, 20, 20)."""
    weights = np.zeros(len(BINS), np.float32)
    for color in colors:
        weights[np.linalg.norm(BINS - color, axis=1).argmin()] += 1 / len(colors)
    return np.broadcast_to(weights[:, None, None], (len(BINS), 20, 20)).astype(np.float32)


def test_of_what_the_network_holds_possible_the_named_colour_is_taken() -> None:
    ab, evidence = name_colors(["green"], expecting((-20, 20), (30, 20)), BINS, GREY, 1.0)
    assert np.linalg.norm(ab / FULLER - [-20, 20], axis=-1).max() < 4
    assert 0.2 < evidence.min() <= evidence.max() <= 0.5
    red, _ = name_colors(["red"], expecting((-20, 20), (30, 20)), BINS, GREY, 1.0)
    assert np.linalg.norm(red / FULLER - [30, 20], axis=-1).max() < 4


def test_what_the_network_does_not_expect_has_its_usual_colour() -> None:
    usual = 0.7 * ab_at(["blue"], GREY)
    ab, evidence = name_colors(["blue"], expecting((-20, 20), (30, 20)), BINS, GREY, 0.7)
    assert np.linalg.norm(ab - usual, axis=-1).max() < 2
    assert evidence.max() < 0.01


def test_each_cell_of_two_colours_takes_the_one_that_is_expected_there() -> None:
    weights = np.concatenate([expecting((30, 20))[:, :10], expecting((0, -30))[:, 10:]], axis=1)
    ab, _ = name_colors(["blue", "red"], weights, BINS, GREY, 1.0)
    assert ab[:10, :, 0].min() > 20
    assert ab[10:, :, 1].max() < -20


def test_white_takes_no_more_colour_away_than_white_things_lack() -> None:
    faint, _ = name_colors(["white"], expecting((0, 10)), BINS, GREY, 1.0)
    assert 0 < faint[..., 1].min() <= faint[..., 1].max() < 10 * FULLER
    vivid, _ = name_colors(["white"], expecting((50, 50)), BINS, GREY, 1.0)
    assert np.hypot(*np.moveaxis(vivid, -1, 0)).max() < 3
