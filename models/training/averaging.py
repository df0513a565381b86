"""Weights averaged over the steps of a run, which are better than those of any one step."""

from __future__ import annotations

import torch
from torch import Tensor, nn


@torch.no_grad()
def average(averaged: dict[str, Tensor], model: nn.Module, keep: float) -> None:
    """Move averaged weights towards the model's: ``keep`` of them stays; counters are copied."""
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point():
            averaged[name].lerp_(tensor, 1 - keep)
        else:
            averaged[name].copy_(tensor)
