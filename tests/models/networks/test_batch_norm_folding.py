"""The folded network is the network: the same answers, the original untouched."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models.networks import batch_norm_folding
from models.networks.batch_norm_folding import folded
from models.networks.colorizer import ColorizerConfig, build_colorizer


@pytest.mark.parametrize("has_products", [batch_norm_folding.AVAILABLE, False])
def test_a_folded_colorizer_answers_the_same_without_any_normalisation(
    has_products: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_norm_folding, "AVAILABLE", has_products)
    torch.manual_seed(0)
    model = build_colorizer(ColorizerConfig(bins=((0.0, 0.0), (20.0, 10.0), (-30.0, 5.0)))).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):  # as training leaves them: nothing is 0 or 1
            for values in (module.running_mean, module.running_var, module.weight, module.bias):
                assert values is not None
                nn.init.uniform_(values, 0.5, 1.5)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    lightness, embedding = 100 * torch.rand(2, 1, 64, 96), torch.randn(2, 384)
    quick = folded(model)
    with torch.inference_mode():
        torch.testing.assert_close(
            quick(lightness, embedding), model(lightness, embedding), atol=1e-3, rtol=1e-3
        )
    assert not any(isinstance(module, nn.BatchNorm2d) for module in quick.modules())
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name])
