"""The layered answer: what a program that knows OpenRaster sees."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import skimage.data
from flask.testing import FlaskClient
from numpy.typing import NDArray
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab
from werkzeug.test import TestResponse

from plugin_server.service import Service
from tests.support.fakes import LocatingColorizer, NamingClip
from tests.support.forms import post, refusal
from tests.support.pictures import encoded

LUMA = np.array([0.3, 0.59, 0.11])  # W3C Compositing and Blending Level 1, 9.2.2
GREY = np.asarray(Image.fromarray(skimage.data.astronaut()).convert("L").resize((240, 200)))
FIELDS = {
    "description": "a woman in a green dress with a red scarf",
    "regions": json.dumps(
        [
            {"box": [150, 40, 60, 60], "color": "#2a4f8e"},
            {"box": [20, 150, 90, 40], "description": "an orange < & \u201cwall\u201d"},
        ]
    ),
    "hints": json.dumps([{"x": 120, "y": 120, "color": "#802040", "radius": 8}]),
}


@pytest.fixture
def client(make_client: Callable[..., FlaskClient]) -> FlaskClient:
    """Return a client of a server that finds everything in the left half of a photo."""
    return make_client(Service(LocatingColorizer(), NamingClip()))


def layered(client: FlaskClient, image: bytes | None = None, **fields: object) -> TestResponse:
    image = encoded(GREY) if image is None else image
    return post(client, image, accept="image/openraster", **fields)


def set_luma(color: NDArray[np.float64], luma: NDArray[np.float64]) -> NDArray[np.float64]:
    """SetLum of the specification."""
    color = color + (luma - color @ LUMA)[..., None]
    least, most = color.min(-1, keepdims=True), color.max(-1, keepdims=True)
    luma = luma[..., None]
    low = luma + (color - luma) * luma / np.maximum(luma - least, 1e-9)
    color = np.where(least < 0, low, color)
    high = luma + (color - luma) * (1 - luma) / np.maximum(most - luma, 1e-9)
    return np.where(most > 1, high, color)


def composed(body: bytes) -> NDArray[np.float64]:
    """Lay the layers of a file over each other, as the specifications say: (H, W, 3) in [0, 1]."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        root = ElementTree.fromstring(archive.read("stack.xml"))
        width, height = int(root.attrib["w"]), int(root.attrib["h"])
        out = np.zeros((height, width, 4))
        for entry in reversed(root.findall("stack/layer")):
            image = Image.open(io.BytesIO(archive.read(entry.attrib["src"]))).convert("RGBA")
            source = np.zeros((height, width, 4))
            x, y = int(entry.attrib["x"]), int(entry.attrib["y"])
            source[y : y + image.height, x : x + image.width] = np.asarray(image) / 255
            color, alpha, below = source[..., :3], source[..., 3:], out[..., 3:]
            mixed = color
            if entry.attrib["composite-op"] == "svg:color":
                mixed = set_luma(color, out[..., :3] @ LUMA)
            mixed = (1 - below) * color + below * mixed
            over = alpha + below * (1 - alpha)
            out[..., :3] = (alpha * mixed + below * (1 - alpha) * out[..., :3]) / np.maximum(
                over, 1e-9
            )
            out[..., 3:] = over
    return out[..., :3]


def test_the_file_is_as_the_format_has_it(client: FlaskClient) -> None:
    answer = layered(client, **FIELDS)
    assert answer.content_type == "image/openraster"
    assert answer.data[30:54] == b"mimetypeimage/openraster"
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        root = ElementTree.fromstring(archive.read("stack.xml"))
        names = [entry.attrib["name"] for entry in root.findall("stack/layer")]
        modes = [entry.attrib["composite-op"] for entry in root.findall("stack/layer")]
        merged = Image.open(io.BytesIO(archive.read("mergedimage.png")))
        thumbnail = Image.open(io.BytesIO(archive.read("Thumbnails/thumbnail.png")))
    assert names == [
        "hints", "an orange < & \u201cwall\u201d", "#2a4f8e", "red scarf", "green dress",
        "base guess", "photo",
    ]  # fmt: skip
    assert modes == ["svg:color"] * 5 + ["svg:src-over"] * 2
    flat = np.asarray(Image.open(io.BytesIO(post(client, encoded(GREY), **FIELDS).data)))
    np.testing.assert_array_equal(np.asarray(merged), flat)
    assert max(thumbnail.size) <= 256
    assert json.loads(merged.text["photochrom"])["description"] == FIELDS["description"]


def test_the_layers_give_the_picture_again(client: FlaskClient) -> None:
    flat = np.asarray(Image.open(io.BytesIO(post(client, encoded(GREY), **FIELDS).data))) / 255
    found = composed(layered(client, **FIELDS).data)
    assert deltaE_ciede2000(rgb2lab(found), rgb2lab(flat)).mean() < 1.5


def test_transparency_is_kept(client: FlaskClient) -> None:
    rgba = np.dstack([GREY, GREY, GREY, GREY.T[:200, :200].repeat(2, 1)[:, :240]])
    with zipfile.ZipFile(io.BytesIO(layered(client, encoded(rgba), **FIELDS).data)) as archive:
        base = np.asarray(Image.open(io.BytesIO(archive.read("data/layer1.png"))))
    np.testing.assert_array_equal(base[..., 3], rgba[..., 3])


def test_nobody_gets_layers_unasked(client: FlaskClient) -> None:
    for accept in ("*/*", "image/*", "image/png, image/openraster"):
        assert post(client, accept=accept).content_type == "image/png"
    accept = "image/png;q=0.5, image/openraster"
    assert post(client, accept=accept).content_type == "image/openraster"
    assert "image/openraster" in refusal(post(client, accept="text/html"), 406)


@pytest.mark.slow
@pytest.mark.skipif(
    not all(map(shutil.which, ("krita", "xvfb-run"))),
    reason="Krita or a display for it is not here; on Debian: apt-get install krita xvfb xauth",
)
def test_krita_shows_the_same(client: FlaskClient, tmp_path: Path) -> None:
    (tmp_path / "a.ora").write_bytes(layered(client, **FIELDS).data)
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    command = ["xvfb-run", "-a", "krita", "a.ora", "--export", "--export-filename", "a.png"]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=240)
    shown = np.asarray(Image.open(tmp_path / "a.png").convert("RGB")) / 255
    flat = np.asarray(Image.open(io.BytesIO(post(client, encoded(GREY), **FIELDS).data))) / 255
    assert deltaE_ciede2000(rgb2lab(shown), rgb2lab(flat)).mean() < 1.5
