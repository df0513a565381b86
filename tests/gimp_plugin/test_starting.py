"""A real GIMP starts the server that does not run: with the real weights, beside a stranger on its
port, and out of a Flatpak.

GIMP lives in a chroot, which cannot run the tests' Python: what the plug-in starts there asks the
test, through files, to start the server outside (``gimp_scripts/relay.py``).
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from skimage.color import rgb2lab

from plugin_server.config import Config
from plugin_server.service import Service
from tests.support.command import free_port
from tests.support.fakes import FakeClip, FakeColorizer
from tests.support.gimp_screen import found
from tests.support.gimp_server import serving_fakes
from tests.support.pictures import encoded
from tests.support.real_gimp import SCRIPTS, Command, Gimp, find_command
from tests.support.repository import ROOT
from tests.support.scripted_server import Reply, scripted

pytestmark = pytest.mark.gimp

WORDS = "a man in a red coat on green grass"


@contextmanager
def real_server(folder: Path, wanted: dict[str, Any]) -> Iterator[None]:
    """Run the server in a process of its own, with the real weights."""
    command = [sys.executable, "-m", "plugin_server", *wanted["words"]]
    with subprocess.Popen([*command, "--library", str(folder / "library")], cwd=ROOT) as server:
        try:
            yield
        finally:
            server.terminate()


@contextmanager
def fake_server(_folder: Path, wanted: dict[str, Any]) -> Iterator[None]:
    """Serve in a thread, with fake models."""
    words = wanted["words"]
    config = Config(port=int(words[words.index("--port") + 1]), token=wanted["token"])
    with serving_fakes(Service(FakeColorizer(), FakeClip()), config):
        yield


Serve = Callable[[Path, dict[str, Any]], AbstractContextManager[None]]


@contextmanager
def starting(folder: Path, serve: Serve) -> Iterator[list[dict[str, Any]]]:
    """Start a server as soon as the relay wants one; list what it wanted."""
    wanted: list[dict[str, Any]] = []
    over = threading.Event()

    def start() -> None:
        while not (folder / "wanted.json").exists():
            if over.wait(0.05):
                return
        wanted.append(json.loads((folder / "wanted.json").read_text()))
        with serve(folder, wanted[0]):
            over.wait()

    thread = threading.Thread(target=start)
    thread.start()
    try:
        yield wanted
    finally:
        over.set()
        thread.join(timeout=30)
        (folder / "ended").touch()
    assert not thread.is_alive()


def gimp_at(
    command: Command, folder: Path, port: int, token: str | None = None, **environ: str
) -> Gimp:
    """Give a GIMP whose server is started by the relay, at a port."""
    gimp = Gimp(command, folder / "gimp", **environ)
    relay = ["python3", str(folder / "gimp" / "relay.py"), str(folder)]
    config = {
        "address": f"http://127.0.0.1:{port}",
        "command": [*relay, "serve", "--port", str(port)],
        "log": str(folder / "server.log"),
        "token": token,
    }
    (gimp.plugin / "config.json").write_text(json.dumps(config))
    return gimp


def camera(folder: Path) -> Path:
    """Write a gray photo."""
    photo = folder / "camera.png"
    photo.write_bytes(encoded(skimage.data.camera()))
    return photo


def test_a_server_that_does_not_run_is_started_with_the_real_weights(tmp_path: Path) -> None:
    gimp = gimp_at(found(find_command), tmp_path, free_port())
    with starting(tmp_path, real_server) as wanted:
        answer, _ = gimp.py("photo.py", camera(tmp_path), WORDS)
    assert answer["errors"] == [None, None]
    assert len(wanted) == 1
    assert answer["same_source"]
    assert answer["layers"] == 3
    assert answer["new"] == answer["again"]
    seen = answer["seen"]
    rgba = np.frombuffer(base64.b64decode(seen["data"]), np.float32).reshape(512, 512, 4)
    lab = rgb2lab(rgba[..., :3])
    assert np.hypot(lab[..., 1], lab[..., 2]).mean() > 5
    grey = rgb2lab(np.dstack([skimage.data.camera()] * 3))
    assert np.abs(lab[..., 0] - grey[..., 0]).mean() < 0.3


def test_beside_a_stranger_on_the_port_a_free_one_is_taken_and_remembered(
    command: Command, tmp_path: Path
) -> None:
    with scripted(get_v1_health=Reply(200, b"<html>")) as (address, stranger):
        port = int(address.rpartition(":")[2])
        gimp = gimp_at(command, tmp_path, port, "abc")
        with starting(tmp_path, fake_server) as wanted:
            answer, _ = gimp.py("photo.py", camera(tmp_path), WORDS)
        assert answer["errors"] == [None, None]
        # Each call is a plug-in of its own: the second one found what the first had written down.
        assert stranger.asked == ["GET /v1/health"]
        assert "Authorization" not in stranger.headers[0]
    profile = gimp.plugin.parents[1] / "photochrom" / "config.json"
    kept = json.loads(profile.read_text())
    words = wanted[0]["words"]
    free = words[words.index("--port") + 1]
    assert kept["address"] == f"http://127.0.0.1:{free}" != address
    assert kept["command"][-2:] == ["--port", free]
    assert profile.stat().st_mode & 0o077 == 0, "it holds the token"


def test_a_flatpak_starts_it_outside_and_no_command_line_has_the_token(
    command: Command, tmp_path: Path
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    spawn = programs / "flatpak-spawn"
    spawn.write_bytes((SCRIPTS / "flatpak-spawn").read_bytes())
    spawn.chmod(0o755)
    gimp = gimp_at(
        command, tmp_path, free_port(), "a-secret-word",
        FLATPAK_ID="org.gimp.GIMP", SPAWN_NOTES=str(tmp_path),
    )  # fmt: skip
    # The chroot has a PATH of its own; GIMP gives its plug-ins what such files say.
    environ = gimp.plugin.parents[1] / "environ"
    environ.mkdir(exist_ok=True)
    (environ / "flatpak.env").write_text(f"PATH={programs}:/usr/bin:/bin\n")
    with starting(tmp_path, fake_server) as wanted:
        answer, _ = gimp.py("photo.py", camera(tmp_path), WORDS)
    assert answer["errors"] == [None, None]
    assert wanted[0]["token"] == "a-secret-word"
    spawned = json.loads((tmp_path / "spawned.json").read_text())
    assert spawned[1:3] == ["--host", "sh"]
    assert "serve" in spawned
    assert not any("secret" in word for word in (*spawned, *wanted[0]["words"]))
