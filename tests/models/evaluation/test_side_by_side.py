"""Baselines beside Photochrom: the same photos, hints and references for all; the commands."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from skimage import data

from models.color.lab import lightness
from models.evaluation.evaluate import grey_of
from models.evaluation.side_by_side import (
    hint_painters,
    measure_hints,
    measure_references,
    paint_by_levin,
    paint_by_sample,
    reference_painters,
    table,
)
from models.job import Hint
from models.photos import Photo
from plugin_server.commands.evaluate import evaluate
from plugin_server.commands.train import train
from tests.support.fakes import FakeClip, FakeColorizer

PHOTOS = [
    Photo("cat", data.chelsea()[::6, ::6], ("a ginger cat",), "test"),
    Photo("coffee", data.coffee()[::8, ::8], (), "test"),
]


def test_more_hints_come_nearer_to_the_truth() -> None:
    rows = measure_hints(PHOTOS[:1], hint_painters(FakeColorizer(), FakeClip()))
    levin = {row.guidance: row for row in rows if row.painter == "levin2004"}
    assert len(levin) == len(rows) / 2 == 3
    assert levin["100 hints"].psnr_against_grey > levin["10 hints"].psnr_against_grey + 1
    assert levin["100 hints"].ciede2000 < levin["1 hint"].ciede2000
    assert table(rows).row_count == 6


def test_the_original_is_the_best_reference() -> None:
    rows = measure_references(PHOTOS, reference_painters(FakeColorizer(), FakeClip()))
    sample = {row.guidance: row for row in rows if row.painter == "sample-colorize"}
    assert sample["original"].psnr_against_grey > sample["random"].psnr_against_grey
    assert all(0 <= row.intersection <= 1 for row in rows if row.intersection is not None)


def test_both_paint_what_they_are_given_and_keep_lightness() -> None:
    cat = PHOTOS[0].pixels
    plane = lightness(cat.astype(np.float32) / 255)
    grey = grey_of(plane)
    hinted = paint_by_levin(grey, (Hint(20, 20, "#b06040", 3),))
    sampled = paint_by_sample(grey, PHOTOS[1].pixels)
    for picture in (hinted, sampled):
        moved = np.abs(lightness(picture.astype(np.float32) / 255) - plane)
        assert moved.max() <= 1  # 8-bit rounding of the grey picture and of the result
        assert (picture[..., 0] > picture[..., 2]).mean() > 0.5  # warm, as both were told


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for photo in PHOTOS:
        Image.fromarray(photo.pixels).save(tmp_path / "photos" / f"{photo.key}.png")
    return tmp_path / "photos"


@pytest.mark.slow
def test_a_baseline_is_trained_and_measured(folder: Path, tmp_path: Path) -> None:
    budget = ["--cpu-seconds", "1", "--batch", "2", "--side", "64"]
    trained = CliRunner().invoke(
        train, [str(folder), "--run", str(tmp_path), "--model", "resnet18-ce", *budget]
    )
    assert trained.exit_code == 0, trained.output
    weights, figures = tmp_path / "resnet18-ce.safetensors", tmp_path / "figures.json"
    *_, last = (tmp_path / "resnet18-ce.jsonl").read_text("utf-8").splitlines()
    assert json.loads(last)["photos"] > 0
    measured = CliRunner().invoke(
        evaluate,
        [str(folder), "--model", "resnet18-ce", "--weights", str(weights), "--json", str(figures)],
        catch_exceptions=False,
    )
    assert measured.exit_code == 0, measured.output
    told = json.loads(figures.read_text("utf-8"))
    assert told["details"]["weights"] == "resnet18-ce"
    assert set(told["guidance"]) == {"grey", "none"}  # it takes no words
    assert np.isfinite(told["guidance"]["none"]["psnr_against_grey"])
    other = CliRunner().invoke(
        evaluate, [str(folder), "--model", "dcgan", "--weights", str(weights)]
    )
    assert other.exit_code == 2
    assert "holds resnet18-ce" in other.output


@pytest.mark.parametrize(
    ("command", "arguments", "said"),
    [
        (train, ["--model", "zhang2061"], "'zhang2016'"),
        (train, ["--model", "levin2004"], "'zhang2016'"),
        (train, ["--model", "dcgan"], "--cpu-seconds"),
        (train, ["--model", "dcgan", "--deep", "--no-references"], "--deep, --references"),
        (evaluate, ["--model", "zhang2061"], "'sample-colorize'"),
        (evaluate, ["--model", "dcgan"], "needs --weights"),
    ],
)
def test_mistakes_name_what_there_is(command, arguments, said, folder: Path) -> None:  # type: ignore[no-untyped-def]
    result = CliRunner().invoke(command, [str(folder), *arguments])
    assert result.exit_code == 2
    assert said in result.output
