"""Colour words, and the pixels that have their colours."""

from __future__ import annotations

import numpy as np
import pytest

from models.color.lab import parse_hex, srgb_to_lab
from models.training.color_naming import (
    HUES,
    WORDS,
    basic_name,
    named_area,
    nearest_word,
    only_color_word,
    replace_color_word,
    word_area,
)


def of_hue(word: str, chroma: float = 40, size: int = 64) -> np.ndarray:
    hue = np.radians(HUES[word])
    vector = np.array([chroma * np.cos(hue), chroma * np.sin(hue)], np.float32)
    return np.tile(vector, (size, size, 1))


@pytest.mark.parametrize(
    ("caption", "word"),
    [
        ("A red car", "red"),
        ("a Green field", "green"),
        ("a red car and a blue bus", None),
        ("a red, red rose", None),
        ("a tired dog", None),
        ("", None),
    ],
)
def test_only_captions_with_exactly_one_colour_word_count(caption: str, word: str | None) -> None:
    assert only_color_word(caption) == word


def test_the_article_follows_the_word() -> None:
    assert replace_color_word("A red car", "orange") == "An orange car"
    assert replace_color_word("an orange car", "blue") == "a blue car"
    assert replace_color_word("a man in red", "pink") == "a man in pink"


@pytest.mark.parametrize("word", WORDS)
def test_every_words_hue_is_nearest_to_itself(word: str) -> None:
    assert WORDS[int(nearest_word(of_hue(word)[0, 0]))] == word


def test_a_words_area_has_its_hue_and_enough_chroma() -> None:
    ab = np.zeros((64, 64, 2), np.float32)
    ab[16:48, 16:48] = of_hue("red")[0, 0]
    ab[:8] = of_hue("red", chroma=5)[0, 0]
    ab[56:] = of_hue("blue")[0, 0]
    expected = np.zeros((64, 64), bool)
    expected[16:48, 16:48] = True
    np.testing.assert_array_equal(word_area(ab, "red"), expected)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("dark blue", "blue"),
        ("Reddish", "red"),
        ("light-green", "green"),
        ("gray", "grey"),
        ("blue-coloured", "blue"),
        ("navy", "navy"),
    ],
)
def test_modifiers_are_taken_away(said: str, name: str) -> None:
    assert basic_name(said) == name


def lab_of(*colors: str) -> np.ndarray:
    """Stripes of colours, 16 rows each."""
    return np.concatenate([np.tile(srgb_to_lab(parse_hex(c)), (16, 64, 1)) for c in colors])


@pytest.mark.parametrize(
    ("names", "stripes"),
    [
        (("white",), (0,)),
        (("black",), (1,)),
        (("brown",), (2,)),
        (("crimson",), (3,)),
        (("red", "white"), (0, 3)),
        (("grey",), (4,)),
    ],
)
def test_named_areas_are_what_people_would_point_at(
    names: tuple[str, ...], stripes: tuple[int, ...]
) -> None:
    lab = lab_of("#fafafa", "#0a0a0a", "#6b4423", "#b01028", "#808080")
    area = named_area(lab, names)
    assert area is not None
    assert [i for i in range(5) if area[16 * i + 8, 32]] == list(stripes)


def test_pale_names_point_at_nothing_and_specks_are_left_out() -> None:
    lab = lab_of("#f4eacc", "#c02020", "#808080")
    assert named_area(lab, ("cream",)) is None
    lab[40, 5] = lab[20, 5]
    area = named_area(lab, ("red",))
    assert area is not None
    assert area[16:32].all()
    assert not area[40, 5]
