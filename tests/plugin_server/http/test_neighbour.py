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
from plugin_server.http.neighbour import neighbour
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


def test_the_plug_in_and_the_server_agree_on_the_port() -> None:
    assert installation.DEFAULT_PORT == DEFAULT_PORT
