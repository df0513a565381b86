"""Linear layers whose weights are laid out once are the layers that they come from."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from models.networks.packed_linear import (
    AVAILABLE,
    PackedLinear,
    PointwiseConv2d,
    is_pointwise,
    pack,
)


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


def test_all_linear_layers_inside_are_packed() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Linear(6, 9), nn.ModuleDict({"deep": nn.Linear(9, 5, bias=False)}), nn.LayerNorm(5)
    )
    first, second, norm = network[0], network[1]["deep"], network[2]  # type: ignore[index]
    x = torch.randn(3, 2, 6)
    with torch.inference_mode():
        wanted = norm(second(first(x)))
        pack(network)
        found = norm(network[1]["deep"](network[0](x)))  # type: ignore[index]
    torch.testing.assert_close(found, wanted)
    kinds = {type(module) for module in network.modules()}
    assert (PackedLinear in kinds) == AVAILABLE
    assert (nn.Linear in kinds) != AVAILABLE
