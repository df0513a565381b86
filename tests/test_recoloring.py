"""Counterfactual recolouring, tone words and samples."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.colorizer import AB_SCALE
from models.training.photos import Photo
from models.training.recoloring import (
    HUES,
    WORDS,
    nearest_word,
    only_color_word,
    recolor_anything,
    recolor_caption,
    replace_color_word,
    word_area,
)
from models.training.samples import SampleOptions, collate, make_sample, random_hints
from models.training.tones import COLD, MUTED, WARM, tone_words


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


def test_the_area_turns_to_the_new_words_hue_and_the_rest_stays() -> None:
    ab = np.zeros((64, 64, 2), np.float32)
    ab[16:48, 16:48] = of_hue("red")[0, 0]
    area = word_area(ab, "red")
    assert area.sum() == 32 * 32
    made = None
    for seed in range(10):
        made = made or recolor_caption("a red kite", ab, np.random.default_rng(seed))
    assert made is not None
    word = only_color_word(made.caption)
    assert word is not None
    assert word != "red"
    inside = made.ab[20:44, 20:44].reshape(-1, 2)
    assert (nearest_word(inside) == WORDS.index(word)).all()
    assert np.hypot(*inside.T).min() >= 24
    np.testing.assert_allclose(made.ab[:8], 0, atol=1e-3)


def test_too_large_and_too_small_areas_are_left_alone() -> None:
    rng = np.random.default_rng(0)
    everything, nothing = of_hue("red"), np.zeros((64, 64, 2), np.float32)
    assert all(recolor_caption("a red wall", everything, rng) is None for _ in range(20))
    assert all(recolor_caption("a red wall", nothing, rng) is None for _ in range(20))


def test_any_hue_may_turn_and_a_hint_lies_on_it() -> None:
    ab = np.zeros((64, 64, 2), np.float32)
    ab[16:32, 16:32] = of_hue("blue")[0, 0]
    rng = np.random.default_rng(0)
    turned = next(t for _ in range(100) if (t := recolor_anything(ab, rng)) is not None)
    np.testing.assert_array_equal(turned[1], ab[..., 1] < 0)
    hints = random_hints(turned[0], SampleOptions(mean_hints=1.0), rng, on=turned[1])
    assert hints[2][turned[1]].any()
    assert np.abs(turned[0][20:28, 20:28] - ab[20:28, 20:28]).mean() > 5


def test_tones_name_what_is_striking() -> None:
    rng = np.random.default_rng(0)
    assert tone_words(np.tile(np.float32([5, 20]), (8, 8, 1)), rng) in WARM
    assert tone_words(np.tile(np.float32([5, -15]), (8, 8, 1)), rng) in COLD
    assert tone_words(np.tile(np.float32([0, 2]), (8, 8, 1)), rng) in MUTED
    assert tone_words(np.tile(np.float32([15, 8]), (8, 8, 1)), rng) is None


def photo() -> Photo:
    pixels = np.random.default_rng(3).integers(0, 256, (80, 100, 3), np.uint8)
    return Photo("one", pixels, ("a red car", "a street"), "here")


def test_samples_have_the_promised_shapes_and_repeat_with_their_seed() -> None:
    options = SampleOptions(side=64, p_hints=1.0)
    first = make_sample(photo(), options, np.random.default_rng(5))
    again = make_sample(photo(), options, np.random.default_rng(5))
    assert first.lightness.shape == (1, 64, 64)
    assert first.ab.shape == (2, 16, 16)
    assert first.hints.shape == (3, 64, 64)
    assert first.hints[2].sum() > 0
    for one, other in zip(first[:3], again[:3], strict=True):
        torch.testing.assert_close(one, other)
    lightness, ab, hints, texts = collate([first, again])
    assert lightness.shape == (2, 1, 64, 64)
    assert ab.shape == (2, 2, 16, 16)
    assert hints.shape == (2, 3, 64, 64)
    assert texts == [first.text, again.text]


def test_captions_are_dropped_as_often_as_asked() -> None:
    rng = np.random.default_rng(0)
    none = SampleOptions(side=32, p_unguided=1.0)
    some = SampleOptions(side=32, p_unguided=0.0)
    assert all(make_sample(photo(), none, rng).text is None for _ in range(5))
    assert all(make_sample(photo(), some, rng).text for _ in range(5))


def test_hints_tell_the_mean_colour_of_what_they_cover() -> None:
    ab = np.tile(np.float32([22, -11]), (32, 32, 1))
    hints = random_hints(ab, SampleOptions(), np.random.default_rng(0))
    known = hints[2] > 0
    np.testing.assert_allclose(AB_SCALE * hints[0][known], 22, atol=1e-4)
    np.testing.assert_allclose(AB_SCALE * hints[1][known], -11, atol=1e-4)
    assert not hints[:2, ~known].any()
