"""The server as it is delivered: its own weights, its own process, a real photo."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from urllib.request import Request

import numpy as np
import pytest
import skimage.data
from skimage.color import rgb2lab

from tests.support.forms import FORM, form
from tests.support.pictures import decoded, encoded
from tests.support.repository import ROOT

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, "-c", "from plugin_server.cli import main; main()"]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    library = str(tmp_path_factory.mktemp("library"))
    with subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", "--library", library],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as server:
        try:
            assert server.stdout is not None
            first = server.stdout.readline()
            found = re.search(r"http://\S+", first)
            assert found, f"the server did not start: {first!r}"
            yield found.group()
        finally:
            server.terminate()


def colorize(address: str, image: bytes, **fields: str) -> tuple[np.ndarray, dict[str, str]]:
    request = Request(f"{address}/v1/colorize", form(image, **fields), {"Content-Type": FORM})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return decoded(answer.read()), dict(answer.headers)


def test_health_names_the_models(address: str) -> None:
    with urllib.request.urlopen(f"{address}/v1/health", timeout=10) as answer:
        models = json.load(answer)["models"]
    assert models["colorizer"]
    assert models["clip"] == "embedded"


def test_a_real_photo_follows_its_description_and_keeps_its_lightness(address: str) -> None:
    grey = skimage.data.camera()
    results = []
    for colour in ("green", "blue"):
        rgb, _ = colorize(address, encoded(grey), description=f"a man in a {colour} coat")
        assert rgb.shape == (512, 512, 3)
        results.append(rgb2lab(rgb))
    before = rgb2lab(np.dstack([grey] * 3))[..., 0]
    for lab in results:
        assert np.abs(lab[..., 0] - before).max() <= 0.5
        assert np.hypot(lab[..., 1], lab[..., 2]).mean() > 2
    assert np.abs(results[0][..., 1:] - results[1][..., 1:]).mean() > 0.5


def test_a_description_in_another_script_gets_a_notice(address: str) -> None:
    _, headers = colorize(
        address, encoded(skimage.data.camera()[:64, :64]), description="красное платье 🎈"
    )
    assert headers["Photochrom-Notice"]


def test_a_description_far_too_long_is_cut_and_said_so(address: str) -> None:
    image = encoded(skimage.data.camera()[:64, :64])
    _, headers = colorize(address, image, description="a red coat and " * 400)
    assert "cut" in headers["Photochrom-Notice"]
