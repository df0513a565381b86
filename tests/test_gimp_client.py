"""The plug-in's client against the real server with fake models: its bytes, the server's parser."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from client import Client
from pixels import Pixels
from test_serving import running

from fakes import FakeClip, FakeColorizer
from plugin_server.config import Config
from plugin_server.service import Service


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    service = Service(FakeColorizer(), FakeClip())
    with running(service, Config(port=0)) as port:
        yield Client(f"http://127.0.0.1:{port}", timeout=20)


def pixels_of(array: np.ndarray) -> Pixels:
    height, width, channels = array.shape
    return Pixels(array.tobytes(), (height, width, channels), array.dtype.name)


def array_of(pixels: Pixels) -> np.ndarray:
    return np.frombuffer(pixels.data, pixels.dtype).reshape(pixels.shape)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_layer_without_chroma_comes_back_unchanged(
    client: Client, dtype: str, channels: int
) -> None:
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (7, 13, 1))
    alpha = rng.integers(0, 256, (7, 13, 1))
    colour = np.repeat(grey, 1 if channels < 3 else 3, axis=2)
    layer = np.concatenate([colour, alpha], axis=2) if channels in (2, 4) else colour
    top = {"uint8": 1, "uint16": 257, "float32": 1 / 255}[dtype]
    layer = (layer * top).astype(dtype)
    result = client.colorize(pixels_of(layer), saturation=0, strength=0)
    expected = np.concatenate(
        [layer[..., :1]] * 3 + ([layer[..., -1:]] if channels in (2, 4) else []), axis=2
    )
    np.testing.assert_array_equal(array_of(result.pixels), expected)
