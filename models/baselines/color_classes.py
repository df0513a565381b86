"""Colour as a choice among quantised ab (Zhang et al. 2016, arXiv:1603.08511)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.baselines.baseline import BaselineConfig, shrunk
from models.networks.colorizer import annealed_mean
from models.training.bins import SoftEncoder, balance_weights
from models.training.losses import balanced_cross_entropy

TEMPERATURE = 0.38  # the paper's choice between the mean (1) and the mode (0)


class ColorClasses(nn.Module):
    """The last layer of a classifier of colours, its loss, and how its answer is read.

    ``rebalanced`` lifts rare colours by the paper's weights, which are inverse to the mean of
    the photos' own distribution and the uniform one.
    """

    bins: Tensor
    balance: Tensor

    def __init__(self, channels: int, config: BaselineConfig, *, rebalanced: bool) -> None:
        super().__init__()
        shares = torch.tensor(config.shares)
        balance = balance_weights(shares, power=1.0) if rebalanced else torch.ones_like(shares)
        self.register_buffer("bins", torch.tensor(config.bins), persistent=False)
        self.register_buffer("balance", balance, persistent=False)
        self.encode = SoftEncoder(self.bins)
        self.to_logits = nn.Conv2d(channels, len(config.bins), 1)
        nn.init.zeros_(self.to_logits.weight)  # so that the first guess is the same everywhere:
        self.to_logits.bias = nn.Parameter(torch.log(shares))  # the distribution over all photos

    def forward(self, features: Tensor) -> Tensor:
        """Turn (N, C, h, w) features into (N, Q, h, w) logits."""
        logits: Tensor = self.to_logits(features)
        return logits

    def loss(self, logits: Tensor, ab: Tensor) -> Tensor:
        """Cross-entropy of (N, Q, h, w) logits to (N, 2, H, W) ab, spread over near bins."""
        return balanced_cross_entropy(
            logits.float(), *self.encode(shrunk(ab, logits)), self.balance
        )

    def read(self, logits: Tensor) -> Tensor:
        """Return the annealed mean, (N, 2, h, w) ab."""
        return annealed_mean(logits.float(), self.bins, temperature=TEMPERATURE)
