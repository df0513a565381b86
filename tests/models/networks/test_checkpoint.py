"""Checkpoints carry their config, and damage is named with its remedy."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from torch import nn

from models.networks.checkpoint import (
    WEIGHTS,
    WeightsError,
    file_sha256,
    filled,
    inspect_file,
    load_network,
    read_checkpoint,
    read_header,
    save_checkpoint,
)
from models.networks.colorizer import ColorizerConfig, build_colorizer, read_config
from models.networks.loading import inspect_weights, load_colorizer, load_pair

CONFIG = {"bins": [[0.0, 0.0], [10.0, 20.0]], "widths": [8, 8, 8, 8], "condition_width": 8}


def test_tensors_and_config_survive_a_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "a.safetensors"
    save_checkpoint(path, {"x": torch.arange(6).view(2, 3).half(), "n": torch.tensor(3)}, CONFIG)
    tensors, config = read_checkpoint(path)
    assert config == read_header(path) == CONFIG
    torch.testing.assert_close(tensors["x"], torch.arange(6.0).view(2, 3))
    assert tensors["n"].dtype == torch.int64
    assert list(path.parent.iterdir()) == [path]


def test_a_missing_file_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"nowhere\.safetensors are missing: name a file"):
        load_colorizer(tmp_path / "nowhere.safetensors")


@pytest.mark.parametrize("damage", ["truncated", "flipped header", "text", "empty"])
def test_a_damaged_file_is_named_with_the_remedy(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "w.safetensors"
    save_checkpoint(path, {"x": torch.zeros(1000)}, CONFIG)
    data = bytearray(path.read_bytes())
    match damage:
        case "truncated":
            data = data[:500]
        case "flipped header":
            data[8:16] = b"\xff" * 8
        case "text":
            data = bytearray(b"no weights at all")
        case _:
            data = bytearray()
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=r"w\.safetensors are damaged .*photochrom train"):
        load_colorizer(path)


def test_weights_of_another_kind_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_checkpoint(path, {"x": torch.zeros(10)}, CONFIG)
    with pytest.raises(WeightsError, match="do not fit this version"):
        load_colorizer(path)
    save_checkpoint(path, {"x": torch.zeros(10)}, {**CONFIG, "colour": 1})
    with pytest.raises(WeightsError, match="do not fit this version"):
        load_colorizer(path)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("clip", "the CLIP model's image tower"),
        ("grounding", "the network that finds named things"),
        ("correspondence", "the network that matches references"),
        ("affinity", "the network that relates places for dabs"),
    ],
)
def test_other_weights_of_ours_are_named_as_what_they_are(name: str, kind: str) -> None:
    with pytest.raises(WeightsError) as raised:
        load_colorizer(WEIGHTS / f"{name}.safetensors")
    said = str(raised.value)
    assert f"{name}.safetensors hold {kind} and not a colorizer: " in said
    assert "reinstall" not in said


def test_the_remedy_names_no_option_that_may_not_be_in_use(tmp_path: Path) -> None:
    for start in ("damaged", "missing"):
        path = tmp_path / f"{start}.safetensors"
        if start == "damaged":
            path.write_bytes(b"no weights at all")
        with pytest.raises(WeightsError, match="take the weights that come with Photochrom") as one:
            load_colorizer(path)
        assert "--" not in str(one.value)


def test_a_trained_network_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    config = ColorizerConfig(
        bins=((0.0, 0.0), (10.0, 20.0)), widths=(8, 8, 8, 8), condition_width=8, temperature=0.4
    )
    model = build_colorizer(config)
    path = tmp_path / "mine.safetensors"
    save_checkpoint(path, dict(model.state_dict()), {"config": asdict(config), "data": {}})
    loaded = load_colorizer(path)
    assert loaded.model.config == config
    assert loaded.name == "mine"
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(loaded.model.state_dict()[name], tensor)


def test_inspection_tells_missing_changed_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "w"
    assert "missing" in inspect_file("w", path, "0" * 64).problem
    path.write_bytes(b"abc")
    assert "expected 000" in inspect_file("w", path, "0" * 64).problem
    assert inspect_file("w", path, file_sha256(path)).ok


def test_a_single_flipped_bit_in_released_weights_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_checkpoint(path, {"x": torch.zeros(1000)}, CONFIG)
    (tmp_path / "SHA256SUMS").write_text(f"{file_sha256(path)}  {path.name}\n", "ascii")
    assert read_checkpoint(path, released=tmp_path)[1] == CONFIG
    data = bytearray(path.read_bytes())
    data[-1000] ^= 1
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=r"damaged: its SHA-256 is .*reinstall"):
        read_checkpoint(path, released=tmp_path)


def test_the_weights_that_come_with_photochrom_are_whole() -> None:
    files = inspect_weights()
    assert [file.name for file in files] == [
        "colorizer",
        "matcher",
        "grounder",
        "affinity",
        "CLIP image tower",
        "CLIP text tower",
    ]
    assert [file.problem for file in files] == [""] * 6


def test_a_colorizer_is_not_used_with_a_clip_model_it_does_not_know() -> None:
    with pytest.raises(WeightsError, match=r"trained with the CLIP model 'embedded'"):
        load_pair(clip="ViT-B-32/laion2b_s34b_b79k")


def test_loading_draws_no_random_weights() -> None:
    before = torch.get_rng_state()
    path = WEIGHTS / "colorizer.safetensors"
    load_network(path, lambda config: build_colorizer(read_config(config)))
    assert torch.equal(torch.get_rng_state(), before)
    build_colorizer(ColorizerConfig(bins=((0.0, 0.0), (10.0, 20.0))))
    assert not torch.equal(torch.get_rng_state(), before)


def test_tensors_that_are_not_the_networks_are_refused() -> None:
    layer = {"weight": torch.ones(2, 3), "bias": torch.zeros(2)}
    assert filled(lambda: nn.Linear(3, 2), layer).weight.sum() == 6
    with pytest.raises(RuntimeError, match="bias"):
        filled(lambda: nn.Linear(3, 2), {"weight": torch.ones(2, 3)})
    with pytest.raises(RuntimeError, match="more"):
        filled(lambda: nn.Linear(3, 2), {**layer, "more": torch.ones(1)})
    assert filled(lambda: nn.Linear(3, 2), {**layer, "more": torch.ones(1)}, strict=False)
    with pytest.raises(RuntimeError, match="bias is missing"):
        filled(lambda: nn.Linear(3, 2), {"weight": torch.ones(2, 3)}, strict=False)
