"""What a person sees in GIMP when something goes wrong, and that the image stays as it was."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
import pytest
import skimage.data
from api.client import Client
from api.pixels import Pixels
from skimage.color import rgb2lab

from plugin_server.config import Config
from plugin_server.service import Service
from tests.support.command import free_port
from tests.support.fakes import FakeClip, FakeColorizer, HeldColorizer
from tests.support.gimp_screen import Screen, found
from tests.support.gimp_server import Served, serving_fakes
from tests.support.pictures import encoded, grey_picture
from tests.support.real_gimp import Gimp, find_command, wait_until
from tests.support.repository import ROOT

pytestmark = pytest.mark.gimp

GREY = Pixels(grey_picture().tobytes(), (24, 32, 1), "uint8")

# A server of its own process that says when a photo has reached its colorizer.
HELD = """
import sys, threading
sys.path[:0] = [{root!r}]
from tests.support.fakes import FakeClip, HeldColorizer
from tests.support.gimp_server import serving_fakes
from plugin_server.service import Service

colorizer = HeldColorizer()
with serving_fakes(Service(colorizer, FakeClip())) as served:
    print(served.address, flush=True)
    colorizer.arrived.acquire()
    print("arrived", flush=True)
    threading.Event().wait()
"""


@contextmanager
def held(**settings: Any) -> Iterator[tuple[Served, HeldColorizer]]:
    """Serve with a colorizer that waits to be released."""
    colorizer = HeldColorizer()
    with serving_fakes(Service(colorizer, FakeClip(), **settings)) as served:
        try:
            yield served, colorizer
        finally:
            colorizer.release.set()


def test_nothing_at_the_address(screen: Screen, before: dict[str, Any]) -> None:
    screen.use(f"http://127.0.0.1:{free_port()}")
    screen.gimp.menu("Colorize")
    screen.read_message("photochrom serve")
    assert screen.state() == before


def test_a_wrong_token(screen: Screen, before: dict[str, Any]) -> None:
    config = Config(port=0, token="right")
    with serving_fakes(Service(FakeColorizer(), FakeClip()), config) as served:
        screen.use(served.address, "wrong")
        screen.gimp.menu("Colorize")
        message = screen.read_message("cannot prove")
    assert "photochrom gimp install" in message
    assert screen.state() == before


def test_the_server_is_killed_in_the_middle(screen: Screen, before: dict[str, Any]) -> None:
    code = textwrap.dedent(HELD).format(root=str(ROOT))
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            screen.use(server.stdout.readline().strip())
            screen.gimp.menu("Colorize")
            assert server.stdout.readline() == "arrived\n"
        finally:
            server.kill()
    message = screen.read_message("broke")
    assert "nothing was changed" in message
    assert screen.state() == before


def test_cancel_stops_the_servers_work(screen: Screen, before: dict[str, Any]) -> None:
    with held() as (served, colorizer):
        screen.use(served.address)
        screen.gimp.menu("Colorize")
        assert colorizer.arrived.acquire(timeout=60)
        wait_until(lambda: served.count("GET", "/v1/jobs/") > 0, "the job is not followed")
        screen.gimp.ui("click", " GIMP$", "Cancel")
        wait_until(lambda: served.count("DELETE", "/v1/jobs/") == 1, "the job was not cancelled")
        path = next(path for method, path, _ in served.asked if method == "DELETE")
        with urlopen(served.address + path, timeout=10) as answer:
            assert json.load(answer)["state"] == "cancelled"
    assert screen.state() == before


def test_a_full_queue_is_waited_for(screen: Screen, before: dict[str, Any]) -> None:
    with held(workers=1, waiting=0) as (served, colorizer):
        first = threading.Thread(target=Client(served.address).colorize, args=(GREY,))
        first.start()
        try:
            assert colorizer.arrived.acquire(timeout=60)
            screen.use(served.address)
            screen.gimp.menu("Colorize")
            wait_until(lambda: ("POST", "/v1/jobs", 429) in served.asked, "the queue was not full")
            screen.gimp.shot("busy")  # the bar says so, which the accessibility bus does not tell
        finally:
            colorizer.release.set()
            first.join(timeout=60)
        screen.wait_for_layers(2)
    screen.undo_and_compare(before)


def test_a_server_that_does_not_run_is_started_with_the_real_weights(tmp_path: Path) -> None:
    """The command goes through ``relay.py``, because a chroot cannot run the tests' Python."""
    gimp = Gimp(found(find_command), tmp_path / "gimp")
    photo, port = tmp_path / "camera.png", free_port()
    photo.write_bytes(encoded(skimage.data.camera()))
    config = {
        "address": f"http://127.0.0.1:{port}",
        "command": ["python3", str(tmp_path / "gimp" / "relay.py"), str(tmp_path), "serve"],
        "log": str(tmp_path / "server.log"),
    }
    (gimp.plugin / "config.json").write_text(json.dumps(config))
    with starting(tmp_path, port) as servers:
        answer, _ = gimp.py("photo.py", photo, "a man in a red coat on green grass")
    assert answer["errors"] == [None, None]
    assert len(servers) == 1
    assert answer["same_source"]
    assert answer["layers"] == 3
    assert answer["new"] == answer["again"]
    seen = answer["seen"]
    rgba = np.frombuffer(base64.b64decode(seen["data"]), np.float32).reshape(512, 512, 4)
    lab = rgb2lab(rgba[..., :3])
    assert np.hypot(lab[..., 1], lab[..., 2]).mean() > 5
    grey = rgb2lab(np.dstack([skimage.data.camera()] * 3))
    assert np.abs(lab[..., 0] - grey[..., 0]).mean() < 0.3


@contextmanager
def starting(folder: Path, port: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Start a real server as soon as the relay wants one."""
    servers: list[subprocess.Popen[bytes]] = []
    given_up = threading.Event()

    def start() -> None:
        wanted = folder / "wanted.json"
        while not wanted.exists():
            if given_up.wait(0.05):
                return
        words = json.loads(wanted.read_text())
        assert words[0] == "serve"
        command = [sys.executable, "-m", "plugin_server", *words, "--port", str(port)]
        servers.append(subprocess.Popen([*command, "--library", str(folder / "library")], cwd=ROOT))

    thread = threading.Thread(target=start)
    thread.start()
    try:
        yield servers
    finally:
        given_up.set()
        thread.join(timeout=10)
        for server in servers:
            server.terminate()
            server.wait(timeout=20)
        (folder / "ended").touch()
