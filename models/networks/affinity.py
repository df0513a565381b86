"""Affinity: which places of a photo are likely to be wrong alike, before any colour is known?

features of the grey photo (strides 4-32, the colorizer's own encoder), lightness and place
-> one descriptor for every cell at stride 4, from which ``guidance.kriging`` makes a covariance

It is trained for what it is for (``models.training.affinity``): some true colours are revealed, and
the others, as kriging corrects them, are to be right. The colours that a person thinks of are among
them, things turned to another hue or to grey: so it learns how little these say of the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.guidance.kriging import WIDTH
from models.networks.checkpoint import AFFINITY, WEIGHTS, load_network
from models.networks.colorizer import ENCODER_CHANNELS

CHECKPOINT = WEIGHTS / "affinity.safetensors"
PLACE = 4  # lightness, row, column, and how far from the middle column


@dataclass(frozen=True, slots=True)
class AffinityConfig:
    """Everything needed to build the network again.

    ``encoder`` is the digest of the encoder whose features it reads.
    """

    encoder: str
    hidden: int = 64


class Affinity(nn.Module):
    """Describe every cell of a grid with stride 4."""

    def __init__(self, config: AffinityConfig) -> None:
        super().__init__()
        self.config = config
        hidden = config.hidden
        self.norms = nn.ModuleList(nn.BatchNorm2d(c, affine=False) for c in ENCODER_CHANNELS)
        self.read = nn.ModuleList(nn.Conv2d(c, hidden, 1) for c in ENCODER_CHANNELS)
        self.place = nn.Conv2d(PLACE, hidden, 1)
        self.mix = nn.Conv2d(hidden, hidden, 1)
        self.write = nn.Conv2d(hidden, WIDTH, 1)
        nn.init.normal_(self.write.weight, std=0.05)

    def forward(
        self, features: list[Tensor], lightness: Tensor, cells: Tensor | None = None
    ) -> Tensor:
        """Return (N, K, WIDTH) descriptors of K cells.

        ``features`` are those of the encoder, (N, C, H/s, W/s), ``lightness`` is (N, h, w) in
        [0, 100], h = H/4. ``cells`` (N, K) number the cells in reading order; None means all.
        """
        count, rows, columns = lightness.shape
        if cells is None:
            cells = torch.arange(rows * columns).expand(count, -1)
        y = (cells // columns + 0.5) / rows * 2 - 1
        x = (cells % columns + 0.5) / columns * 2 - 1
        own = torch.stack([lightness.flatten(1).gather(1, cells) / 50 - 1, y, x, x.abs()], 1)
        z = self.place(own[..., None])
        grid = torch.stack([x, y], -1)[:, :, None]
        for norm, read, plane in zip(self.norms, self.read, features, strict=True):
            # Bilinear, as an enlarged plane is; only where it is asked for.
            z = z + F.grid_sample(
                read(norm(plane)), grid, padding_mode="border", align_corners=False
            )
        z = z + self.mix(F.silu(z))
        described: Tensor = self.write(F.silu(z))[..., 0].mT
        return described


def load_affinity(path: Path = CHECKPOINT) -> Affinity:
    """Load the network that came with Photochrom, or that of a training run.

    Raises:
        WeightsError: the file is missing, damaged or of another kind.
    """
    return load_network(path, lambda config: Affinity(AffinityConfig(**config)), kind=AFFINITY)
