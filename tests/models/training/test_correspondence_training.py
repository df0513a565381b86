"""The matcher's training pairs are what they say, and its losses reward what they should."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from models.networks.checkpoint import read_checkpoint
from models.networks.colorizer import ColorizerConfig, build_colorizer
from models.networks.correspondence import Carried, Matcher, MatcherConfig, load_matcher
from models.photos import Photo
from models.training.averaging import under
from models.training.correspondence import NEIGHBOURS, TWINS, MatcherOptions, finish, train
from models.training.match_losses import blend, blend_loss, place_loss
from models.training.neighbours import find_neighbours
from models.training.pairs import PairOptions, make_pairs


def photo(seed: int = 0, height: int = 90, width: int = 130) -> Photo:
    """Make a smooth picture, so that looking between pixels is exact enough."""
    noise = np.random.default_rng(seed).random((4, 5, 3)).astype(np.float32)
    smooth = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    return Photo(str(seed), np.uint8(smooth.clip(0, 1) * 255), (), "test")


@pytest.mark.parametrize("seed", range(4))
def test_a_targets_cells_are_found_again_at_their_places_in_the_twin(seed: int) -> None:
    options = PairOptions(side=96, p_identical=0.0, p_old=0.0)
    pairs = make_pairs([photo(seed)], options, np.random.default_rng(seed))
    target, twin = pairs.target[0].numpy(), pairs.twin[0].numpy()
    shrunk = [cv2.resize(p.transpose(1, 2, 0), (24, 24), interpolation=cv2.INTER_AREA)
              for p in (target, twin)]  # fmt: skip
    rows, columns = pairs.places[0].numpy().T
    inside = (rows > 0.5) & (rows < 22.5) & (columns > 0.5) & (columns < 22.5)
    assert inside.sum() > 50
    found = cv2.remap(shrunk[1], columns[None], rows[None], cv2.INTER_LINEAR)[0]
    apart = np.abs(found - shrunk[0].reshape(-1, 3))[inside]
    strangers = np.abs(found[::-1] - shrunk[0].reshape(-1, 3))[inside]
    assert np.median(apart) < 2.0
    assert np.median(apart) < 0.1 * np.median(strangers)


def test_an_identical_twin_is_the_target() -> None:
    options = PairOptions(side=64, p_identical=1.0, p_old=0.0)
    pairs = make_pairs([photo()], options, np.random.default_rng(0))
    np.testing.assert_array_equal(pairs.target, pairs.twin)
    y, x = np.divmod(np.arange(256), 16)
    np.testing.assert_allclose(pairs.places[0], np.stack([y, x], 1), atol=1e-5)


def test_only_the_targets_lightness_is_aged() -> None:
    options = PairOptions(side=64, p_identical=1.0, p_old=1.0)
    pairs = make_pairs([photo()], options, np.random.default_rng(0))
    assert not torch.equal(pairs.target[:, 0], pairs.twin[:, 0])
    assert torch.equal(pairs.target[:, 1:], pairs.twin[:, 1:])


def test_a_photo_and_its_burst_are_not_its_neighbours() -> None:
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(40, 16)).astype(np.float32)
    vectors[1] = vectors[0] + 0.01  # a burst
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert vectors[0] @ vectors[1] > TWINS
    found = find_neighbours(vectors, vectors, NEIGHBOURS, twins=TWINS)
    assert found.shape == (40, 8)
    assert all(i not in row for i, row in enumerate(found.tolist()))
    assert 1 not in found[0]
    similarity = vectors @ vectors[5]
    similarity[5] = -2
    assert found[5].tolist() == np.argsort(-similarity)[:8].tolist()


def carried(trust: list[float], sharp: torch.Tensor | None = None) -> Carried:
    """Carry (10, 0) softly and (0, 10) exactly for three cells."""
    soft, exact = torch.tensor([10.0, 0.0]).expand(1, 3, 2), torch.tensor([0.0, 10.0])
    empty = torch.zeros(1, 3, 1)
    logits = empty if sharp is None else sharp
    return Carried(
        soft, exact.expand(1, 3, 2), torch.tensor(trust).expand(1, 3, 3), logits, empty,
        empty.long(),
        torch.zeros(1),
    )  # fmt: skip


def test_trust_shares_out_guess_soft_and_exact_colours() -> None:
    guess = torch.full((1, 3, 2), -4.0)
    torch.testing.assert_close(blend(carried([1.0, 0.0, 0.0]), guess), guess)
    mixed = blend(carried([0.5, 0.25, 0.25]), guess)
    torch.testing.assert_close(mixed, torch.tensor([0.5, 0.5]).expand(1, 3, 2))
    truth = torch.tensor([0.0, 10.0]).expand(1, 3, 2)
    right, wrong = carried([0.0, 0.0, 1.0]), carried([1.0, 0.0, 0.0])
    assert blend_loss(right, guess, truth) < 1e-9 < blend_loss(wrong, guess, truth)


def test_right_places_cost_less_than_wrong_ones() -> None:
    y, x = np.divmod(np.arange(64), 8)
    places = torch.from_numpy(np.stack([y, x], 1).astype(np.float32))[None]
    right = 30 * torch.eye(16)[None]
    losses = [
        float(place_loss(carried([1.0, 0, 0], sharp), places, (8, 8)))
        for sharp in (right, torch.zeros(1, 16, 16), right.roll(5, 2))
    ]
    assert losses[0] < losses[2]
    assert losses[1] == pytest.approx(np.log(16), abs=1e-4)
    unseen = place_loss(carried([1.0, 0, 0], right), places + 1000, (8, 8))
    assert float(unseen) == 0


@pytest.mark.slow
def test_a_run_stops_goes_on_and_gives_weights(tmp_path: Path) -> None:
    config = ColorizerConfig(
        bins=((0.0, 0.0), (10.0, 20.0)), widths=(8, 8, 8, 8), condition_width=8
    )
    torch.manual_seed(0)
    colorizer = build_colorizer(config).eval().requires_grad_(False)
    photos = [photo(seed) for seed in range(6)]
    neighbours = [[(i + 1) % 6, (i + 2) % 6] for i in range(6)]
    steps = []
    for minutes in (0.02, 0.06):
        checkpoint = train(
            photos,
            neighbours,
            colorizer,
            tmp_path / "run",
            options=MatcherOptions(minutes=minutes, cells=16),
            pairs=PairOptions(side=64),
            record={"from": ["test"]},
        )
        steps.append(read_checkpoint(checkpoint)[1]["progress"]["step"])
    assert 0 < steps[0] < steps[1]
    finish(checkpoint, tmp_path / "m.safetensors", {"rmse none": 1.0})
    tensors, header = read_checkpoint(tmp_path / "m.safetensors")
    Matcher(MatcherConfig(**header["config"])).load_state_dict(tensors)
    assert header["scores"] == {"rmse none": 1.0}
    assert header["data"] == {"from": ["test"]}
    start = load_matcher(tmp_path / "m.safetensors")
    begun = train(
        photos, neighbours, colorizer, tmp_path / "more",
        options=MatcherOptions(minutes=0.005, cells=16, rate=1e-7), pairs=PairOptions(side=64),
        record={}, start=start,
    )  # fmt: skip
    made = under("model.", read_checkpoint(begun)[0])
    for name, tensor in start.named_parameters():
        torch.testing.assert_close(made[name], tensor, atol=1e-4, rtol=0)
