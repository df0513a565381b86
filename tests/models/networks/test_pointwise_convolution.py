"""Pointwise convolutions as products are the convolutions that they come from."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from models.networks.pointwise_convolution import AVAILABLE, PointwiseConv2d, is_pointwise


@pytest.mark.skipif(not AVAILABLE, reason="this PyTorch has no oneDNN")
@pytest.mark.parametrize("is_rectified", [False, True])
@pytest.mark.parametrize("has_bias", [False, True])
def test_a_product_is_the_convolution(is_rectified: bool, has_bias: bool) -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(24, 40, 1, bias=has_bias)
    quick = PointwiseConv2d(conv, is_rectified=is_rectified)
    for batch, shape in ((1, (1, 1)), (1, (7, 7)), (2, (14, 10)), (1, (56, 33))):
        x: Tensor = 9 * torch.randn(batch, 24, *shape)
        with torch.inference_mode():
            wanted = conv(x)
            if is_rectified:
                wanted = wanted.clamp(0, 6)
            for one in (x, x.to(memory_format=torch.channels_last)):
                torch.testing.assert_close(quick(one), wanted, atol=1e-4, rtol=1e-4)


def test_only_convolutions_of_single_cells_are_products() -> None:
    assert is_pointwise(nn.Conv2d(8, 4, 1))
    for other in (
        nn.Conv2d(8, 4, 3),
        nn.Conv2d(8, 4, 1, stride=2),
        nn.Conv2d(8, 4, 1, groups=2),
    ):
        assert not is_pointwise(other)
