"""Pictures and a server with fake models, for all tests."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from numpy.typing import NDArray
from PIL import Image
from werkzeug.test import TestResponse

from fakes import FakeClip, FakeColorizer
from plugin_server.app import create_app
from plugin_server.config import Config
from plugin_server.service import Service

BOUNDARY = "photochromtestboundary"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def form(image: bytes | None, **fields: str) -> bytes:
    """Write a multipart form by hand, as a client without a library would."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    if image is not None:
        parts += [head.encode(), image, b"\r\n"]
    return b"".join([*parts, f"--{BOUNDARY}--\r\n".encode()])


def grey_picture(height: int = 24, width: int = 32, *, seed: int = 0) -> NDArray[np.uint8]:
    """Return a smooth grey picture, (H, W) uint8, another one for each seed."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (4, 4), np.uint8))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BILINEAR))


def encoded(pixels: NDArray[np.generic], kind: str = "PNG") -> bytes:
    """Encode pixels with Pillow, or as npy."""
    file = io.BytesIO()
    if kind == "npy":
        np.save(file, pixels)
    else:
        Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def decoded(body: bytes) -> NDArray[np.generic]:
    """Decode a picture or npy with NumPy and Pillow, which the product does not use for this."""
    if body.startswith(b"\x93NUMPY"):
        pixels: NDArray[np.generic] = np.load(io.BytesIO(body))
        return pixels
    return np.asarray(Image.open(io.BytesIO(body)))


def post(
    client: FlaskClient,
    image: bytes | None = None,
    *,
    mask: object = None,
    accept: str | None = None,
    **fields: object,
) -> TestResponse:
    """Send a form; ``image`` defaults to a small grey PNG."""
    files: dict[str, Any] = {
        "image": (io.BytesIO(encoded(grey_picture()) if image is None else image), "photo")
    }
    if mask is not None:
        files["mask"] = (io.BytesIO(mask), "mask.png") if isinstance(mask, bytes) else mask
    headers = {} if accept is None else {"Accept": accept}
    return client.post("/v1/colorize", data=files | fields, headers=headers)


def refusal(response: TestResponse, status: int) -> str:
    """Check that the answer is a problem of this status and return its detail."""
    assert response.status_code == status, response.text
    assert response.content_type == "application/problem+json"
    problem = response.get_json(force=True)
    assert problem["status"] == status
    assert problem["title"]
    return str(problem["detail"])


@pytest.fixture
def service() -> Service:
    """Return a service with fake models."""
    return Service(FakeColorizer(), FakeClip())


@pytest.fixture
def client(service: Service) -> FlaskClient:
    """Return a client of an app with fake models and the default config."""
    return create_app(Config(), service).test_client()


@pytest.fixture
def make_client() -> Callable[..., FlaskClient]:
    """Return a function that makes a client of an app with other settings or models."""

    def make(service: Service | None = None, **settings: object) -> FlaskClient:
        config = Config(**settings)  # type: ignore[arg-type]
        return create_app(config, service or Service(FakeColorizer(), FakeClip())).test_client()

    return make
