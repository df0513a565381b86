"""EfficientNet-lite0 (Tan and Le 2019, arXiv:1905.11946; the lite variants' release, 2020).

photo -> stem (stride 2) -> seven stages of mobile inverted bottlenecks, features at strides 4-32

The names of its parts are timm's, so that weights of ``tf_efficientnet_lite0`` load as they are:
timm itself takes seconds to import, before anything is coloured.
"""

from __future__ import annotations

from typing import Final

import torch.nn.functional as F
from torch import Tensor, nn

STEM, HEAD = 32, 1280  # channels
EPSILON, MOMENTUM = 1e-3, 0.01  # of batch normalisation, as the weights were trained
# Expansion, channels, blocks, stride and kernel of each stage.
STAGES: Final = (
    (1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5), (6, 192, 4, 2, 5), (6, 320, 1, 1, 3),
)  # fmt: skip
FEATURES: Final = (1, 2, 4, 6)  # stages whose output has stride 4, 8, 16 and 32
# How the names of tensors begin that are needed up to a stride.
TO_STRIDE_4: Final = ("conv_stem.", "bn1.", "blocks.0.", "blocks.1.")
TO_STRIDE_8: Final = (*TO_STRIDE_4, "blocks.2.")
MEAN = STD = (0.5, 0.5, 0.5)  # of sRGB in [0, 1], as the photos were normalised


class SameConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow does: the odd row and column come last."""

    def forward(self, x: Tensor) -> Tensor:
        pads = []
        for size, kernel, stride in zip(x.shape[-2:], self.kernel_size, self.stride, strict=True):
            pad = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads.append((pad // 2, pad - pad // 2))
        (top, bottom), (left, right) = pads
        if top == bottom and left == right:
            padding = (top, left)
        else:
            x, padding = F.pad(x, (left, right, top, bottom)), (0, 0)
        return F.conv2d(x, self.weight, self.bias, self.stride, padding, groups=self.groups)


class Norm(nn.BatchNorm2d):
    """Batch normalisation, rectified afterwards where ``act`` says so."""

    def __init__(self, channels: int, *, is_rectified: bool = True) -> None:
        super().__init__(channels, eps=EPSILON, momentum=MOMENTUM)
        self.act: nn.Module = nn.ReLU6(inplace=True) if is_rectified else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        rectified: Tensor = self.act(super().forward(x))
        return rectified


class Separable(nn.Module):
    """A depthwise and a pointwise convolution; added to the input where the shape stays."""

    def __init__(self, channels: int, out: int, stride: int, kernel: int) -> None:
        super().__init__()
        self.conv_dw = _conv(channels, channels, kernel, stride, groups=channels)
        self.bn1 = Norm(channels)
        self.conv_pw = _conv(channels, out)
        self.bn2 = Norm(out, is_rectified=False)
        self.adds = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        new: Tensor = self.bn2(self.conv_pw(self.bn1(self.conv_dw(x))))
        return new + x if self.adds else new


class Bottleneck(nn.Module):
    """Wider, depthwise, narrower again; added to the input where the shape stays."""

    def __init__(self, channels: int, out: int, stride: int, kernel: int, expansion: int) -> None:
        super().__init__()
        wide = channels * expansion
        self.conv_pw = _conv(channels, wide)
        self.bn1 = Norm(wide)
        self.conv_dw = _conv(wide, wide, kernel, stride, groups=wide)
        self.bn2 = Norm(wide)
        self.conv_pwl = _conv(wide, out)
        self.bn3 = Norm(out, is_rectified=False)
        self.adds = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        wide = self.bn2(self.conv_dw(self.bn1(self.conv_pw(x))))
        new: Tensor = self.bn3(self.conv_pwl(wide))
        return new + x if self.adds else new


class EfficientNetLite0(nn.Module):
    """The trunk: (N, 3, H, W) -> four features, at strides 4, 8, 16 and 32."""

    blocks: nn.Sequential

    def __init__(self) -> None:
        super().__init__()
        self.conv_stem = _conv(3, STEM, 3, 2)
        self.bn1 = Norm(STEM)
        channels, stages = STEM, []
        for expansion, out, count, stride, kernel in STAGES:
            blocks: list[nn.Module] = []
            for number in range(count):
                step = stride if number == 0 else 1
                blocks.append(
                    Separable(channels, out, step, kernel)
                    if expansion == 1
                    else Bottleneck(channels, out, step, kernel, expansion)
                )
                channels = out
            stages.append(nn.Sequential(*blocks))
        self.blocks = nn.Sequential(*stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.bn1(self.conv_stem(x))
        features = []
        for number, stage in enumerate(self.blocks):
            x = stage(x)
            if number in FEATURES:
                features.append(x)
        return features


class PooledEfficientNetLite0(EfficientNetLite0):
    """The whole network but its classes: (N, 3, H, W) -> (N, 1280)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_head = _conv(STAGES[-1][1], HEAD)
        self.bn2 = Norm(HEAD)

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        deepest = super().forward(x)[-1]
        pooled: Tensor = self.bn2(self.conv_head(deepest)).mean(dim=(2, 3))
        return pooled


def _conv(channels: int, out: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> SameConv2d:
    return SameConv2d(channels, out, kernel, stride, groups=groups, bias=False)
