"""Quantised ab: which colours occur, and how a pixel's ab becomes soft weights over them.

After Zhang et al. 2016 (arXiv:1603.08511): a grid with spacing 10, of which only the cells that
occur in photos are kept; targets spread over the five nearest bins with a Gaussian of width 5.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

SPACING = 10
LIMIT = 110
NEIGHBOURS = 5
WIDTH = 5.0


def count_bins(ab_values: Iterable[NDArray[np.float32]]) -> tuple[NDArray[np.float32], Tensor]:
    """Count the grid cells over (..., 2) ab arrays; return occurring centres (Q, 2) and shares."""
    cells = 2 * LIMIT // SPACING + 1
    counts = np.zeros((cells, cells))
    for ab in ab_values:
        index = np.rint((ab.reshape(-1, 2) + LIMIT) / SPACING).astype(int).clip(0, cells - 1)
        np.add.at(counts, (index[:, 0], index[:, 1]), 1)
    shares = counts / counts.sum()
    occurring = np.argwhere(shares > 1e-5)
    centres = (occurring * SPACING - LIMIT).astype(np.float32)
    kept = shares[occurring[:, 0], occurring[:, 1]]
    return centres, torch.from_numpy(kept / kept.sum()).float()


def count_shares(ab_values: Iterable[NDArray[np.float32]], centres: Tensor) -> Tensor:
    """Return the shares (Q,) of (..., 2) ab values that lie nearest to each of (Q, 2) centres."""
    counts = torch.zeros(len(centres))
    for ab in ab_values:
        values = torch.from_numpy(np.ascontiguousarray(ab.reshape(-1, 2), np.float32))
        nearest = torch.cdist(values, centres).argmin(1)
        counts += torch.bincount(nearest, minlength=len(centres))
    return counts / counts.sum()


def balance_weights(shares: Tensor, *, power: float = 0.5, uniform: float = 0.5) -> Tensor:
    """Weights that lift rare colours, (Q,), 1 on average over the photos' own distribution."""
    mixed = (1 - uniform) * shares + uniform / len(shares)
    weights = mixed**-power
    return weights / (weights * shares).sum()


class SoftEncoder:
    """Look up the five nearest bins of an ab value and their weights."""

    STEP = 2

    def __init__(self, centres: Tensor) -> None:
        axis = torch.arange(-LIMIT, LIMIT + 1, self.STEP).float()
        grid = torch.cartesian_prod(axis, axis)
        distance, index = torch.cdist(grid, centres).topk(NEIGHBOURS, largest=False)
        weight = torch.exp(-(distance**2) / (2 * WIDTH**2)) + 1e-8
        self.side = len(axis)
        self.index = index
        self.weight = weight / weight.sum(1, keepdim=True)

    def __call__(self, ab: Tensor) -> tuple[Tensor, Tensor]:
        """Encode (N, 2, h, w) ab as bins and weights, both (N, 5, h, w), nearest first."""
        cell = ((ab + LIMIT) / self.STEP).round().long().clamp(0, self.side - 1)
        flat = cell[:, 0] * self.side + cell[:, 1]
        return self.index[flat].movedim(-1, 1), self.weight[flat].movedim(-1, 1)
