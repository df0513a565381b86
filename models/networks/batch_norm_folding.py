"""Batch normalisation folded into the convolutions before it: the same function in fewer passes."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

Network = TypeVar("Network", bound=nn.Module)


def folded(network: Network) -> Network:
    """Return a copy of a network in eval mode, for inference alone.

    Every normalisation whose module stands right behind a convolution's, as they do in the encoder
    and in FiLM's blocks, becomes part of its weights; what it rectified afterwards stays.
    """
    assert not network.training
    twin = copy.deepcopy(network)
    _fold(twin)
    twin.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return twin


def _fold(module: nn.Module) -> None:
    before: nn.Module | None = None
    for name, child in module.named_children():
        if isinstance(before, nn.Conv2d) and isinstance(child, nn.BatchNorm2d):
            mean, variance = child.running_mean, child.running_var
            assert mean is not None
            assert variance is not None
            before.weight, bias = fuse_conv_bn_weights(
                before.weight, before.bias, mean, variance, child.eps, child.weight, child.bias
            )
            before.bias = bias
            setattr(module, name, getattr(child, "act", nn.Identity()))  # timm's rectify as well
        _fold(child)
        before = child
