"""Zhang, Isola, Efros 2016: "Colorful Image Colorization" (arXiv:1603.08511).

One stream of VGG-like blocks without pooling: three that halve the picture, four at stride 8 of
which two are dilated, one that doubles it again; then a distribution over ab, taught by
cross-entropy with rare colours lifted, read by its annealed mean.

Reduced: all widths to an eighth (8 to 64 channels instead of 64 to 512); random weights at first.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn

from models.baselines.baseline import Baseline, BaselineConfig, Batch, scaled, start_rectified
from models.baselines.color_classes import ColorClasses

WIDTHS = (8, 16, 32, 64)


class Zhang2016(Baseline):
    """Predict a distribution over ab at stride 4."""

    def __init__(self, config: BaselineConfig) -> None:
        super().__init__()
        w1, w2, w3, w4 = WIDTHS
        self.trunk = nn.Sequential(
            _block(1, w1, convolutions=2, stride=2),
            _block(w1, w2, convolutions=2, stride=2),
            _block(w2, w3, convolutions=3, stride=2),
            _block(w3, w4, convolutions=3),
            _block(w4, w4, convolutions=3, dilation=2),
            _block(w4, w4, convolutions=3, dilation=2),
            _block(w4, w4, convolutions=3),
            nn.ConvTranspose2d(w4, w3, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(w3, w3, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(w3, w3, 3, padding=1),
            nn.ReLU(),
        )
        start_rectified(self)
        self.classes = ColorClasses(w3, config, rebalanced=True)

    def forward(self, lightness: Tensor) -> Tensor:
        """Guess (N, 2, H/4, W/4) ab."""
        return self.classes.read(self.logits(lightness))

    def logits(self, lightness: Tensor) -> Tensor:
        """Return (N, Q, H/4, W/4) logits."""
        logits: Tensor = self.classes(self.trunk(scaled(lightness)))
        return logits

    def losses(self, batch: Batch, done: float) -> Iterator[Tensor]:
        """Yield the rebalanced cross-entropy."""
        yield self.classes.loss(self.logits(batch.lightness), batch.ab)


def _block(
    channels_in: int, channels: int, *, convolutions: int, stride: int = 1, dilation: int = 1
) -> nn.Sequential:
    """Rectified convolutions, the last with the stride, normalised once at the end."""
    layers: list[nn.Module] = []
    for i in range(convolutions):
        step = stride if i == convolutions - 1 else 1
        width = channels if i else channels_in
        layers += [nn.Conv2d(width, channels, 3, step, dilation, dilation), nn.ReLU()]
    return nn.Sequential(*layers, nn.BatchNorm2d(channels))
