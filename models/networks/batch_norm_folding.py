"""Batch normalisation folded into the convolutions before it: the same function in fewer passes."""

from __future__ import annotations

import copy
import itertools
from typing import TypeVar

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from models.networks.packed_linear import AVAILABLE, PointwiseConv2d, is_pointwise

Network = TypeVar("Network", bound=nn.Module)


def folded(network: Network) -> Network:
    """Return a copy of a network in eval mode, for inference alone.

    Every normalisation whose module stands right behind a convolution's, as they do in the encoder
    and in FiLM's blocks, becomes part of its weights; what it rectified afterwards stays. Pointwise
    convolutions become products of matrices where this machine's PyTorch can.
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
        act: nn.Module = nn.Identity()
        if isinstance(norm, nn.BatchNorm2d):
            mean, variance = norm.running_mean, norm.running_var
            assert mean is not None
            assert variance is not None
            child.weight, child.bias = fuse_conv_bn_weights(
                child.weight, child.bias, mean, variance, norm.eps, norm.weight, norm.bias
            )
            act = getattr(norm, "act", act)  # timm's rectify as well
        if AVAILABLE and is_pointwise(child):
            rectifies = isinstance(act, nn.ReLU6)
            setattr(module, name, PointwiseConv2d(child, is_rectified=rectifies))
            act = nn.Identity() if rectifies else act
        if isinstance(norm, nn.BatchNorm2d):
            setattr(module, after, act)
