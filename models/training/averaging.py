"""Weights of a run: averaged over its steps, taken from a checkpoint, made small."""

from __future__ import annotations

import torch
from torch import Tensor, nn


@torch.no_grad()
def average(averaged: dict[str, Tensor], model: nn.Module, keep: float) -> None:
    """Move averaged weights towards the model's: ``keep`` of them stays; counters are copied.

    What does not learn stays the same to the bit: a mean would make 0 of -0, and what was trained
    on an encoder knows it by its bits.
    """
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point():
            own = averaged[name]
            own.copy_(torch.where(own == tensor, own, own.lerp(tensor, 1 - keep)))
        else:
            averaged[name].copy_(tensor)


def under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Choose the tensors whose names begin so, and take that away."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def halved(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return weights in half precision, counters as they are."""
    return {k: v.half() if v.is_floating_point() else v for k, v in tensors.items()}


def blended(start: dict[str, Tensor], end: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """Return weights so far on the way from one set to another; counters are the latter's.

    What is the same in both stays so to the bit, as in ``average``.
    """
    return {
        name: torch.where(start[name] == plane, start[name], start[name].lerp(plane, share))
        if plane.is_floating_point()
        else plane
        for name, plane in end.items()
    }
