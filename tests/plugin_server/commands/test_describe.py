"""``photochrom describe``: a table that colorize reads again."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from PIL import Image

from tests.support.command import one_line, run
from tests.support.pictures import encoded, grey_picture


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "scans"
    (folder / "box").mkdir(parents=True)
    for name in ("a.png", "b.png", "box/c.png"):
        (folder / name).write_bytes(encoded(grey_picture()))
    (folder / "b.txt").write_text("Zwei Männer, am Hafen", "utf-16")
    exif = Image.Exif()
    exif[0x010E] = "EPSON scanner image"
    Image.fromarray(grey_picture()).save(folder / "box" / "d.jpg", exif=exif)
    return folder


def test_a_template_is_what_colorize_reads(scans: Path, tmp_path: Path) -> None:
    table = tmp_path / "catalogue.csv"
    result = run("describe", scans, "-r", "--template", "-o", table)
    assert result.exit_code == 0, result.stderr
    assert "4 photos, 3 without a description" in result.stderr
    assert "EPSON scanner image" in result.stderr
    rows = list(csv.DictReader(io.StringIO(table.read_text("utf-8-sig"))))
    assert {row["file"]: row["description"] for row in rows} == {
        "a.png": "", "b.png": "Zwei Männer, am Hafen", "box/c.png": "", "box/d.jpg": "",
    }  # fmt: skip
    filled = table.read_text("utf-8-sig").replace("a.png,,", "a.png,a red tram,")
    table.write_text(filled, "utf-8")
    out = tmp_path / "out"
    assert run("colorize", scans, "-o", out, "-r", "--descriptions", table).exit_code == 0
    report = (out / "photochrom-report.csv").read_text("utf-8-sig")
    assert "a red tram" in report
    assert "Zwei Männer, am Hafen" in report
    assert "exists already" in one_line(run("describe", scans, "--template", "-o", table).stderr)


def test_the_list_on_stdout(scans: Path, tmp_path: Path) -> None:
    result = run("describe", scans)
    assert result.stdout.splitlines() == ["a.png: -", "b.png: Zwei Männer, am Hafen"]
    assert run("describe", scans, "--template").stdout.startswith("file,description,described_by")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "there is no photo" in one_line(run("describe", empty).stderr)
    assert "does not exist" in one_line(run("describe", tmp_path / "nowhere").stderr)
