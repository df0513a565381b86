"""Extent: how strongly a thing's colour is laid on each cell, by how the grounder found it.

A probability says whether a cell shows a thing; how much of its colour the cell should take is
another question. The answer follows edges of lightness, fills what belongs together, and holds back
where the place or the colour is doubtful. Learned on captions with colours, against the true
colours (``models.training.extent``).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.guidance.named_colors import UNEXPECTED
from models.guidance.things import how_found

INPUTS = 14
SURE = 0.15  # probabilities are judged against the likeliest cells, or this
# Shares that least squares give are those of a doubtful mind, a little everywhere: from LEAST on a
# cell takes the colour, from MOST on all of it.
LEAST, MOST = 0.05, 0.85


class Extent(nn.Module):
    """A few convolutions on a grid with stride 4; things are a batch."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.read = nn.Conv2d(INPUTS, width, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=gap, dilation=gap) for gap in (2, 4, 1)
        )
        self.write = nn.Conv2d(width, 1, 1)
        nn.init.zeros_(self.write.weight)
        assert self.write.bias is not None
        nn.init.constant_(self.write.bias, -0.5)

    def forward(self, inputs: Tensor) -> Tensor:
        """Turn (K, INPUTS, h, w) inputs into (K, h, w) shares of a colour, 0 to 1."""
        x = torch.relu(self.read(inputs))
        for block in self.blocks:
            x = x + torch.relu(block(x))
        shares: Tensor = torch.sigmoid(self.write(x))[:, 0]
        return shares


def decided(shares: Tensor) -> Tensor:
    """Make (K, h, w) shares clearer: a smooth step from LEAST to MOST."""
    clear = ((shares - LEAST) / (MOST - LEAST)).clamp(0, 1)
    return clear * clear * (3 - 2 * clear)


def extent_inputs(
    logits: Tensor,
    rivals: Tensor,
    probability: Tensor,
    evened: Tensor,
    mates: Tensor,
    evidence: Tensor,
    colors: Tensor,
    guess: Tensor,
    lightness: Tensor,
    neutral: Tensor,
) -> Tensor:
    """Gather what is known of things, each (K, h, w), into (K, INPUTS, h, w).

    ``logits`` of each name and of the best of its ``rivals``, the ``probability`` that comes of
    them, its non-local mean (``evened``), that of other things of the same kind (``mates``), the
    ``evidence`` for the colours, these as (K, 2, h, w) and the network's ``guess``, (2, h, w);
    (h, w) lightness; ``neutral`` (K,) is 1 for names of greys.
    """
    found = torch.from_numpy(how_found(probability.numpy()))[:, None, None]
    total = probability.sum((1, 2), keepdim=True).clamp_min(1e-6)
    mean = (probability * evidence).sum((1, 2), keepdim=True) / total
    ratio = ((evidence + UNEXPECTED) / (mean + UNEXPECTED)).log().clamp(-3, 3)
    everywhere = torch.ones_like(probability)
    planes = [
        logits / 10,
        (logits - rivals).clamp(-20, 20) / 10,
        probability,
        evened,
        probability / found.clamp_min(SURE),
        mates,
        evidence,
        ratio,
        (colors - guess).norm(dim=1) / 50,
        (lightness / 100 - 0.5).expand_as(probability),
        found * everywhere,
        probability.mean((1, 2), keepdim=True) * everywhere,
        neutral[:, None, None] * everywhere,
        torch.sigmoid(logits),
    ]
    return torch.stack(planes, dim=1)
