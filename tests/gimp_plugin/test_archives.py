"""What ``make plugin`` makes, installed in a real GIMP whose profile is new."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gimp_plugin.archive import IDENTIFIER
from gimp_plugin.install import SOURCE, build_zip
from plugin_server.config import Config
from plugin_server.service import Service
from tests.support.fakes import FakeClip, FakeColorizer
from tests.support.real_gimp import Command, Gimp
from tests.support.repository import ROOT
from tests.support.running_server import running

pytestmark = pytest.mark.gimp

BLURB = "Color the selected layer after a description"
NEWER = "Color the selected layer after your own words"
DONE = {"error": None, "layers": ["a red tram", "photo"]}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running(Service(FakeColorizer(), FakeClip()), Config(port=0)) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run ``make plugin``; return the folder of its archives."""
    folder = tmp_path_factory.mktemp("dist")
    # The environment is there already: these tests run in it.
    subprocess.run(["make", "-o", "setup", "plugin", f"DIST={folder}"], cwd=ROOT, check=True)
    return folder


@pytest.fixture
def gimp(command: Command, address: str, tmp_path: Path) -> Gimp:
    """Return a GIMP without the plug-in."""
    gimp = Gimp(command, tmp_path / "gimp", PHOTOCHROM_SERVER=address)
    shutil.rmtree(gimp.plugin)
    return gimp


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip as people's programs do: over what is there, with its permissions and times."""
    with zipfile.ZipFile(archive) as opened:
        for entry in opened.infolist():
            file = Path(opened.extract(entry, folder))
            file.chmod(entry.external_attr >> 16)
            seconds = time.mktime((*entry.date_time, 0, 0, -1))
            os.utime(file, (seconds, seconds))


def newer_source(folder: Path) -> Path:
    """Copy the plug-in with another text in a file that GIMP does not start."""
    source = folder / "newer"
    shutil.copytree(SOURCE, source)
    entries = source / "entries.py"
    text = entries.read_text(encoding="utf-8")
    assert BLURB in text
    entries.write_text(text.replace(BLURB, NEWER), encoding="utf-8")
    return source


def test_the_zip_is_unpacked_and_a_newer_one_over_it(
    gimp: Gimp, made: Path, tmp_path: Path
) -> None:
    (archive,) = made.glob("photochrom-gimp-*.zip")
    unpack(archive, gimp.plugin.parent)
    assert gimp.py("installed.py")[0] == {"blurb": BLURB, **DONE}
    newer = build_zip(tmp_path / "newer.zip", version="0.1.9", source=newer_source(tmp_path))
    unpack(newer, gimp.plugin.parent)
    # GIMP asks a plug-in anew what it offers when the time of the file that it starts has changed.
    assert gimp.py("installed.py")[0] == {"blurb": NEWER, **DONE}


def test_the_extension_is_opened_in_gimp_and_switched_on(gimp: Gimp, made: Path) -> None:
    """GIMP leaves a new extension off until it is switched on in its dialog Manage Extensions."""
    (archive,) = made.glob("*.gex")
    gimp.py("installed.py", archive)
    kept = gimp.plugin.parents[1] / "extensionrc"
    text = kept.read_text(encoding="utf-8")
    assert IDENTIFIER in text
    # Before it runs an extension GIMP looks whether what its metadata name is there.
    before, _, after = text.partition(f'"{IDENTIFIER}"')
    kept.write_text(f'{before}"{IDENTIFIER}"{after.replace("active no", "active yes", 1)}')
    answer, noise = gimp.py("installed.py")
    assert "failed to run" not in noise, noise
    assert answer == {"blurb": BLURB, **DONE}
