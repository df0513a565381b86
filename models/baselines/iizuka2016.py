"""Iizuka, Simo-Serra, Ishikawa 2016: "Let there be Color!" (ACM ToG 35(4)).

Low-level features are shared by two streams: a local one, and a global one that sums the whole
picture, at a fixed size, up in one vector. The vector is laid beside every local feature (the
fusion layer) and tells the scene as well; colour is regressed by its square error, jointly with
that classification.

Reduced: all widths to a quarter; the global stream sees 128 instead of 224 px; the scenes are the
few of ``scenes.py``, read from captions, instead of 205 labelled ones; random weights at first.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.baselines.baseline import (
    AB_LIMIT,
    UNKNOWN_SCENE,
    Baseline,
    BaselineConfig,
    Batch,
    scaled,
    shrunk,
    start_rectified,
)
from models.baselines.scenes import SCENES

GLOBAL_SIDE = 128
SCENE_WEIGHT = 1 / 300  # the paper's, beside the square error of ab in [0, 1]


class Iizuka2016(Baseline):
    """Regress ab at stride 2 from local features and one global vector."""

    def __init__(self, config: BaselineConfig) -> None:
        super().__init__()
        self.low = nn.Sequential(
            _convolution(1, 16, stride=2),
            _convolution(16, 32),
            _convolution(32, 32, stride=2),
            _convolution(32, 64),
            _convolution(64, 64, stride=2),
            _convolution(64, 128),
        )
        self.middle = nn.Sequential(_convolution(128, 128), _convolution(128, 64))
        self.summary = nn.Sequential(
            _convolution(128, 128, stride=2),
            _convolution(128, 128),
            _convolution(128, 128, stride=2),
            _convolution(128, 128),
            nn.Flatten(),
            nn.Linear(128 * (GLOBAL_SIDE // 32) ** 2, 256),
            nn.ReLU(),
            nn.Linear(256, 128),
            nn.ReLU(),
        )
        self.to_fusion = nn.Sequential(nn.Linear(128, 64), nn.ReLU())
        self.to_scene = nn.Sequential(nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, len(SCENES)))
        self.fusion = nn.Sequential(nn.Conv2d(128, 64, 1), nn.BatchNorm2d(64), nn.ReLU())
        self.color = nn.Sequential(
            _convolution(64, 32),
            nn.Upsample(scale_factor=2),
            _convolution(32, 16),
            _convolution(16, 16),
            nn.Upsample(scale_factor=2),
            _convolution(16, 8),
            nn.Conv2d(8, 2, 3, padding=1),
            nn.Sigmoid(),
        )
        start_rectified(self)

    def forward(self, lightness: Tensor) -> Tensor:
        """Guess (N, 2, H/2, W/2) ab."""
        share, _ = self.color_and_scene(lightness)
        return (2 * share - 1) * AB_LIMIT

    def color_and_scene(self, lightness: Tensor) -> tuple[Tensor, Tensor]:
        """Return ab brought to [0, 1], (N, 2, H/2, W/2), and the scenes' logits."""
        grey = scaled(lightness)
        low = self.low(grey)
        whole = low  # in training both streams see the same size: the shared features serve both
        if grey.shape[-2:] != (GLOBAL_SIDE, GLOBAL_SIDE):
            small = F.interpolate(grey, size=(GLOBAL_SIDE, GLOBAL_SIDE), mode="area")
            whole = self.low(small)
        vector = self.summary(whole)
        local = self.middle(low)
        beside = self.to_fusion(vector)[:, :, None, None].expand(-1, -1, *local.shape[-2:])
        fused = self.fusion(torch.cat([local, beside], dim=1))
        return self.color(fused), self.to_scene(vector)

    def losses(self, batch: Batch, done: float) -> Iterator[Tensor]:
        """Yield the square error of ab with a little of the scene's cross-entropy."""
        share, scenes = self.color_and_scene(batch.lightness)
        wanted = shrunk(batch.ab, share) / (2 * AB_LIMIT) + 0.5
        loss = F.mse_loss(share.float(), wanted)
        if (batch.scenes != UNKNOWN_SCENE).any():
            told = F.cross_entropy(scenes.float(), batch.scenes, ignore_index=UNKNOWN_SCENE)
            loss = loss + SCENE_WEIGHT * told
        yield loss


def _convolution(channels_in: int, channels: int, *, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
    )
