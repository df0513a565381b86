"""Convolutions for inference alone, each one call of oneDNN with what rectifies it.

PyTorch leaves small planes to another way, copies weights' biases out first, and rectifies in a
pass of its own. A convolution of single cells is a product of matrices, in which oneDNN is quicker.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.networks.efficientnet import SameConv2d, same_padding

AVAILABLE = torch.backends.mkldnn.is_available()


class FusedConv2d(nn.Module):
    """A convolution, rectified by ReLU6 where ``is_rectified`` says so."""

    def __init__(self, conv: nn.Conv2d, *, is_rectified: bool = False) -> None:
        super().__init__()
        self.weight, self.bias = conv.weight, conv.bias
        self.is_same = isinstance(conv, SameConv2d)
        self.kernel, self.stride, self.dilation = conv.kernel_size, conv.stride, conv.dilation
        self.padding, self.groups = conv.padding, conv.groups
        self.act: tuple[str, list[float]] = (
            ("hardtanh", [0.0, 6.0]) if is_rectified else ("none", [])
        )
        self.is_product = self.kernel == self.stride == (1, 1) and conv.groups == 1

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, D, h, w)."""
        if self.is_product:
            rows = torch.ops.mkldnn._linear_pointwise.default(
                x.permute(0, 2, 3, 1), self.weight.flatten(1), self.bias, *self.act, ""
            )
            out: Tensor = rows.permute(0, 3, 1, 2)
            return out
        padding = self.padding
        if self.is_same:
            x, padding = same_padding(x, self.kernel, self.stride)
        out = torch.ops.mkldnn._convolution_pointwise.default(
            x,
            self.weight,
            self.bias,
            padding,
            self.stride,
            self.dilation,
            self.groups,
            *self.act,
            "",
        )
        return out


def fused(conv: nn.Conv2d, *, is_rectified: bool = False) -> nn.Module:
    """Return the same function in one call where this machine's PyTorch can."""
    if AVAILABLE:
        return FusedConv2d(conv, is_rectified=is_rectified)
    return nn.Sequential(conv, nn.ReLU6()) if is_rectified else conv
