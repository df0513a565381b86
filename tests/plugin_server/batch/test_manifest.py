"""The manifest: the last line counts, a torn one does not, and only one run may write it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from plugin_server.batch.manifest import NAME, Manifest, ManifestError, Record
from tests.support.repository import ROOT

RECORD = Record(
    name="a/b.png", state="done", path="/scans/a/b.png", size=3, mtime_ns=4, sha256="5",
    settings="6", output="a/b.png", output_size=7, description="a red tram", described_by="csv",
    exemplar="x; score=0.80", notices=("one", "two"), seconds=1.5, at="2026-01-02T03:04:05+00:00",
)  # fmt: skip


def test_records_come_back_as_they_were(tmp_path: Path) -> None:
    strange = "caf\udce9/line\nbreak \u2028 \U0001f4f7" + 5000 * "n"
    with Manifest(tmp_path / "new/folder") as manifest:
        manifest.add(RECORD)
        manifest.add(Record(name=strange, state="failed", error="why"))
        assert manifest.get("a/b.png") == RECORD
    with Manifest(tmp_path / "new/folder") as manifest:
        assert list(manifest) == [RECORD, Record(name=strange, state="failed", error="why")]
        assert manifest.get("other") is None


def test_the_last_line_about_a_photo_counts(tmp_path: Path) -> None:
    for state in ("begun", "failed", "begun", "done"):
        with Manifest(tmp_path) as manifest:
            manifest.add(Record(name="a", state=state))  # type: ignore[arg-type]
    with Manifest(tmp_path) as manifest:
        assert [record.state for record in manifest] == ["done"]
        assert manifest.interrupted == []
    assert len((tmp_path / NAME).read_bytes().splitlines()) == 4


@pytest.mark.parametrize("cut", range(2, 40, 3))
def test_a_line_that_was_cut_off_is_passed_over(tmp_path: Path, cut: int) -> None:
    with Manifest(tmp_path) as manifest:
        manifest.add(Record(name="a", state="done"))
        manifest.add(Record(name="b", state="begun"))
    whole = (tmp_path / NAME).read_bytes()
    last = len(whole.splitlines()[1]) + 1
    (tmp_path / NAME).write_bytes(whole[: len(whole) - min(cut, last - 1)])
    with Manifest(tmp_path) as manifest:
        assert [record.name for record in manifest] == ["a"]
        manifest.add(Record(name="c", state="done"))
    with Manifest(tmp_path) as manifest:
        assert [record.name for record in manifest] == ["a", "c"]


def test_a_line_that_lacks_its_end_alone_counts(tmp_path: Path) -> None:
    with Manifest(tmp_path) as manifest:
        manifest.add(Record(name="a", state="done"))
    (tmp_path / NAME).write_bytes((tmp_path / NAME).read_bytes()[:-1])
    with Manifest(tmp_path) as manifest:
        manifest.add(Record(name="b", state="done"))
    with Manifest(tmp_path) as manifest:
        assert [record.name for record in manifest] == ["a", "b"]


def test_lines_of_a_later_version_and_nonsense_are_no_harm(tmp_path: Path) -> None:
    lines = [
        json.dumps({"name": "a", "state": "done", "mood": "good"}), "[]", "null", "{}", "\x00\x00",
        json.dumps({"name": "b", "state": "failed"}),
    ]  # fmt: skip
    (tmp_path / NAME).write_text("\n".join(lines) + "\n")
    with Manifest(tmp_path) as manifest:
        assert [(record.name, record.state) for record in manifest] == [
            ("a", "done"),
            ("b", "failed"),
        ]


def test_work_that_never_ended_is_known(tmp_path: Path) -> None:
    with Manifest(tmp_path) as manifest:
        manifest.add(Record(name="a", state="begun", output="a"))
        manifest.add(Record(name="b", state="begun", output="b"))
        manifest.add(Record(name="b", state="done", output="b"))
    with Manifest(tmp_path) as manifest:
        assert [record.name for record in manifest.interrupted] == ["a"]
        manifest.add(Record(name="a", state="done", output="a"))
        assert manifest.interrupted == []


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")
def test_one_run_at_a_time(tmp_path: Path) -> None:
    with Manifest(tmp_path):
        with pytest.raises(ManifestError, match="another photochrom"):
            Manifest(tmp_path)
        program = (
            "import sys; from pathlib import Path\n"
            "from plugin_server.batch.manifest import Manifest\n"
            "Manifest(Path(sys.argv[1]))"
        )
        other = subprocess.run(
            [sys.executable, "-c", program, tmp_path],
            capture_output=True, text=True, cwd=ROOT, check=False,
        )  # fmt: skip
        assert "another photochrom" in other.stderr
    Manifest(tmp_path).close()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ManifestError, match="another folder with -o"):
        Manifest(tmp_path / "file" / "out")
