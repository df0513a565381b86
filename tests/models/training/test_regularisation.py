"""Mixed samples and channels left out: what changes, and what must not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.networks.colorizer import Decoder
from models.training.regularisation import drop_channels, mix_samples
from models.training.samples import Batch, SampleOptions, turned


def batch(count: int = 6, side: int = 32) -> Batch:
    """Samples that each have one value everywhere: their own number."""
    own = torch.arange(count, dtype=torch.float32)[:, None, None, None]
    return Batch(
        [str(i) for i in range(count)],
        own.expand(count, 1, side, side).clone(),
        own.expand(count, 2, side // 4, side // 4).clone(),
        torch.ones(count, 6, 3),
        ["a dog"] * count,
    )


def test_lightness_and_colours_come_from_the_same_sample() -> None:
    given = batch()
    mixed = mix_samples(given, 1.0, np.random.default_rng(3))
    assert torch.equal(mixed.lightness[:, :, ::4, ::4], mixed.ab[:, :1])
    shares = [(plane == i).float().mean().item() for i, plane in enumerate(mixed.ab)]
    assert min(shares) < 0.9  # some parts came from others
    assert min(shares) > 1 - 0.75**2 - 1e-6
    assert mixed.texts == [None] * 6
    assert not mixed.palettes.any()


def test_what_is_not_mixed_stays_as_it_is() -> None:
    given = batch()
    same = mix_samples(given, 0.0, np.random.default_rng(0))
    assert torch.equal(same.lightness, given.lightness)
    assert torch.equal(same.ab, given.ab)
    assert (same.texts, same.keys) == (given.texts, given.keys)
    mix_samples(given, 1.0, np.random.default_rng(0))
    assert torch.equal(given.ab, batch().ab)


@pytest.fixture
def decoder() -> Decoder:
    torch.manual_seed(0)
    return Decoder(8, (8, 8, 8, 8), (4, 4, 4, 4)).eval()


def test_channels_are_left_out_only_where_it_learns(decoder: Decoder) -> None:
    features = [torch.rand(1, 4, 32 // s, 32 // s) for s in (4, 8, 16, 32)]
    condition = torch.zeros(1, 8)
    with torch.no_grad():
        before = decoder(features, condition)
        drop_channels(decoder, 0.5)
        assert torch.equal(decoder(features, condition), before)
    assert not decoder.training
    one, other = decoder(features, condition), decoder(features, condition)
    assert not torch.allclose(one, before)
    assert not torch.allclose(one, other)


def test_a_turned_photo_keeps_its_size_and_its_middle() -> None:
    generator = np.random.default_rng(1)
    pixels = np.zeros((41, 61, 3), np.uint8)
    pixels[18:23, 28:33] = 255
    out = turned(pixels, 0.3, generator)
    assert (out.shape, out.dtype) == (pixels.shape, np.uint8)
    assert (out[20, 30] == 255).all()
    assert not np.array_equal(out, pixels)
    flat = np.full((20, 30, 3), 77, np.uint8)
    assert (turned(flat, 0.3, generator) == 77).all()  # nothing black comes in


def test_regularised_options_differ_in_what_regularises_alone() -> None:
    usual, regularised = SampleOptions(side=96), SampleOptions(side=96).regularised()
    assert usual.turn == 0
    assert regularised.turn > 0
    assert regularised.side == 96
