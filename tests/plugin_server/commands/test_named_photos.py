"""Photos named one by one: where results go and what of an older file stays, and what is mended."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from plugin_server.cli import main
from plugin_server.config import Config
from plugin_server.service import Service
from tests.support.command import fake_service, one_line, run
from tests.support.fakes import FakeClip, FakeColorizer
from tests.support.pictures import decoded, encoded, grey_picture, random_pixels, saved
from tests.support.running_server import running

POSIX = pytest.mark.skipif(os.name != "posix", reason="modes and links are POSIX's")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(grey_picture()))
    return path


@POSIX
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_overwriting_keeps_the_mode(photo: Path, mode: int) -> None:
    target = photo.with_name("a-color.png")
    target.write_bytes(b"old")
    target.chmod(mode)
    assert run("colorize", photo, "--overwrite").exit_code == 0
    assert stat.S_IMODE(target.stat().st_mode) == mode
    assert decoded(target.read_bytes()).shape == (24, 32, 3)


@POSIX
def test_overwriting_keeps_links(photo: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    real, link = elsewhere / "real.png", photo.with_name("a-color.png")
    real.write_bytes(b"a much longer old file " * 1000)
    link.symlink_to(real)
    again = elsewhere / "again.png"
    os.link(real, again)
    assert run("colorize", photo, "--overwrite").exit_code == 0
    assert link.is_symlink()
    assert os.path.samefile(real, again)
    assert decoded(again.read_bytes()).shape == (24, 32, 3)
    assert sorted(path.name for path in elsewhere.iterdir()) == ["again.png", "real.png"]


@POSIX
def test_overwriting_writes_to_where_a_link_leads(photo: Path, tmp_path: Path) -> None:
    (elsewhere := tmp_path / "elsewhere").mkdir()
    (real := elsewhere / "real.png").write_bytes(b"old")
    (link := photo.with_name("a-color.png")).symlink_to(real)
    assert run("colorize", photo, "--overwrite").exit_code == 0
    assert link.is_symlink()
    assert decoded(real.read_bytes()).shape == (24, 32, 3)


def test_dates_are_kept_when_asked(photo: Path, tmp_path: Path) -> None:
    os.utime(photo, ns=(10**18, 2 * 10**18))
    target = photo.with_name("a-color.png")
    assert run("colorize", photo).exit_code == 0
    assert target.stat().st_mtime_ns != 2 * 10**18
    assert run("colorize", photo, "--overwrite", "--keep-dates").exit_code == 0
    assert target.stat().st_mtime_ns == 2 * 10**18
    out = tmp_path / "out"
    assert run("colorize", photo, "-o", out, "--keep-dates", "--jobs", 1).exit_code == 0
    assert (out / "a.png").stat().st_mtime_ns == 2 * 10**18


def through_stdin(data: bytes, *args: str) -> tuple[int, bytes, str]:
    result = CliRunner().invoke(main, ["colorize", "-", *args], input=data, obj=fake_service)
    return result.exit_code, result.stdout_bytes, result.stderr


def test_stdin_and_stdout(photo: Path, tmp_path: Path) -> None:
    assert run("colorize", photo).exit_code == 0
    expected = photo.with_name("a-color.png").read_bytes()
    assert through_stdin(photo.read_bytes()) == (0, expected, "")
    assert through_stdin(photo.read_bytes(), "-o", "-") == (0, expected, "")
    target = tmp_path / "b.png"
    code, out, _ = through_stdin(photo.read_bytes(), "-o", str(target))
    assert (code, out.decode().strip()) == (0, str(target))
    assert decoded(target.read_bytes()).shape == (24, 32, 3)
    code, out, said = through_stdin(b"no picture")
    assert (code, out) == (2, b"")
    assert one_line(said).startswith("-: ")
    result = CliRunner().invoke(main, ["colorize", str(photo), "-o", "-"], obj=fake_service)
    assert result.stdout_bytes == expected
    assert "one photo" in run("colorize", "-", photo).stderr
    assert "one result" in run("colorize", photo, photo, "-o", "-").stderr


def test_a_name_that_is_too_long_for_the_result(tmp_path: Path) -> None:
    photo = tmp_path / ("x" * 251 + ".png")
    photo.write_bytes(encoded(grey_picture()))
    result = run("colorize", photo)
    assert result.exit_code == 2
    assert "261 bytes, and 255 are possible: name it with -o" in one_line(result.stderr)
    assert run("colorize", photo, "-o", tmp_path / "b.png").exit_code == 0


def test_jfif_is_jpeg_as_in_a_folder(tmp_path: Path, photo: Path) -> None:
    target = tmp_path / "b.jfif"
    assert run("colorize", photo, "-o", target).exit_code == 0
    assert target.read_bytes().startswith(b"\xff\xd8\xff")


def test_names_of_colours_and_percent_are_what_they_say(photo: Path, tmp_path: Path) -> None:
    plain = ("--hint", "31,23,#0000ff,6", "--palette", "#ff0000,#f5f5dc:2")
    named = ("--hint", "100%,100%,blue,25%", "--palette", "red,Beige:2")
    short = ("--hint", "31,23,rgb(0, 0, 255),6", "--palette", "#f00,f5f5dc:2")
    results = []
    for number, args in enumerate((plain, named, short)):
        target = tmp_path / f"out{number}.npy"
        assert run("colorize", photo, *args, "-o", target).exit_code == 0
        results.append(target.read_bytes())
    assert results[0] == results[1] == results[2]
    assert run("colorize", photo, "-o", tmp_path / "none.npy").exit_code == 0
    assert (tmp_path / "none.npy").read_bytes() != results[0]


def test_what_can_be_read_of_a_cut_photo_is_coloured_when_asked(tmp_path: Path) -> None:
    photo = tmp_path / "cut.jpg"
    whole = saved(random_pixels(200, 160, 1), "JPEG", quality=95)
    photo.write_bytes(whole[: len(whole) // 2])
    refused = run("colorize", photo)
    assert refused.exit_code == 2
    assert "--salvage" in one_line(refused.stderr)
    result = run("colorize", photo, "--salvage")
    assert result.exit_code == 0
    assert "could be read, the rest is grey" in one_line(result.stderr)
    assert decoded(photo.with_name("cut-color.png").read_bytes()).shape == (200, 160, 3)
    folder = run("colorize", photo, "-o", tmp_path / "out", "--jobs", 1, "--salvage")
    assert folder.exit_code == 0, folder.stderr
    assert "could be read" in (tmp_path / "out" / "photochrom-report.csv").read_text("utf-8-sig")


def test_the_server_of_this_machine_is_used_where_there_is_one(photo: Path, tmp_path: Path) -> None:
    def here(_config: Config) -> Service:
        return Service(FakeColorizer(), FakeClip())

    service = here(Config())
    with running(service, Config(port=0)) as port:
        result = CliRunner().invoke(
            main, ["colorize", str(photo), "--server", "auto"],
            obj=nothing_loads, env={"PHOTOCHROM_PORT": str(port)},
        )  # fmt: skip
        assert result.exit_code == 0, result.stderr
        assert f"coloured by the server http://127.0.0.1:{port}" in one_line(result.stderr)
    service.close()
    alone = CliRunner().invoke(
        main, ["colorize", str(photo), "--server", "auto", "--overwrite"],
        obj=here, env={"PHOTOCHROM_PORT": str(port)},
    )  # fmt: skip
    assert (alone.exit_code, alone.stderr) == (0, "")


def nothing_loads(_config: Config) -> Service:
    raise AssertionError("models were loaded though a server does the work")


def test_photos_that_are_alike_give_the_same_whatever_the_way(photo: Path, tmp_path: Path) -> None:
    assert run("colorize", photo, "-o", tmp_path / "one.png").exit_code == 0
    assert run("colorize", photo, "-o", tmp_path / "out", "--jobs", 2).exit_code == 0
    with Image.open(tmp_path / "one.png") as one, Image.open(tmp_path / "out" / "a.png") as other:
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without named pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    photo, pipe = tmp_path / "a.png", tmp_path / "pipe.png"
    photo.write_bytes(encoded(grey_picture()))
    os.mkfifo(pipe)
    for arguments in (
        ("colorize", pipe),
        ("colorize", pipe, "-r", "-o", tmp_path / "out"),
        ("colorize", photo, "--reference", pipe),
        ("colorize", photo, "--mask", pipe),
        ("colorize", photo, "--hint-image", pipe),
        ("things", pipe, "-d", "a red hat"),
        ("library", "search", "--like", pipe),
    ):
        result = run(*arguments)
        assert result.exit_code == 2
        assert "a pipe or a device and no file" in one_line(result.stderr), arguments
    result = run("evaluate", pipe)
    assert result.exit_code == 2
    assert "no file and no folder" in one_line(result.stderr)


def test_an_empty_file_is_said_the_same_alone_and_in_a_folder(tmp_path: Path) -> None:
    empty = tmp_path / "in" / "a.jpg"
    empty.parent.mkdir()
    empty.touch()
    alone = run("colorize", empty)
    assert alone.exit_code == 2
    assert one_line(alone.stderr) == f"{empty}: the picture has 0 bytes; send the file itself"
    whole = run("colorize", empty.parent, "-o", tmp_path / "out")
    assert "a.jpg: the picture has 0 bytes; send the file itself" in whole.stderr.splitlines()


@POSIX
def test_what_cannot_be_written_is_named_and_not_the_photo_alone(
    photo: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    target = tmp_path / "file" / "out.png"
    result = run("colorize", photo, "-o", target)
    assert result.exit_code == 2
    assert f"{photo}: cannot write {target}: " in one_line(result.stderr)
