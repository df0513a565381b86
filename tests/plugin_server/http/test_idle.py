"""A server that ends itself when nobody needs it, and one that writes to a log."""

from __future__ import annotations

import itertools
import socket
import subprocess
import sys
import threading
from http.client import HTTPConnection
from pathlib import Path

import pytest

from plugin_server.app import create_app
from plugin_server.config import Config
from plugin_server.http import serving
from plugin_server.http.logfile import MAX_BYTES, LogError, begin, set_aside
from plugin_server.service import Service
from tests.support.fakes import FakeClip, FakeColorizer, HeldColorizer
from tests.support.forms import FORM, form
from tests.support.pictures import encoded, grey_picture
from tests.support.repository import ROOT


def server_of(service: Service) -> tuple[serving.Server, socket.socket]:
    config = Config(port=0)
    bound = serving.reserve(config)
    return serving.Server(create_app(config, service), config, bound), bound


def test_idle_is_over_after_its_time_without_work() -> None:
    clock = itertools.count()  # a second passes between two looks
    idle = serving.Idle(3, clock=lambda: float(next(clock)))
    looks = [idle.is_over(busy=busy) for busy in (False, False, True, False, False, False)]
    assert looks == [False, False, False, False, False, True]


def test_without_a_time_it_is_never_over() -> None:
    clock = itertools.count(step=1e9)
    idle = serving.Idle(None, clock=lambda: float(next(clock)))
    assert not any(idle.is_over(busy=False) for _ in range(10))


def test_a_server_ends_when_nothing_happens() -> None:
    server, bound = server_of(Service(FakeColorizer(), FakeClip()))
    with bound:
        place = bound.getsockname()[:2]
        assert server.run(idle_exit=0.01)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(place)


def test_work_in_the_background_keeps_it_up() -> None:
    server, bound = server_of(Service(FakeColorizer(), FakeClip()))
    working = iter([True, True, False])
    with bound:
        assert server.run(idle_exit=0.01, is_working=lambda: next(working))
    assert list(working) == [], "it ended while there was work"


def test_a_request_that_is_worked_on_keeps_it_up() -> None:
    colorizer = HeldColorizer()
    server, bound = server_of(Service(colorizer, FakeClip()))
    looks = threading.Semaphore(0)

    def look() -> bool:
        looks.release()
        return False

    ended: list[bool] = []
    running = threading.Thread(
        target=lambda: ended.append(server.run(idle_exit=0.01, is_working=look)), daemon=True
    )
    connection = HTTPConnection(*bound.getsockname()[:2], timeout=20)
    try:
        # The port is open already, so all of the request waits there for the loop to begin.
        connection.request(
            "POST", "/v1/colorize", form(encoded(grey_picture())), {"Content-Type": FORM}
        )
        running.start()
        assert colorizer.arrived.acquire(timeout=10)
        while looks.acquire(blocking=False):
            pass
        for _ in range(3):  # three looks, a second apart, each far longer than it may be idle
            assert looks.acquire(timeout=10)
        colorizer.release.set()
        assert connection.getresponse().status == 200
    finally:
        colorizer.release.set()
        connection.close()
    running.join(timeout=20)
    bound.close()
    assert ended == [True]


def test_half_a_request_is_work() -> None:
    server, bound = server_of(Service(FakeColorizer(), FakeClip()))
    with bound, socket.create_connection(bound.getsockname()[:2]) as client:
        client.sendall(
            b"POST /v1/colorize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n1"
        )
        seen: list[bool] = []

        def look() -> bool:
            channels = list(server._waitress.active_channels.values())
            for channel in channels:
                channel.last_activity = 0  # long ago
            if channels:  # accepted; what it sent is read in the next turn
                seen.append(serving.is_busy(channels[0]))
                if seen[-1] or len(seen) == 5:
                    server.stop()
            return False

        server.run(idle_exit=1000, is_working=look)
    assert seen[-1], "what has arrived was not noticed"


def test_everything_that_a_process_writes_is_in_the_log(tmp_path: Path) -> None:
    file = tmp_path / "logs" / "server.log"
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom plugin_server.http import logfile\n"
        "print('before')\nlogfile.begin(Path(sys.argv[1]))\n"
        "print('printed')\nos.write(2, b'from a library\\n')\nraise SystemExit('its last words')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)], capture_output=True, text=True,
        cwd=ROOT, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("before\n", "")
    lines = file.read_text().splitlines()
    assert sorted(lines) == ["from a library", "its last words", "printed"]


def test_a_long_log_is_set_aside(tmp_path: Path) -> None:
    file = tmp_path / "server.log"
    set_aside(file)
    file.write_bytes(b"x" * MAX_BYTES)
    set_aside(file)
    assert file.exists()
    file.write_bytes(b"y" * (MAX_BYTES + 1))
    (tmp_path / "server.log.1").write_text("older")
    set_aside(file)
    assert [f.name for f in tmp_path.iterdir()] == ["server.log.1"]
    assert (tmp_path / "server.log.1").stat().st_size == MAX_BYTES + 1


def test_a_log_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(LogError, match="--log"):
        begin(tmp_path / "file" / "server.log")
