"""The command line as a function, with fake models."""

from __future__ import annotations

import socket
from collections.abc import Callable

from click.testing import CliRunner, Result

from plugin_server.cli import main
from plugin_server.config import Config
from plugin_server.images.codec import Limits
from plugin_server.service import Service
from tests.support.fakes import FakeClip, FakeColorizer


def fake_service(_config: Config) -> Service:
    return Service(FakeColorizer(), FakeClip(), limits=Limits(max_bytes=1_000_000))


def run(*args: object, load: Callable[[Config], Service] = fake_service) -> Result:
    result = CliRunner().invoke(main, [str(arg) for arg in args], obj=load)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def one_line(text: str) -> str:
    """Check that the text is one line and return it."""
    assert text.endswith("\n")
    assert text.count("\n") == 1, text
    return text.strip()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
