"""The descriptors that kriging reads: where they come from, and that training makes them better."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage import data

from models.color.lab import lightness
from models.guidance.condition import Condition, HintMap
from models.guidance.kriging import WIDTH
from models.guidance.propagation import spread_hints
from models.networks.affinity import Affinity, AffinityConfig, load_affinity
from models.networks.checkpoint import WeightsError, save_checkpoint
from models.networks.clip import Clip
from models.networks.colorizer import ENCODER_CHANNELS, ColorizerConfig, build_colorizer
from models.networks.predictor import Predictor
from models.training.affinity import AffinityOptions, Encoded, train, turn_something, write

SMALL = AffinityConfig("none", hidden=16)


def features(count: int, side: int, seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.randn(count, channels, side // stride, side // stride, generator=generator)
        for channels, stride in zip(ENCODER_CHANNELS, (1, 2, 4, 8), strict=True)
    ]


def test_some_cells_are_described_as_among_all() -> None:
    affinity, grey = Affinity(SMALL).eval(), torch.full((2, 16, 16), 40.0)
    everything = affinity(features(2, 16), grey)
    assert everything.shape == (2, 256, WIDTH)
    cells = torch.tensor([[0, 17, 255], [3, 3, 100]])
    some = affinity(features(2, 16), grey, cells)
    for row in range(2):
        torch.testing.assert_close(some[row], everything[row, cells[row]])


def test_what_lies_at_the_same_place_of_another_size_has_the_same_place() -> None:
    affinity = Affinity(SMALL).eval()
    large, small = (
        affinity(
            [f[..., :1, :1].expand(-1, -1, side, side) for f in features(1, 8)],
            torch.full((1, side, side), 40.0),
        ).unflatten(1, (side, side))
        for side in (24, 8)
    )
    torch.testing.assert_close(large[0, 1::3, 1::3], small[0])


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    affinity = Affinity(SMALL)
    write(affinity, tmp_path / "affinity.safetensors", {"scores": {"loss": 1.0}})
    read = load_affinity(tmp_path / "affinity.safetensors")
    assert read.config == SMALL
    torch.testing.assert_close(read.write.weight, affinity.write.weight, rtol=2e-3, atol=2e-4)


def test_weights_of_another_kind_are_refused(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "x.safetensors", {"w": torch.zeros(2)}, {"config": {"hidden": 8}})
    with pytest.raises(WeightsError, match="do not fit"):
        load_affinity(tmp_path / "x.safetensors")


@pytest.mark.slow
def test_training_learns_that_like_features_are_wrong_alike() -> None:
    """Two things in each picture, told apart by their features, each of a colour of its own."""
    generator = torch.Generator().manual_seed(1)
    things = (torch.rand(12, 1, 2, 2, generator=generator) > 0.5).float()
    whole = torch.nn.functional.interpolate(things, scale_factor=8)
    colors = torch.randn(12, 2, 2, 1, 1, generator=generator) * 25
    ab = torch.where(whole > 0.5, colors[:, 0], colors[:, 1])
    seen = [
        torch.nn.functional.interpolate(things, size=16 // s).expand(-1, channels, -1, -1)
        for channels, s in zip(ENCODER_CHANNELS, (1, 2, 4, 8), strict=True)
    ]
    colorizer = build_colorizer(ColorizerConfig(((0.0, 0.0), (25.0, 25.0))))
    decoded = torch.zeros(12, colorizer.config.widths[0], 16, 16)
    photos = Encoded(seen, torch.full((12, 16, 16), 50.0), ab, torch.zeros_like(ab), decoded)
    options = AffinityOptions(batch=6, most=20, asked=60, turned=0.0, rate=3e-3)
    before = train(photos, Affinity(SMALL), colorizer, options=replace(options, steps=5))
    after = train(photos, Affinity(SMALL), colorizer, options=replace(options, steps=120))
    assert after < before - 1.0


def test_one_hue_is_turned_and_the_rest_stays() -> None:
    ab = np.full((20, 20, 2), 2, np.float32)
    ab[5:12, 5:12] = (30, 20)  # red
    generator = np.random.default_rng(0)
    found = next(t for _ in range(200) if (t := turn_something(ab, generator)) is not None)
    turned, area = found
    assert area.sum() == 49
    np.testing.assert_array_equal(turned[~area], ab[~area])
    assert np.linalg.norm(turned[area] - ab[area], axis=1).min() > 15


def photo(name: str) -> NDArray[np.float32]:
    return np.asarray(getattr(data, name)()[:224, :288], np.float32) / np.float32(255)


@pytest.mark.parametrize("name", ["astronaut", "chelsea"])
def test_the_released_network_describes_a_photo_of_any_shape(
    released: tuple[Predictor, Clip], name: str
) -> None:
    grey = lightness(photo(name))
    related = released[0].relate(grey)
    assert related is not None
    assert related.descriptors.shape == (56, 72, WIDTH)
    assert np.isfinite(related.descriptors).all()
    np.testing.assert_allclose(related.weights.sum(2), 1, atol=1e-4)
    assert related.weights.shape == (56, 72, len(related.bins))


def test_a_dab_is_met_whatever_was_corrected_before(released: tuple[Predictor, Clip]) -> None:
    grey = lightness(photo("astronaut"))
    related, guess = released[0].relate(grey), np.zeros((56, 72, 2), np.float32)
    confidence = np.zeros((56, 72), np.float32)
    confidence[30:32, 40], confidence[5, 5] = 1, 1
    ab = np.where(confidence[..., None] > 0, np.float32((55, -30)), np.float32(0))
    found = spread_hints(guess, HintMap(ab, confidence), grey[::4, ::4], related)
    np.testing.assert_allclose(found[confidence > 0], ab[confidence > 0], atol=0.5)


def test_colours_are_evened_without_a_grounder(released: tuple[Predictor, Clip]) -> None:
    """The wall beside her has fewer hues then."""
    grey, whole = lightness(photo("astronaut")), released[0]
    uneven = Predictor(whole.model).predict(grey, Condition()).ab
    evened = Predictor(whole.model, affinity=whole.affinity).predict(grey, Condition()).ab
    np.testing.assert_array_equal(evened, whole.predict(grey, Condition()).ab)
    wall = np.s_[12:24, 24:36]
    assert evened[wall].std(axis=(0, 1)).max() < 0.7 * uneven[wall].std(axis=(0, 1)).max()
