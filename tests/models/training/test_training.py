"""Training: photos from shards and folders, one short run, and going on after a stop."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from skimage import data

from models.networks.loading import load_colorizer
from models.photos import PhotosError, read_photos
from models.training.bins import SoftEncoder, balance_weights, count_bins
from models.training.losses import balanced_cross_entropy
from models.training.reading import Score, choose
from plugin_server.commands.train import train


def jpeg(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=95)
    return file.getvalue()


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    path = tmp_path / "few-000.tar"
    photos = [data.chelsea(), data.coffee(), data.astronaut(), data.rocket()]
    with tarfile.open(path, "w") as tar:
        for i in range(24):
            photo = photos[i % 4][::5, ::5]
            captions = json.dumps({"captions": [f"a red thing {i}"] if i % 3 else []})
            for name, content in ((f"p{i}.jpg", jpeg(photo)), (f"p{i}.json", captions.encode())):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return path


def test_shards_are_read_in_order_with_their_captions(shard: Path) -> None:
    photos = list(read_photos([shard]))
    assert [photo.key for photo in photos] == [f"p{i}" for i in range(24)]
    assert photos[0].captions == ()
    assert photos[1].captions == ("a red thing 1",)
    assert photos[0].pixels.shape == (60, 91, 3)


def test_folders_are_read_with_sidecar_captions(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a", "b", "c"):
        (tmp_path / "in" / f"{name}.jpg").write_bytes(jpeg(data.chelsea()))
    (tmp_path / "in" / "a.txt").write_text("a cat\n\na ginger cat\n", "utf-8")
    (tmp_path / "in" / "b.json").write_text('{"captions": ["another cat"]}', "utf-8")
    (tmp_path / "in" / "broken.jpg").write_bytes(b"no photo")
    photos = list(read_photos([tmp_path], short_side=100))
    assert [photo.captions for photo in photos] == [("a cat", "a ginger cat"), ("another cat",), ()]
    assert all(min(photo.pixels.shape[:2]) == 100 for photo in photos)


def test_nothing_to_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(PhotosError, match="does not exist"):
        list(read_photos([tmp_path / "none"]))
    with pytest.raises(PhotosError, match="no photo found"):
        list(read_photos([tmp_path]))


def test_only_occurring_colours_become_bins() -> None:
    ab = np.float32([[0, 0], [0, 0], [0, 0], [31, -19]])
    centres, shares = count_bins([ab])
    np.testing.assert_array_equal(centres, [[0, 0], [30, -20]])
    torch.testing.assert_close(shares, torch.tensor([0.75, 0.25]))
    weights = balance_weights(shares)
    assert weights[1] > weights[0]
    assert (weights * shares).sum().item() == pytest.approx(1)


def test_soft_targets_are_centred_on_the_colour() -> None:
    axis = torch.arange(-50, 51, 10).float()
    centres = torch.cartesian_prod(axis, axis)
    encode = SoftEncoder(centres)
    ab = torch.tensor([[12.0, -20.0], [0.0, 0.0]]).T.reshape(1, 2, 1, 2)
    bins, weights = encode(ab)
    assert bins.shape == weights.shape == (1, 5, 1, 2)
    torch.testing.assert_close(weights.sum(1), torch.ones(1, 1, 2))
    assert centres[bins[0, 0, 0, 0]].tolist() == [10, -20]
    mean = (weights[..., None] * centres[bins]).sum(1)[0, 0]
    torch.testing.assert_close(mean, ab[0, :, 0].T, atol=2.0, rtol=0)


def test_the_loss_is_least_for_the_truth() -> None:
    bins = torch.tensor([0, 1, 2, 3, 4]).view(1, 5, 1, 1)
    weights = torch.tensor([0.6, 0.1, 0.1, 0.1, 0.1]).view(1, 5, 1, 1)
    right = torch.log(weights)
    wrong = right.flip(1)
    balance = torch.ones(5)
    good = balanced_cross_entropy(right, bins, weights, balance)
    assert good < balanced_cross_entropy(wrong, bins, weights, balance)
    entropy = -(weights * right).sum()
    assert good.item() == pytest.approx(entropy.item())


def test_the_reading_is_colourful_enough_and_then_the_nearest() -> None:
    scores = [
        Score(0, 1, described, gain, psnr - gain, ratio)
        for described in (False, True)
        for gain, psnr, ratio in ((1.0, 25, 0.6), (1.4, 24, 0.95), (1.7, 23, 1.2))
    ]
    made = choose(scores, colourfulness=0.9, described_colourfulness=0.5)
    assert (made.chroma_gain, made.described_gain) == (1.4, 1.0)
    most = choose(scores, colourfulness=2, described_colourfulness=2)
    assert (most.chroma_gain, most.described_gain) == (1.7, 1.7)


@pytest.mark.slow
def test_a_run_trains_goes_on_and_gives_usable_weights(shard: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = [str(shard), "--run", str(run), "--side", "64", "--batch", "4", "--hold-out", "4"]
    first = CliRunner().invoke(train, [*arguments, "--steps", "2"], catch_exceptions=False)
    assert first.exit_code == 0, first.output
    second = CliRunner().invoke(train, [*arguments, "--steps", "4"], catch_exceptions=False)
    assert second.exit_code == 0, second.output
    entries = [json.loads(line) for line in (run / "log.jsonl").read_text("utf-8").splitlines()]
    assert [entry["step"] for entry in entries] == [2, 4]
    assert all(np.isfinite(entry["loss"]) for entry in entries)
    assert (run / "log.png").stat().st_size > 1000
    assert load_colorizer(run / "colorizer.safetensors").working_size == 224


@pytest.mark.slow
def test_a_budget_of_processor_time_ends_a_run_for_good(shard: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = [str(shard), "--run", str(run), "--side", "64", "--batch", "4", "--hold-out", "4"]
    budget = [*arguments, "--cpu-seconds", "0.01", "--no-references"]
    for _ in range(2):
        done = CliRunner().invoke(train, budget, catch_exceptions=False)
        assert done.exit_code == 0, done.output
    entries = [json.loads(line) for line in (run / "log.jsonl").read_text("utf-8").splitlines()]
    assert {entry["step"] for entry in entries} == {1}
    assert entries[-1]["cpu_seconds"] >= 0.01


def test_a_mistake_is_said_in_one_line(tmp_path: Path) -> None:
    missing = CliRunner().invoke(train, [str(tmp_path / "none")])
    assert missing.exit_code == 2
    assert "does not exist" in missing.output
    side = CliRunner().invoke(train, [str(tmp_path), "--side", "100"])
    assert side.exit_code == 2
    assert "multiple of 32" in side.output
