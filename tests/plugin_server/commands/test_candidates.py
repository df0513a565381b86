"""``photochrom colorize`` with references, exemplars and candidates to choose from."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.job import ColorizeJob
from plugin_server.commands.contact_sheet import MARGIN, WIDTH, Candidate, draw_sheet
from plugin_server.config import Config
from plugin_server.engine.library import open_library
from plugin_server.engine.requests import ColorizeRequest
from plugin_server.service import Service
from retrieval.library import ExemplarLibrary
from retrieval.search.scoring import FITS
from tests.support.albums import color_photo, jpeg, write_album
from tests.support.command import one_line, run
from tests.support.fakes import FakeClip, FakeColorizer
from tests.support.pictures import decoded, encoded, grey_picture
from tests.support.running_server import running

LENDER = re.compile(r"the colours come from (\S+) \(exemplar (\w+), score [01]\.\d\d\)")


def load(config: Config) -> Service:
    library = open_library(config.library, FakeClip())
    return Service(FakeColorizer(), FakeClip(), library=library)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "street.png"
    path.write_bytes(encoded(grey_picture()))
    return path


@pytest.fixture
def library(tmp_path: Path) -> Path:
    folder = tmp_path / "library"
    exemplars = ExemplarLibrary.open(folder, clip=FakeClip())
    exemplars.add(write_album(tmp_path / "album", 5))
    exemplars.close()
    return folder


def test_a_reference_file(tmp_path: Path, photo: Path) -> None:
    reference = tmp_path / "postcard.jpg"
    reference.write_bytes(jpeg(color_photo(1)))
    result = run("colorize", photo, "--reference", reference, load=load)
    assert result.exit_code == 0, result.stderr
    request = ColorizeRequest(photo.read_bytes(), ColorizeJob(), reference=reference.read_bytes())
    expected = load(Config()).answer(request).body
    assert (tmp_path / "street-color.png").read_bytes() == expected


def test_an_exemplar_is_named_on_stderr(tmp_path: Path, photo: Path, library: Path) -> None:
    result = run("colorize", photo, "--exemplar", "auto", "--library", library, load=load)
    assert result.exit_code == 0, result.stderr
    said = LENDER.search(one_line(result.stderr))
    assert said is not None, result.stderr
    exemplars = ExemplarLibrary.open(library, clip=None)
    assert said[1] == exemplars.get(said[2]).source
    exemplars.close()
    assert (tmp_path / "album" / said[1]).is_file()
    service = load(Config(library=library))
    with running(service, Config(port=0)) as port:
        server = f"http://127.0.0.1:{port}"
        far = run("colorize", photo, "--exemplar", "auto", "--server", server, "--overwrite")
    service.close()
    assert said[0] in one_line(far.stderr)


def test_candidates_are_numbered_and_drawn(tmp_path: Path, photo: Path, library: Path) -> None:
    args = ("colorize", photo, "--candidates", 3, "--library", library)
    result = run(*args, load=load)
    assert result.exit_code == 0, result.stderr
    names = [f"street-color-{n}.png" for n in (1, 2, 3)]
    written = [tmp_path / name for name in (*names, "street-color-candidates.png")]
    assert result.stdout.split() == [str(path) for path in written]
    results = [decoded(path.read_bytes()) for path in written[:3]]
    assert all(pixels.shape == (24, 32, 3) for pixels in results)
    assert any((results[0] != other).any() for other in results[1:])
    sheet = decoded(written[3].read_bytes())
    assert sheet.shape[1] == 4 * (WIDTH + MARGIN) + MARGIN

    again = run(*args, load=load)
    assert again.exit_code == 2
    assert "exists already" in one_line(again.stderr)
    assert run(*args, "--overwrite", load=load).exit_code == 0


def test_candidates_take_the_name_of_the_output(tmp_path: Path, photo: Path, library: Path) -> None:
    target = tmp_path / "tram.tif"
    target.write_bytes(b"precious")
    result = run(
        "colorize", photo, "--candidates", 2, "--library", library, "-o", target, load=load
    )
    assert result.exit_code == 0, result.stderr
    assert [Path(line).name for line in result.stdout.split()] == [
        "tram-1.tif",
        "tram-2.tif",
        "tram-candidates.png",
    ]
    assert target.read_bytes() == b"precious"


def test_where_exemplars_end_plain_guesses_follow(
    tmp_path: Path, photo: Path, library: Path
) -> None:
    result = run("colorize", photo, "--candidates", 9, "--library", library, load=load)
    assert result.exit_code == 0, result.stderr
    written = [Path(line) for line in result.stdout.split()]
    assert len(written) == 9 + 1
    assert len({path.read_bytes() for path in written}) == 10


def test_plain_guesses_are_not_coloured_from_an_exemplar_that_was_searched_for(
    tmp_path: Path, photo: Path, library: Path
) -> None:
    options = ("--candidates", 9, "--library", library, "--overwrite")
    plain = [
        Path(line).read_bytes()
        for line in run("colorize", photo, *options, load=load).stdout.split()
    ]
    searched = run("colorize", photo, "--exemplar", "auto", *options, load=load)
    assert [Path(line).read_bytes() for line in searched.stdout.split()] == plain


@pytest.mark.parametrize("count", [4, 12])
def test_guesses_without_a_library_differ(tmp_path: Path, photo: Path, count: int) -> None:
    empty = tmp_path / "empty"
    ExemplarLibrary.open(empty, clip=FakeClip()).close()
    result = run(
        "colorize", photo, "--candidates", count, "-o", tmp_path / "out", "--library",
        empty, load=load,
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    *written, sheet = (Path(line) for line in result.stdout.split())
    results = [decoded(path.read_bytes()).astype(int) for path in written]
    assert len(results) == count
    for number, one in enumerate(results):
        for other in results[:number]:
            assert np.abs(one - other).max() > 2
    assert decoded(sheet.read_bytes()).shape[1] == (count + 1) * (WIDTH + MARGIN) + MARGIN


def test_a_deleted_exemplar_is_passed_over(tmp_path: Path, photo: Path, library: Path) -> None:
    (tmp_path / "album" / "photo-0002.jpg").unlink()
    result = run("colorize", photo, "--candidates", 5, "--library", library, load=load)
    assert result.exit_code == 0
    assert len(result.stdout.split()) == 5 + 1
    assert "photo-0002.jpg" in result.stderr


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--reference", "nowhere.jpg"], "cannot read the reference nowhere.jpg"),
        (["--reference", "a.jpg", "--exemplar", "auto"], "not both"),
        (["--reference", "a.jpg", "--candidates", "4"], "not both"),
        (["--exemplar", "abc", "--candidates", "4"], "leave --exemplar out"),
        (["--exemplar", "../x"], "give an id of the library"),
        (["--candidates", "0"], "1<=x<=12"),
    ],
)
def test_bad_options_are_one_line(photo: Path, args: list[str], words: str) -> None:
    result = run("colorize", photo, *args, load=load)
    assert result.exit_code == 2
    assert words in one_line(result.stderr)
    assert result.stdout == ""


def test_an_unknown_exemplar_and_an_empty_library_are_said(
    tmp_path: Path, photo: Path, library: Path
) -> None:
    result = run("colorize", photo, "--exemplar", "nosuch", "--library", library, load=load)
    assert result.exit_code == 2
    assert "no exemplar 'nosuch'" in one_line(result.stderr)
    empty = tmp_path / "empty"
    ExemplarLibrary.open(empty, clip=FakeClip()).close()
    result = run("colorize", photo, "--exemplar", "auto", "--library", empty, load=load)
    assert result.exit_code == 2
    assert "photochrom library add" in one_line(result.stderr)


def test_what_does_not_fit_is_not_used_unless_it_is_named(
    tmp_path: Path, photo: Path, library: Path
) -> None:
    def load_strict(config: Config) -> Service:
        service = load(config)
        assert service.references.least_score == FITS == pytest.approx(0.05)
        service.references.least_score = 1.01
        return service

    plain = tmp_path / "plain.png"
    assert run("colorize", photo, "-o", plain, load=load).exit_code == 0
    args = ("colorize", photo, "--library", library, "--overwrite")
    auto = run(*args, "--exemplar", "auto", "-o", tmp_path / "auto.png", load=load_strict)
    assert auto.exit_code == 0, auto.stderr
    assert "Nothing in the library fits" in one_line(auto.stderr)
    auto_pixels = decoded((tmp_path / "auto.png").read_bytes())
    np.testing.assert_array_equal(auto_pixels, decoded(plain.read_bytes()))
    several = run(*args, "--candidates", 3, load=load_strict)
    assert "nothing in the library fits" in one_line(several.stderr)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_the_sheet_shows_pictures_of_any_kind(channels: int, dtype: type) -> None:
    shown = sheet_of(np.full((450, 350, channels), white_of(dtype), dtype))
    # It fills its column, and white stays white whatever the depth.
    assert (shown[MARGIN : MARGIN + 400, 2:-2] == 255).all()


@pytest.mark.parametrize("size", [(20, 300), (1, 1)])
def test_the_sheet_shows_pictures_of_any_size(size: tuple[int, int]) -> None:
    sheet_of(np.full((*size, 3), 255, np.uint8))


def white_of(dtype: type) -> float:
    return 1 if dtype is np.float32 else np.iinfo(dtype).max


def sheet_of(pixels: np.ndarray) -> np.ndarray:
    """Draw a sheet of a picture and two candidates, and return the picture's column."""
    candidate = Candidate(pixels, jpeg(color_photo(0)), "abc", 0.5, "a very long caption " * 3)
    sheet = Image.open(io.BytesIO(draw_sheet(pixels, [candidate, candidate])))
    assert sheet.width == 3 * (WIDTH + MARGIN) + MARGIN
    return np.asarray(sheet.convert("RGB"))[:, MARGIN : MARGIN + WIDTH]
