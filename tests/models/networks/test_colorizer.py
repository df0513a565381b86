"""The network's parts, with random weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.guidance.condition import Condition
from models.networks.colorizer import (
    ACROSS,
    ColorizerConfig,
    FiLM,
    FiLMBlock,
    annealed_mean,
    build_colorizer,
    confidence,
    likely,
    raised,
)
from models.networks.predictor import Predictor

BINS = tuple((float(a), float(b)) for a in range(-40, 41, 20) for b in range(-40, 41, 20))


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    torch.manual_seed(0)
    model = build_colorizer(ColorizerConfig(bins=BINS, working_size=64))
    for module in model.modules():  # FiLM starts as the identity: make it matter
        if isinstance(module, FiLM):
            torch.nn.init.normal_(module.to_gamma_beta.weight, std=0.2)
    torch.nn.init.normal_(model.read_palette[2].weight, std=0.2)
    return Predictor(model)


def test_film_starts_as_the_identity_and_modulates_by_channel() -> None:
    film = FiLM(3, 2)
    features, condition = torch.randn(4, 2, 5, 5), torch.randn(4, 3)
    torch.testing.assert_close(film(features, condition), features)
    with torch.no_grad():
        film.to_gamma_beta.bias.copy_(torch.tensor([1.0, 0.0, 0.0, 5.0]))
    out = film(features, condition)
    torch.testing.assert_close(out[:, 0], 2 * features[:, 0])
    torch.testing.assert_close(out[:, 1], features[:, 1] + 5)


def test_a_film_block_keeps_the_picture_size() -> None:
    assert FiLMBlock(3, 4, 6)(torch.zeros(2, 4, 7, 9), torch.zeros(2, 3)).shape == (2, 6, 7, 9)


def test_the_annealed_mean_goes_from_mean_to_mode() -> None:
    bins = torch.tensor([[0.0, 0.0], [10.0, -10.0]])
    logits = torch.log(torch.tensor([0.25, 0.75])).view(1, 2, 1, 1)
    mean = annealed_mean(logits, bins, temperature=1.0).flatten()
    torch.testing.assert_close(mean, torch.tensor([7.5, -7.5]))
    mode = annealed_mean(logits, bins, temperature=0.01).flatten()
    torch.testing.assert_close(mode, torch.tensor([10.0, -10.0]))


def test_raised_colours_differ_more_from_place_to_place_around_the_same_mean() -> None:
    ab = torch.tensor([[[10.0, 30.0]], [[6.0, -6.0]]])  # their mean is (20, 0)
    across = 1 + ACROSS * 0.5
    expected = torch.tensor([[[5.0, 35.0]], [[6 * across, -6 * across]]])
    torch.testing.assert_close(raised(ab, 1.5), expected)
    torch.testing.assert_close(raised(ab, 1.0), ab)
    both = raised(torch.stack([ab, -ab]), 1.5)
    torch.testing.assert_close(both, torch.stack([raised(ab, 1.5), raised(-ab, 1.5)]))


def test_what_is_raised_does_not_cross_grey() -> None:
    lawn_and_dog = torch.tensor([[[-20.0, -20.0, -2.0]], [[25.0, 25.0, 1.0]]])
    dog = raised(lawn_and_dog, 1.9)[:, 0, 2]
    assert float(torch.linalg.vector_norm(dog)) < 2
    flower = torch.tensor([[[-20.0, -20.0, 16.0]], [[25.0, 25.0, -20.0]]])
    kept = raised(flower, 1.9)[:, 0, 2] / flower[:, 0, 2]
    torch.testing.assert_close(kept, torch.full((2,), 1.9), rtol=0.02, atol=0)


def test_confidence_is_zero_for_no_idea_and_one_for_certainty() -> None:
    logits = torch.zeros(1, 8, 1, 2)
    logits[0, 3, 0, 1] = 100
    none, certain = confidence(likely(logits)).flatten().tolist()
    assert none == pytest.approx(0, abs=1e-6)
    assert certain == pytest.approx(1)


@pytest.mark.parametrize("shape", [(64, 64), (4, 4), (4, 512), (68, 100)])
def test_any_grid_is_predicted(predictor: Predictor, shape: tuple[int, int]) -> None:
    lightness = np.random.default_rng(0).uniform(0, 100, shape).astype(np.float32)
    prediction = predictor.predict(lightness, Condition())
    assert prediction.ab.shape == (shape[0] // 4, shape[1] // 4, 2)
    assert prediction.confidence.shape == prediction.ab.shape[:2]
    assert np.isfinite(prediction.ab).all()
    assert 0 <= prediction.confidence.min() <= prediction.confidence.max() <= 1


def test_text_and_palette_change_the_colours_and_strength_scales_that(
    predictor: Predictor,
) -> None:
    rng = np.random.default_rng(1)
    lightness = rng.uniform(0, 100, (64, 64)).astype(np.float32)
    vector = rng.normal(size=384).astype(np.float32)
    vector /= np.linalg.norm(vector)
    palette = np.float32([[2.0, -1.0, 0.75], [-1.0, 1.0, 0.25]])
    own = predictor.predict(lightness, Condition()).ab
    for condition in (Condition(vector), Condition(palette=palette)):
        full = predictor.predict(lightness, condition).ab
        assert np.abs(full - own).max() > 0.1
        half = predictor.predict(lightness, replace(condition, strength=0.5)).ab
        assert 0 < np.abs(half - own).mean() < np.abs(full - own).mean()
        none = predictor.predict(lightness, replace(condition, strength=0.0)).ab
        np.testing.assert_array_equal(none, own)


def test_a_palette_is_a_set_of_weighted_colours(predictor: Predictor) -> None:
    lightness = np.random.default_rng(2).uniform(0, 100, (64, 64)).astype(np.float32)
    palette = np.float32([[2.0, -1.0, 0.75], [-1.0, 1.0, 0.25]])
    padded = np.concatenate([palette[::-1], np.float32([[3.0, 3.0, 0.0]])])
    ab = [predictor.predict(lightness, Condition(palette=p)).ab for p in (palette, padded)]
    np.testing.assert_allclose(ab[0], ab[1], atol=1e-3)


def test_a_sharper_reading_is_the_annealed_mean() -> None:
    torch.manual_seed(0)
    model = build_colorizer(ColorizerConfig(bins=BINS, working_size=64, temperature=0.5))
    lightness = np.random.default_rng(0).uniform(0, 100, (64, 64)).astype(np.float32)
    ab = Predictor(model).predict(lightness, Condition()).ab
    with torch.inference_mode():
        logits = model(torch.from_numpy(lightness)[None, None], model.null[None])
        wanted = annealed_mean(logits, model.bins, temperature=0.5)[0].permute(1, 2, 0)
    np.testing.assert_allclose(ab, wanted, atol=1e-3)
