"""Finding what a description gives a colour: an untrained network, and the real one."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from click.testing import CliRunner
from skimage import data
from torch import Tensor

from models.color.lab import srgb_to_lab
from models.networks.claims import Claims
from models.networks.clip import Clip
from models.networks.grounding import (
    Grounder,
    GrounderConfig,
    Names,
    load_grounder,
    places,
)
from models.networks.predictor import Predictor
from models.training.grounding import main


def small_grounder() -> Grounder:
    torch.manual_seed(0)
    config = GrounderConfig("none", embedding_width=8, width=6, vocabulary=("sky", "grass"))
    grounder = Grounder(config).eval()
    grounder.vocabulary.copy_(torch.randn(2, 8))
    return grounder


@torch.inference_mode()
def test_the_grounder_describes_every_cell_by_a_unit_vector() -> None:
    grounder = small_grounder()
    cells, boxes = grounder.look(torch.randn(1, 24, 16, 24), torch.randn(1, 40, 8, 12))
    assert cells.shape == (1, 6, 16, 24)
    assert boxes.shape == (1, 64, 8, 12)
    for described in (cells, boxes):
        np.testing.assert_allclose(described.norm(dim=1), 1, atol=1e-5)
    np.testing.assert_allclose(grounder.phrases(torch.randn(3, 8)).norm(dim=1), 1, atol=1e-5)
    assert 0 < float(grounder.vividness(torch.randn(1, 8))) < 2


@torch.inference_mode()
def test_the_name_that_fits_better_takes_the_cell() -> None:
    grounder = small_grounder()
    grounder.scale.copy_(torch.tensor(3.0))
    cells = F.normalize(torch.tensor([[[1.0, 0.2]], [[0.2, 1.0]], *[[[0.0, 0.0]]] * 4]), dim=0)
    boxes = F.normalize(torch.eye(64)[:, :1, None], dim=0)
    shirt, grass = torch.eye(6)[:2]
    shirt_box, grass_box = torch.eye(64)[:2]

    def claims(names: list[tuple[Tensor, Tensor]], colors: list[tuple[str, ...]]) -> Claims:
        cells_of, boxes_of = (torch.stack(vectors) for vectors in zip(*names, strict=True))
        return places(grounder, cells, boxes, Names(cells_of, boxes_of), colors)

    a_shirt, a_lawn = (shirt, shirt_box), (grass, grass_box)
    alone = claims([a_shirt], [("red",)])
    beside = claims([a_shirt, a_lawn], [("red",)])
    assert beside.probability[0, 0, 0] > 0.9 * alone.probability[0, 0, 0]
    assert beside.probability[0, 0, 1] < 0.1 * alone.probability[0, 0, 1]
    # The box head's answer is the same, and its rival is told.
    assert beside.boxed.shape == (1, 1, 2)
    np.testing.assert_array_equal(beside.boxed, alone.boxed)
    assert (beside.boxed > beside.boxed_rivals).all()
    # A name that means the same takes nothing away.
    twin = claims([a_shirt, a_shirt], [("red",)])
    np.testing.assert_array_equal(twin.probability, alone.probability)
    np.testing.assert_array_equal(twin.boxed_rivals, alone.boxed_rivals)
    # Of two shirts each is told where the other may be, where their colours differ.
    both = claims([a_shirt, a_shirt], [("red",), ("blue",)])
    np.testing.assert_array_equal(both.mates, both.probability)
    assert not claims([a_shirt, a_shirt], [("red",), ("red",)]).mates.any()


@torch.inference_mode()
def test_skin_is_told_to_what_does_not_belong_to_a_body() -> None:
    config = GrounderConfig("none", embedding_width=8, width=6, vocabulary=("sky", "face", "hand"))
    grounder = Grounder(config).eval()
    grounder.scale.copy_(torch.tensor(3.0))
    shirt, sky, face, hand = torch.eye(6)[:4]
    beard = F.normalize(face + shirt, dim=0)
    cells = torch.stack([face, hand, sky], dim=1)[:, None]
    boxes = F.normalize(torch.eye(64)[:, :1, None].expand(64, 1, 2), dim=0)
    names = Names(torch.stack([shirt, beard, sky, face, hand]), torch.eye(64)[:5])
    body = places(grounder, cells, boxes, names, [("red",), ("red",)]).body
    assert (body[0, 0, :2] > 0.9).all()
    assert body[0, 0, 2] < 0.1
    assert not body[1].any()


def grey_coffee() -> np.ndarray:
    rgb = cv2.resize(data.coffee(), (300, 200), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(srgb_to_lab(rgb.astype(np.float32) / 255)[..., 0])


def test_the_real_grounder_finds_a_thing_whatever_its_colour_and_not_another(
    released: tuple[Predictor, Clip],
) -> None:
    predictor, clip = released
    lightness = grey_coffee()
    found = {
        text: predictor.locate(lightness, clip.embed_text(text).named).probability
        for text in ("a red cup on a table", "a blue cup on a table", "a cup on a red table")
    }
    cup, blue, table = (maps[0] for maps in found.values())
    assert cup.shape == (50, 75)
    np.testing.assert_array_equal(cup, blue)
    assert np.abs(cup - table).mean() > 0.01


def write_shard(path: Path, files: Mapping[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def encoded(pixels: np.ndarray) -> bytes:
    return cv2.imencode(".png", pixels)[1].tobytes()


@pytest.mark.slow
def test_a_short_run_on_masks_and_boxes_gives_usable_weights(tmp_path: Path) -> None:
    pixels = np.full((128, 128, 3), 120, np.uint8)
    pixels[32:96, 32:96] = (200, 40, 40)
    labels = (pixels[..., 0] == 200).astype(np.uint8)
    captioned, masked, boxes = {}, {}, []
    for i in range(8):
        box = [0.25, 0.25, 0.75, 0.75]
        region = {"name": "kite", "phrase": "a red kite", "attributes": ["red"], "box": box}
        boxes.append({"key": f"p{i}", "split": "train", "regions": [region]})
        captioned[f"p{i}.png"] = encoded(pixels[..., ::-1])
        captioned[f"p{i}.json"] = json.dumps({"captions": ["a red kite"]}).encode()
        record = {"captions": [], "source": "ccp", "labels": ["background", "shirt"]}
        masked[f"m{i}.jpg"] = cv2.imencode(".jpg", pixels)[1].tobytes()
        masked[f"m{i}.png"] = encoded(labels)
        masked[f"m{i}.json"] = json.dumps(record).encode()
    shards = [
        write_shard(tmp_path / "few.tar", captioned),
        write_shard(tmp_path / "regions-few.tar", masked),
    ]
    drawn = tmp_path / "boxes.jsonl"
    drawn.write_text("\n".join(map(json.dumps, boxes)), "utf-8")
    run = tmp_path / "run"
    arguments = [*map(str, shards), "--boxes", str(drawn), "--run", str(run), "--minutes", "0.1"]
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    grounder = load_grounder(run / "grounding.safetensors")
    assert grounder.config.vocabulary[0] == "sky"
    entry = json.loads((run / "log.jsonl").read_text("utf-8").splitlines()[-1])
    assert entry["step"] > 0
    assert np.isfinite(entry["loss"])
