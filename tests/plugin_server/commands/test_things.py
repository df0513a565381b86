"""``photochrom things``, and ``photochrom colorize`` with things and regions."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.guidance.condition import Located
from plugin_server.config import Config
from plugin_server.images.codec import read_settings
from plugin_server.service import Service
from tests.support.command import one_line, run
from tests.support.fakes import LocatingColorizer, NamingClip
from tests.support.pictures import decoded, encoded, grey_picture
from tests.support.running_server import running


def naming_service(_config: Config) -> Service:
    return Service(LocatingColorizer(), NamingClip())


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """Write a photo, and a mask that is white in the middle."""
    mask = np.zeros((60, 80), np.uint8)
    mask[20:40, 30:50] = 255
    (tmp_path / "mask.png").write_bytes(encoded(mask))
    file = tmp_path / "street.png"
    file.write_bytes(encoded(grey_picture(60, 80)))
    return file


def test_things_are_listed_with_how_sure_and_how_large(photo: Path) -> None:
    result = run("things", photo, "-d", "a green dress and a #8a2030 door", load=naming_service)
    assert result.exit_code == 0
    head, dress, door = result.stdout.splitlines()
    assert head.split() == ["phrase", "colour", "found", "area"]
    assert dress.startswith("green dress")
    assert dress.split()[-2:] == ["1.00", door.split()[-1]]
    assert "#8a2030" in door


def test_a_sheet_that_cannot_be_written_is_said_before_any_work(photo: Path) -> None:
    def load(_config: Config) -> Service:
        raise AssertionError("nothing is to be loaded")

    for sheet, why in (("/dev/null/x.png", "Not a directory"), (photo.parent, "is a folder")):
        result = run(
            "things", photo, "-d", "a green dress", "--sheet", sheet, "--overwrite", load=load
        )
        assert result.exit_code == 2
        assert one_line(result.stderr) == f"photochrom: cannot write {sheet}: {why}"


def test_what_is_not_found_is_noted(photo: Path) -> None:
    class Blind(LocatingColorizer):
        def locate(self, *arguments: Any) -> Located:
            there = super().locate(*arguments)
            return replace(there, probability=0.01 * there.probability, shares=0 * there.shares)

    def load(_config: Config) -> Service:
        return Service(Blind(), NamingClip())

    result = run("things", photo, "-d", "a green dress", load=load)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1].split()[-2:] == ["0.01", "-"]
    assert 'looks like "green dress"' in one_line(result.stderr)


def test_a_description_without_colours_names_nothing(photo: Path) -> None:
    result = run("things", photo, "-d", "a woman", load=naming_service)
    assert one_line(result.stdout) == "The description gives nothing a colour."
    assert result.stderr == ""


@pytest.mark.parametrize("description", ["a café", "a café and a green dress"])
def test_how_the_description_was_read_is_noted(photo: Path, description: str) -> None:
    result = run("things", photo, "-d", description, load=naming_service)
    assert result.exit_code == 0
    assert one_line(result.stderr).startswith("note: some letters of")


def test_a_folder_that_is_made_for_the_sheet_is_said(photo: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "new" / "sheet.png"
    command = ("things", photo, "-d", "a #d02020 dress", "--sheet", sheet, "--overwrite")
    said = [run(*command, load=naming_service).stderr for _ in range(2)]
    assert said == [f"made the folder {sheet.parent}\n", ""]


def test_the_sheet_shows_the_places(photo: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    command = ("things", photo, "-d", "a #d02020 dress", "--sheet", sheet)
    assert run(*command, load=naming_service).exit_code == 0
    drawn = decoded(sheet.read_bytes()).astype(int)
    redness = drawn[..., 0] - drawn[..., 2]
    assert np.median(redness[:, :30]) > 20
    assert np.median(redness[:, 60:]) == 0
    refused = run(*command, load=naming_service)
    assert refused.exit_code == 2
    assert "exists already" in one_line(refused.stderr)
    assert run(*command, "--overwrite", load=naming_service).exit_code == 0


def test_a_photo_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    for file in (bad, tmp_path / "gone.png"):
        result = run("things", file, "-d", "a green dress", load=naming_service)
        assert result.exit_code == 2
        assert file.name in one_line(result.stderr)


OPTIONS = (
    "-d",
    "a green dress and a red hat",
    "--thing",
    "green dress=#8a2030",
    "--not",
    "red hat",
)


def test_regions_and_things_on_the_command_line(photo: Path, tmp_path: Path) -> None:
    shawl_at = f"{tmp_path / 'mask.png'}:a blue shawl"
    regions = (
        "--region",
        shawl_at,
        "--region",
        "1,2,9,8:#2a6f4e",
        "--region",
        "1,2,9,8:moss=#2a6f4e",
    )
    out = tmp_path / "out.png"
    result = run("colorize", photo, *OPTIONS, *regions, "-o", out, load=naming_service)
    assert (result.exit_code, result.stderr) == (0, "")
    settings = json.loads(read_settings(out.read_bytes()) or "")
    assert settings["things"] == [
        {"phrase": "green dress", "color": "#8a2030"},
        {"phrase": "red hat", "use": False},
    ]
    shawl, box, both = settings["regions"]
    assert shawl["description"] == "a blue shawl"
    assert len(shawl["mask"]) == 64
    assert box == {"box": [1, 2, 9, 8], "color": "#2a6f4e"}
    assert both == {**box, "description": "moss"}
    plain = tmp_path / "plain.png"
    run("colorize", photo, *OPTIONS, "-o", plain, load=naming_service)
    changed = (decoded(out.read_bytes()) != decoded(plain.read_bytes())).any(axis=2)
    assert changed[22:38, 32:48].all()
    changed[20:40, 30:50] = changed[2:10, 1:10] = False
    assert not changed.any()


def test_a_server_gives_the_same_with_regions(photo: Path, tmp_path: Path) -> None:
    options = (*OPTIONS, "--region", f"{tmp_path / 'mask.png'}:a blue shawl")
    painted = np.zeros((60, 80, 4), np.uint8)
    painted[5:9, 5:9] = (200, 40, 40, 255)
    (tmp_path / "paint.png").write_bytes(encoded(painted))
    options = (*options, "--hint-image", tmp_path / "paint.png")
    here, there = tmp_path / "here.png", tmp_path / "there.png"
    assert run("colorize", photo, *options, "-o", here, load=naming_service).exit_code == 0
    service = naming_service(Config())
    with running(service, Config(port=0)) as port:
        address = f"http://127.0.0.1:{port}"
        result = run("colorize", photo, *options, "-o", there, "--server", address)
    service.close()
    assert result.exit_code == 0, result.stderr
    assert here.read_bytes() == there.read_bytes()


def test_a_layered_file_by_its_name(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "street.ora"
    assert run("colorize", photo, *OPTIONS, "-o", out, load=naming_service).exit_code == 0
    assert out.read_bytes()[30:54] == b"mimetypeimage/openraster"


def test_a_mask_of_another_size_is_said(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "small.png").write_bytes(encoded(np.full((9, 9), 255, np.uint8)))
    result = run(
        "colorize", photo, "--region", f"{tmp_path / 'small.png'}:#ffffff", load=naming_service
    )
    assert result.exit_code == 2
    assert "9 x 9" in one_line(result.stderr)
