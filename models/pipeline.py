"""The way of a layer: pixels and a job in, coloured pixels out.

Lightness at a small working size -> guidance becomes a condition -> chroma from the colorizer ->
joined, at full size, with the lightness the layer came with.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.color import lightness
from models.guidance import ChromaPredictor, Condition, TextEmbedder
from models.hints import hint_map
from models.job import ColorizeJob
from models.upsampling import recolor

FloatArray = NDArray[np.float32]

GRID = 4  # sides of the working grid are multiples of it: a cell of the colorizer's chroma
MAX_ASPECT = 16  # beyond it the long side stays bounded and the short one shrinks no further


@dataclass(frozen=True, slots=True)
class Colorized:
    """A coloured layer: (H, W, 3 or 4) of the input's dtype, what to tell, seconds a stage."""

    pixels: NDArray[Any]
    notices: tuple[str, ...]
    timings: dict[str, float]


@dataclass(slots=True)
class Stopwatch:
    """Seconds spent in each stage of one request."""

    timings: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time inside the block to the stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.timings[name] = self.timings.get(name, 0.0) + time.perf_counter() - start


def colorize(
    pixels: NDArray[Any],
    job: ColorizeJob,
    *,
    colorizer: ChromaPredictor,
    clip: TextEmbedder,
    mask: NDArray[np.float32] | None = None,
) -> Colorized:
    """Colour one layer.

    ``pixels`` is (H, W, C), C = 1..4 for grey, grey and alpha, RGB, RGBA; uint8, uint16 or float32
    in [0, 1]; sRGB-encoded, straight alpha. ``mask`` is (H, W) float32 in [0, 1]: 1 = colour here.

    Raises:
        JobError: a hint lies outside the layer.
    """
    height, width = pixels.shape[:2]
    job.check_against(width, height)
    watch = Stopwatch()
    notices: tuple[str, ...] = ()
    with watch.stage("lightness"):
        small = working_lightness(pixels, colorizer.working_size)
    with watch.stage("guidance"):
        embedding = None
        if job.description and job.strength > 0:
            text = clip.embed_text(job.description)
            embedding, notices = text.vector, text.notices
        hints = hint_map(job.hints, full_size=(height, width), grid_size=small.shape)
        condition = Condition(embedding, hints, job.strength)
        if job.strength == 0 and (job.description or job.hints):
            notices = (*notices, "The guidance was not used: strength is 0. Raise it.")
    with watch.stage("network"):
        prediction = colorizer.predict(small, condition)
    with watch.stage("join"):
        ab = prediction.ab * np.float32(job.saturation)
        result = recolor(pixels, ab, _shrunk(small, ab.shape[:2]), mask=mask)
    return Colorized(result, notices, watch.timings)


def working_lightness(pixels: NDArray[Any], working_size: int) -> FloatArray:
    """Return the layer's lightness at the working size: (h, w) float32 in [0, 100].

    The area is about ``working_size`` squared whatever the layer's size, so that colours do not
    depend on it; sides are multiples of the chroma grid's cell.
    """
    height, width = pixels.shape[:2]
    rows, columns = working_shape(height, width, working_size)
    channels = pixels.shape[2] - (pixels.shape[2] in (2, 4))
    colour = np.ascontiguousarray(pixels[..., :channels])
    shrinks = rows < height or columns < width
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    small = cv2.resize(colour, (columns, rows), interpolation=how)
    if small.dtype != np.float32:
        small = small / np.float32(np.iinfo(pixels.dtype).max)
    return lightness(small.reshape((rows, columns) if channels == 1 else (rows, columns, channels)))


def _shrunk(plane: FloatArray, shape: tuple[int, int]) -> FloatArray:
    size = (shape[1], shape[0])
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)


def working_shape(height: int, width: int, working_size: int) -> tuple[int, int]:
    """Choose (rows, columns) of the working grid for a layer, aspect ratio kept."""
    aspect = min(max(width / height, 1 / MAX_ASPECT), MAX_ASPECT)
    rows, columns = working_size / aspect**0.5, working_size * aspect**0.5
    return _to_grid(rows), _to_grid(columns)


def _to_grid(side: float) -> int:
    return max(round(side / GRID), 1) * GRID
