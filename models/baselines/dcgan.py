"""Nazeri, Ng, Ebrahimi 2018: "Image Colorization Using GANs" (arXiv:1803.05400).

A conditional DCGAN: the generator is an encoder-decoder of strided and transposed convolutions
with skips, fed with the grey picture alone; the discriminator sees grey and colour together. The
generator is taught to be taken for real, and by 100 times L1; the discriminator's label for real
photos is 0.9 instead of 1, that for made ones stays 0 (one-sided smoothing).

Reduced: all widths to a quarter or less (16 to 96 channels), six levels instead of eight.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.baselines.baseline import AB_LIMIT, Baseline, BaselineConfig, Batch, scaled

DOWN = (16, 32, 64, 96, 96, 96)
JUDGE = (16, 32, 64, 96)
L1_WEIGHT = 100.0
REAL = 0.9
SLOPE = 0.2  # of the leaky rectifiers


class Dcgan(Baseline):
    """Regress ab at full size, against a discriminator."""

    multiple = 64
    rate = 5e-4
    betas = (0.5, 0.999)

    def __init__(self, config: BaselineConfig) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            _down(before, after, normalised=i > 0)
            for i, (before, after) in enumerate(zip((1, *DOWN), DOWN, strict=False))
        )
        ups, channels = [], DOWN[-1]
        for skip in (*DOWN[-2::-1], 0):  # none at full size, where only the picture itself is
            width = skip or DOWN[0]
            ups.append(_up(channels, width))
            channels = width + skip
        self.up = nn.ModuleList(ups)
        self.to_ab = nn.Conv2d(channels, 2, 1)
        self.judge = nn.Sequential(
            *(
                _down(before, after, normalised=i > 0)
                for i, (before, after) in enumerate(zip((3, *JUDGE), JUDGE, strict=False))
            ),
            nn.Conv2d(JUDGE[-1], 1, 4, padding=1),
        )

    def players(self) -> list[list[nn.Parameter]]:
        """Return the discriminator's parameters, then the generator's."""
        judge = list(self.judge.parameters())
        generator = [p for name, p in self.named_parameters() if not name.startswith("judge.")]
        return [judge, generator]

    def forward(self, lightness: Tensor) -> Tensor:
        """Guess (N, 2, H, W) ab."""
        return AB_LIMIT * self.share(lightness)

    def share(self, lightness: Tensor) -> Tensor:
        """Return ab over its limit, (N, 2, H, W) in [-1, 1]."""
        features = [scaled(lightness)]
        for down in self.down:
            features.append(down(features[-1]))
        x = features.pop()
        for up in self.up:
            x = up(x)
            skip = features.pop()
            if features:
                x = torch.cat([x, skip], dim=1)
        return torch.tanh(self.to_ab(x).float())

    def losses(self, batch: Batch, done: float) -> Iterator[Tensor]:
        """Yield the discriminator's loss, then the generator's."""
        grey, real = scaled(batch.lightness), batch.ab / AB_LIMIT
        made = self.share(batch.lightness)
        verdicts = (
            (self._verdict(grey, real), REAL),
            (self._verdict(grey, made.detach()), 0.0),
        )
        yield torch.stack([_told(verdict, label) for verdict, label in verdicts]).mean()
        taken = _told(self._verdict(grey, made), 1.0)
        yield taken + L1_WEIGHT * F.l1_loss(made, real)

    def _verdict(self, grey: Tensor, share: Tensor) -> Tensor:
        verdict: Tensor = self.judge(torch.cat([grey, share], dim=1))
        return verdict.float().mean(dim=(1, 2, 3))


def _told(verdict: Tensor, label: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(verdict, torch.full_like(verdict, label))


def _down(channels_in: int, channels: int, *, normalised: bool) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(channels_in, channels, 4, 2, 1, bias=not normalised)]
    if normalised:
        layers.append(nn.BatchNorm2d(channels))
    return nn.Sequential(*layers, nn.LeakyReLU(SLOPE))


def _up(channels_in: int, channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose2d(channels_in, channels, 4, 2, 1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
    )
