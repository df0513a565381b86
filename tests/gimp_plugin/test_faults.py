"""What a person sees in GIMP when something goes wrong, and that the image stays as it was."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import urlopen

import pytest
from api.client import Client
from api.pixels import Pixels

from plugin_server.config import Config
from plugin_server.service import Service
from tests.support.command import free_port
from tests.support.fakes import FakeClip, FakeColorizer, HeldColorizer
from tests.support.gimp_screen import Screen
from tests.support.gimp_server import Served, serving_fakes
from tests.support.pictures import grey_picture
from tests.support.real_gimp import wait_until
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
