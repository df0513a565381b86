"""The first hour in a fresh home folder: nothing else is written to, and Windows could follow."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import skimage.data
from PIL import Image

from tests.support.repository import ROOT

pytestmark = pytest.mark.slow

GIMP = Path(".config") / "GIMP" / "3.0"  # as GIMP makes it when it is started first


def lived_through(home: Path, *options: str | Path) -> str:
    """Run all that a new user runs, and return what was said; every path has odd letters."""
    photos = home / "Мои фото, été"
    photos.mkdir(parents=True)
    (home / GIMP).mkdir(parents=True)
    (home / "tmp").mkdir()
    for name in ("chelsea", "coffee"):
        grey = Image.fromarray(getattr(skimage.data, name)()).convert("L").resize((160, 108))
        grey.save(photos / f"{name} großmutter.png")
    command = [sys.executable, "-m", "tests.support.new_user", str(photos), *map(str, options)]
    done = subprocess.run(
        command, cwd=home, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        encoding="utf-8", timeout=500, check=False,
        env={"HOME": str(home), "TMPDIR": str(home / "tmp"), "PATH": "", "PYTHONPATH": str(ROOT),
             "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_nothing_is_written_outside_the_users_own_folders(tmp_path: Path) -> None:
    home, writes = tmp_path / "home", tmp_path / "writes"
    said = lived_through(home, "--writes", writes)
    assert "the plug-in is removed" in said
    written = {line.partition(" ")[2] for line in writes.read_text("utf-8").splitlines()}
    outside = {path for path in written if not Path(path).is_relative_to(home)}
    assert outside <= {os.devnull}
    assert len(written) > 20, "the trace is empty"
    # A setup that was undone leaves GIMP's folders and the session as they were.
    assert [path for path in (home / GIMP).rglob("*") if path.is_file()] == []
    assert not list((home / ".config" / "systemd" / "user").glob("*"))
    assert not list((home / "tmp").glob("photochrom-*/*")), "private files were left"


@pytest.mark.skipif(os.name != "posix", reason="takes away what only POSIX has")
def test_all_of_it_works_without_what_only_posix_has(tmp_path: Path) -> None:
    said = lived_through(tmp_path / "home", "--without-posix")
    assert "was read as: a red dress" in said
    assert said.count("answer: ") == 2, "serve and demo"
    assert "2 coloured" in said or "3 coloured" in said
