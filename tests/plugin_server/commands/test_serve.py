"""``photochrom serve``."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from models.networks.checkpoint import WeightsError
from plugin_server.commands.serve import welcome
from plugin_server.config import Config
from plugin_server.service import Service
from retrieval.library import ExemplarLibrary
from tests.support.command import free_port, one_line, run
from tests.support.repository import ROOT


def test_a_port_in_use_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("serve", "--port", port)
    assert result.exit_code == 2
    assert str(port) in one_line(result.stderr)
    assert "--port" in result.stderr


def test_the_port_opens_after_the_models_are_loaded() -> None:
    port = free_port()
    refused: list[bool] = []

    def load(config: Config) -> Service:
        assert config.port == port
        with socket.socket() as client:
            refused.append(client.connect_ex(("127.0.0.1", port)) != 0)
        raise WeightsError("enough seen")

    run("serve", "--port", port, load=load)
    assert refused == [True]


def test_a_new_library_is_said(tmp_path: Path) -> None:
    def load(config: Config) -> Service:
        raise WeightsError("enough seen")

    args = ("serve", "--port", 0, "--library", tmp_path)
    assert f"no library in {tmp_path}: an empty one" in run(*args, load=load).stderr
    ExemplarLibrary.open(tmp_path, clip=None).close()
    assert "library" not in run(*args, load=load).stderr


SERVER = """
import sys
from tests.support.fakes import FakeClip, FakeColorizer
from plugin_server.cli import main
from plugin_server.service import Service
main({args!r}, obj=lambda config: Service(FakeColorizer(), FakeClip()))
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_serve_says_where_it_is_and_stops_when_told(stop: signal.Signals) -> None:
    args = ["serve", "--port", "0"]
    code = SERVER.format(args=args)
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "PHOTOCHROM_TOKEN": "abc"},
    ) as server:  # fmt: skip
        try:
            assert server.stdout is not None
            first = server.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+", first)
            assert found, first
            request = urllib.request.Request(f"{found.group()}/v1/health")
            request.add_header("Authorization", "Bearer abc")
            with urllib.request.urlopen(request, timeout=10) as response:
                assert response.status == 200
            server.send_signal(stop)
            assert server.wait(timeout=15) == 0
        finally:
            server.kill()


def test_the_welcome_says_how_to_try_it() -> None:
    text = welcome(["http://127.0.0.1:18890"], Config(), 1.25)
    assert "http://127.0.0.1:18890/v1/colorize" in text
    assert "oken" not in text
    text = welcome(["http://0.0.0.0:18890"], Config(host="0.0.0.0", token="abc"), 1.25)
    assert "Token: abc" in text
    assert "--token-file" in text
    assert "Bearer abc" not in text, "every user of the machine can read curl's command line"


def test_a_host_that_others_can_reach_gets_a_token() -> None:
    seen: list[Config] = []

    def load(config: Config) -> Service:
        seen.append(config)
        raise WeightsError("enough seen")

    for _ in range(2):
        run("serve", "--host", "0.0.0.0", "--port", "0", load=load)
    first, second = (config.token or "" for config in seen)
    assert first != second
    assert len(first) >= 24
