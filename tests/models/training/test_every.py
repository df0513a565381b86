"""All weights from photos: the stages, their order, and putting files in place."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import models
import plugin_server
from models.networks.checkpoint import known_checksums
from models.training.every import main, put_in_place, stages_of
from tests.support.training_folder import make_folder

TITLES = ["clip", "colorizer", "larger", "affinity", "grounding", "boxes", "extent", "matcher"]


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
    assert [stage.title for stage in stages] == TITLES
    for stage in stages:
        assert stage.arguments[-2:] == ("--seed", "7")
        assert not any("-dev-" in argument for argument in stage.arguments)
    grounding = stages[TITLES.index("grounding")].arguments
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


def test_a_run_that_was_made_otherwise_is_not_taken_for_this_one(
    photos: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    clip = stages_of(photos, run, share=0.5, seed=7)[0]
    (run / "record.json").write_text(json.dumps({"clip": {"command": clip.command}}), "utf-8")
    result = CliRunner().invoke(main, [str(photos), "--run", str(run), "--seed", "7"])
    assert result.exit_code == 2
    assert "another share" in " ".join(result.output.split())


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="a group of processes is looked for")
def test_all_weights_are_made_from_nothing_after_an_end_in_the_middle(tmp_path: Path) -> None:
    """In a copy of the packages without weights, because what is made comes into their place."""
    for package in (models, plugin_server):
        source = Path(str(package.__file__)).parent
        leave_out = shutil.ignore_patterns("*.safetensors", "SHA256SUMS", "__pycache__")
        shutil.copytree(source, tmp_path / source.name, ignore=leave_out)
    make_folder(tmp_path / "photos", photos=24)
    run, environment = tmp_path / "run", os.environ | {"PYTHONPATH": str(tmp_path)}

    def start(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", *arguments], cwd=tmp_path, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def said(*arguments: str) -> str:
        program = start(*arguments)
        told = program.communicate()[0]
        assert program.returncode == 0, told
        return told

    every = ("models.training.every", "photos", "--run", str(run), "--share", "0.0001")
    first = start(*every)
    while first.poll() is None and not list((run / "grounding").glob("*.done")):
        time.sleep(0.2)
    first.send_signal(signal.SIGTERM)
    told = first.communicate()[0]
    assert first.returncode == 143, told
    with pytest.raises(ProcessLookupError):  # no training goes on alone
        os.killpg(first.pid, 0)
    assert list(json.loads((run / "record.json").read_text("utf-8"))) == TITLES[:4]

    told = said(*every)
    assert "4 of 8: affinity: is there" in told
    assert "5 of 8: grounding\n" in told
    assert list(json.loads((run / "record.json").read_text("utf-8"))) == TITLES

    Image.fromarray(np.tile(np.arange(0, 256, 4, np.uint8), (48, 1))).save(tmp_path / "grey.png")
    report = said("plugin_server", "doctor")
    assert "Everything needed is there." in report, report
    words = ("-d", "a red ball", "-o", "coloured.png")
    said("plugin_server", "colorize", "grey.png", *words)
    with Image.open(tmp_path / "coloured.png") as picture:
        assert picture.size == (64, 48)
    program = (
        "from models.networks.loading import load_colorizer\n"
        "all = load_colorizer()\n"
        "assert all.matcher and all.grounder and all.affinity\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True)
