"""The examples of docs/http-api.md do what they say."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import decoded, encoded, grey_picture

from fakes import FakeClip, FakeColorizer
from plugin_server import serving
from plugin_server.app import create_app
from plugin_server.config import Config
from plugin_server.service import Service

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "http-api.md").read_text("utf-8")
TOKEN = "example-token"


def examples(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


@contextmanager
def running(config: Config) -> Iterator[str]:
    bound = serving.reserve(config)
    service = Service(FakeColorizer(), FakeClip())
    server = serving.Server(create_app(config, service), config, bound)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield serving.address_of(bound)
    finally:
        server.stop()
        thread.join(timeout=10)
        bound.close()


def run(command: list[str], folder: Path) -> None:
    env = {**os.environ, "PHOTOCHROM_TOKEN": TOKEN, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("code", examples("python"))
def test_python_examples(code: str, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(encoded(grey_picture(), "JPEG"))
    with running(Config(port=0)) as address:
        program = code.replace("http://127.0.0.1:8765", address)
        run([sys.executable, "-c", program], tmp_path)
    if "colorize" in code:
        assert decoded((tmp_path / "photo-color.png").read_bytes()).shape == (24, 32, 3)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("code", examples("sh"))
def test_curl_examples(code: str, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(encoded(grey_picture(), "JPEG"))
    token = TOKEN if "TOKEN" in code else None
    with running(Config(port=0, token=token)) as address:
        run(["sh", "-ec", code.replace("http://127.0.0.1:8765", address)], tmp_path)
    if "colorize" in code:
        assert decoded((tmp_path / "photo-color.png").read_bytes()).shape == (24, 32, 3)
