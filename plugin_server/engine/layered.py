"""A coloured photo as a layered file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from models.layers import BASE, render
from models.pipeline import Colorized
from plugin_server.images import openraster
from plugin_server.images.codec import Layer, encode
from plugin_server.images.openraster import THUMBNAIL, RasterLayer


def layered(
    photo: Layer,
    colored: Colorized,
    *,
    saturation: float,
    mask: NDArray[np.float32] | None,
    settings: str,
) -> bytes:
    """Write the photo and every layer of its colours as OpenRaster.

    All pictures inside are sRGB: layers are joined in it.
    """
    height, width = photo.pixels.shape[:2]
    plain = replace(photo, profile=None, source=None)
    small = min(THUMBNAIL / max(width, height), 1.0)
    size = max(round(width * small), 1), max(round(height * small), 1)
    thumbnail = cv2.resize(colored.pixels, size, interpolation=cv2.INTER_AREA)
    return openraster.write(
        _layers(plain, colored, saturation, mask),
        width=width,
        height=height,
        merged=encode(replace(plain, pixels=colored.pixels), "image/png", settings=settings),
        thumbnail=encode(Layer(thumbnail.reshape(size[1], size[0], -1), bits=8), "image/png"),
        dpi=photo.metadata.dpi,
    )


def _layers(
    photo: Layer, colored: Colorized, saturation: float, mask: NDArray[np.float32] | None
) -> Iterator[RasterLayer]:
    yield RasterLayer("photo", encode(photo, "image/png"))
    for layer in colored.layers:
        pixels, left, top = render(
            layer, photo.pixels, colored.guide, saturation=saturation, mask=mask
        )
        if pixels.size:
            drawn = Layer(pixels, bits=min(photo.bits, 16))
            mode = "svg:src-over" if layer.name == BASE else "svg:color"
            yield RasterLayer(layer.name, encode(drawn, "image/png"), left, top, mode)
