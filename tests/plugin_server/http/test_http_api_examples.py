"""The examples of docs/http-api.md do what they say."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from plugin_server.config import Config
from plugin_server.http.photo_forms import ColorizeForm
from plugin_server.service import Service
from retrieval.library import ExemplarLibrary
from tests.support.fakes import FakeClip, FakeColorizer
from tests.support.pictures import decoded, encoded, grey_picture
from tests.support.repository import ROOT
from tests.support.running_server import running as serve

TEXT = (ROOT / "docs" / "http-api.md").read_text("utf-8")
TOKEN = "example-token"


def examples(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


def test_every_field_and_header_of_a_coloured_photo_is_told() -> None:
    fields = set(re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE))
    assert set(ColorizeForm.model_fields) <= fields
    sent = (ROOT / "plugin_server/http/messages.py").read_text("utf-8")
    headers = set(re.findall(r'headers\["(Photochrom-\w+)"\]', sent))
    assert headers
    assert not [name for name in headers if f"`{name}`" not in TEXT]


@contextmanager
def running(config: Config, folder: Path) -> Iterator[str]:
    clip = FakeClip()
    library = ExemplarLibrary.open(folder / "library", clip=clip)
    service = Service(FakeColorizer(), clip, library=library)
    with serve(service, config) as port:
        yield f"http://127.0.0.1:{port}"
    service.close()


def prepare(folder: Path) -> None:
    (folder / "photo.jpg").write_bytes(encoded(grey_picture(), "JPEG"))
    colours = np.dstack([grey_picture(96, 96, seed=seed) for seed in range(3)])
    (folder / "reference.jpg").write_bytes(encoded(colours, "JPEG"))


def run(command: list[str], folder: Path) -> None:
    env = {**os.environ, "PHOTOCHROM_TOKEN": TOKEN, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("code", examples("python"))
def test_python_examples(code: str, tmp_path: Path) -> None:
    prepare(tmp_path)
    with running(Config(port=0), tmp_path) as address:
        program = code.replace("http://127.0.0.1:18890", address)
        if "import create_app" in code:
            exec(program, {})  # it speaks to no server, and imports what is imported here
        else:
            run([sys.executable, "-c", program], tmp_path)
    if "photo-color.png" in code:
        assert decoded((tmp_path / "photo-color.png").read_bytes()).shape == (24, 32, 3)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("code", examples("sh"))
def test_curl_examples(code: str, tmp_path: Path) -> None:
    prepare(tmp_path)
    token = TOKEN if "TOKEN" in code else None
    with running(Config(port=0, token=token), tmp_path) as address:
        run(["sh", "-ec", code.replace("http://127.0.0.1:18890", address)], tmp_path)
    if "photo-color.png" in code:
        assert decoded((tmp_path / "photo-color.png").read_bytes()).shape == (24, 32, 3)
