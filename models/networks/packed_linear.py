"""Linear layers and pointwise convolutions for inference, with weights laid out once for oneDNN.

PyTorch's own lay the weights out anew in every call, and leave it to a pass of its own to rectify.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

AVAILABLE = torch.backends.mkldnn.is_available()
USUAL = 196  # rows that weights are laid out for; any number may come


class PackedLinear(nn.Module):
    """A linear map of (D, C) ``weight``, rectified by ReLU6 where ``is_rectified`` says so.

    Its weights are no parameters: oneDNN lays them out as it likes.
    """

    def __init__(
        self, weight: Tensor, bias: Tensor | None = None, *, is_rectified: bool = False
    ) -> None:
        super().__init__()
        self.weight = torch.ops.mkldnn._reorder_linear_weight(weight.detach().contiguous(), USUAL)
        self.bias = None if bias is None else bias.detach()
        self.act = ("hardtanh", [0.0, 6.0], "") if is_rectified else ("none", [], "")

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., C) to (..., D)."""
        out: Tensor = torch.ops.mkldnn._linear_pointwise.default(
            x, self.weight, self.bias, *self.act
        )
        return out


class PointwiseConv2d(PackedLinear):
    """A convolution of single cells as a linear map of each."""

    def __init__(self, conv: nn.Conv2d, *, is_rectified: bool = False) -> None:
        super().__init__(conv.weight.flatten(1), conv.bias, is_rectified=is_rectified)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, D, H, W)."""
        cells = x.permute(0, 2, 3, 1)  # as they lie in memory
        return super().forward(cells).permute(0, 3, 1, 2)


def is_pointwise(conv: nn.Conv2d) -> bool:
    """Tell whether a convolution reads single cells, each once."""
    return conv.kernel_size == conv.stride == (1, 1) and conv.groups == 1


def pack(module: nn.Module) -> None:
    """Lay out the weights of all linear layers inside, where this machine's PyTorch can."""
    for name, child in module.named_children() if AVAILABLE else ():
        if isinstance(child, nn.Linear):
            setattr(module, name, PackedLinear(child.weight, child.bias))
        else:
            pack(child)
