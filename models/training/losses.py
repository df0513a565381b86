"""What the colorizer is taught by: right colours, and words read where they belong."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from models.colorizer import AB_SCALE, STRIDES, annealed_mean


def balanced_cross_entropy(
    logits: Tensor, bins: Tensor, weights: Tensor, balance: Tensor, emphasis: Tensor
) -> Tensor:
    """Cross-entropy of (N, Q, h, w) logits to soft targets, lifted for rare colours.

    ``bins`` and ``weights`` are (N, 5, h, w), nearest bin first; ``emphasis`` is (N, h, w).
    """
    log_weights = torch.log_softmax(logits, dim=1)
    entropy = -(weights * log_weights.gather(1, bins)).sum(1)
    lift = balance[bins[:, 0]] * emphasis
    return (entropy * lift).sum() / lift.sum()


def near_hints(hints: Tensor) -> Tensor:
    """Mark the cells that hold a certain hint, and their neighbours: (N, h, w), 0 or 1."""
    cells = F.max_pool2d((hints[:, 2:] == 1).float(), STRIDES[0])
    return F.max_pool2d(cells, 3, stride=1, padding=1)[:, 0]


def attention_loss(attention: Tensor, focus: Tensor, area: Tensor) -> Tensor:
    """Teach the pieces in ``focus`` (N, T) to be read inside the area (N, H, W), not outside.

    ``attention`` is (N, T, h, w). Inside and outside weigh the same, however small the area.
    """
    read = (attention * focus[:, :, None, None]).sum(1).clamp(1e-4, 1 - 1e-4)
    inside = F.interpolate(area[:, None], size=read.shape[1:], mode="area")[:, 0]
    outside = 1 - inside
    missed = -(inside * read.log()).sum() / inside.sum().clamp_min(1)
    strayed = -(outside * (1 - read).log()).sum() / outside.sum().clamp_min(1)
    return (missed + strayed) / 2


def leak_loss(after: Tensor, before: Tensor, area: Tensor, bins: Tensor) -> Tensor:
    """How far the mean colours outside the area (N, h, w) move, in AB_SCALE units of ab."""
    means = [annealed_mean(logits, bins, temperature=1.0) for logits in (after, before)]
    near = F.max_pool2d(area[:, None], 3, stride=1, padding=1)[:, 0]
    outside = 1 - near
    moved = ((means[0] - means[1]).square().sum(1) + 1e-4).sqrt()
    return (outside * moved).sum() / outside.sum().clamp_min(1) / AB_SCALE
