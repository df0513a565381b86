"""The baselines: each network learns and comes back from its file; the two without a network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage import data

from models.baselines import LEARNED
from models.baselines.baseline import UNKNOWN_SCENE, BaselineConfig, Batch
from models.baselines.catalogue import UnknownBaseline, build_baseline, load_baseline
from models.baselines.color_classes import ColorClasses
from models.baselines.levin2004 import neighbour_weights, optimise
from models.baselines.predictor import load_predictor
from models.baselines.resnet34_unet import ssim
from models.baselines.sample_colorize import transfer
from models.baselines.scenes import SCENES, scene_of
from models.baselines.training import BaselineOptions, train_baseline
from models.color.lab import lab_to_srgb_in_gamut, lightness, srgb_to_lab
from models.guidance.condition import Condition, HintMap, NoMatcher
from models.networks.checkpoint import WeightsError, save_checkpoint
from models.photos import Photo
from models.training.samples import SampleOptions

BINS = tuple((float(a), float(b)) for a in range(-60, 61, 20) for b in range(-60, 61, 20))
CONFIG = BaselineConfig("zhang2016", BINS, tuple(1 / len(BINS) for _ in BINS))


def two_colours() -> Batch:
    """Bright pictures that are orange, dark ones that are blue."""
    shade = torch.tensor([80.0, 20.0, 75.0]).view(3, 1, 1, 1)
    torch.manual_seed(1)
    plane = (shade + 5 * torch.randn(3, 1, 64, 64)).clamp(0, 100)
    orange, blue = torch.tensor([40.0, 40.0]), torch.tensor([0.0, -40.0])
    ab = torch.stack([orange, blue, orange])[:, :, None, None].expand(3, 2, 64, 64)
    return Batch(plane, ab.contiguous(), torch.tensor([0, 1, UNKNOWN_SCENE]))


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNED)
def test_steps_of_training_lower_the_loss(name: str) -> None:
    torch.manual_seed(0)
    model = build_baseline(replace(CONFIG, name=name)).train()
    players = [torch.optim.Adam(player, lr=1e-3) for player in model.players()]
    batch = two_colours()
    told = []
    for _ in range(6):
        losses = model.losses(batch, 0.9)
        for player in players:
            with torch.autocast("cpu", torch.bfloat16):  # as the trainer does
                loss = next(losses)
            player.zero_grad()
            loss.backward()
            player.step()
        assert next(losses, None) is None, "a loss that no player steps on"
        told.append(float(loss.detach()))  # the generator's, where there are two
    assert told[-1] < 0.99 * told[0], told


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNED)
def test_every_parameter_has_one_player(name: str) -> None:
    model = build_baseline(replace(CONFIG, name=name))
    held = [id(p) for player in model.players() for p in player]
    assert sorted(held) == sorted(id(p) for p in model.parameters())


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNED)
def test_a_run_comes_back_from_its_file(name: str, tmp_path: Path) -> None:
    photos = [
        Photo("cat", data.chelsea()[::3, ::3], ("a cat",), "test"),
        Photo("rocket", data.rocket()[::4, ::4], (), "test"),
    ]
    file = train_baseline(
        name,
        photos,
        tmp_path,
        options=BaselineOptions(cpu_seconds=0.01, batch_size=2),
        samples=SampleOptions(side=64),
        record={"photos": 2},
    )
    assert file == tmp_path / f"{name}.safetensors"
    predictor = load_predictor(file)
    assert predictor.name == name
    _, config = load_baseline(file)
    assert config == predictor_config(config, name)
    grey = lightness(data.coffee()[:100:2, :140:2].astype(np.float32) / 255)[:48, :68]
    prediction = predictor.predict(grey, Condition())
    rows, columns = prediction.ab.shape[:2]
    assert 48 / rows == 68 / columns
    assert 48 / rows in (1, 2, 4)
    assert np.isfinite(prediction.ab).all()
    again = predictor.predict(grey, Condition())
    np.testing.assert_array_equal(prediction.ab, again.ab)
    spot = predictor.distribution(grey, Condition(), row=47, column=67)
    np.testing.assert_array_equal(spot.ab[0], prediction.ab[-1, -1])
    with pytest.raises(NoMatcher, match="takes no reference"):
        predictor.match(grey, data.coffee()[:8, :8] / np.float32(255))


def predictor_config(config: BaselineConfig, name: str) -> BaselineConfig:
    """The config as it must be: of this name, with as many shares as bins, which sum to one."""
    assert len(config.bins) == len(config.shares) > 1
    assert sum(config.shares) == pytest.approx(1, abs=1e-4)
    return replace(config, name=name, working_size=160)


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownBaseline, match=r"no baseline 'zhang2061'.*zhang2016.*dcgan"):
        build_baseline(replace(CONFIG, name="zhang2061"))
    with pytest.raises(UnknownBaseline, match=r"learns nothing.*zhang2016"):
        build_baseline(replace(CONFIG, name="levin2004"))


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.safetensors"
    save_checkpoint(file, {"weight": torch.zeros(2)}, {"config": {"bins": [], "widths": []}})
    with pytest.raises(WeightsError, match="hold no baseline"):
        load_baseline(file)


def test_rare_colours_are_lifted_only_where_asked() -> None:
    few = replace(CONFIG, bins=BINS[:5], shares=(0.8, 0.05, 0.05, 0.05, 0.05))
    lifted = ColorClasses(4, few, rebalanced=True).balance
    # Zhang et al. 2016, equation 4, with lambda 1/2: inverse to (p + 1/Q) / 2.
    assert lifted[1] / lifted[0] == pytest.approx((0.8 + 0.2) / (0.05 + 0.2))
    assert ColorClasses(4, few, rebalanced=False).balance.tolist() == [1] * 5


def test_the_annealed_mean_lies_between_mean_and_mode() -> None:
    few = replace(CONFIG, bins=tuple((15.0 * i, 0.0) for i in range(5)), shares=(0.2,) * 5)
    weights = torch.tensor([0.1, 0.1, 0.1, 0.1, 0.6])
    logits = torch.log(weights)[None, :, None, None]
    mean = float((weights * 15 * torch.arange(5)).sum())
    assert mean < float(ColorClasses(4, few, rebalanced=True).read(logits)[0, 0, 0, 0]) < 60


def test_ssim_is_scikit_images() -> None:
    from skimage.metrics import structural_similarity

    rng = np.random.default_rng(0)
    one, other = rng.random((2, 32, 40))
    ours = ssim(*(torch.from_numpy(p).float()[None, None] for p in (one, other)))
    _, every = structural_similarity(
        one, other, data_range=1, gaussian_weights=True, use_sample_covariance=False, full=True
    )
    assert float(ours) == pytest.approx(float(every[5:-5, 5:-5].mean()), abs=1e-4)


@pytest.mark.slow
def test_the_likeness_is_not_lost_in_half_precision() -> None:
    torch.manual_seed(0)
    model = build_baseline(replace(CONFIG, name="resnet34-unet")).train()
    with torch.no_grad():
        model.to_ab.bias += 5.0  # saturated, so that the networks' answers are the same
    told = []
    for half in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            told.append(float(next(model.losses(two_colours(), 0.9)).detach()))
    assert told[1] == pytest.approx(told[0], rel=0.02)


def test_captions_tell_the_scene() -> None:
    names = list(SCENES)
    assert names[scene_of(("A dog runs in the snow", "A dog in snow near a tree"))] == "snow"
    assert scene_of(("A man smiles",)) == UNKNOWN_SCENE
    assert scene_of(()) == UNKNOWN_SCENE


def hinted(shape: tuple[int, int], *spots: tuple[int, int, float, float]) -> HintMap:
    ab, confidence = np.zeros((*shape, 2), np.float32), np.zeros(shape, np.float32)
    for row, column, a, b in spots:
        ab[row, column], confidence[row, column] = (a, b), 1
    return HintMap(ab, confidence)


def test_levin_is_exact_at_hints_and_flat_without_an_edge() -> None:
    flat = np.full((20, 30), 50, np.float32)
    ab = optimise(flat, hinted((20, 30), (3, 4, 25.0, -10.0)))
    np.testing.assert_allclose(ab, np.broadcast_to(np.float32([25, -10]), ab.shape), atol=1e-3)


def test_levin_stops_at_an_edge() -> None:
    step = np.full((20, 30), 20, np.float32)
    step[:, 15:] = 80
    ab = optimise(step, hinted((20, 30), (10, 3, 40.0, 0.0), (10, 26, -40.0, 30.0)))
    np.testing.assert_allclose(ab[10, 3], [40, 0], atol=1e-4)
    np.testing.assert_allclose(ab[10, 26], [-40, 30], atol=1e-4)
    across_the_edge = np.abs(ab[:, 15, 0] - ab[:, 14, 0]).min()
    inside = np.abs(np.diff(ab[..., 0], axis=1)).max(axis=0)
    assert across_the_edge > 2 * max(inside[5:13].max(), inside[16:24].max())


def test_levin_stays_within_the_hints_and_solves_the_papers_equation() -> None:
    plane = lightness(data.chelsea()[::9, ::9].astype(np.float32) / 255)
    spots = ((2, 3, 30.0, 5.0), (20, 30, -20.0, 40.0), (30, 10, 0.0, -30.0))
    hints = hinted(plane.shape, *spots)
    ab = optimise(plane, hints)
    assert ab[..., 0].min() >= -20.01
    assert ab[..., 0].max() <= 30.01
    weights = neighbour_weights(plane)
    np.testing.assert_allclose(np.asarray(weights.sum(axis=1)).ravel(), 1)
    means = weights @ ab.reshape(-1, 2)
    free = hints.confidence.ravel() == 0
    np.testing.assert_allclose(ab.reshape(-1, 2)[free], means[free], atol=1e-3)


def test_levin_without_hints_is_grey_and_with_all_is_them() -> None:
    plane = lightness(data.chelsea()[::20, ::20].astype(np.float32) / 255)
    none = HintMap(np.zeros((*plane.shape, 2), np.float32), np.zeros(plane.shape, np.float32))
    assert not optimise(plane, none).any()
    rng = np.random.default_rng(0)
    every = HintMap(
        rng.normal(0, 20, (*plane.shape, 2)).astype(np.float32), np.ones(plane.shape, np.float32)
    )
    np.testing.assert_array_equal(optimise(plane, every), every.ab)


def test_sample_colorize_keeps_lightness() -> None:
    plane = lightness(data.chelsea()[::3, ::3].astype(np.float32) / 255)
    ab = transfer(plane, data.coffee().astype(np.float32)[::3, ::3] / 255)
    result = lab_to_srgb_in_gamut(plane, ab)
    assert np.abs(srgb_to_lab(result)[..., 0] - plane).max() < 0.05
    assert np.abs(ab).mean() > 3


def test_sample_colorize_gives_each_lightness_its_colour() -> None:
    lab = np.zeros((8, 64, 3), np.float32)
    lab[..., 0] = np.linspace(20, 80, 64)
    lab[..., 1] = np.linspace(-20, 20, 64)
    reference = lab_to_srgb_in_gamut(lab[..., 0], lab[..., 1:])
    # As dark as it is bright: matched by rank, not by value.
    plane = np.tile(np.linspace(50, 60, 64, dtype=np.float32), (8, 1))
    ab = transfer(plane, reference)
    np.testing.assert_allclose(ab[..., 0], lab[..., 1], atol=1.5)
    assert np.abs(ab[..., 1]).max() < 1
