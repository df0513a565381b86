"""Where a reference shows the same thing: its colours carried over to the target.

The encoder's features of both pictures, at three strides, become one descriptor for every cell of
a grid; a target's cell takes the colour of the reference's cell with the most similar one
(He et al. 2018, arXiv:1807.06587). Cells that choose each other are trusted.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Correspondence:
    """Colours carried over: ``ab`` (2, h, w) and ``confidence`` (h, w) in [0, 1]."""

    ab: Tensor
    confidence: Tensor


def match(target: list[Tensor], reference: list[Tensor], reference_ab: Tensor) -> Correspondence:
    """Match (1, C, h, w) features at strides 4, 8, 16, 32 of a target and of a reference.

    ``reference_ab`` is (2, H, W) at stride 1. The answer lies on the target's grid of stride 4.
    """
    rows, columns = target[1].shape[2:]
    ours, theirs = _describe(target), _describe(reference)  # (n, D), (m, D)
    centre = torch.cat([ours, theirs]).mean(0)
    spread = torch.cat([ours, theirs]).std(0) + 1e-6
    ours, theirs = (F.normalize((x - centre) / spread, dim=1) for x in (ours, theirs))
    similarity = ours @ theirs.T
    best, where = similarity.max(1)
    back = similarity.argmax(0)[where]
    places = torch.arange(len(where))
    away = torch.maximum(
        (places // columns - back // columns).abs(), (places % columns - back % columns).abs()
    )
    ab = F.adaptive_avg_pool2d(reference_ab[None], (reference[1].shape[2], reference[1].shape[3]))[
        0
    ].flatten(1)
    carried = ab[:, where].view(1, 2, rows, columns)
    sure = ((best - 0.4) / 0.5).clamp(0, 1) * (away <= 1)
    return Correspondence(
        _double(carried)[0], _double(sure.view(1, 1, rows, columns))[0, 0].clamp(0, 1)
    )


def _describe(features: list[Tensor]) -> Tensor:
    """Join the features of strides 8, 16 and 32 on the grid of stride 8: (n, D)."""
    size = list(features[1].shape[2:])
    layers = [
        F.interpolate(f, size, mode="bilinear", align_corners=False) / f.shape[1] ** 0.5
        for f in features[1:]
    ]
    return torch.cat(layers, 1)[0].flatten(1).T


def _double(plane: Tensor) -> Tensor:
    return F.interpolate(plane, scale_factor=2, mode="bilinear", align_corners=False)
