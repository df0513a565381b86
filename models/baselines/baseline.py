"""What every learned baseline is: chroma from lightness, and the losses that teach it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

AB_LIMIT = 110.0  # networks that regress ab give it divided by this
UNKNOWN_SCENE = -1


@dataclass(frozen=True, slots=True)
class BaselineConfig:
    """Everything needed to build a baseline again.

    ``bins`` are the ab centres that occur in the training photos and ``shares`` how often;
    regressions have no use for them. ``working_size`` squared is about the area it colours at,
    between the least and the largest scale of its training crops.
    """

    name: str
    bins: tuple[tuple[float, float], ...]
    shares: tuple[float, ...]
    working_size: int = 160


class Batch(NamedTuple):
    """Lightness (N, 1, S, S) in [0, 100], ab (N, 2, S, S), scenes (N,) with -1 for unknown."""

    lightness: Tensor
    ab: Tensor
    scenes: Tensor


class Baseline(nn.Module, ABC):
    """A small network of the field.

    ``multiple``: both sides of the lightness must be multiples of it. ``rate`` and ``betas`` are
    the optimiser's.
    """

    multiple: ClassVar[int] = 8
    rate: ClassVar[float] = 2e-3
    betas: ClassVar[tuple[float, float]] = (0.9, 0.999)

    @abstractmethod
    def forward(self, lightness: Tensor) -> Tensor:
        """Guess (N, 2, H/k, W/k) ab from (N, 1, H, W) lightness; k divides 4."""

    @abstractmethod
    def losses(self, batch: Batch, done: float) -> Iterator[Tensor]:
        """Yield one loss for each player, in their order.

        The player takes its step before the next loss is asked for. ``done`` is how much of the
        training is over, 0 to 1.
        """

    def players(self) -> list[list[nn.Parameter]]:
        """Return the parameters of each player: one, but for adversaries."""
        return [list(self.parameters())]


def scaled(lightness: Tensor) -> Tensor:
    """Bring lightness from [0, 100] to [-1, 1]."""
    return lightness / 50 - 1


def shrunk(ab: Tensor, like: Tensor) -> Tensor:
    """Average (N, C, H, W) over the coarser grid of another tensor."""
    return F.interpolate(ab, size=like.shape[-2:], mode="area")


def start_rectified(network: nn.Module) -> None:
    """Draw the weights of convolutions so that rectified features keep their size.

    He et al. 2015 (arXiv:1502.01852).
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
