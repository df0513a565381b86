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

from models.networks.checkpoint import read_header
from models.networks.loading import load_colorizer
from models.photos import PhotosError, read_in_colour, read_photos
from models.training.bins import SoftEncoder, balance_weights, count_bins, count_shares
from models.training.losses import balanced_cross_entropy, log_error
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
    (tmp_path / "in" / "empty.jpg").write_bytes(b"")
    (tmp_path / "in" / "folder.jpg").mkdir()
    photos = list(read_photos([tmp_path], short_side=100))
    assert [photo.captions for photo in photos] == [("a cat", "a ginger cat"), ("another cat",), ()]
    assert all(min(photo.pixels.shape[:2]) == 100 for photo in photos)


def test_a_shard_is_read_as_the_folder_that_it_was_made_of(tmp_path: Path) -> None:
    folder = tmp_path / "few"
    folder.mkdir()
    for name in ("alone", "json", "list", "text"):
        (folder / f"{name}.jpg").write_bytes(jpeg(data.chelsea()[::5, ::5]))
    (folder / "json.json").write_text('{"caption": "a cat", "source": "ours"}', "utf-8")
    (folder / "list.json").write_text("[1, 2]", "utf-8")
    (folder / "text.txt").write_text("another cat", "utf-8")
    with tarfile.open(tmp_path / "few.tar", "w") as tar:
        tar.add(folder, "few")
    in_folder, in_shard = list(read_photos([folder])), list(read_photos([tmp_path / "few.tar"]))
    assert [one.captions for one in in_folder] == [(), ("a cat",), (), ("another cat",)]
    assert sorted((Path(one.key).name, one.captions) for one in in_shard) == [
        (Path(one.key).stem, one.captions) for one in in_folder
    ]
    assert sorted(one.source for one in in_shard) == ["few", "few", "few", "ours"]


@pytest.mark.parametrize("suffixes", [("jpg", "png"), ("png", "jpg")])
def test_a_mask_beside_its_photo_in_a_shard_is_no_photo(
    tmp_path: Path, suffixes: tuple[str, str]
) -> None:
    photo = data.chelsea()[::5, ::5]
    mask = io.BytesIO()
    Image.fromarray(np.zeros(photo.shape[:2], np.uint8)).save(mask, "PNG")
    contents = {"jpg": jpeg(photo), "png": mask.getvalue()}
    with tarfile.open(tmp_path / "masked.tar", "w") as tar:
        for suffix in suffixes:
            member = tarfile.TarInfo(f"cat.{suffix}")
            member.size = len(contents[suffix])
            tar.addfile(member, io.BytesIO(contents[suffix]))
    (only,) = read_photos([tmp_path / "masked.tar"])
    assert (only.key, only.pixels.any()) == ("cat", True)


def test_pictures_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    photo = jpeg(data.chelsea()[::5, ::5])
    for name, content in {
        "cut.jpg": photo[:900], "empty.jpg": b"", "moving.gif": b"GIF89a", "notes.txt": b"x",
        "text.jpg": b"no photo", "whole.jpg": photo,
    }.items():  # fmt: skip
        (tmp_path / name).write_bytes(content)
    _, aside = read_in_colour([tmp_path], least=1, what="measuring")
    assert aside == ("4 that cannot be read set aside: cut.jpg, empty.jpg, moving.gif, text.jpg",)
    (tmp_path / "whole.jpg").unlink()
    with pytest.raises(PhotosError, match=r"no photo found \(4 that cannot be read .*text\.jpg\)"):
        list(read_photos([tmp_path]))


def test_a_broken_shard_is_one_sentence(shard: Path) -> None:
    shard.write_bytes(shard.read_bytes()[:5000])
    with pytest.raises(PhotosError, match="broken or cut off"):
        list(read_photos([shard]))


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
    again = count_shares([ab, np.float32([[[2, 3]], [[25, -23]]])], torch.from_numpy(centres))
    torch.testing.assert_close(again, torch.tensor([4 / 6, 2 / 6]))
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


def test_an_error_counts_as_many_decibels_in_a_good_picture_as_in_a_bad_one() -> None:
    true = torch.zeros(1, 2, 3, 3)
    good, bad = (torch.full((1, 2, 3, 3), error) for error in (20.0, 60.0))
    half = float(np.log(4))  # of the squared error
    for ab in (good, bad):
        gain = log_error(ab, true) - log_error(ab / 2, true)
        assert float(gain) == pytest.approx(half, abs=0.03)
    both = log_error(torch.cat([good, bad]), true.expand(2, -1, -1, -1))
    assert float(both) == pytest.approx(float(log_error(good, true) + log_error(bad, true)) / 2)


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


def short_run(photos: Path, run: Path, *more: str) -> str:
    arguments = [str(photos), "--run", str(run), "--side", "64", "--batch", "4", "--hold-out", "6"]
    done = CliRunner().invoke(train, [*arguments, *more], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.slow
def test_a_run_goes_on_from_the_released_weights_and_keeps_what_reads_its_encoder(
    shard: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    told = short_run(shard, run, "--steps", "2", "--no-references")
    told += short_run(shard, run, "--steps", "3", "--no-references")
    assert "24 photos are few" in told
    released, mine = load_colorizer(), load_colorizer(run / "colorizer.safetensors")
    assert mine.matcher is not None
    assert mine.grounder is not None
    assert mine.affinity is not None
    assert mine.model.config == released.model.config
    before, after = released.model.state_dict(), mine.model.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved
    assert not [name for name in moved if name.startswith("encoder.") or "running" in name]
    # At a small rate the colours stay near those before: a few steps cannot spoil them.
    assert max(float((before[n] - after[n]).abs().max()) for n in moved) < 1e-3
    assert "before" in told
    assert "photos held out" in told
    rows, columns = np.asarray(Image.open(run / "before-after.png")).shape[:2]
    assert rows == 4 * 204  # four photos were held out
    assert columns > 4 * 200


@pytest.mark.slow
def test_an_encoder_that_learns_deep_down_keeps_the_grounder_alone(
    shard: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    short_run(shard, run, "--steps", "2", "--no-references", "--deep", "--rate", "0.002")
    released, mine = load_colorizer(), load_colorizer(run / "colorizer.safetensors")
    assert mine.grounder is not None
    assert mine.matcher is None
    assert mine.affinity is None
    before, after = (p.model.encoder.state_dict() for p in (released, mine))
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved
    assert all(name.split(".")[1] in "3456" and "running" not in name for name in moved)


@pytest.mark.slow
def test_weights_are_written_as_far_on_the_way_as_asked(shard: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    few = ("--steps", "2", "--no-references", "--rate", "0.002")
    weights = []
    for more in ((), ("--blend", "0.5")):  # the second time only writes them
        short_run(shard, run, *few, *more)
        weights.append(load_colorizer(run / "colorizer.safetensors").model.state_dict())
    before, (whole, half) = load_colorizer().model.state_dict(), weights
    moved = [name for name in whole if not torch.equal(before[name], whole[name])]
    assert moved
    for name in moved:
        between = before[name].lerp(whole[name], 0.5)
        torch.testing.assert_close(half[name], between, rtol=2e-3, atol=1e-4)
    assert read_header(run / "colorizer.safetensors")["blend"] == 0.5


@pytest.mark.slow
def test_a_finished_run_says_what_has_no_effect_on_it(shard: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    first = ("--steps", "2", "--no-references")
    assert "is finished" not in short_run(shard, run, *first)
    made = read_header(run / "checkpoint.safetensors")
    told = short_run(shard, run, *first, "--blend", "0.5")
    assert f"The run in {run} is finished and learns no more.\n" in told
    told = short_run(shard, run, *first, "--rate", "0.002", "--seed", "3")
    assert (
        "It was made with --rate 0.0001 and --seed 0; --rate 0.002 and --seed 3 had no effect. To "
        f"train with that, give another --run; with --from {run}/colorizer.safetensors it goes on "
        "from what this one learned."
    ) in told
    assert read_header(run / "checkpoint.safetensors") == made
    assert read_header(run / "colorizer.safetensors")["options"] == made["options"]
    deep = CliRunner().invoke(train, [str(shard), "--run", str(run), "--steps", "9", "--deep"])
    assert deep.exit_code == 2
    assert "was begun without --deep" in " ".join(deep.output.split())


@pytest.mark.slow
def test_a_finished_run_is_compared_as_it_was_made(tmp_path: Path) -> None:
    photos, run = tmp_path / "photos", tmp_path / "run"
    photos.mkdir()
    for i in range(20):  # larger than a run of --side 64 reads them
        photo = getattr(data, ("chelsea", "coffee", "astronaut")[i % 3])()
        (photos / f"p{i:02}.jpg").write_bytes(jpeg(photo[::2, ::2]))
    first = short_run(photos, run, "--steps", "2", "--no-references")
    figures = first[first.index("Held-out photos") :]
    for more in ((), ("--side", "96", "--hold-out", "3")):
        again = [str(photos), "--run", str(run), "--steps", "2", "--no-references", *more]
        told = CliRunner().invoke(train, again, catch_exceptions=False).output
        assert told[told.index("Held-out photos") :] == figures
        assert ("had no effect" in told) == bool(more)
    assert "It was made with --side 64 and --hold-out 6; --side 96 and --hold-out 3 had no" in told


@pytest.mark.slow
@pytest.mark.parametrize("begin", ["released", "imagenet"])
def test_photos_without_captions_give_figures_too(tmp_path: Path, begin: str) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(20):
        photo = getattr(data, ("chelsea", "coffee", "astronaut")[i % 3])()
        (photos / f"p{i}.jpg").write_bytes(jpeg(photo[::5, ::5]))
    told = short_run(photos, tmp_path / "run", "--from", begin, "--steps", "1", "--no-references")
    assert "0 captions" in told
    assert "nan" not in told
    entries = (tmp_path / "run" / "log.jsonl").read_text("utf-8")
    assert json.loads(entries.splitlines()[-1])["caption"] is None
    assert "NaN" not in entries


@pytest.mark.slow
def test_a_run_trains_goes_on_and_gives_usable_weights(shard: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    short_run(shard, run, "--from", "imagenet", "--steps", "2")
    short_run(shard, run, "--from", "imagenet", "--steps", "4")
    entries = [json.loads(line) for line in (run / "log.jsonl").read_text("utf-8").splitlines()]
    assert [entry["step"] for entry in entries] == [2, 4]
    assert all(np.isfinite(entry["loss"]) for entry in entries)
    assert (run / "log.png").stat().st_size > 1000
    assert load_colorizer(run / "colorizer.safetensors").working_size == 224
    other = CliRunner().invoke(train, [str(shard), "--run", str(run)])
    assert other.exit_code == 2
    assert "began from imagenet" in other.output


@pytest.mark.slow
def test_a_budget_of_processor_time_ends_a_run_for_good(shard: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = [str(shard), "--run", str(run), "--side", "64", "--batch", "4", "--hold-out", "4"]
    budget = [*arguments, "--from", "imagenet", "--cpu-seconds", "0.01", "--no-references"]
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
    for option, bad in (
        ("--side", "0"), ("--side", "-32"), ("--side", "3200000"), ("--batch", "0"),
        ("--batch", "-1"), ("--seed", "-1"),
    ):  # fmt: skip
        refused = CliRunner().invoke(train, [str(tmp_path), option, bad])
        assert refused.exit_code == 2, refused.output
        assert f"'{option}': {bad} is not in the range" in refused.output
    for option in (["--deep"], ["--rate", "0.001"], ["--blend", "0.5"]):
        refused = CliRunner().invoke(train, [str(tmp_path), "--from", "imagenet", *option])
        assert refused.exit_code == 2
        assert "for finished weights: not with --from imagenet" in refused.output
    for option in ("--colourfulness", "--described-colourfulness"):
        refused = CliRunner().invoke(train, [str(tmp_path), option, "0.9"])
        assert refused.exit_code == 2
        assert f"{option} is for --from imagenet" in " ".join(refused.output.split())
    both = CliRunner().invoke(train, [str(tmp_path), "--steps", "2", "--minutes", "1"])
    assert both.exit_code == 2
    assert "one of --steps, --minutes and --cpu-seconds" in " ".join(both.output.split())
    nowhere = CliRunner().invoke(train, [str(tmp_path), "--run", "/dev/null/x"])
    assert nowhere.exit_code == 1  # 2 as a subcommand of photochrom
    assert "cannot write /dev/null/x: Not a directory" in nowhere.output
    start = CliRunner().invoke(train, [str(tmp_path), "--from", "imagnet"])
    assert start.exit_code == 2
    assert "released, imagenet or a file" in start.output
