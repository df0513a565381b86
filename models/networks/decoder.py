"""The decoder: from features at strides 32, 16, 8 and 4 up to stride 4, FiLM in every block.

FiLM modulates features by a condition vector (Perez et al. 2018, arXiv:1709.07871).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
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


class Decoder(nn.Module):
    """A U-Net's way up: features enlarged, joined with the encoder's own and modulated by FiLM.

    ``widths`` and ``encoder_channels`` are given from stride 4 to stride 32.
    """

    def __init__(
        self,
        condition_width: int,
        widths: tuple[int, int, int, int],
        encoder_channels: tuple[int, int, int, int],
    ) -> None:
        super().__init__()
        w4, w8, w16, w32 = widths
        c4, c8, c16, c32 = encoder_channels
        # Narrowed before they are enlarged: half the work of the blocks that follow.
        self.up32, self.up16, self.up8 = (nn.Conv2d(w, w // 2, 1) for w in (w32, w16, w8))
        self.block32 = FiLMBlock(condition_width, c32, w32)
        self.block16 = FiLMBlock(condition_width, w32 // 2 + c16, w16)
        self.block8 = FiLMBlock(condition_width, w16 // 2 + c8, w8)
        self.block4 = FiLMBlock(condition_width, w8 // 2 + c4, w4)

    def forward(self, features: list[Tensor], condition: Tensor) -> Tensor:
        """Map features (N, C, H/s, W/s), s = 4..32, and (N, K) conditions to (N, w4, H/4, W/4)."""
        f4, f8, f16, f32 = features
        x = self.block32(f32, condition)
        x = self.block16(torch.cat([_double(self.up32(x)), f16], 1), condition)
        x = self.block8(torch.cat([_double(self.up16(x)), f8], 1), condition)
        out: Tensor = self.block4(torch.cat([_double(self.up8(x)), f4], 1), condition)
        return out


def _double(features: Tensor) -> Tensor:
    return F.interpolate(features, scale_factor=2, mode="bilinear", align_corners=False)
