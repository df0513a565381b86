"""How to read colours out of the trained distribution, chosen on held-out photos.

Three numbers: how much of the class balance's prior to take back, how much to sharpen the
distribution before its mean, and how much to raise the chroma of that mean. A mean of what is
likely is paler than any of it, so among the readings that are as colourful as asked for, the one
nearest to the true colours is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.color import lab_to_srgb_in_gamut, srgb_to_lab
from models.colorizer import Colorizer, annealed_mean
from models.evaluation.measures import colourfulness, psnr
from models.pipeline import working_shape
from models.training.photos import Photo

UNDO = (0.0, 0.5, 1.0)
TEMPERATURES = (0.35, 0.5, 0.7, 0.85, 1.0)
GAINS = tuple(round(0.9 + 0.1 * i, 1) for i in range(9))

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Reading:
    """A way to read colours, and what it scored without and with captions."""

    undo_balance: float
    temperature: float
    chroma_gain: float
    psnr: tuple[float, float]
    colourfulness: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Held:
    """A held-out photo on the chroma grid: the truth, and logits without and with its caption."""

    lightness: FloatArray
    original: NDArray[np.uint8]
    logits: tuple[Tensor, Tensor]


@torch.inference_mode()
def hold(
    model: Colorizer, photos: Sequence[Photo], embed_texts: Callable[[list[str]], Tensor]
) -> list[Held]:
    """Run the network once over the captioned photos."""
    held = []
    for photo in photos:
        if not photo.captions:
            continue
        rows, columns = working_shape(
            photo.pixels.shape[0], photo.pixels.shape[1], model.config.working_size
        )
        rows, columns = rows // 32 * 32 or 32, columns // 32 * 32 or 32
        lab = _lab(cv2.resize(photo.pixels, (columns, rows), interpolation=cv2.INTER_AREA))
        lightness = torch.from_numpy(np.ascontiguousarray(lab[..., 0]))[None, None]
        features = model.encode(lightness)
        caption = embed_texts([photo.captions[0]])
        none, said = (
            model.decode(features, model.condition(features, vector), None).half()
            for vector in (model.null[None], caption)
        )
        size = (columns // 4, rows // 4)
        original = cv2.resize(photo.pixels, size, interpolation=cv2.INTER_AREA)
        truth = np.ascontiguousarray(_lab(original)[..., 0])
        held.append(Held(truth, np.asarray(original, np.uint8), (none, said)))
    return held


def readings(held: Iterable[Held], bins: Tensor, log_balance: Tensor) -> list[Reading]:
    """Score every combination."""
    held = list(held)
    true = float(np.mean([colourfulness(h.original) for h in held]))
    scored = []
    for undo, temperature in product(UNDO, TEMPERATURES):
        shift = (undo * log_balance)[None, :, None, None]
        means = [
            [
                annealed_mean(logits.float() - shift, bins, temperature=temperature)[0]
                .permute(1, 2, 0)
                .numpy()
                for logits in h.logits
            ]
            for h in held
        ]
        for gain in GAINS:
            pairs = [
                [_joined(h.lightness, gain * ab) for ab in both]
                for h, both in zip(held, means, strict=True)
            ]
            scores = [
                [psnr(h.original, picture) for picture in pair]
                for h, pair in zip(held, pairs, strict=True)
            ]
            vivid = np.mean([[colourfulness(p) for p in pair] for pair in pairs], axis=0) / true
            mean = np.mean(scores, axis=0)
            scored.append(
                Reading(
                    undo,
                    temperature,
                    gain,
                    (float(mean[0]), float(mean[1])),
                    (float(vivid[0]), float(vivid[1])),
                )
            )
    return scored


def choose(scored: Sequence[Reading], *, colourfulness: float) -> Reading:
    """Take the highest PSNR among readings at least so colourful, else the most colourful."""
    enough = [r for r in scored if min(r.colourfulness) >= colourfulness]
    if not enough:
        return max(scored, key=lambda r: min(r.colourfulness))
    return max(enough, key=lambda r: sum(r.psnr))


def _lab(pixels: NDArray[Any]) -> FloatArray:
    return srgb_to_lab(np.asarray(pixels, np.float32) / 255)


def _joined(lightness: FloatArray, ab: NDArray[Any]) -> NDArray[np.uint8]:
    return np.asarray(np.rint(lab_to_srgb_in_gamut(lightness, ab) * 255), np.uint8)
