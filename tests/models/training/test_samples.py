"""Training samples: tone words, palettes, captions."""

from __future__ import annotations

import numpy as np
import torch

from models.guidance.condition import AB_SCALE
from models.networks.colorizer import PALETTE_SIZE
from models.photos import Photo
from models.training.samples import SampleOptions, choose_palette, collate, make_sample
from models.training.tones import COLD, MUTED, WARM, tone_words


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
    options = SampleOptions(side=64, p_palette=1.0)
    first = make_sample(photo(), options, np.random.default_rng(5))
    again = make_sample(photo(), options, np.random.default_rng(5))
    assert first.lightness.shape == (1, 64, 64)
    assert first.ab.shape == (2, 16, 16)
    assert first.palette.shape == (PALETTE_SIZE, 3)
    for one, other in zip(first[1:4], again[1:4], strict=True):
        torch.testing.assert_close(one, other)
    batch = collate([first, again])
    assert batch.lightness.shape == (2, 1, 64, 64)
    assert batch.ab.shape == (2, 2, 16, 16)
    assert batch.palettes.shape == (2, PALETTE_SIZE, 3)
    assert batch.texts == [first.text, again.text]
    assert batch.keys == ["one", "one"]


def test_palettes_hold_the_colours_there_are_by_their_shares() -> None:
    ab = torch.zeros(2, 16, 16)
    ab[0, :4], ab[1, 4:] = 50.0, -25.0
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(60):
        palette = choose_palette(ab, rng)
        weights = palette[:, 2]
        torch.testing.assert_close(weights.sum(), torch.tensor(1.0))
        count = int((weights > 0).sum())
        seen.add(count)
        mean = (palette[:, :2] * weights[:, None]).sum(0) * AB_SCALE
        if count == 1:
            torch.testing.assert_close(mean, torch.tensor([12.5, -18.75]))
        if count == 2:
            found = {tuple((AB_SCALE * row[:2]).round().tolist()) for row in palette[:2]}
            assert found == {(50.0, 0.0), (0.0, -25.0)}
    assert {1, 2} <= seen


def test_captions_are_dropped_as_often_as_asked() -> None:
    rng = np.random.default_rng(0)
    none = SampleOptions(side=32, p_unguided=1.0)
    some = SampleOptions(side=32, p_unguided=0.0)
    assert all(make_sample(photo(), none, rng).text is None for _ in range(5))
    assert all(make_sample(photo(), some, rng).text for _ in range(5))


def test_scenes_are_captions_without_their_colours() -> None:
    rng = np.random.default_rng(0)
    options = SampleOptions(side=32, p_unguided=0, p_scene=1, p_tone=0)
    texts = {make_sample(photo(), options, rng).text for _ in range(20)}
    assert texts == {"a car", "a street"}
