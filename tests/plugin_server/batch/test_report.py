"""What the report of a batch puts up for review, and how it counts notes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from plugin_server.batch.batch import Outcome, Tally
from plugin_server.batch.manifest import Manifest, Record
from plugin_server.batch.report import REVIEW, SUMMARY, Report, kind_of


def test_the_least_sure_tenth_is_put_up_for_review_those_first(tmp_path: Path) -> None:
    tally = Tally(seconds=1.0)
    with Manifest(tmp_path) as manifest:
        for number in range(31):  # the first one has no confidence: nobody said
            record = Record(name=f"{number:02}.png", state="done", confidence=number * 7 % 31 / 100)
            manifest.add(record)
            tally.add(Outcome("coloured", record))
        report = Report(tmp_path, tally, 1)
        report.write(manifest)
        said = "\n".join(report.lines(manifest, []))
    with (tmp_path / REVIEW).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["file"], row["confidence"]) for row in rows] == [
        ("09.png", "0.01"), ("18.png", "0.02"), ("27.png", "0.03"),
    ]  # fmt: skip
    assert f"least sure of 3 photos: {tmp_path / REVIEW}" in said


def test_notes_are_counted_by_kind(tmp_path: Path) -> None:
    notices = [
        ('Not understood: "zigouigoui".', "The paper is toned."),
        ('Not understood: "qwxyzk".',),
        (),
    ]
    tally = Tally(seconds=1.0)
    with Manifest(tmp_path) as manifest:
        for number, some in enumerate(notices):
            record = Record(name=f"{number}.png", state="done", notices=some)
            manifest.add(record)
            tally.add(Outcome("coloured", record))
        report = Report(tmp_path, tally, 1)
        report.write(manifest)
        lines = list(report.lines(manifest, ["gone.png"]))
    at = lines.index("2 photos with notes:")
    assert lines[at + 1 : at + 3] == ["  2: Not understood: ....", "  1: The paper is toned."]
    assert "1 row of the descriptions names no photo here: gone.png" in lines
    notes = json.loads((tmp_path / SUMMARY).read_text())["notes"]
    assert notes == {"Not understood: ....": 2, "The paper is toned.": 1}


@pytest.mark.parametrize(
    ("notice", "kind"),
    [
        (
            "holiday.json is damaged JSON and was passed over.",
            "... is damaged JSON and was passed over.",
        ),
        ('Not understood: "röd" (perhaps "rod"?), "katt". Use', "Not understood: .... Use"),
        ("a.txt has 1,234 bytes, too many", "... has ... bytes, too many"),
    ],
)
def test_what_differs_from_photo_to_photo_is_left_out_of_a_kind(notice: str, kind: str) -> None:
    assert kind_of(notice) == kind
