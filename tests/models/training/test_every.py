"""All weights from photos: the stages, their order, and putting files in place."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from models.networks.checkpoint import known_checksums
from models.training.every import main, put_in_place, stages_of


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in (
        "family-train-000.tar",
        "street-train-000.tar",
        "family-dev-000.tar",
        "regions-family-train-000.tar",
        "regions-family-dev-000.tar",
        "family-regions.jsonl",
    ):
        (folder / name).touch()
    return folder


def test_each_stage_comes_after_what_it_reads(photos: Path, tmp_path: Path) -> None:
    stages = stages_of(photos, tmp_path, share=0.5, seed=7)
    titles = [stage.title for stage in stages]
    assert titles == [
        "clip", "colorizer", "grounding", "boxes", "extent", "matcher", "affinity",
    ]  # fmt: skip
    for stage in stages:
        assert stage.arguments[-2:] == ("--seed", "7")
        assert not any("-dev-" in argument for argument in stage.arguments)
    grounding = stages[2].arguments
    assert str(photos / "regions-family-train-000.tar") in grounding
    assert str(photos / "street-train-000.tar") not in grounding  # nobody drew boxes there
    assert grounding[grounding.index("--minutes") + 1] == "47.5"


def test_the_commands_are_read_by_the_trainings(photos: Path, tmp_path: Path) -> None:
    import importlib

    for stage in stages_of(photos, tmp_path, share=0.5, seed=7):
        module = stage.arguments[1]
        if module == "plugin_server":
            from plugin_server.commands.train import train as command

            arguments = list(stage.arguments[3:])
        else:
            command = importlib.import_module(module).main
            arguments = list(stage.arguments[2:])
        context = command.make_context(stage.title, arguments)
        assert context.params["seed"] == 7


@pytest.mark.slow
def test_each_stage_is_a_program(photos: Path, tmp_path: Path) -> None:
    for stage in stages_of(photos, tmp_path, share=0.5, seed=7):
        program = stage.arguments[: 3 if stage.arguments[1] == "plugin_server" else 2]
        ended = subprocess.run(
            [sys.executable, *program, "--help"], capture_output=True, text=True, check=True
        )
        assert "--minutes" in ended.stdout or "--steps" in ended.stdout, stage.title


def test_a_file_comes_into_its_place_with_its_sum(tmp_path: Path) -> None:
    made, folder = tmp_path / "made", tmp_path / "weights"
    folder.mkdir()
    made.write_bytes(b"weights")
    (folder / "SHA256SUMS").write_text("00  other\n11  mine\n", "ascii")
    put_in_place(made, "mine", folder)
    assert (folder / "mine").read_bytes() == b"weights"
    digest = hashlib.sha256(b"weights").hexdigest()
    assert known_checksums(folder) == {"other": "00", "mine": digest}


def test_a_folder_without_shards_is_said(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, [str(tmp_path)])
    assert result.exit_code == 2
    assert "lacks shards" in result.output
