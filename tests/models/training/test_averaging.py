"""Averaged weights: they follow what learns, and what stays is the same to the bit."""

from __future__ import annotations

import torch
from torch import nn

from models.networks.checkpoint import encoder_digest
from models.training.averaging import average, blended


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


def test_what_is_the_same_at_both_ends_keeps_its_bits_between_them() -> None:
    start = {"same": torch.tensor([-0.0, 0.0, 1.5]), "count": torch.tensor(3)}
    end = {"same": start["same"].clone(), "count": torch.tensor(5)}
    start["learned"], end["learned"] = torch.zeros(2), torch.ones(2)
    for share in (0.25, 1.0):
        between = blended(start, end, share)
        assert torch.equal(torch.signbit(between["same"]), torch.signbit(start["same"]))
        assert between["learned"].tolist() == [share, share]
        assert between["count"] == 5
