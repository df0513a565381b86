"""The plain encoder-decoder: half a ResNet-18, six convolutions, one upsampling.

The encoder is He et al. 2015 (arXiv:1512.03385) up to stride 8; what follows is the colorizer that
tutorials build on it. Once it regresses ab by the square error, once it chooses among quantised ab
by plain cross-entropy.

Reduced: the encoder's widths to a half (its stem keeps 64 channels); random weights at first, as
no package brings ImageNet's.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

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
from models.baselines.color_classes import ColorClasses

ENCODER_WIDTHS = (32, 64, 128, 256)
DECODER_WIDTHS = (64, 64, 48, 48, 32)  # of the first five convolutions; the sixth gives colour
STRIDE = 8


class ResNet18(Baseline):
    """The part that both variants share: (N, 32, H/8, W/8) features from lightness."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = resnet_encoder("resnet18", ENCODER_WIDTHS, out_indices=(2,))
        widths = (ENCODER_WIDTHS[1], *DECODER_WIDTHS)
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
        self.decoder = nn.Sequential(*layers)
        start_rectified(self.decoder)

    def features(self, lightness: Tensor) -> Tensor:
        """Return what the last convolution reads."""
        (deepest,) = self.encoder(scaled(lightness))
        features: Tensor = self.decoder(deepest)
        return features


class ResNet18Mse(ResNet18):
    """Regress ab."""

    def __init__(self, config: BaselineConfig) -> None:
        super().__init__()
        self.to_ab = nn.Conv2d(DECODER_WIDTHS[-1], 2, 3, padding=1)

    def forward(self, lightness: Tensor) -> Tensor:
        """Guess (N, 2, H, W) ab."""
        return AB_LIMIT * enlarged(self.to_ab(self.features(lightness)).float())

    def losses(self, batch: Batch, done: float) -> Iterator[Tensor]:
        """Yield the mean square error of ab over its limit."""
        yield F.mse_loss(self(batch.lightness) / AB_LIMIT, batch.ab / AB_LIMIT)


class ResNet18CrossEntropy(ResNet18):
    """Choose among quantised ab; rare colours are not lifted."""

    def __init__(self, config: BaselineConfig) -> None:
        super().__init__()
        self.classes = ColorClasses(DECODER_WIDTHS[-1], config, rebalanced=False)

    def forward(self, lightness: Tensor) -> Tensor:
        """Guess (N, 2, H, W) ab."""
        return enlarged(self.classes.read(self.classes(self.features(lightness))))

    def losses(self, batch: Batch, done: float) -> Iterator[Tensor]:
        """Yield the cross-entropy at stride 8."""
        yield self.classes.loss(self.classes(self.features(batch.lightness)), batch.ab)


def enlarged(ab: Tensor) -> Tensor:
    """Upsample once, bilinearly, by the encoder's stride."""
    return F.interpolate(ab, scale_factor=STRIDE, mode="bilinear", align_corners=False)


def resnet_encoder(
    name: str, widths: tuple[int, int, int, int], *, out_indices: tuple[int, ...]
) -> nn.Module:
    """Build a grey ResNet of other widths; its features lie at strides 2, 4, 8, 16 and 32."""
    from models.networks.torchvision_operators import declare_torchvision_operators

    declare_torchvision_operators()
    import timm

    encoder: nn.Module = timm.create_model(
        name, in_chans=1, channels=widths, features_only=True, out_indices=out_indices
    )
    return encoder
