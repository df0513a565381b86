"""The decoder for several conditions on one picture: what it reads of the picture is read once.

The first convolution of each block reads enlarged features, which the condition has changed, beside
the encoder's, which it has not. It is linear: its two parts may be worked out apart, and added.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.networks.batch_norm_folding import folded
from models.networks.colorizer import Decoder, FiLMBlock, double


class SharedDecoder(nn.Module):
    """The same function as a decoder in eval mode, for inference alone."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        own = folded(decoder)
        self.up32, self.up16, self.up8 = own.up32, own.up16, own.up8
        self.block32 = SharedBlock(own.block32, 0)
        self.block16 = SharedBlock(own.block16, decoder.up32.out_channels)
        self.block8 = SharedBlock(own.block8, decoder.up16.out_channels)
        self.block4 = SharedBlock(own.block4, decoder.up8.out_channels)

    def read(self, features: list[Tensor]) -> list[Tensor]:
        """Return what all conditions share of features (N, C, H/s, W/s), s = 4..32."""
        blocks = (self.block4, self.block8, self.block16, self.block32)
        return [block.read(f) for block, f in zip(blocks, features, strict=True)]

    def forward(self, read: list[Tensor], condition: Tensor) -> Tensor:
        """Map what ``read`` gave and (N, K) conditions to (N, w4, H/4, W/4)."""
        r4, r8, r16, r32 = read
        x = self.block32(None, r32, condition)
        x = self.block16(double(self.up32(x)), r16, condition)
        x = self.block8(double(self.up16(x)), r8, condition)
        out: Tensor = self.block4(double(self.up8(x)), r4, condition)
        return out


class SharedBlock(nn.Module):
    """A FiLM block whose first convolution reads ``below`` channels and the encoder's apart."""

    def __init__(self, block: FiLMBlock, below: int) -> None:
        super().__init__()
        weight, bias = block.conv1.weight, block.conv1.bias
        self.below = _convolution(weight[:, :below]) if below else None
        self.beside = _convolution(weight[:, below:], bias)
        self.film1, self.conv2, self.film2 = block.film1, block.conv2, block.film2

    def read(self, features: Tensor) -> Tensor:
        """Read the encoder's features."""
        read: Tensor = self.beside(features)
        return read

    def forward(self, below: Tensor | None, read: Tensor, condition: Tensor) -> Tensor:
        """Do as the block does with the features that were read."""
        if self.below is not None:
            read = self.below(below).add_(read)
        first = self.film1(read, condition).relu_()
        second: Tensor = self.film2(self.conv2(first), condition)
        return second.add_(first).relu_()


def _convolution(weight: Tensor, bias: Tensor | None = None) -> nn.Conv2d:
    out, channels = weight.shape[:2]
    conv = nn.Conv2d(channels, out, 3, padding=1, bias=bias is not None)
    conv.weight = nn.Parameter(weight.contiguous(memory_format=torch.channels_last), False)
    conv.bias = None if bias is None else nn.Parameter(bias, False)
    return conv
