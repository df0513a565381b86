"""Finding what a description gives a colour: an untrained network, and the real one."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from skimage import data

from models.color.lab import srgb_to_lab
from models.networks.colorizer import STRIDES
from models.networks.grounding import PARTS, Grounder, GrounderConfig, load_grounder, phrase_parts
from models.networks.predictor import load_pair
from models.training.grounding import area_loss, main


def test_phrases_sum_up_their_own_pieces() -> None:
    tokens = np.arange(8, dtype=np.float32).reshape(4, 2)
    pieces = [(0, 1), (2, 9), (10, 13), (13, 15)]  # "a colored car|ts"
    parts = phrase_parts(tokens, pieces, [(2, 9), (10, 15)])
    assert parts.shape == (PARTS, 2)
    np.testing.assert_array_equal(parts, [[2, 3], [5, 6], [0, 0]])


def test_pieces_beyond_what_the_model_read_are_left_out() -> None:
    parts = phrase_parts(np.ones((1, 2), np.float32), [(0, 1), (2, 9)], [(2, 9)])
    np.testing.assert_array_equal(parts, np.zeros((PARTS, 2)))


def test_the_grounder_answers_on_the_grid_and_by_the_phrase() -> None:
    torch.manual_seed(0)
    config = GrounderConfig("none", 8, 16, (4, 6, 8, 8), (3, 4, 5, 6))
    grounder = Grounder(config).eval()
    features = [
        torch.randn(2, c, 64 // s, 96 // s) for c, s in zip((3, 4, 5, 6), STRIDES, strict=True)
    ]
    phrases = torch.randn(2, PARTS, 8)
    logits = grounder(features, phrases)
    assert logits.shape == (2, 16, 24)
    assert not torch.allclose(logits, grounder(features, phrases.flip(0)))


def test_the_loss_is_least_for_the_area_itself() -> None:
    area = torch.zeros(1, 8, 8)
    area[0, 2:5, 2:5] = 1
    right = 20 * area - 10
    assert area_loss(right, area, dice=1.0) < 0.01
    for wrong in (-right, torch.full_like(right, 10.0), torch.full_like(right, -10.0)):
        assert area_loss(wrong, area, dice=1.0) > 1


def grey_coffee() -> np.ndarray:
    rgb = cv2.resize(data.coffee(), (300, 200), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(srgb_to_lab(rgb.astype(np.float32) / 255)[..., 0])


def test_the_real_grounder_finds_a_thing_whatever_its_colour_and_not_another() -> None:
    predictor, clip = load_pair()
    lightness = grey_coffee()
    found = {
        text: predictor.locate(lightness, clip.embed_text(text).named)
        for text in ("a red cup on a table", "a blue cup on a table", "a cup on a red table")
    }
    cup, blue, table = (maps[0] for maps in found.values())
    assert cup.shape == (50, 75)
    np.testing.assert_array_equal(cup, blue)
    assert np.abs(cup - table).mean() > 0.01


@pytest.mark.slow
def test_a_short_run_gives_usable_weights(tmp_path: Path) -> None:
    pixels = np.full((128, 128, 3), 120, np.uint8)
    pixels[32:96, 32:96] = (200, 40, 40)
    with tarfile.open(tmp_path / "few.tar", "w") as tar:
        for i in range(8):
            image = cv2.imencode(".png", np.roll(pixels, 5 * i, 1)[..., ::-1])[1].tobytes()
            caption = json.dumps({"captions": ["a red kite"]}).encode()
            for name, content in ((f"p{i}.png", image), (f"p{i}.json", caption)):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    run = tmp_path / "run"
    arguments = [
        str(tmp_path / "few.tar"),
        "--run",
        str(run),
        "--minutes",
        "0.1",
        "--hold-out",
        "4",
    ]
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "8 things" in done.output or "6 things" in done.output
    assert load_grounder(run / "grounding.safetensors").config.token_width == 384
    entry = json.loads((run / "log.jsonl").read_text("utf-8").splitlines()[-1])
    assert 0 <= entry["chance"] <= entry["best"] <= 1
