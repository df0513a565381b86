"""Fused convolutions are the convolutions that they come from, and what rectifies them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from models.networks import fused_convolution
from models.networks.efficientnet import SameConv2d
from models.networks.fused_convolution import fused

CONVOLUTIONS = {
    "product": nn.Conv2d(24, 40, 1),
    "plain": nn.Conv2d(24, 40, 3, padding=1),
    "wide": nn.Conv2d(24, 40, 3, padding=4, dilation=4, bias=False),
    "depthwise": SameConv2d(24, 24, 5, groups=24, bias=False),
    "halving": SameConv2d(24, 24, 3, 2, groups=24),
}


@pytest.mark.parametrize("is_rectified", [False, True])
@pytest.mark.parametrize("name", CONVOLUTIONS)
@pytest.mark.parametrize("available", [fused_convolution.AVAILABLE, False])
def test_a_fused_convolution_is_the_convolution(
    name: str, is_rectified: bool, available: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fused_convolution, "AVAILABLE", available)
    torch.manual_seed(0)
    conv = CONVOLUTIONS[name]
    quick = fused(conv, is_rectified=is_rectified)
    for batch, shape in ((1, (7, 7)), (2, (14, 10)), (1, (56, 33))):
        x: Tensor = 9 * torch.randn(batch, 24, *shape)
        with torch.inference_mode():
            wanted = conv(x)
            if is_rectified:
                wanted = wanted.clamp(0, 6)
            for one in (x, x.to(memory_format=torch.channels_last)):
                torch.testing.assert_close(quick(one), wanted, atol=1e-4, rtol=1e-4)
