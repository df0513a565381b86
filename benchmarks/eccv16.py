"""The network of "Colorful Image Colorization" (Zhang, Isola and Efros 2016), for its cost alone.

Written layer by layer from the table in the paper's appendix; the weights are random, which changes
what it paints and not how long it takes. It is the measure that colorizers have been held against
since: a VGG-like trunk that keeps an eighth of the resolution, two dilated blocks, and a
distribution over 313 bins of ab.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

BINS = 313
SIDE = 256  # of the picture that the paper's network is given
# Of each block: the channels of its convolutions, the stride of the last one, the dilation of all.
BLOCKS = (
    ((64, 64), 2, 1),
    ((128, 128), 2, 1),
    ((256, 256, 256), 2, 1),
    ((512, 512, 512), 1, 1),
    ((512, 512, 512), 1, 2),
    ((512, 512, 512), 1, 2),
    ((512, 512, 512), 1, 1),
)


class ECCV16(nn.Module):
    """Lightness (N, 1, H, W), sides divisible by 8, to ab (N, 2, H, W)."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1
        for widths, stride, dilation in BLOCKS:
            for place, width in enumerate(widths):
                step = stride if place == len(widths) - 1 else 1
                layers += [
                    nn.Conv2d(channels, width, 3, step, dilation, dilation),
                    nn.ReLU(inplace=True),
                ]
                channels = width
            layers.append(nn.BatchNorm2d(channels))
        layers += [nn.ConvTranspose2d(channels, 256, 4, 2, 1), nn.ReLU(inplace=True)]
        for _ in range(2):
            layers += [nn.Conv2d(256, 256, 3, 1, 1), nn.ReLU(inplace=True)]
        self.trunk = nn.Sequential(*layers, nn.Conv2d(256, BINS, 1))
        self.mean = nn.Conv2d(BINS, 2, 1, bias=False)  # the weights are the bins
        self.enlarge = nn.Upsample(scale_factor=4, mode="bilinear")

    def forward(self, lightness: Tensor) -> Tensor:
        """Guess chroma for lightness in [0, 100]."""
        shares = torch.softmax(self.trunk((lightness - 50) / 100), dim=1)
        ab: Tensor = self.enlarge(self.mean(shares))
        return ab
