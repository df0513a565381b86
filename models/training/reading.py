"""How to read colours out of the trained distribution, chosen on held-out photos.

How much of the class balance's prior to take back, how much to sharpen the distribution before its
mean, and how far to move such means away from the picture's own, without and with a description. A
mean of what is likely is paler than any of it, so among the readings that are as colourful as asked
for, the one nearest to the true colours is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.color.lab import lab_to_srgb_in_gamut, srgb_to_lab
from models.color.shrinking import working_shape
from models.guidance.color_words import without_colors
from models.measures import colourfulness, psnr
from models.networks.colorizer import Colorizer, annealed_mean, raised
from models.photos import Photo
from models.training.texts import TextBank

UNDO = (0.0, 0.5)
TEMPERATURES = (0.5, 0.6, 0.8, 1.0)  # sharper ones make blotches where the network is unsure
GAINS = tuple(round(0.9 + 0.05 * i, 2) for i in range(33))
GUIDANCE = 0.4  # of the way to the guided logits: all of it hurts twice as many photos

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Score:
    """One gain of one way to read, without (0) or with (1) a description, on held-out photos."""

    undo_balance: float
    temperature: float
    described: bool
    gain: float
    psnr: float
    colourfulness: float


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read colours, and what that scored without and with descriptions."""

    undo_balance: float
    temperature: float
    chroma_gain: float
    described_gain: float
    psnr: tuple[float, float]
    colourfulness: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Held:
    """A held-out photo on the chroma grid: the truth, and logits without and with its caption.

    The latter are None where it has no caption.
    """

    lightness: FloatArray
    original: NDArray[np.uint8]
    logits: tuple[Tensor, Tensor | None]


@torch.inference_mode()
def hold(model: Colorizer, photos: Sequence[Photo], texts: TextBank) -> list[Held]:
    """Run the network once over the photos, and again with the captions of those that have one."""
    held = []
    for photo in photos:
        rows, columns = working_shape(
            photo.pixels.shape[0], photo.pixels.shape[1], model.config.working_size
        )
        rows, columns = rows // 32 * 32 or 32, columns // 32 * 32 or 32
        lab = _lab(cv2.resize(photo.pixels, (columns, rows), interpolation=cv2.INTER_AREA))
        lightness = torch.from_numpy(np.ascontiguousarray(lab[..., 0]))[None, None]
        features = model.encode(lightness)
        none, said = _read(model, features, texts, None), None
        if photo.captions:
            scene = without_colors(photo.captions[0]) or None  # its colours are laid on afterwards
            said = _read(model, features, texts, scene)
        size = (columns // 4, rows // 4)
        original = cv2.resize(photo.pixels, size, interpolation=cv2.INTER_AREA)
        truth = np.ascontiguousarray(_lab(original)[..., 0])
        held.append(Held(truth, np.asarray(original, np.uint8), (none, said)))
    return held


def _read(model: Colorizer, features: list[Tensor], texts: TextBank, text: str | None) -> Tensor:
    condition = model.condition(features, texts.vectors([text], model.null))
    return model.decode(features, condition).half()


def score(held: Iterable[Held], bins: Tensor, log_balance: Tensor) -> list[Score]:
    """Score every combination of undoing, temperature and gain.

    Where no photo has a caption, described ones are taken to be read like the others.
    """
    everything = list(held)
    captioned = [h for h in everything if h.logits[1] is not None] or everything
    scores = []
    for undo, temperature, described in product(UNDO, TEMPERATURES, (False, True)):
        shift = (undo * log_balance)[None, :, None, None]
        held = captioned if described else everything
        true = float(np.mean([colourfulness(h.original) for h in held]))
        means = []
        for h in held:
            own, guided = h.logits[0].float(), h.logits[1]
            if described and guided is not None:
                own = own.lerp(guided.float(), GUIDANCE)
            logits = own - shift
            mean = annealed_mean(logits, bins, temperature=temperature)
            means.append(mean[0])
        for gain in GAINS:
            pictures = [
                _joined(h.lightness, raised(ab, gain).permute(1, 2, 0).numpy())
                for h, ab in zip(held, means, strict=True)
            ]
            near = [psnr(h.original, p) for h, p in zip(held, pictures, strict=True)]
            vivid = float(np.mean([colourfulness(p) for p in pictures])) / true
            scores.append(Score(undo, temperature, described, gain, float(np.mean(near)), vivid))
    return scores


def choose(
    scores: Sequence[Score], *, colourfulness: float, described_colourfulness: float
) -> Reading:
    """Take the highest PSNR among readings at least so colourful, else the most colourful.

    Undoing and temperature are the same with and without a description, the gain need not be.
    """
    candidates = []
    for undo, temperature in dict.fromkeys((s.undo_balance, s.temperature) for s in scores):
        same = [s for s in scores if (s.undo_balance, s.temperature) == (undo, temperature)]
        own = _nearest([s for s in same if not s.described], colourfulness)
        said = _nearest([s for s in same if s.described], described_colourfulness)
        enough = (
            own.colourfulness >= colourfulness and said.colourfulness >= described_colourfulness
        )
        candidates.append((enough, own.psnr + said.psnr, own, said))
    _, _, own, said = max(candidates, key=lambda c: c[:2])
    return Reading(
        own.undo_balance,
        own.temperature,
        own.gain,
        said.gain,
        (own.psnr, said.psnr),
        (own.colourfulness, said.colourfulness),
    )


def _nearest(scores: Sequence[Score], colourfulness: float) -> Score:
    enough = [s for s in scores if s.colourfulness >= colourfulness]
    if not enough:
        return max(scores, key=lambda s: s.colourfulness)
    return max(enough, key=lambda s: s.psnr)


def _lab(pixels: NDArray[Any]) -> FloatArray:
    return srgb_to_lab(np.asarray(pixels, np.float32) / 255)


def _joined(lightness: FloatArray, ab: NDArray[Any]) -> NDArray[np.uint8]:
    return np.asarray(np.rint(lab_to_srgb_in_gamut(lightness, ab) * 255), np.uint8)
