"""Counterfactual recolouring, tone words and samples."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.color import parse_hex, srgb_to_lab
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
from models.training.samples import (
    SampleOptions,
    carried_hints,
    collate,
    make_sample,
    random_hints,
)
from models.training.tones import COLD, MUTED, WARM, tone_words
from models.words import NAMED


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
        made = made or recolor_caption("a red kite", ab, np.random.default_rng(seed), p_named=0)
    assert made is not None
    word = only_color_word(made.caption)
    assert word is not None
    assert word != "red"
    inside = made.ab[20:44, 20:44].reshape(-1, 2)
    assert (nearest_word(inside) == WORDS.index(word)).all()
    assert np.hypot(*inside.T).min() >= 24
    np.testing.assert_allclose(made.ab[:8], 0, atol=1e-3)
    assert (made.word, made.other) == ("red", word)
    assert made.area[20:44, 20:44].min() > 0.99
    assert made.area[:8].max() < 1e-3


def test_any_named_colour_may_take_the_place_of_a_word() -> None:
    ab = np.zeros((64, 64, 2), np.float32)
    ab[16:48, 16:48] = of_hue("blue")[0, 0]
    caption = "a blue kite over yellow sand"
    rng = np.random.default_rng(0)
    made = [recolor_caption(caption, ab, rng, p_named=1) for _ in range(200)]
    found = {m.other: m for m in made if m is not None}
    assert {"teal", "brown", "maroon"} <= found.keys()
    assert all(m.word == "blue" and "yellow" in m.caption for m in found.values())
    teal = found["teal"]
    assert teal.caption == "a teal kite over yellow sand"
    a, b = srgb_to_lab(parse_hex(NAMED["teal"]))[1:]
    inside = teal.ab[24:40, 24:40].mean((0, 1))
    turned = np.degrees(np.arctan2(inside[1], inside[0]) - np.arctan2(b, a))
    assert abs((turned + 180) % 360 - 180) < 10
    assert 0.75 < np.hypot(*inside) / np.hypot(a, b) < 1.25


def test_specks_are_not_recoloured() -> None:
    ab = np.zeros((64, 64, 2), np.float32)
    ab[16:48, 16:48] = ab[2, 2] = of_hue("red")[0, 0]
    made = [recolor_caption("a red kite", ab, np.random.default_rng(i)) for i in range(10)]
    assert any(m is not None for m in made)
    assert all(m.area[2, 2] < 0.01 for m in made if m is not None)


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
    for one, other in zip(first[1:4], again[1:4], strict=True):
        torch.testing.assert_close(one, other)
    batch = collate([first, again])
    assert batch.lightness.shape == (2, 1, 64, 64)
    assert batch.ab.shape == (2, 2, 16, 16)
    assert batch.hints.shape == (2, 3, 64, 64)
    assert batch.texts == [first.text, again.text]
    assert batch.keys == ["one", "one"]


def test_a_recoloured_sample_remembers_what_it_was() -> None:
    pixels = np.full((64, 64, 3), 120, np.uint8)
    pixels[16:48, 16:48] = (200, 40, 40)
    kite = Photo("kite", pixels, ("a red kite",), "here")
    options = SampleOptions(side=64, p_unguided=0, p_recolor=1, p_hints=1, min_area=0.9)
    rng = np.random.default_rng(0)
    samples = [make_sample(kite, options, rng, other=photo()) for _ in range(40)]
    turned = [s for s in samples if s.before is not None]
    assert turned
    for sample in turned:
        before = sample.before
        assert before is not None
        assert before.text == "a red kite"
        assert before.words[0] == "red"
        assert before.words[1] in (sample.text or "")
        moved = (sample.ab - before.ab).norm(dim=0)
        assert moved[before.area == 0].max() < 1e-3
        assert moved[before.area > 0.9].mean() > 5
        assert not sample.hints.any()


def test_carried_hints_are_right_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    right = np.full((128, 128, 2), 20, np.float32)
    wrong = np.full((128, 128, 2), -20, np.float32)
    said, was = [], []
    for _ in range(60):
        ab = carried_hints(right, wrong, rng)
        known = ab[2] > 0
        said.append(ab[2][known])
        was.append(ab[0][known] > 0)
        assert not ab[:2, ~known].any()
    sure, true = np.concatenate(said), np.concatenate(was)
    for low in (0.1, 0.4, 0.7):
        within = (sure >= low) & (sure < low + 0.2)
        assert abs(true[within].mean() - sure[within].mean()) < 0.1


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
