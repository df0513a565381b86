"""Batch normalisation folded into the convolutions before it: the same function in fewer passes."""

from __future__ import annotations

import copy
import itertools
from typing import TypeVar

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from models.networks.fused_convolution import fused

Network = TypeVar("Network", bound=nn.Module)


def folded(network: Network) -> Network:
    """Return a copy of a network in eval mode, for inference alone.

    Every normalisation whose module stands right behind a convolution's, as they do in the encoder
    and in FiLM's blocks, becomes part of its weights, with what it rectified afterwards.
    """
    assert not network.training
    twin = copy.deepcopy(network)
    twin.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    _fold(twin)
    return twin


def _fold(module: nn.Module) -> None:
    children = [*module.named_children(), ("", nn.Identity())]
    for (name, child), (after, norm) in itertools.pairwise(children):
        if not isinstance(child, nn.Conv2d):
            _fold(child)
            continue
        is_rectified = False
        if isinstance(norm, nn.BatchNorm2d):
            mean, variance = norm.running_mean, norm.running_var
            assert mean is not None
            assert variance is not None
            child.weight, child.bias = fuse_conv_bn_weights(
                child.weight, child.bias, mean, variance, norm.eps, norm.weight, norm.bias
            )
            is_rectified = isinstance(getattr(norm, "act", None), nn.ReLU6)
            setattr(module, after, nn.Identity())
        setattr(module, name, fused(child, is_rectified=is_rectified))
