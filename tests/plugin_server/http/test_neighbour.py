"""Who listens on a port."""

from __future__ import annotations

import os
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from gimp_plugin.photochrom.server import installation
from plugin_server.config import DEFAULT_PORT, Config
from plugin_server.http import serving
from plugin_server.http.neighbour import ask, neighbour
from plugin_server.service import Service
from tests.support.fakes import FakeClip, FakeColorizer
from tests.support.running_server import running


class Stranger(BaseHTTPRequestHandler):
    """Another program's web server."""

    server_version, sys_version = "Stranger/1", ""

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass


def test_a_photochrom_says_its_version() -> None:
    with running(Service(FakeColorizer(), FakeClip()), Config(port=0)) as port:
        assert neighbour("127.0.0.1", port).startswith("Photochrom 0")
        with pytest.raises(serving.PortError, match=r"Photochrom 0.* use that one"):
            serving.reserve(Config(port=port))


def test_a_stranger_is_named() -> None:
    with HTTPServer(("127.0.0.1", 0), Stranger) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            found = neighbour("127.0.0.1", server.server_port)
            with pytest.raises(serving.PortError, match="choose another --port"):
                serving.reserve(Config(port=server.server_port))
        finally:
            server.shutdown()
            thread.join()
    named = f"process {os.getpid()}" if sys.platform == "linux" else "Stranger"
    assert named in found


def test_one_that_says_nothing_is_another_program() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert neighbour("127.0.0.1", port)


class Endless(BaseHTTPRequestHandler):
    """Begins an answer that never ends, a byte now and then."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        while not self.server.is_over.wait(0.02):  # type: ignore[attr-defined]
            self.wfile.write(b" ")

    def log_message(self, *_: object) -> None:
        pass


def test_one_that_never_ends_is_not_waited_for() -> None:
    with HTTPServer(("127.0.0.1", 0), Endless) as server:
        over = server.is_over = threading.Event()  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        try:
            assert ask("127.0.0.1", server.server_port, timeout=0.3) is None
        finally:
            over.set()
            thread.join()


def test_a_token_is_told_only_to_a_server_that_knows_it() -> None:
    told: list[str | None] = []

    class Curious(Stranger):
        def do_GET(self) -> None:
            told.append(self.headers.get("Authorization"))
            self.send_response(401)
            self.send_header("Photochrom-Proof", "0" * 64)
            self.end_headers()

    with HTTPServer(("127.0.0.1", 0), Curious) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        ask("127.0.0.1", server.server_port, "abc")
        thread.join()
    assert told == [None]
    with running(Service(FakeColorizer(), FakeClip()), Config(port=0, token="abc")) as port:
        ours, foreign = ask("127.0.0.1", port, "abc"), ask("127.0.0.1", port, "xyz")
    assert ours is not None
    assert ours.version
    assert foreign is not None
    assert (foreign.server, foreign.version) == ("photochrom", "")


def test_no_proxy_is_asked_about_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with running(Service(FakeColorizer(), FakeClip()), Config(port=0)) as port:
        assert neighbour("127.0.0.1", port).startswith("Photochrom 0")


def test_nobody_is_a_refusal() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        ask("127.0.0.1", port)


def test_the_plug_in_and_the_server_agree_on_the_port() -> None:
    assert installation.DEFAULT_PORT == DEFAULT_PORT
