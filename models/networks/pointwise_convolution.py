"""Pointwise convolutions for inference: a product of matrices, in which oneDNN is quicker.

PyTorch's convolution copies the bias out first, lays the weights out anew in every call, and leaves
it to a pass of its own to rectify.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

AVAILABLE = torch.backends.mkldnn.is_available()
USUAL = 196  # cells that weights are laid out for; any number may come


class PointwiseConv2d(nn.Module):
    """A convolution of single cells, rectified by ReLU6 where ``is_rectified`` says so.

    Its weights are no parameters: oneDNN lays them out as it likes.
    """

    def __init__(self, conv: nn.Conv2d, *, is_rectified: bool = False) -> None:
        super().__init__()
        self.weight = torch.ops.mkldnn._reorder_linear_weight(
            conv.weight.detach().flatten(1).contiguous(), USUAL
        )
        self.bias = None if conv.bias is None else conv.bias.detach()
        self.act = ("hardtanh", [0.0, 6.0], "") if is_rectified else ("none", [], "")

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, D, H, W)."""
        cells = x.permute(0, 2, 3, 1)  # as they lie in memory
        made = torch.ops.mkldnn._linear_pointwise.default(cells, self.weight, self.bias, *self.act)
        out: Tensor = made.permute(0, 3, 1, 2)
        return out


def is_pointwise(conv: nn.Conv2d) -> bool:
    """Tell whether a convolution reads single cells, each once."""
    return conv.kernel_size == conv.stride == (1, 1) and conv.groups == 1
