"""Where named colours land is learned from captions, against the true colours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from models.networks.grounding import Grounder, GrounderConfig
from models.training.extent import ExtentOptions, described_by, losses_in, train
from tests.support.training_scenes import WIDTH, scene


def small_grounder() -> Grounder:
    torch.manual_seed(0)
    config = GrounderConfig(
        "", embedding_width=WIDTH, width=16, coarse=16, middle=16, fine=16, hidden=16
    )
    return Grounder(config)


@pytest.mark.slow
def test_it_learns_to_lay_colours_where_they_are() -> None:
    scenes = [scene(i) for i in range(8)]
    model = small_grounder().eval()
    options = ExtentOptions(steps=30, scenes=2, rate=1e-2, grounder_rate=5e-3, turned=0)

    def errors(weights: dict[str, Tensor]) -> dict[str, float]:
        model.load_state_dict(weights)
        generator = np.random.default_rng(1)
        with torch.no_grad():
            some = [
                losses_in(one, described_by(model, one), model, options, generator)
                for one in scenes
            ]
        return {name: float(np.mean([one[name] for one in some])) for name in some[0]}

    start = {name: plane.clone() for name, plane in model.state_dict().items()}
    before = errors(start)
    averaged = train(scenes, None, {}, model, options=options, log=None)
    after = errors(averaged)
    assert after["error"] < before["error"] - 0.2  # of a logarithm
    assert after["notice"] < before["notice"]
    frozen = ("read_vividness", "vocabulary", "boxes")
    assert all(torch.equal(averaged[n], start[n]) for n in start if n.startswith(frozen))
    model.load_state_dict(start)
    alone = train(scenes, None, {}, model, options=options, log=None, alone=True)
    assert errors(alone)["error"] < before["error"] - 0.1
    assert all(torch.equal(alone[n], start[n]) for n in start if not n.startswith("extent"))


def test_only_losses_of_what_is_asked_count() -> None:
    model = small_grounder().eval()
    options = ExtentOptions(strangers=0)
    unboxed = scene(0)
    thing = replace(unboxed.asked[0][0][0], outside=None)
    unboxed = replace(unboxed, asked=(((thing,), torch.zeros(0, WIDTH)),))
    described = described_by(model, unboxed)
    losses = losses_in(unboxed, described, model, options, np.random.default_rng(0))
    assert losses["spill"] == losses["peak"] == 0
    assert losses["notice"] > 0


def test_a_paler_picture_does_not_pay() -> None:
    model = small_grounder().eval()
    one = scene(0)
    truth = one.asked[0][0][0].wishes[0].truth
    # The network's expectation is right: what is shown is more vivid, and laying grey would help.
    wish = replace(one.asked[0][0][0].wishes[0], ab=torch.zeros_like(truth))
    thing = replace(one.asked[0][0][0], wishes=(wish,))
    one = replace(one, guess=2 * truth, expected=truth, asked=(((thing,), torch.zeros(0, WIDTH)),))
    options = ExtentOptions(strangers=0)
    generator = np.random.default_rng(0)
    assert losses_in(one, described_by(model, one), model, options, generator)["error"] > 0
