"""What the model thinks of a place, for a person to choose from: likely colours, and how sure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.color.lab import lab_to_srgb_in_gamut, lightness, srgb_to_lab, to_hex
from models.conditions import condition_of
from models.guidance.condition import ChromaPredictor, Condition, Distribution, Embedder
from models.job import ColorizeJob
from models.pipeline import View, view_of

FloatArray = NDArray[np.float32]

ALIKE = 18.0  # colours nearer than this in ab are one suggestion: the bins lie 10 apart
FEWEST = 0.005  # a colour less likely than this is none to suggest


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A likely colour, ``#rrggbb``, and how likely it is, in [0, 1]."""

    color: str
    weight: float


def suggest(
    pixels: NDArray[Any],
    job: ColorizeJob,
    *,
    x: float,
    y: float,
    k: int,
    colorizer: ChromaPredictor,
    clip: Embedder,
    view: View | None = None,
) -> tuple[tuple[Suggestion, ...], tuple[str, ...]]:
    """Suggest at most ``k`` colours for the pixel at column ``x`` and row ``y``, likeliest first.

    ``pixels`` is (H, W, C) and ``view`` what was seen of them, as in ``models.pipeline.colorize``.
    Every suggestion has the lightness of that pixel and fits sRGB. Beside them come notices of what
    the job asks for.
    """
    height, width = pixels.shape[:2]
    view = view_of(pixels, colorizer) if view is None else view
    small, colorizer = view.read, view.colorizer
    condition, notices = _condition(job, small, colorizer=colorizer, clip=clip)
    rows, columns = small.shape
    row = min(int((y + 0.5) / height * rows), rows - 1)
    column = min(int((x + 0.5) / width * columns), columns - 1)
    found = colorizer.distribution(small, condition, row=row, column=column)
    # The pixel's own lightness: a hint is seen at full size, where the pixel is. Near black and
    # white few colours are left, so they are brought into sRGB before those alike are joined.
    own = _lightness_of(pixels[round(y) : round(y) + 1, round(x) : round(x) + 1])
    shown = srgb_to_lab(lab_to_srgb_in_gamut(np.repeat(own, len(found.ab)), found.ab))
    centres, weights = gather(Distribution(shown[:, 1:], found.weights), k)
    colors = lab_to_srgb_in_gamut(np.repeat(own, len(weights)), centres)
    suggestions = tuple(
        Suggestion(to_hex(color), round(float(weight), 4))
        for color, weight in zip(colors, weights, strict=True)
    )
    return suggestions, notices


def gather(found: Distribution, k: int) -> tuple[FloatArray, FloatArray]:
    """Join bins that are alike: at most k centres (n, 2) and weights (n,), heaviest first.

    The likeliest bin that is left takes all that lie nearer than ALIKE, and so on.
    """
    left = found.weights.astype(np.float64)
    centres, weights = [], []
    for _ in range(len(left)):
        top = int(left.argmax())
        near = (np.hypot(*(found.ab - found.ab[top]).T) < ALIKE) & (left > 0)
        weight = left[near].sum()
        if weight < FEWEST:
            break
        centres.append((found.ab[near] * left[near, None]).sum(axis=0) / weight)
        weights.append(weight)
        left[near] = 0
    order = np.argsort(weights, kind="stable")[::-1][:k]
    return (
        np.asarray(centres, np.float32).reshape(-1, 2)[order],
        np.asarray(weights, np.float32)[order],
    )


def confidence_map(
    pixels: NDArray[Any],
    job: ColorizeJob,
    *,
    colorizer: ChromaPredictor,
    clip: Embedder,
    view: View | None = None,
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Return how sure the model is of its colours: (H, W) uint8, white where it is certain.

    The value is 1 minus the entropy of the distribution as a share of the largest one. ``pixels``
    and ``view`` are as in ``suggest``. Beside the map come notices of what the job asks for.
    """
    height, width = pixels.shape[:2]
    view = view_of(pixels, colorizer) if view is None else view
    small, colorizer = view.read, view.colorizer
    condition, notices = _condition(job, small, colorizer=colorizer, clip=clip)
    sure = colorizer.predict(small, condition).confidence
    levels = np.rint(sure * 255).astype(np.uint8)
    resized = cv2.resize(levels, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized), notices


def _condition(
    job: ColorizeJob, lightness: FloatArray, *, colorizer: ChromaPredictor, clip: Embedder
) -> tuple[Condition, tuple[str, ...]]:
    """Turn the words and the palette into a condition, and say what could not be used.

    Dabs say nothing to the network.
    """
    text_embedding = clip.embed_text(job.description, job.language) if job.description else None
    condition, _, notices = condition_of(
        job, text_embedding, None, lightness, colorizer=colorizer, clip=clip
    )
    return condition, notices


def _lightness_of(pixel: NDArray[Any]) -> FloatArray:
    """Return L of a (1, 1, C) pixel: (1,)."""
    scale = 1.0 if pixel.dtype == np.float32 else float(np.iinfo(pixel.dtype).max)
    values = (pixel / scale).astype(np.float32)
    grey = values.shape[2] < 3
    return lightness(values[..., 0] if grey else values[..., :3]).reshape(1)
