"""A U-Net on ResNet-34, taught by L1 and SSIM first, by the square error and SSIM then.

U-Net: Ronneberger et al. 2015 (arXiv:1505.04597); encoder: He et al. 2015 (arXiv:1512.03385); SSIM:
Wang et al. 2004. The first half of the training, with L1, settles the larger part; the second
punishes strong errors.

Reduced: the encoder's widths to a quarter (16 to 128 channels); random weights at first, as no
package brings ImageNet's.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.baselines.baseline import (
    AB_LIMIT,
    Baseline,
    BaselineConfig,
    Batch,
    scaled,
    start_rectified,
)
from models.baselines.resnet18 import resnet_encoder

ENCODER_WIDTHS = (16, 32, 64, 128)
DECODER_WIDTHS = (96, 64, 32, 24)
WINDOW = 11
SIGMA = 1.5


class ResNet34UNet(Baseline):
    """Regress ab at stride 2, with skips from every stride of the encoder."""

    multiple = 32

    def __init__(self, config: BaselineConfig) -> None:
        super().__init__()
        self.encoder = resnet_encoder("resnet34", ENCODER_WIDTHS, out_indices=(0, 1, 2, 3, 4))
        *skips, deepest = self.encoder.feature_info.channels()  # type: ignore[union-attr, operator]
        blocks = []
        for skip, width in zip(reversed(skips), DECODER_WIDTHS, strict=True):
            blocks.append(_block(deepest + skip, width))
            deepest = width
        self.blocks = nn.ModuleList(blocks)
        start_rectified(self.blocks)
        self.to_ab = nn.Conv2d(deepest, 2, 1)

    def forward(self, lightness: Tensor) -> Tensor:
        """Guess (N, 2, H/2, W/2) ab."""
        return AB_LIMIT * self.share(lightness)

    def share(self, lightness: Tensor) -> Tensor:
        """Return ab over its limit, (N, 2, H/2, W/2) in [-1, 1]."""
        *skips, x = self.encoder(scaled(lightness))
        for block, skip in zip(self.blocks, reversed(skips), strict=True):
            x = block(torch.cat([F.interpolate(x, scale_factor=2), skip], dim=1))
        return torch.tanh(self.to_ab(x).float())

    def losses(self, batch: Batch, done: float) -> Iterator[Tensor]:
        """Yield L1, later the square error, with one minus SSIM."""
        share = self.share(batch.lightness)
        wanted = F.interpolate(batch.ab / AB_LIMIT, size=share.shape[-2:], mode="area")
        near = F.l1_loss if done < 0.5 else F.mse_loss
        with torch.autocast("cpu", enabled=False):  # small variances are lost in half precision
            likeness = ssim(share / 2 + 0.5, wanted / 2 + 0.5)
        yield near(share, wanted) + 1 - likeness


def ssim(one: Tensor, other: Tensor) -> Tensor:
    """Mean structural similarity of (N, C, H, W) in [0, 1] (Wang et al. 2004, equation 13)."""
    offsets = torch.arange(WINDOW, device=one.device) - WINDOW // 2
    bell = torch.exp(-(offsets**2) / (2 * SIGMA**2))
    window = torch.outer(bell, bell) / bell.sum() ** 2
    channels = one.shape[1]
    kernel = window.expand(channels, 1, WINDOW, WINDOW)

    def local(plane: Tensor) -> Tensor:
        return F.conv2d(plane, kernel, groups=channels)

    mean_1, mean_2 = local(one), local(other)
    variance_1 = local(one * one) - mean_1**2
    variance_2 = local(other * other) - mean_2**2
    covariance = local(one * other) - mean_1 * mean_2
    c1, c2 = 0.01**2, 0.03**2
    likeness = (2 * mean_1 * mean_2 + c1) * (2 * covariance + c2)
    return (likeness / ((mean_1**2 + mean_2**2 + c1) * (variance_1 + variance_2 + c2))).mean()


def _block(channels_in: int, channels: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before in (channels_in, channels):
        layers += [
            nn.Conv2d(before, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers)
