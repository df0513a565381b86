"""Against learning photos by heart: mixed samples and channels left out."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.networks.colorizer import Decoder
from models.training.samples import Batch

LEAST_MIXED, MOST_MIXED = 0.35, 0.75  # of a side


def mix_samples(batch: Batch, probability: float, generator: np.random.Generator) -> Batch:
    """Paste a part of another sample, at the same place, into some (CutMix; Yun et al. 2019).

    What was said about the whole of such a sample, its text and its palette, is left out.
    """
    lightness, ab, palettes = batch.lightness.clone(), batch.ab.clone(), batch.palettes.clone()
    texts = list(batch.texts)
    count, (height, width) = len(texts), ab.shape[2:]
    stride = lightness.shape[2] // height
    for i in np.flatnonzero(generator.random(count) < probability):
        sides = generator.uniform(LEAST_MIXED, MOST_MIXED, 2)
        h, w = int(sides[0] * height), int(sides[1] * width)
        y, x = int(generator.integers(height - h + 1)), int(generator.integers(width - w + 1))
        other = int(generator.integers(count))
        cells = np.s_[:, y : y + h, x : x + w]
        pixels = np.s_[:, stride * y : stride * (y + h), stride * x : stride * (x + w)]
        ab[i][cells] = batch.ab[other][cells]
        lightness[i][pixels] = batch.lightness[other][pixels]
        palettes[i], texts[i] = 0.0, None
    return batch._replace(lightness=lightness, ab=ab, palettes=palettes, texts=texts)


def drop_channels(decoder: Decoder, probability: float) -> None:
    """Have a decoder learn with whole channels left out at random (Tompson et al. 2015).

    Those of the two coarsest features that it reads and of all its blocks but the last. Only
    passes with gradients are meant: the network's own mode stays as it is.
    """

    def dropped(x: Tensor) -> Tensor:
        return F.dropout2d(x, probability) if torch.is_grad_enabled() else x

    def before(_: nn.Module, given: tuple[list[Tensor], Tensor]) -> tuple[list[Tensor], Tensor]:
        (f4, f8, f16, f32), condition = given
        return [f4, f8, dropped(f16), dropped(f32)], condition

    def after(_module: nn.Module, _given: object, out: Tensor) -> Tensor:
        return dropped(out)

    decoder.register_forward_pre_hook(before)
    for block in (decoder.block32, decoder.block16, decoder.block8):
        block.register_forward_hook(after)
