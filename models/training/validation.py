"""A quick look at a colorizer in training, on a few photos held out from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from models.color.lab import lab_to_srgb, srgb_to_lab
from models.measures import colourfulness, psnr
from models.networks.colorizer import Colorizer, annealed_mean, raised
from models.photos import Photo, square
from models.training.texts import TextBank

SIDE = 192


@dataclass(frozen=True, slots=True)
class Validation:
    """Mean PSNR (dB) of the grey picture, without and with the caption; colourfulness ratio.

    ``caption`` is None where no photo has one; the ratio is of what was made without captions.
    """

    grey: float
    none: float
    caption: float | None
    colourfulness: float


@torch.inference_mode()
def validate(model: Colorizer, photos: Sequence[Photo], texts: TextBank) -> Validation:
    """Colour square copies of the photos at a small size, with and without their first caption.

    Colours are read out of the distribution as the model's config says.
    """
    config = model.config
    scores: dict[str, list[float]] = {
        "grey": [],
        "none": [],
        "caption": [],
        "vivid": [],
        "true": [],
    }
    for start in range(0, len(photos), 16):
        batch = photos[start : start + 16]
        rgb = np.stack([square(photo, SIDE) for photo in batch])
        lab = srgb_to_lab(rgb.astype(np.float32) / 255)
        lightness = torch.from_numpy(np.ascontiguousarray(lab[..., 0]))[:, None]
        features = model.encode(lightness)
        captions = [photo.captions[0] if photo.captions else None for photo in batch]
        nothing: list[str | None] = [None] * len(batch)
        own, guided = (
            model.decode(features, model.condition(features, texts.vectors(said, model.null)))
            for said in (nothing, captions)
        )
        for name, logits, gain in (
            ("none", own, config.chroma_gain),
            ("caption", own.lerp(guided, config.guidance), config.described_gain),
        ):
            likely = annealed_mean(logits, model.bins, temperature=config.temperature)
            ab = raised(likely, gain).permute(0, 2, 3, 1).numpy()
            for i in range(len(batch)):
                if name == "caption" and captions[i] is None:
                    continue
                result = _join(lab[i, ..., 0], ab[i])
                scores[name].append(psnr(rgb[i], result))
                if name == "none":
                    scores["vivid"].append(colourfulness(result))
        for i in range(len(batch)):
            scores["grey"].append(psnr(rgb[i], _join(lab[i, ..., 0], np.zeros((4, 4, 2)))))
            scores["true"].append(colourfulness(rgb[i]))
    mean = {name: float(np.mean(values)) for name, values in scores.items() if values}
    ratio = mean["vivid"] / mean["true"]
    return Validation(mean["grey"], mean["none"], mean.get("caption"), ratio)


def _join(lightness: NDArray[np.float32], ab: NDArray[np.floating]) -> NDArray[np.uint8]:
    full = cv2.resize(ab.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    rgb = lab_to_srgb(np.dstack([lightness, full]).astype(np.float32))
    return np.asarray(np.rint(rgb.clip(0, 1) * 255), np.uint8)
