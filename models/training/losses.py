"""What the colorizer is taught by."""

from __future__ import annotations

import torch
from torch import Tensor


def balanced_cross_entropy(
    logits: Tensor, bins: Tensor, weights: Tensor, balance: Tensor
) -> Tensor:
    """Cross-entropy of (N, Q, h, w) logits to soft targets, lifted for rare colours.

    ``bins`` and ``weights`` are (N, 5, h, w), nearest bin first.
    """
    log_weights = torch.log_softmax(logits, dim=1)
    entropy = -(weights * log_weights.gather(1, bins)).sum(1)
    lift = balance[bins[:, 0]]
    return (entropy * lift).sum() / lift.sum()
