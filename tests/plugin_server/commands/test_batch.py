"""``photochrom colorize DIR -o OUT``: what it prints, writes and exits with."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from models.guidance.condition import Condition, Prediction
from models.progress import Stopped
from plugin_server.batch.backends import AROUND, remote_backend, sleep_unless_stopped
from plugin_server.batch.runner import CannotGoOn
from plugin_server.config import Config
from plugin_server.engine.requests import ColorizeRequest, Exact
from plugin_server.images.codec import Limits, decode, read_settings
from plugin_server.service import Service
from tests.support.command import free_port, one_line, run
from tests.support.fakes import FakeClip, FakeColorizer
from tests.support.pictures import decoded, encoded, grey_picture
from tests.support.repository import ROOT
from tests.support.running_server import running


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """A tree of photos of several types, one of them bad."""
    folder = tmp_path / "scans"
    (folder / "1923/spring").mkdir(parents=True)
    (folder / "a.png").write_bytes(encoded(grey_picture(seed=1)))
    (folder / "1923/b.jpg").write_bytes(encoded(grey_picture(seed=2), "JPEG"))
    tifffile.imwrite(folder / "1923/c.tif", grey_picture(seed=3).astype(np.uint16) * 257)
    (folder / "1923/spring/d.npy").write_bytes(encoded(grey_picture(seed=4), "npy"))
    (folder / "1923/spring/bad.png").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("not a photo")
    (folder / "empty.csv").touch()
    return folder


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


REPORTS = {
    "photochrom-manifest.jsonl",
    "photochrom-report.csv",
    "photochrom-report.json",
    "photochrom-review.csv",
}


def after_the_folder(stderr: str, *, lines: int = 1) -> str:
    """Check that so many lines follow the one that names the new folder, and return them."""
    made, *others = stderr.splitlines()
    assert made.startswith("made the folder ")
    assert len(others) == lines, stderr
    return "\n".join(others)


def table(out: Path) -> dict[str, dict[str, str]]:
    text = (out / "photochrom-report.csv").read_text("utf-8-sig")
    return {row["file"]: row for row in csv.DictReader(io.StringIO(text))}


def test_a_tree_keeps_its_names_types_and_depths(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run("colorize", scans, "-o", out, "--recursive", "-d", "a red tram")
    assert result.exit_code == 2
    photos = {"a.png", "1923/b.jpg", "1923/c.tif", "1923/spring/d.npy"}
    assert files(out) == photos | REPORTS
    for name in photos:
        layer = decode((out / name).read_bytes(), limits=Limits())
        assert layer.pixels.shape == (24, 32, 3), name
        before = decode((scans / name).read_bytes(), limits=Limits())
        assert (layer.bits, layer.media_type) == (before.bits, before.media_type), name
    assert (
        json.loads(read_settings((out / "a.png").read_bytes()) or "")["description"] == "a red tram"
    )
    assert "bad.png" in after_the_folder(result.stderr)
    assert result.output.count("bad.png") == 1  # said when it fails, and not again
    assert result.stdout.startswith("5 photos: 4 coloured, 1 failed (")


def test_without_recursive_only_the_folder_itself(scans: Path, tmp_path: Path) -> None:
    result = run("colorize", scans, "-o", tmp_path / "out")
    assert (result.exit_code, result.stderr) == (0, f"made the folder {tmp_path / 'out'}\n")
    assert files(tmp_path / "out") == {"a.png"} | REPORTS
    assert run("colorize", scans, "-o", tmp_path / "out").stderr == ""  # it is there already


def test_a_folder_takes_mpo_and_names_what_is_not_read(tmp_path: Path) -> None:
    (scans := tmp_path / "scans").mkdir()
    photo, other = (Image.fromarray(grey_picture(seed=seed)) for seed in (1, 2))
    photo.save(scans / "stereo.MPO", "MPO", save_all=True, append_images=[other])
    photo.convert("L").save(scans / "scanned.pgm")
    photo.save(scans / "pages.pdf")
    result = run("colorize", scans, "-o", out := tmp_path / "out")
    assert result.exit_code == 2
    assert files(out) == {"stereo.MPO"} | REPORTS
    assert decode((out / "stereo.MPO").read_bytes(), limits=Limits()).pixels.shape == (24, 32, 3)
    assert sorted(result.stderr.splitlines()[1:]) == [
        f"{name}: {kind} is not read: convert it to JPEG, PNG or TIFF"
        for name, kind in (("pages.pdf", "PDF"), ("scanned.pgm", "PGM"))
    ]


def test_a_folder_without_photos_says_so_and_makes_none(tmp_path: Path) -> None:
    (tmp_path / "scans/below").mkdir(parents=True)
    (there := tmp_path / "there").mkdir()
    for out in (tmp_path / "out", there):
        result = run("colorize", tmp_path / "scans", "-o", out)
        assert result.exit_code == 2
        assert "--recursive looks into folders below" in one_line(result.stderr)
    assert not (tmp_path / "out").exists()


def test_the_results_are_those_of_single_photos(scans: Path, tmp_path: Path) -> None:
    run("colorize", scans, "-o", tmp_path / "out", "--saturation", 0.5)
    assert (
        run("colorize", scans / "a.png", "-o", tmp_path / "b.png", "--saturation", 0.5).exit_code
        == 0
    )
    assert (tmp_path / "out/a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_the_report_says_what_failed_and_why(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("colorize", scans, "-o", out, "-r", "-d", "=cmd()")
    rows = table(out)
    assert {name: row["state"] for name, row in rows.items()} == {
        "a.png": "done", "1923/b.jpg": "done", "1923/c.tif": "done", "1923/spring/d.npy": "done",
        "1923/spring/bad.png": "failed",
    }  # fmt: skip
    assert "no kind of picture" in rows["1923/spring/bad.png"]["error"]
    assert rows["a.png"]["description"] == "'=cmd()"  # no formula for a spreadsheet
    sums = json.loads((out / "photochrom-report.json").read_text())
    assert (sums["photos"], sums["coloured"], sums["failed"]) == (5, 4, 1)
    assert [one["file"] for one in sums["failures"]] == ["1923/spring/bad.png"]


def test_a_second_run_and_retry_failed(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("colorize", scans, "-o", out, "-r")
    again = run("colorize", scans, "-o", out, "-r")
    assert again.exit_code == 2
    assert "0 coloured, 4 were done before, 1 failed" in again.stdout
    assert "--retry-failed tries again" in again.stdout
    (scans / "1923/spring/bad.png").unlink()
    (scans / "1923/spring/bad.png").write_bytes(encoded(grey_picture(seed=5)))
    mended = run("colorize", scans, "-o", out, "-r", "--retry-failed")
    assert (mended.exit_code, mended.stderr) == (0, "")
    assert "1 coloured, 4 were done before" in mended.stdout


def test_a_photo_without_a_suffix_is_named(tmp_path: Path) -> None:
    (scans := tmp_path / "scans").mkdir()
    (scans / "scan0001").write_bytes(encoded(grey_picture()))
    result = run("colorize", scans, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "rename it to scan0001.png" in result.stderr


def test_the_users_own_technical_texts_are_no_descriptions(tmp_path: Path) -> None:
    (scans := tmp_path / "scans").mkdir()
    for name, text in (("a", "Album Meier, page 12"), ("b", "a red tram")):
        (scans / f"{name}.png").write_bytes(encoded(grey_picture()))
        (scans / f"{name}.txt").write_text(text)
    (tmp_path / "own.txt").write_text("Album Meier, page *\n")
    out = tmp_path / "out"
    result = run("colorize", scans, "-o", out, "--technical-texts", tmp_path / "own.txt")
    assert result.exit_code == 0
    assert "1 photo with notes:" in result.stdout.splitlines()
    assert {name: row["description"] for name, row in table(out).items()} == {
        "a.png": "", "b.png": "a red tram",
    }  # fmt: skip
    assert "Album Meier, page 12" in table(out)["a.png"]["notes"]


def test_texts_beside_a_photo_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    (scans := tmp_path / "scans").mkdir()
    for name in ("broken", "huge", "windows"):
        (scans / f"{name}.png").write_bytes(encoded(grey_picture()))
    (scans / "broken.json").write_text('{"caption": "a red')
    (scans / "huge.txt").write_text("a red tram " * 200_000)
    (scans / "windows.txt").write_text("Großmutter, ein rotes Kleid", "utf-16")
    assert run("colorize", scans, "-o", tmp_path / "out").exit_code == 0
    rows = table(tmp_path / "out")
    assert "broken.json is damaged JSON" in rows["broken.png"]["notes"]
    assert "huge.txt has 2,200,000 bytes" in rows["huge.png"]["notes"]
    assert rows["windows.png"]["description"] == "Großmutter, ein rotes Kleid"
    assert rows["broken.png"]["description"] == rows["huge.png"]["description"] == ""


def test_descriptions_from_everywhere(tmp_path: Path) -> None:
    folder, out = tmp_path / "scans", tmp_path / "out"
    folder.mkdir()
    for number, name in enumerate(("row", "sidecar", "all")):
        (folder / f"{name}.png").write_bytes(encoded(grey_picture(seed=number)))
    exif = Image.Exif()
    exif[0x010E] = "from inside"
    Image.fromarray(grey_picture(seed=8)).save(folder / "inside.jpg", exif=exif)
    (folder / "sidecar.txt").write_text("from beside")
    (tmp_path / "t.csv").write_text("file;description;year\nrow.png;from the table;1923\nx;y;z\n")
    args = ("colorize", folder, "-o", out, "--descriptions", tmp_path / "t.csv")
    result = run(*args)
    assert result.exit_code == 0, result.stderr
    assert {
        row["file"]: (row["description"], row["described_by"]) for row in table(out).values()
    } == {
        "row.png": ("from the table", "csv"),
        "sidecar.png": ("from beside", "sidecar"),
        "inside.jpg": ("from inside", "embedded"),
        "all.png": ("", ""),
    }
    assert "1 row of the descriptions names no photo here: x" in result.stdout
    assert "4 were done before" in run(*args).stdout
    changed = run(*args, "-d", "for all", "--no-captions")
    assert "3 coloured, 1 was done before" in changed.stdout
    assert table(out)["inside.jpg"]["described_by"] == "option"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("-r",), "-o OUT"),
        (("-o", "scans"), "among the photos"),
        (("-o", "scans/a.png"), "is a file"),
        (("-o", "out", "--candidates", "2"), "single photos"),
        (("-o", "out", "--descriptions", "none.csv"), "none.csv"),
        (("-o", "out", "--descriptions", "scans/notes.txt"), "file and description"),
        (("-o", "out", "--descriptions", "scans/empty.csv"), "empty.csv is empty: its first line"),
        (("-o", "out", "--contact-sheet", "sheet.pdf"), "sheet.html"),
        (("-o", "out", "nowhere", "-r"), "nowhere"),
        (("-o", "out", "--format", "gif"), "gif"),
        (("-o", "new.png"), "new.png names a file"),
    ],
)
def test_what_makes_no_sense_is_one_line(scans: Path, args: tuple[str, ...], words: str) -> None:
    def nothing_loads(_config: Config) -> Service:
        raise AssertionError("models were loaded for nothing")

    before = Path.cwd()
    os.chdir(scans.parent)
    try:
        result = run("colorize", "scans", *args, load=nothing_loads)
    finally:
        os.chdir(before)
    assert result.exit_code == 2
    assert words in one_line(result.stderr)


def test_one_photo_with_a_folders_option_makes_no_folder_that_is_called_a_file(
    scans: Path, tmp_path: Path
) -> None:
    result = run("colorize", scans / "a.png", "-o", tmp_path / "new.jpg", "--format", "jpeg")
    assert result.exit_code == 2
    assert "new.jpg names a file" in one_line(result.stderr)
    assert not (tmp_path / "new.jpg").exists()


def test_a_folder_among_photos_is_named(scans: Path, tmp_path: Path) -> None:
    result = run("colorize", scans / "a.png", scans / "1923", "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "--recursive" in result.stderr.splitlines()[0]


def test_another_format_keeps_the_whole_name(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("colorize", scans / "1923", "-o", out, "--format", "png")
    assert files(out) == {"b.jpg.png", "c.tif.png"} | REPORTS
    assert decode((out / "c.tif.png").read_bytes(), limits=Limits()).bits == 16


def test_the_depth_is_not_cut_behind_the_users_back(tmp_path: Path) -> None:
    import imagecodecs

    folder = tmp_path / "scans"
    folder.mkdir()
    deep = imagecodecs.png_encode(grey_picture().astype(np.uint16) * 257)
    (folder / "really-a-png.jpg").write_bytes(deep)
    result = run("colorize", folder, "-o", tmp_path / "out")
    assert "16 bits and is a png" in after_the_folder(result.stderr)
    assert run("colorize", folder, "-o", tmp_path / "out", "--format", "jpeg").exit_code == 0


def test_the_contact_sheet_shows_all_and_links_to_the_results(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (scans / 'a "b" <i>&amp; #1?.png').write_bytes(encoded(grey_picture(40, 60, seed=7)))
    result = run("colorize", scans, "-o", out, "-r", "--contact-sheet", tmp_path / "sheet.html")
    assert f"contact sheet: {tmp_path / 'sheet.html'}" in result.stdout
    page = (tmp_path / "sheet.html").read_text()
    assert page.count('alt="before"') == page.count('alt="after"') == 5
    assert "<i>" not in page
    assert 'href="out/a%20%22b%22%20%3Ci%3E%26amp%3B%20%231%3F.png"' in page
    assert 'class="failed"' in page
    assert "http" not in re.sub(r'src="data:[^"]*"', "", page)  # nothing is fetched


def test_a_contact_sheet_that_cannot_be_written_is_named_before_the_work(scans: Path) -> None:
    out = scans.parent / "out"
    result = run("colorize", scans, "-o", out, "--contact-sheet", "/dev/null/sheet.html")
    assert result.exit_code == 2
    said = one_line(result.stderr)
    assert said == "photochrom: cannot write /dev/null/sheet.html: Not a directory"
    assert not out.exists()


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ("sheet/sheet.html", "the contact sheet {} cannot be written: Is a directory"),
        ("out/photochrom-report.csv", "the report cannot be written: Is a directory"),
    ],
)
def test_a_run_whose_sheet_or_report_is_missing_has_failed(
    tmp_path: Path, lost: str, said: str
) -> None:
    folder, sheet, out = (tmp_path / name for name in ("in", "sheet/sheet.html", "out"))
    folder.mkdir()
    (folder / "a.png").write_bytes(encoded(grey_picture()))

    class Blocking(FakeColorizer):  # something takes the file's place while photos are coloured
        def predict(self, lightness: np.ndarray, condition: Condition) -> Prediction:
            (tmp_path / lost / "inside").mkdir(parents=True, exist_ok=True)
            return super().predict(lightness, condition)

    result = run(
        "colorize", folder, "-o", out, "--contact-sheet", sheet,
        load=lambda _config: Service(Blocking(), FakeClip()),
    )  # fmt: skip
    assert result.exit_code == 2
    assert said.format(sheet) in result.stderr.splitlines()
    assert ("report: " in result.stdout) == (out / "photochrom-report.csv").is_file()
    assert ("contact sheet: " in result.stdout) == sheet.is_file()


def test_the_contact_sheet_of_many_has_pages(tmp_path: Path) -> None:
    folder, out = tmp_path / "scans", tmp_path / "out"
    folder.mkdir()
    data = encoded(grey_picture(8, 8))
    for number in range(103):
        (folder / f"{number:03}.png").write_bytes(data)
    result = run("colorize", folder, "-o", out, "--contact-sheet", out / "sheet.html")
    assert result.exit_code == 0
    assert ", 2 pages" in result.stdout
    pages = [(out / name).read_text() for name in ("sheet.html", "sheet-2.html")]
    assert [page.count('alt="after"') for page in pages] == [100, 3]
    assert 'href="sheet-2.html"' in pages[0]
    assert "000.png" in pages[0]
    assert "102.png" in pages[1]


@pytest.fixture
def address() -> Iterator[str]:
    service = Service(FakeColorizer(), FakeClip())
    with running(service, Config(port=0)) as port:
        yield f"http://127.0.0.1:{port}"
    service.close()


def test_a_server_does_the_same(scans: Path, tmp_path: Path, address: str) -> None:
    run("colorize", scans, "-o", tmp_path / "here", "-r", "-d", "a red tram")
    args = ("colorize", scans, "-o", tmp_path / "there", "-r", "-d", "a red tram")
    assert run(*args, "--server", address).exit_code == 2
    for name in ("a.png", "1923/b.jpg", "1923/c.tif", "1923/spring/d.npy"):
        assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes()
    assert "4 were done before" in run(*args, "--server", address).stdout


def test_a_busy_server_is_asked_again_by_several_at_once(tmp_path: Path) -> None:
    folder, out = tmp_path / "scans", tmp_path / "out"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number}.png").write_bytes(encoded(grey_picture(seed=number)))
    service = Service(FakeColorizer(), FakeClip(), workers=1, waiting=1)  # two are one too many
    with running(service, Config(port=0)) as port:
        result = run(
            "colorize", folder, "-o", out, "--server", f"http://127.0.0.1:{port}", "--jobs", 4
        )
    service.close()
    assert (result.exit_code, after_the_folder(result.stderr, lines=0)) == (0, "")
    assert len(files(out)) == 12 + len(REPORTS)


def test_a_server_that_stays_away_ends_the_batch_and_the_rest_waits() -> None:
    address = f"http://127.0.0.1:{free_port()}"
    backend = remote_backend(address, None, None, lambda: False, retry_timeout=0)
    request = ColorizeRequest(encoded(grey_picture()), answer_type=Exact("image/png"))
    with pytest.raises(CannotGoOn, match="photochrom serve"):
        backend.colour(request)
    stopped = remote_backend(address, None, None, lambda: True, retry_timeout=60)
    with pytest.raises(Stopped):
        stopped.colour(request)


class Breaking(BaseHTTPRequestHandler):
    """Works for three seconds on the first photo and then hangs up; on others it is quick."""

    began = followed = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        type(self).began += 1
        self.answer(b'{"id": "a"}', "application/json", status=202)

    def do_GET(self) -> None:
        if self.path.endswith("/result"):
            self.answer(b"coloured", "image/png")
        elif self.began > 1:
            done = b'data: {"state": "done", "stage": "done", "progress": 1}\n\n'
            self.answer(done, "text/event-stream")
        elif not self.followed:
            type(self).followed = 1
            self.send_response(200)
            self.end_headers()
            for _ in range(30):
                time.sleep(0.1)
                self.wfile.write(b": still here\n\n")
        self.close_connection = True  # whoever asks again gets no answer

    def do_DELETE(self) -> None:
        self.close_connection = True

    def answer(self, body: bytes, media_type: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_the_time_in_which_a_server_worked_on_a_photo_is_no_absence() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Breaking) as server:
        threading.Thread(target=server.serve_forever).start()
        address = f"http://127.0.0.1:{server.server_port}"
        backend = remote_backend(address, None, None, lambda: False, retry_timeout=2.5)
        request = ColorizeRequest(encoded(grey_picture()), answer_type=Exact("image/png"))
        try:
            assert backend.colour(request).body == b"coloured"
        finally:
            server.shutdown()
    assert Breaking.began == 2


def test_a_nap_ends_when_asked() -> None:
    began = time.monotonic()
    assert sleep_unless_stopped(1000, lambda: True)
    assert not sleep_unless_stopped(0, lambda: False)
    assert time.monotonic() - began < 500


PROGRAM = """
import sys, time
sys.path[:0] = [{root!r}]
from tests.support.fakes import FakeClip, FakeColorizer
from plugin_server.cli import main
from plugin_server.service import Service

class Slow(FakeColorizer):
    def predict(self, lightness, condition):
        time.sleep(0.05)
        return super().predict(lightness, condition)

main(sys.argv[1:], obj=lambda config: Service(Slow(), FakeClip(), workers=config.workers))
"""


def start(*args: object) -> subprocess.Popen[str]:
    program = PROGRAM.format(root=str(ROOT))
    command = [sys.executable, "-c", program, *map(str, args)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )


def wait_for(condition: object, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def many(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:03}.png").write_bytes(encoded(grey_picture(seed=number)))
    return folder


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals are others there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_cleanly_and_the_next_run_goes_on(tmp_path: Path, number: int) -> None:
    folder, out = many(tmp_path / "scans", 60), tmp_path / "out"
    process = start("colorize", folder, "-o", out)
    wait_for(lambda: (out / "005.png").exists())
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "the same command goes on from here" in after_the_folder(stderr)
    done = len(files(out) - REPORTS)
    assert 5 < done < 60
    assert f"{done} coloured" in stdout
    assert not [name for name in files(out) if "partial" in name]
    again = run("colorize", folder, "-o", out)
    assert again.exit_code == 0
    assert f"{60 - done} coloured, {done} were done before" in again.stdout


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals are others there")
def test_a_killed_run_loses_nothing_but_what_was_in_hand(tmp_path: Path) -> None:
    folder, out = many(tmp_path / "scans", 60), tmp_path / "out"
    in_hand = 2 + AROUND
    for name in ("003.png", "019.png"):
        process = start("colorize", folder, "-o", out, "--jobs", 2)
        wait_for(lambda name=name: (out / name).exists())  # type: ignore[misc]
        process.kill()
        process.communicate(timeout=60)
    again = run("colorize", folder, "-o", out)
    assert (again.exit_code, again.stderr) == (0, "")
    assert files(out) == {f"{number:03}.png" for number in range(60)} | REPORTS
    assert all(decoded((out / f"{n:03}.png").read_bytes()).shape == (24, 32, 3) for n in range(60))
    before = int(re.search(r"(\d+) were done before", again.stdout)[1])  # type: ignore[index]
    assert 20 - in_hand <= before < 60


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals are others there")
def test_a_watched_folder(tmp_path: Path) -> None:
    folder, out = many(tmp_path / "scanner", 1), tmp_path / "out"
    process = start("colorize", folder, "-o", out, "--watch")
    wait_for(lambda: (out / "000.png").exists())
    (folder / "new.png").write_bytes(encoded(grey_picture(seed=99)))
    wait_for(lambda: (out / "new.png").exists())
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert stdout.splitlines()[:2] == [str(out / "000.png"), str(out / "new.png")]
    assert "2 photos: 2 coloured" in stdout
