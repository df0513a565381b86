"""Averaged weights: they follow what learns, and what stays is the same to the bit."""

from __future__ import annotations

import torch
from torch import nn

from models.networks.checkpoint import encoder_digest
from models.training.averaging import average


def test_what_does_not_learn_keeps_its_bits() -> None:
    encoder, head = nn.Linear(3, 1, bias=False), nn.Linear(1, 1)
    with torch.no_grad():
        encoder.weight.copy_(torch.tensor([[-0.0, 0.0, 1.5]]))
    model = nn.Sequential(encoder, head)
    averaged = {name: plane.clone() for name, plane in model.state_dict().items()}
    before, bias = encoder_digest(encoder), head.bias.detach().clone()
    with torch.no_grad():
        head.bias += 1
    average(averaged, model, 0.75)
    assert torch.allclose(averaged["1.bias"], bias + 0.25)
    model.load_state_dict(averaged)
    assert encoder_digest(encoder) == before
