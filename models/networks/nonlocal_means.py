"""One thing, one colour: every cell takes part in the mean of the cells that look alike.

Non-local means (Buades, Coll and Morel 2005), where cells are alike if a network describes them
alike, if they are near each other, and if they are of one lightness. Keys are means of blocks of
cells, which makes the work a quarter and hardly changes the result.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

NEAR = 10.0  # cells; a standard deviation
SAME_LIGHTNESS = 10.0  # of L; a standard deviation
BLOCK = 2  # cells a side
CHUNK = 256  # cells at a time, whose likeness stays near a core until it is whole


def likeness(
    descriptions: Tensor, lightness: Tensor, same_lightness: float = SAME_LIGHTNESS
) -> Tensor:
    """Say how alike cells are to blocks of cells: (h * w, B), rows sum to one.

    ``descriptions`` is (D, h, w): half of their squared distance is taken from the logarithm of the
    likeness. ``lightness`` is (h, w), L from 0 to 100.
    """
    height, width = lightness.shape
    rows = (torch.arange(height) / NEAR)[:, None].expand(height, width)
    columns = (torch.arange(width) / NEAR).expand(height, width)
    others = torch.stack([rows, columns, lightness / same_lightness])
    features = torch.cat([descriptions, others])
    queries, keys = features.flatten(1).T.contiguous(), _blocks(features)
    # Minus half the squared distance, but for the query's own square, which softmax takes away.
    bias, keys = -(keys**2).sum(1) / 2, keys.T
    alike = queries.new_empty(len(queries), keys.shape[1])
    for some, out in zip(queries.split(CHUNK), alike.split(CHUNK), strict=True):
        torch.softmax(torch.addmm(bias, some, keys), dim=1, out=out)
    return alike


def nonlocal_mean(values: Tensor, alike: Tensor, share: float = 1.0) -> Tensor:
    """Draw (C, h, w) values towards the mean of what looks ``alike``, by so much."""
    mean = (alike @ _blocks(values)).T.reshape(values.shape)
    return values.lerp(mean, share)


def _blocks(planes: Tensor) -> Tensor:
    """Return the means of blocks of (C, h, w) planes: (B, C)."""
    means = F.avg_pool2d(planes[None], BLOCK, ceil_mode=True, count_include_pad=False)[0]
    return means.flatten(1).T
