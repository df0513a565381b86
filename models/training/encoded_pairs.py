"""Pairs of photos as the frozen colorizer sees them, which the matcher learns from."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from models.networks.colorizer import Colorizer, annealed_mean, raised
from models.training.pairs import Pairs


class Encoded(NamedTuple):
    """A batch of pairs, targets first and twins after them, as the networks see it.

    ``features`` are those of the encoder, half precision; ``lightness`` (2N, 1, S, S); ``ab``
    (2N, 2, S/4, S/4); ``guess`` (N, 2, S/4, S/4), what the colorizer paints by itself.
    """

    features: list[Tensor]
    lightness: Tensor
    ab: Tensor
    guess: Tensor
    places: Tensor

    def cloned(self) -> Encoded:
        """Copy the tensors, which were made in inference mode: autograd refuses to keep those."""
        return Encoded([f.clone() for f in self.features], *(plane.clone() for plane in self[1:]))


@torch.inference_mode()
def encode(colorizer: Colorizer, batch: Pairs) -> Encoded:
    """Run the frozen colorizer over a batch."""
    pictures = torch.cat([batch.target, batch.twin])
    lightness = pictures[:, :1].contiguous()
    features = [f.contiguous() for f in colorizer.encode(lightness)]
    guess = own_guess(colorizer, [f[: len(batch.target)] for f in features])
    halves = [f.half() for f in features]
    return Encoded(halves, lightness, F.avg_pool2d(pictures[:, 1:], 4), guess, batch.places)


def own_guess(colorizer: Colorizer, features: list[Tensor]) -> Tensor:
    """What the colorizer paints without any guidance, as colourful as it is shown: (N, 2, h, w) ab.

    A paler guess errs less, so a reference would be trusted less than it should be.
    """
    condition = colorizer.condition(features, colorizer.null[None])
    logits = colorizer.decode(features, condition)
    config = colorizer.config
    means = annealed_mean(logits, colorizer.bins, temperature=config.temperature)
    return raised(means, config.chroma_gain)
