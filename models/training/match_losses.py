"""What the matcher is taught by: the right places, and the colours that come of what it carries."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from models.networks.correspondence import Carried

COLOUR_UNIT = 15.0  # ab; errors are counted in it
ALIKE = 10.0  # ab; cells whose colours differ by less are good matches in different photos
SEEN = 0.75  # coarse cells; how near the true place a coarse match must come
SEEN_FINE = 0.6  # fine cells


def blend(carried: Carried, guess: Tensor) -> Tensor:
    """Mix (N, K, 2) guesses with what was carried over, as far as that is trusted."""
    choices = torch.stack([guess, carried.soft, carried.exact], 2)  # (N, K, 3, 2)
    return (carried.trust[..., None] * choices).sum(2)


def blend_loss(carried: Carried, guess: Tensor, truth: Tensor) -> Tensor:
    """Squared error of the colours that come of it, (N, K, 2): what PSNR punishes."""
    return (blend(carried, guess) - truth).square().sum(2).mean() / COLOUR_UNIT**2


def place_loss(carried: Carried, places: Tensor, size: tuple[int, int]) -> Tensor:
    """Cross-entropy of coarse matches with the true places in the twin, where these are seen."""
    rows, columns = size
    grid = places.unflatten(1, size).permute(0, 3, 1, 2)
    true = (F.avg_pool2d(grid, 2).flatten(2).mT - 0.5) / 2  # (N, n, 2) in coarse cells
    y, x = (torch.arange(rows // 2).float(), torch.arange(columns // 2).float())
    near = torch.exp(-(true[..., :1] - y).square() / (2 * SEEN**2))[..., :, None]
    near = near * torch.exp(-(true[..., 1:] - x).square() / (2 * SEEN**2))[..., None, :]
    near = near.flatten(2)  # (N, n, m)
    total = near.sum(2, keepdim=True)
    seen = (total[..., 0] > 1.5).float()
    entropy = -(near / total.clamp_min(1e-6) * torch.log_softmax(carried.sharp, 2)).sum(2)
    return (entropy * seen).sum() / seen.sum().clamp_min(1)


def fine_loss(carried: Carried, places: Tensor, cells: Tensor, size: tuple[int, int]) -> Tensor:
    """Cross-entropy of fine matches with the true places, where one of those looked at is near."""
    columns = size[1]
    true = torch.stack([p[c] for p, c in zip(places, cells, strict=True)])[:, :, None]
    found = torch.stack([carried.fine_cells // columns, carried.fine_cells % columns], 3)
    near = torch.exp(-(found - true).square().sum(3) / (2 * SEEN_FINE**2))
    total = near.sum(2, keepdim=True)
    seen = (total[..., 0] > 0.5).float()
    log_weight = torch.log_softmax(carried.fine_logits, 2)
    entropy = -(near / total.clamp_min(1e-6) * log_weight).sum(2)
    return (entropy * seen).sum() / seen.sum().clamp_min(1)


def alike_loss(carried: Carried, ours: Tensor, theirs: Tensor) -> Tensor:
    """Negative log-likelihood that a cell of another photo has the true colour."""
    a, b = (F.avg_pool2d(ab, 2).flatten(2).mT for ab in (ours, theirs))
    distance = torch.cdist(a, b)
    fit = -distance.square() / (2 * ALIKE**2)
    log_weight = torch.log_softmax(carried.sharp, 2)
    likelihood = torch.logsumexp(log_weight + fit.clamp_min(-6), 2)
    useful = (fit.max(2).values > -0.5).float()  # the colour is there at all
    return -(likelihood * useful).sum() / useful.sum().clamp_min(1)


def at(planes: Tensor, cells: Tensor) -> Tensor:
    """Pick cells (N, K) of (N, C, h, w): (N, K, C)."""
    flat = planes.flatten(2)
    return flat.gather(2, cells[:, None].expand(-1, flat.shape[1], -1)).mT
