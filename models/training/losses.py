"""What the colorizer is taught by."""

from __future__ import annotations

import torch
from torch import Tensor

LEAST_ERROR = 4.0  # ab squared; better than that nobody sees


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


def log_error(ab: Tensor, true: Tensor) -> Tensor:
    """Logarithm of each picture's mean squared error in ab, averaged over (N, 2, h, w) pictures.

    PSNR is such a logarithm: a photo that is nearly right counts as much as one that is far off.
    """
    squared = (ab - true).square().sum(1).mean((1, 2))
    return torch.log(squared + LEAST_ERROR).mean()
