"""Averaged weights: they follow what learns, and what stays is the same to the bit."""

from __future__ import annotations

import torch
from torch import nn

from models.networks.correspondence import encoder_digest
from models.training.averaging import average


def test_what_does_not_learn_keeps_its_bits() -> None:
    model = nn.Linear(3, 1)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[-0.0, 0.0, 1.5]]))
    averaged = {name: plane.clone() for name, plane in model.state_dict().items()}
    before = encoder_digest(model)
    with torch.no_grad():
        model.bias += 1
        bias = averaged["bias"].clone()
    average(averaged, model, 0.75)
    assert torch.allclose(averaged["bias"], bias + 0.25)
    with torch.no_grad():
        model.bias.sub_(1)
    averaged["bias"] = bias
    model.load_state_dict(averaged)
    assert encoder_digest(model) == before
