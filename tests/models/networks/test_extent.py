"""How strongly a thing's colour is laid on each cell."""

from __future__ import annotations

import pytest
import torch

from models.networks.extent import INPUTS, Extent, extent_inputs
from models.training.extent import Example, ExtentOptions, train


def test_inputs_are_finite_where_nothing_is_found() -> None:
    plane, pair = torch.zeros(1, 4, 5), torch.zeros(2, 4, 5)
    rivals = torch.full((1, 4, 5), -1e4)
    inputs = extent_inputs(
        plane, rivals, plane, plane, plane, plane, pair[None], pair, plane[0], torch.zeros(1)
    )
    assert inputs.shape == (1, INPUTS, 4, 5)
    assert torch.isfinite(inputs).all()
    assert inputs.abs().max() <= 3


@pytest.mark.slow
def test_it_learns_to_lay_colours_where_they_are() -> None:
    torch.manual_seed(0)
    examples = []
    for i in range(24):
        place = torch.zeros(12, 12)
        place[i % 6 : i % 6 + 6, 2:9] = 1
        inputs = torch.randn(INPUTS, 12, 12) * 0.1
        inputs[2] = place
        color = torch.stack([torch.full((12, 12), 40.0), torch.full((12, 12), 20.0)])
        guess = torch.zeros(2, 12, 12)
        examples.append(Example(inputs, color, guess, color * place, place, 1 - place))
    model = Extent()
    train(examples, model, options=ExtentOptions(steps=150), log=None)
    with torch.no_grad():
        shares = model(torch.stack([one.inputs for one in examples[:4]]))
    inside = torch.stack([one.inside for one in examples[:4]])
    assert shares[inside > 0].mean() > 0.8
    assert shares[inside == 0].mean() < 0.15
