"""``photochrom library`` as a person types it."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result
from PIL import Image
from skimage import data

from plugin_server.commands.contact_sheet import CELL, Entry, draw_exemplars
from plugin_server.config import Config
from plugin_server.engine import library as engine_library
from plugin_server.service import Service
from retrieval.ingest.ingest import BATCH
from retrieval.library import ExemplarLibrary
from tests.support.albums import OtherClip, color_photo, jpeg, write_album
from tests.support.command import one_line, run
from tests.support.fakes import FakeClip, FakeColorizer
from tests.support.repository import ROOT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "library"


def say(folder: Path, *args: object) -> Result:
    return run("library", *args, "--library", folder)


def load_other(_config: Config) -> Service:
    return Service(FakeColorizer(), OtherClip())


def load(config: Config) -> Service:
    library = engine_library.open_library(config.library, FakeClip())
    return Service(FakeColorizer(), FakeClip(), library=library)


def open_library(folder: Path) -> ExemplarLibrary:
    return ExemplarLibrary.open(folder, clip=FakeClip())


def test_add_says_what_it_did_and_how_fast(folder: Path, tmp_path: Path) -> None:
    album = tmp_path / "album"
    write_album(album, 4)
    (album / "copy.jpg").write_bytes((album / "photo-0000.jpg").read_bytes())
    Image.fromarray(data.camera()).save(album / "grey.png")
    result = say(folder, "add", album)
    assert result.exit_code == 0
    assert result.stderr == "grey.png: grey: it has no colours to lend\n"
    counts, rate, place = result.stdout.splitlines()
    assert counts == "4 added, 1 duplicate, 1 refused"
    assert re.fullmatch(r"6 photos read in [\d.]+ s: [\d.]+ photos/s", rate)
    assert place == f"4 exemplars in {folder}"
    again = say(folder, "add", album, "--verbose")
    assert again.stdout.splitlines()[0] == "0 added, 6 known already, 1 refused"


def test_the_exit_code_tells_when_nothing_could_be_added(folder: Path, tmp_path: Path) -> None:
    Image.fromarray(data.camera()).save(tmp_path / "grey.png")
    refused = say(folder, "add", tmp_path / "grey.png")
    assert refused.exit_code == 2
    assert refused.stdout.splitlines()[0] == "0 added, 1 refused"


def test_verbose_names_the_duplicates(folder: Path, tmp_path: Path) -> None:
    album = tmp_path / "album"
    write_album(album, 1)
    (album / "photo-0001.jpg").write_bytes((album / "photo-0000.jpg").read_bytes())
    (album / "photo-0002.jpg").write_bytes(jpeg(color_photo(0), quality=60))
    result = say(folder, "add", album, "-v")
    assert result.stderr.splitlines() == [
        "photo-0001.jpg: the same bytes as photo-0000.jpg",
        "photo-0002.jpg: the same picture as photo-0000.jpg",
    ]
    assert result.stdout.startswith("1 added, 1 duplicate, 1 near duplicate\n")


def test_many_refusals_are_cut_unless_all_are_asked_for(folder: Path, tmp_path: Path) -> None:
    album = tmp_path / "album"
    album.mkdir()
    for number in range(30):
        (album / f"{number:02}.jpg").write_bytes(b"x")
    lines = say(folder, "add", album).stderr.splitlines()
    assert len(lines) == 21
    assert lines[-1] == "... and 10 more (--verbose names all)"
    assert len(say(folder, "add", album, "-v").stderr.splitlines()) == 30


def test_samples_give_the_first_search_something_to_find(folder: Path) -> None:
    assert say(folder, "add", "--samples").exit_code == 0
    found = json.loads(say(folder, "search", "a cat", "-k", 3, "--json").stdout)
    assert len(found) == 3
    assert {"id", "score", "source", "caption", "width", "height", "colors"} <= found[0].keys()
    scores = [one["score"] for one in found]
    assert all(0 <= score <= 1 for score in scores)


def test_list_is_a_table_or_json(folder: Path, tmp_path: Path) -> None:
    album = tmp_path / "album"
    write_album(album, 3)
    (album / "photo-0001.txt").write_text("a tram [bold]in[/bold] the rain")
    say(folder, "add", album)
    ids = [one.id for one in open_library(folder).list()]
    lines = say(folder, "list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["ID", *ids, "3"]
    assert "a tram [bold]in[/bold] the rain" in lines[2]
    assert say(folder, "list", "TRAM").stdout.splitlines()[-1] == "1 of 3 exemplars"
    page = json.loads(say(folder, "list", "--json", "--offset", 1, "-n", 1).stdout)
    assert [one["id"] for one in page] == [ids[1]]
    assert page[0]["caption"] == "a tram [bold]in[/bold] the rain"


def test_an_empty_library_says_so(folder: Path) -> None:
    open_library(folder).close()
    assert one_line(say(folder, "list").stdout) == "The library is empty."
    assert "photochrom library add" in one_line(say(folder, "search", "x").stdout)
    foreign = say(folder, "search", "en röd tram", "--json")
    assert one_line(foreign.stderr).startswith("note: some letters of “en röd tram”")
    assert json.loads(foreign.stdout) == []
    assert one_line(say(folder, "check").stdout) == "0 exemplars, nothing wrong"


def test_remove_by_id_and_by_folder(folder: Path, tmp_path: Path) -> None:
    write_album(tmp_path / "a", 2)
    write_album(tmp_path / "b", 3, start=9)
    say(folder, "add", tmp_path / "a", tmp_path / "b")
    first = open_library(folder).list()[0]
    assert one_line(say(folder, "remove", first.id).stdout) == "1 removed, 4 exemplars left"
    removed = say(folder, "remove", "--under", tmp_path / "b")
    assert one_line(removed.stdout) == "3 removed, 1 exemplar left"
    unknown = say(folder, "remove", "nothere")
    assert unknown.exit_code == 2
    assert "no exemplar 'nothere'" in one_line(unknown.stderr)
    assert "name the ids" in one_line(say(folder, "remove").stderr)


def test_check_reports_and_repairs(folder: Path, tmp_path: Path) -> None:
    paths = write_album(tmp_path / "album", 2)
    say(folder, "add", tmp_path / "album")
    paths[0].unlink()
    report = say(folder, "check")
    assert report.exit_code == 1
    deleted, remedy = report.stdout.splitlines()
    assert re.fullmatch(r"\w{12}  deleted: photo-0000\.jpg \(the photo is gone\)", deleted)
    assert remedy == "photochrom library check --repair puts this right."
    repaired = say(folder, "check", "--repair")
    assert (repaired.exit_code, repaired.stdout.splitlines()[-1]) == (0, "Repaired.")
    assert one_line(say(folder, "check").stdout) == "1 exemplar, nothing wrong"


def test_check_leaves_a_disk_that_is_not_there(folder: Path, tmp_path: Path) -> None:
    write_album(tmp_path / "disk" / "album", 2)
    say(folder, "add", tmp_path / "disk")
    (tmp_path / "disk").rename(tmp_path / "unplugged")
    result = say(folder, "check", "--repair")
    assert result.exit_code == 1
    assert "connect their disk" in result.stdout
    assert "2 of 2" in say(folder, "list").stdout


def test_another_model_is_refused_with_the_command_that_helps(folder: Path) -> None:
    say(folder, "add", "--samples")
    for command in (("search", "x"), ("add", "--samples"), ("check", "--repair")):
        result = run("library", *command, "--library", folder, load=load_other)
        assert result.exit_code == 2
        assert "photochrom library check --re-embed" in one_line(result.stderr)
    done = run("library", "check", "--re-embed", "--library", folder, load=load_other)
    assert done.exit_code == 0
    assert re.match(r"\d+ vectors computed", done.stdout)
    assert run("library", "search", "x", "--library", folder, load=load_other).exit_code == 0


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["add"], "name folders, photos or .tar shards, or say --samples"),
        (["add", "/no/such/folder"], "No such file or directory"),
        (["search"], "there is nothing to look for"),
        (["search", "x", "--color", "red"], "'red' is no colour"),
        (["search", "x", "--sheet", "out.jpg"], "name it OUT.png"),
        (["search", "--like", "/no/photo.jpg"], "cannot read /no/photo.jpg"),
        (["search", "--like", __file__], "no kind of picture that is known"),
        (["search", "x", "--tone", "hot"], "'hot' is not one of"),
    ],
)
def test_mistakes_are_one_line(folder: Path, args: list[str], words: str) -> None:
    result = say(folder, *args)
    assert result.exit_code == 2
    assert words in one_line(result.stderr)


def test_a_library_that_cannot_be_used_is_one_line(folder: Path) -> None:
    folder.mkdir()
    (folder / "library.sqlite").write_bytes(b"damaged" * 1000)
    for command in (["list"], ["add", "--samples"], ["check"], ["search", "x"]):
        result = say(folder, *command)
        assert result.exit_code == 2
        assert "is damaged" in one_line(result.stderr)


def test_search_filters_and_draws_a_sheet(folder: Path, tmp_path: Path) -> None:
    say(folder, "add", "--samples")
    photo = tmp_path / "grey.png"
    Image.fromarray(data.camera()).save(photo)
    sheet = tmp_path / "sheet.png"
    result = say(folder, "search", "--like", photo, "--tone", "cool", "--sheet", sheet)
    lines = result.stdout.splitlines()
    assert lines[0].split()[:2] == ["ID", "Score"]
    assert ["rocket.jpg" in line for line in lines[1:]] == [True]
    with Image.open(sheet) as picture:
        assert picture.format == "PNG"
    nothing = say(folder, "search", "x", "--color", "#00ff00")
    assert "None of" in one_line(nothing.stdout)


def test_the_sheet_shows_every_thumbnail_in_its_cell() -> None:
    colors = [(200, 30, 30), (30, 200, 30), (30, 30, 200), (200, 200, 30), (30, 200, 200)]
    entries = []
    for number, color in enumerate(colors):
        file = io.BytesIO()
        Image.new("RGB", (256, 128), color).save(file, "PNG")
        entries.append(Entry(file.getvalue(), f"id{number}", 0.5, "words " * 30))
    sheet = Image.open(io.BytesIO(draw_exemplars(entries)))
    across = {sheet.getpixel((16 + 256 * column + CELL // 2, 60)) for column in range(4)}
    assert across == set(colors[:4])
    assert colors[4] in {sheet.getpixel((CELL // 2, y)) for y in range(CELL, sheet.height)}


def test_the_place_comes_from_the_environment(tmp_path: Path) -> None:
    open_library(tmp_path / "there").close()
    environment = os.environ | {"PHOTOCHROM_LIBRARY": str(tmp_path / "there")}
    done = subprocess.run(
        [sys.executable, "-m", "plugin_server", "library", "list"],
        env=environment, capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "The library is empty.\n"), done.stderr


@pytest.mark.parametrize(
    "command", [["list"], ["search", "x"], ["check"], ["check", "--re-embed"], ["remove", "abc"]]
)
def test_a_name_with_a_slip_is_no_empty_library(folder: Path, command: list[str]) -> None:
    result = say(folder, *command)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"there is no library in {folder}" in one_line(result.stderr)
    assert not folder.exists()


def test_a_named_library_without_photos_is_looked_for_before_colouring(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = tmp_path / "grey.png"
    Image.fromarray(data.camera()[::8, ::8]).save(photo)
    monkeypatch.setenv("PHOTOCHROM_LIBRARY", str(folder))
    result = run("colorize", photo, "--exemplar", "auto", load=load)
    assert result.exit_code == 2
    assert f"there is no library in {folder}" in one_line(result.stderr)
    assert not folder.exists()
    assert run("colorize", photo, load=load).exit_code == 0  # nothing is taken from it


@pytest.mark.slow
def test_ctrl_c_ends_cleanly_and_the_same_command_goes_on(folder: Path, tmp_path: Path) -> None:
    write_album(tmp_path / "album", BATCH * 12)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from tests.support.command import fake_service\n"
        "from plugin_server.cli import main; main(sys.argv[2:], obj=fake_service)"
    )
    terminal, end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", program, ROOT,
         "library", "add", tmp_path / "album", "--library", folder],
        stdout=subprocess.PIPE, stderr=end, text=True, env=os.environ | {"TERM": "xterm"},
    )  # fmt: skip
    os.close(end)
    seen = b""
    while b"photos/s" not in seen:  # the bar shows a rate: it is at work
        seen += os.read(terminal, 4096)
    process.send_signal(signal.SIGINT)
    while True:
        try:
            seen += os.read(terminal, 4096)
        except OSError:  # Linux says so when the last writer is gone
            break
    stdout, _ = process.communicate()
    os.close(terminal)
    assert process.returncode == 130
    assert b"stopped: the same command goes on from here" in seen
    assert b"Adding" in seen
    kept = len(open_library(folder))
    assert 0 < kept < BATCH * 12
    assert stdout.startswith(f"{kept} added\n")
    assert say(folder, "add", tmp_path / "album").stdout.startswith(
        f"{BATCH * 12 - kept} added, {kept} known already\n"
    )
    assert open_library(folder).check().is_clean
