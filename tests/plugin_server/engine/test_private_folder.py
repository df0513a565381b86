"""A folder that goes with its process, or with the next one that starts."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from plugin_server.engine import private_folder
from plugin_server.engine.private_folder import PrivateFolder, sweep

ROOT = Path(__file__).resolve().parents[3]
KEEPER = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from plugin_server.engine.private_folder import PrivateFolder
folder = PrivateFolder(0, [Path({place!r})])
(folder.path / "photo").write_bytes(b"private")
print(folder.path, flush=True)
sys.stdin.read()
"""


def test_it_is_its_owners_alone_and_goes_when_it_is_closed(tmp_path: Path) -> None:
    folder = PrivateFolder(0, [tmp_path])
    (folder.path / "photo").write_bytes(b"private")
    if os.name == "posix":
        assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    folder.close()
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_is_swept_and_a_living_ones_is_not(tmp_path: Path) -> None:
    code = KEEPER.format(root=str(ROOT), place=str(tmp_path))
    keepers = [
        subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    places = []
    for keeper in keepers:
        assert keeper.stdout is not None
        places.append(Path(keeper.stdout.readline().strip()))
    killed, living = keepers
    os.kill(killed.pid, signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
    killed.wait()
    own = PrivateFolder(0, [tmp_path])
    assert [place.exists() for place in places] == [False, True]
    assert (places[1] / "photo").read_bytes() == b"private"
    own.close()
    living.communicate("")
    sweep(tmp_path)
    assert not list(tmp_path.iterdir())
    for keeper in keepers:
        assert keeper.stdin is not None
        keeper.stdin.close()
        assert keeper.stdout is not None
        keeper.stdout.close()


def test_a_folder_that_is_too_small_is_passed_over(tmp_path: Path) -> None:
    small, large = tmp_path / "a", tmp_path / "b"
    for place in (small, large):
        place.mkdir()
    folder = PrivateFolder(1 << 62, [small, large])
    assert folder.path.parent == large
    folder.close()


@pytest.mark.skipif(os.name != "posix", reason="needs owners")
def test_a_folder_that_somebody_else_laid_out_is_not_used(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(0o700)
    link, open_to_all, own = tmp_path / "link", tmp_path / "open", tmp_path / "own"
    link.symlink_to(elsewhere)
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    usable = [private_folder._is_ours(place) for place in (link, open_to_all, own)]
    assert usable == [False, False, True]
