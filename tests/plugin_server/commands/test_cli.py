"""The command line, through click's runner with fake models."""

from __future__ import annotations

import errno
import re
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from click import Context
from click.testing import CliRunner

from models.networks.checkpoint import WeightsError
from plugin_server.cli import COMMANDS, main
from plugin_server.commands.colorize import EXAMPLES
from plugin_server.commands.once import Command, Group
from plugin_server.config import Config
from plugin_server.engine.requests import ColorizeRequest
from plugin_server.service import Service
from tests.support.command import fake_service, one_line, run
from tests.support.fakes import FailingColorizer, FakeClip
from tests.support.pictures import decoded, encoded, grey_picture
from tests.support.repository import ROOT


def write(path: Path, pixels: np.ndarray | None = None, kind: str = "PNG") -> Path:
    path.write_bytes(encoded(grey_picture() if pixels is None else pixels, kind))
    return path


def test_colorize_writes_beside_the_photo(tmp_path: Path) -> None:
    photo = write(tmp_path / "street.jpg", kind="JPEG")
    result = run("colorize", photo, "-d", "a red tram")
    assert result.exit_code == 0
    target = tmp_path / "street-color.png"
    assert result.stdout.strip() == str(target)
    assert result.stderr == ""
    assert decoded(target.read_bytes()).shape == (24, 32, 3)
    assert sorted(tmp_path.iterdir()) == [target, photo]


@pytest.mark.parametrize("text", [(ROOT / "README.md").read_text("utf-8"), EXAMPLES])
def test_no_two_examples_write_the_same_file(text: str) -> None:
    lines = re.findall(r"^ *photochrom colorize (\S+)(.*)$", text, re.MULTILINE)
    outputs = [
        named[1] if (named := re.search(r"-o (\S+)", options)) else photo
        for photo, options in lines
        if not re.search(r"--candidates|> \S|-r\b|--recursive|--watch", options)
    ]
    assert len(outputs) > 3
    assert len(set(outputs)) == len(outputs), outputs


def test_an_option_of_one_value_is_given_once(tmp_path: Path) -> None:
    photo = write(tmp_path / "a.png")
    twice = run("colorize", photo, "-d", "a red vest", "--description", "a green vest")
    assert twice.exit_code == 2
    assert "--description is given 2 times and takes one value: give it once" in twice.stderr
    assert not (tmp_path / "a-color.png").exists()
    hints = ("--hint", "3,4,red", "--hint", "9,9,blue", "--overwrite", "--overwrite")
    assert run("colorize", photo, *hints).exit_code == 0


def test_every_command_refuses_what_is_given_twice() -> None:
    context = Context(main)
    waiting = [main.get_command(context, name) for name in COMMANDS]
    while waiting:
        command = waiting.pop()
        if isinstance(command, Group):
            assert not command.params
            waiting += command.commands.values()
        else:
            assert isinstance(command, Command)


def test_the_command_line_and_the_api_give_the_same_bytes(tmp_path: Path) -> None:
    from models.job import ColorizeJob, Hint, PaletteColor

    photo = write(tmp_path / "a.png")
    args = ("-d", "a red tram", "--hint", "3,4,#FF0000,2.5", "--saturation", 0.5, "--strength", 0.9,
            "--palette", "#2A6F4E:3, #e8d8b0")  # fmt: skip
    assert run("colorize", photo, *args, "-o", tmp_path / "b.png").exit_code == 0
    palette = (PaletteColor("#2a6f4e", 3.0), PaletteColor("#e8d8b0"))
    job = ColorizeJob("a red tram", (Hint(3.0, 4.0, "#ff0000", 2.5),), 0.5, 0.9, palette=palette)
    expected = fake_service(Config()).answer(ColorizeRequest(photo.read_bytes(), job)).body
    assert (tmp_path / "b.png").read_bytes() == expected


@pytest.mark.parametrize(
    ("palette", "said"),
    [
        ("redd", "'redd' is no colour"),
        ("rde", "did you mean red"),
        ("#2a6f4e:", "COLOR[:WEIGHT]"),
        ("#2a6f4e:much", "COLOR[:WEIGHT]"),
        ("#2a6f4e:0", "above 0"),
        (",".join(["#2a6f4e"] * 7), "at most 6"),
        ("", "no colour: give one to six"),
        (",", "no colour: give one to six"),
    ],
)
def test_a_palette_that_makes_no_sense_is_refused(tmp_path: Path, palette: str, said: str) -> None:
    result = run("colorize", write(tmp_path / "a.png"), "--palette", palette)
    assert result.exit_code in (1, 2)
    assert said in result.stderr


def test_16_bit_tiff_stays_16_bit_tiff(tmp_path: Path) -> None:
    import tifffile

    photo = tmp_path / "scan.tif"
    tifffile.imwrite(photo, grey_picture().astype(np.uint16) * 257)
    assert run("colorize", photo).exit_code == 0
    coloured = tifffile.imread(tmp_path / "scan-color.tif")
    assert (coloured.dtype, coloured.shape) == (np.uint16, (24, 32, 3))


@pytest.mark.parametrize(
    ("suffix", "start"), [(".jpg", b"\xff\xd8"), (".tiff", b"II"), (".npy", b"\x93")]
)
def test_the_suffix_of_the_output_is_its_type(tmp_path: Path, suffix: str, start: bytes) -> None:
    target = tmp_path / f"out{suffix}"
    assert run("colorize", write(tmp_path / "a.png"), "-o", target).exit_code == 0
    assert target.read_bytes().startswith(start)


def test_nothing_is_overwritten_unless_asked(tmp_path: Path) -> None:
    photo = write(tmp_path / "a.png")
    target = tmp_path / "a-color.png"
    target.write_bytes(b"precious")
    for args in ((), ("-o", target), ("-o", tmp_path)):
        result = run("colorize", photo, *args)
        assert result.exit_code == 2
        assert "exists already" in one_line(result.stderr)
        assert target.read_bytes() == b"precious"
    assert run("colorize", photo, "--overwrite").exit_code == 0
    assert decoded(target.read_bytes()).shape == (24, 32, 3)


def test_one_bad_photo_does_not_stop_the_others(tmp_path: Path) -> None:
    good = [write(tmp_path / f"good{n}.png", grey_picture(seed=n)) for n in range(3)]
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture at all")
    large = tmp_path / "large.png"
    large.write_bytes(bytes(1_000_001))
    missing = tmp_path / "missing.png"
    folder = tmp_path / "folder"
    folder.mkdir()
    out = tmp_path / "out"
    result = run("colorize", good[0], bad, good[1], large, missing, folder, good[2], "-o", out)
    assert result.exit_code == 2
    *failures, made = result.stderr.splitlines()
    assert made == f"made the folder {out}"
    assert [line.partition(":")[0] for line in failures] == [
        str(path) for path in (bad, large, missing, folder)
    ]
    assert "1,000,000" in failures[1]
    assert sorted(path.name for path in out.iterdir()) == [f"good{n}-color.png" for n in range(3)]
    assert len(result.stdout.splitlines()) == 3


def test_an_error_nobody_thought_of_is_one_line_too(tmp_path: Path) -> None:
    def load(_config: Config) -> Service:
        return Service(FailingColorizer(RuntimeError("first\nsecond")), FakeClip())

    result = run("colorize", write(tmp_path / "a.png"), load=load)
    assert result.exit_code == 2
    assert one_line(result.stderr).endswith("a.png: first second")


def test_two_photos_of_one_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    photos = []
    for n in range(2):
        (tmp_path / str(n)).mkdir()
        photos.append(write(tmp_path / str(n) / "a.png", grey_picture(seed=n)))
    result = run("colorize", *photos, "-o", tmp_path / "out", "--overwrite")
    assert result.exit_code == 2
    assert "same name" in result.stderr.splitlines()[0]


def test_a_notice_is_said(tmp_path: Path) -> None:
    result = run("colorize", write(tmp_path / "a.png"), "-d", "word " * 30)
    assert result.exit_code == 0
    assert "30 words" in one_line(result.stderr)


def test_a_mask(tmp_path: Path) -> None:
    grey = grey_picture()
    photo, mask = write(tmp_path / "a.png"), write(tmp_path / "mask.png", np.zeros_like(grey))
    assert run("colorize", photo, "--mask", mask).exit_code == 0
    rgb = decoded((tmp_path / "a-color.png").read_bytes())
    np.testing.assert_array_equal(rgb, np.dstack([grey] * 3))


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--hint", "1,2"], "X,Y,COLOR"),
        (["--hint", "1,b,#ffffff"], "numbers"),
        (["--hint", "1,2,gren"], "did you mean green"),
        (["--hint", "1%,2,red"], "all in"),
        (["--hint", "101%,2%,red"], "0% to 100%"),
        (["--hint", "nan,2,#ffffff"], "finite"),
        (["--hint", "99,2,#ffffff"], "outside"),
        (["--saturation", "3"], "0 to 2"),
        (["--saturation", "nan"], "0 to 2"),
        (["--strength", "much"], "much"),
        (["--mask", "nowhere.png"], "nowhere.png"),
        (["-o", "picture.bmp"], ".bmp"),
        (["--colour", "red"], "there is no option --colour"),
        (["--descripton", "red"], "did you mean --description"),
        (["--palete", "red"], "did you mean --palette"),
        (["--not", ""], "--not '': the phrase of a thing has 0 letters: give 1 to"),
        (["--thing", f"{'x' * 999}=#ffffff"], "the phrase of a thing has 999 letters"),
    ],
)
def test_bad_options_are_one_line(tmp_path: Path, args: list[str], words: str) -> None:
    result = run("colorize", write(tmp_path / "a.png"), *args)
    assert result.exit_code == 2
    assert words in one_line(result.stderr)
    assert result.stdout == ""


def test_damaged_exif_says_nothing_on_stderr(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    exif = b"Exif\x00\x00II*\x00\x08\x00\x00\x00\xff\xff" + bytes(6)
    whole = encoded(grey_picture(), "JPEG")
    start = b"\xff\xe1" + (len(exif) + 2).to_bytes(2) + exif
    photo.write_bytes(whole[:2] + start + whole[20:])  # in place of the JFIF segment
    program = (
        "import sys; from plugin_server.images.codec import decode, Limits; "
        "print(decode(open(sys.argv[1], 'rb').read(), limits=Limits()).bits)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, photo], capture_output=True, text=True, check=True
    )
    assert (result.stdout, result.stderr) == ("8\n", "")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse names that are no text")
def test_a_name_that_is_no_text_does_not_fail_the_photo(tmp_path: Path) -> None:
    photo = write(tmp_path / b"caf\xe9.png".decode("utf-8", "surrogateescape"))
    result = run("colorize", photo)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.endswith("caf\\xe9-color.png'\n")
    photo.write_bytes(b"no picture")
    assert "no kind of picture" in one_line(run("colorize", photo, "--overwrite").stderr)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows refuses such names")
def test_escape_codes_and_line_breaks_in_names_are_printed_escaped(tmp_path: Path) -> None:
    (scans := tmp_path / "scans").mkdir()
    bad, good = scans / "a\x1b[31mred.png", scans / "two\nlines.png"
    bad.write_bytes(b"no picture")
    write(good)
    for args in ((bad, good), (scans, "-o", tmp_path / "out")):
        result = run("colorize", *args)
        failed = result.stderr.splitlines()[-1]
        assert "a\\x1b[31mred.png': the file is no kind of picture" in failed
        assert "\x1b" not in result.output
    named = run("colorize", good, "--overwrite").stdout
    assert named == f"$'{scans}/two\\nlines-color.png'\n"
    refused = run("colorize", good)
    assert f"$'{scans}/two\\nlines-color.png' exists already" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    described = run("describe", scans).stdout.splitlines()
    assert described[0] == "$'a\\x1b[31mred.png': -"


def test_several_photos_need_a_folder(tmp_path: Path) -> None:
    photos = [write(tmp_path / "a.png"), write(tmp_path / "b.png")]
    (tmp_path / "c.scans").touch()
    for target in (write(tmp_path / "c.png"), tmp_path / "new.png", tmp_path / "c.scans"):
        result = run("colorize", *photos, "-o", target)
        assert result.exit_code == 2
        assert "folder" in one_line(result.stderr)
        assert not target.is_dir()
    assert run("colorize", *photos, "-o", tmp_path / "vol.2").exit_code == 0
    assert len(list((tmp_path / "vol.2").iterdir())) == 2


@pytest.mark.parametrize("command", ["colorize", "serve"])
def test_missing_weights_are_one_line(tmp_path: Path, command: str) -> None:
    def load(_config: Config) -> Service:
        raise WeightsError("the weights /x/colorizer.safetensors are missing: reinstall")

    args = [write(tmp_path / "a.png")] if command == "colorize" else ["--port", "0"]
    result = run(command, *args, load=load)
    assert result.exit_code == 2
    assert "/x/colorizer.safetensors" in one_line(result.stderr)


def test_a_weights_file_that_does_not_exist_stops_the_real_loader(tmp_path: Path) -> None:
    weights = tmp_path / "mine.safetensors"
    args = ["colorize", str(write(tmp_path / "a.png")), "--weights", str(weights)]
    result = CliRunner().invoke(main, args)
    assert result.exit_code == 2
    assert str(weights) in one_line(result.stderr)
    assert not (tmp_path / "a-color.png").exists()


def test_help_and_version() -> None:
    assert run("--version").stdout.strip() == f"photochrom {version('photochrom')}"
    overview = run("--help").stdout
    for name in COMMANDS:
        assert f"  {name} " in overview
    assert "Examples:" in overview
    assert run().stdout == overview
    for name in ("colorize", "serve", "doctor"):
        help_text = run(name, "--help").stdout
        assert "Examples:" in help_text
        assert f"photochrom {name}" in help_text


def test_an_unknown_command_is_one_line() -> None:
    result = run("colourise")
    assert result.exit_code == 2
    assert "colourise" in one_line(result.stderr)
    for word in ("colourise", "colourize", "colorise", "colour"):
        assert "did you mean colorize?" in run(word).stderr
    assert "did you mean library?" in run("libary").stderr
    assert "did you mean" not in run("xyzzy").stderr


def test_a_package_that_is_missing_is_one_line(tmp_path: Path) -> None:
    def load(_config: Config) -> Service:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    result = run("colorize", write(tmp_path / "a.png"), load=load)
    assert result.exit_code == 2
    assert "'torch'; run photochrom doctor" in one_line(result.stderr)


def test_help_is_quick_and_imports_no_model() -> None:
    code = (
        "import sys; from plugin_server.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'cv2', 'flask', 'pydantic', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=ROOT)
    assert time.perf_counter() - started < 5  # generous: the assertion on modules is the point


def test_colouring_one_photo_imports_no_more_than_it_needs(tmp_path: Path) -> None:
    photo = write(tmp_path / "a.png")
    code = (
        "import gc, sys; from plugin_server.cli import main\n"
        f"try: main(['colorize', {str(photo)!r}])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "unused = {'pydantic', 'flask', 'celery', 'redis', 'faiss', 'skimage', 'scipy', 'timm',\n"
        "          'torchvision', 'transformers', 'open_clip'}\n"
        "assert not unused & set(sys.modules), unused & set(sys.modules)\n"
        "assert gc.isenabled() and gc.get_freeze_count() > 100_000\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a-color.png").is_file()


def test_files_of_an_evaluation_are_checked_before_it_measures(tmp_path: Path) -> None:
    for option in ("--json", "--report", "--turing", "--sheet"):
        result = run("evaluate", tmp_path / "none", option, "/dev/null/out.json")
        assert result.exit_code == 2
        said = one_line(result.stderr)
        assert said == "photochrom: cannot write /dev/null/out.json: Not a directory"


@pytest.mark.parametrize(
    ("command", "chroma", "said"),
    [
        ("train", 90, "2 photos in colour found, and training needs at least 20: name more"),
        ("train", 0, "2 without colours set aside: "),
        ("evaluate", 0, "and measuring needs at least 1: name more"),
    ],
)
def test_a_folder_without_enough_colour_photos_is_one_sentence(
    tmp_path: Path, command: str, chroma: int, said: str
) -> None:
    (folder := tmp_path / "photos").mkdir()
    for name in ("a.png", "b.png"):
        rgb = np.dstack([grey_picture()] * 3)
        rgb[::2, :, 0] = np.minimum(rgb[::2, :, 0].astype(int) + chroma, 255)
        (folder / name).write_bytes(encoded(rgb))
    more = ("--run", tmp_path / "run") if command == "train" else ()
    result = run(command, folder, *more)
    assert result.exit_code == 2
    assert said in one_line(result.stderr)


def test_what_a_disk_refuses_is_one_line(tmp_path: Path) -> None:
    def full(_config: Config) -> Service:
        raise OSError(errno.ENOSPC, "No space left on device")

    photo = tmp_path / "photo.png"
    photo.write_bytes(encoded(grey_picture()))
    result = run("colorize", photo, load=full)
    assert result.exit_code == 2
    assert one_line(result.stderr) == "photochrom: No space left on device"
