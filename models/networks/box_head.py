"""The box head: which part of a photo holds the whole of what a phrase names.

The grounder's places follow outlines, and weigh each cell by itself; a box that a person would draw
around a thing is easier to learn, and is right more often for small things. The head decodes the
grounder's features to unit vectors on a grid with stride 8, and compares them with names as the
grounder does. Its logits are inputs of the extent, which keeps to the outlines.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.networks.colorizer import ENCODER_CHANNELS, ResidualBlock, double


class BoxHead(nn.Module):
    """Describe every cell of a grid with stride 8 so that boxes of names can be looked for.

    ``embedding_width`` is that of text vectors, ``described`` that of the unit vectors.
    """

    def __init__(
        self,
        embedding_width: int,
        *,
        width: int = 128,
        fine: int = 64,
        described: int = 64,
        hidden: int = 256,
    ) -> None:
        super().__init__()
        _, c8, c16, c32 = ENCODER_CHANNELS
        self.lateral32, self.lateral16 = nn.Conv2d(c32, width, 1), nn.Conv2d(c16, width, 1)
        self.lateral8, self.down8 = nn.Conv2d(c8, fine, 1), nn.Conv2d(width, fine, 1)
        self.scene = nn.Linear(c32, width)
        self.block32 = nn.Sequential(ResidualBlock(width), ResidualBlock(width))
        self.block16 = nn.Sequential(ResidualBlock(width), ResidualBlock(width))
        self.block8 = nn.Sequential(ResidualBlock(fine), ResidualBlock(fine))
        self.write = nn.Conv2d(fine, described, 1)
        self.read = nn.Sequential(
            nn.Linear(embedding_width, hidden), nn.SiLU(), nn.Linear(hidden, described)
        )
        self.scale = nn.Parameter(torch.tensor(2.3))  # a logarithm
        self.bias = nn.Parameter(torch.tensor(-3.0))

    def forward(self, f8: Tensor, f16: Tensor, f32: Tensor) -> Tensor:
        """Turn features at strides 8 to 32 into (N, described, H/8, W/8) unit vectors."""
        scene = self.scene(f32.mean((2, 3)))[:, :, None, None]
        x = self.block32(torch.relu(self.lateral32(f32) + scene))
        x = self.block16(torch.relu(self.lateral16(f16) + double(x)))
        x = self.block8(torch.relu(self.lateral8(f8) + double(self.down8(x))))
        return F.normalize(self.write(x), dim=1)

    def phrases(self, vectors: Tensor) -> Tensor:
        """Turn (P, embedding_width) text vectors into (P, described) unit vectors."""
        return F.normalize(self.read(vectors), dim=-1)

    def logits(self, cells: Tensor, phrases: Tensor) -> Tensor:
        """Return (N, P, h, w) logits of (N, described, h, w) cells and (P, described) phrases."""
        agreement = torch.einsum("ndhw,pd->nphw", cells, phrases)
        logits: Tensor = agreement * self.scale.exp() + self.bias
        return logits
