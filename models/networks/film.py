"""FiLM: features modulated by a condition vector (Perez et al. 2018, arXiv:1709.07871)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class FiLM(nn.Module):
    """Scale and shift every channel by values read from a condition vector.

    Starts as the identity: gamma is 1 + a linear map of the condition, beta a linear map, both
    maps zero at first.
    """

    def __init__(self, condition_width: int, channels: int) -> None:
        super().__init__()
        self.to_gamma_beta = nn.Linear(condition_width, 2 * channels)
        nn.init.zeros_(self.to_gamma_beta.weight)
        nn.init.zeros_(self.to_gamma_beta.bias)

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        """Modulate (N, C, H, W) features by (N, condition_width) conditions."""
        gamma, beta = self.to_gamma_beta(condition)[:, :, None, None].chunk(2, dim=1)
        return torch.addcmul(beta, features, 1 + gamma)


class FiLMBlock(nn.Module):
    """Two convolutions, each normalised, modulated and rectified, with a shortcut."""

    def __init__(self, condition_width: int, channels_in: int, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.film1 = FiLM(condition_width, channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.film2 = FiLM(condition_width, channels)

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        """Map (N, channels_in, H, W) to (N, channels, H, W)."""
        first = torch.relu(self.film1(self.norm1(self.conv1(features)), condition))
        second = self.film2(self.norm2(self.conv2(first)), condition)
        return torch.relu(first + second)
