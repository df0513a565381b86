"""Where named colours land is learned from captions, against the true colours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from models.networks.colorizer import ENCODER_CHANNELS
from models.networks.grounding import Grounder, GrounderConfig
from models.training.extent import (
    AskedThing,
    ExtentOptions,
    Scene,
    Wish,
    losses_in,
    mirrored,
    train,
)

SIDE = 16  # cells
WIDTH = 12  # of text vectors


def scene(seed: int) -> Scene:
    """Make a photo whose left or right half is the thing, told by the encoder's features."""
    generator = torch.Generator().manual_seed(seed)
    place = torch.zeros(SIDE, SIDE)
    half = slice(0, SIDE // 2) if seed % 2 else slice(SIDE // 2, SIDE)
    place[:, half] = 1
    f4 = torch.randn(ENCODER_CHANNELS[0], SIDE, SIDE, generator=generator) * 0.1
    f8 = torch.randn(ENCODER_CHANNELS[1], SIDE // 2, SIDE // 2, generator=generator) * 0.1
    f4[:6] += 2 * place
    f8[:6] += 2 * place[::2, ::2]
    color = torch.stack([torch.full((SIDE, SIDE), 40.0), torch.full((SIDE, SIDE), 20.0)])
    wish = Wish(("red",), color, torch.zeros(SIDE, SIDE), color * place, place > 0)
    vector = torch.ones(WIDTH)
    thing = AskedThing(vector, (wish,), place == 0)
    stranger = AskedThing(
        -vector, (replace(wish, truth=color * 0, inside=place > 2),), stranger=True
    )
    lightness = torch.full((SIDE, SIDE), 50.0)
    asked = (((thing,), torch.zeros(0, WIDTH)),)
    return Scene(f4, f8, lightness, torch.zeros(2, SIDE, SIDE), asked, stranger)


def small_grounder() -> Grounder:
    torch.manual_seed(0)
    config = GrounderConfig(
        "", embedding_width=WIDTH, width=16, coarse=16, middle=16, fine=16, hidden=16
    )
    return Grounder(config)


@pytest.mark.slow
def test_it_learns_to_lay_colours_where_they_are() -> None:
    scenes = [scene(i) for i in range(8)]
    model = small_grounder()
    options = ExtentOptions(steps=30, scenes=2, rate=1e-2, grounder_rate=5e-3, turned=0)

    def errors(weights: dict[str, Tensor]) -> dict[str, float]:
        model.load_state_dict(weights)
        generator = np.random.default_rng(1)
        with torch.no_grad():
            some = [losses_in(one, model, options, generator) for one in scenes]
        return {name: float(np.mean([one[name] for one in some])) for name in some[0]}

    start = {name: plane.clone() for name, plane in model.state_dict().items()}
    before = errors(start)
    averaged = train(scenes, None, {}, model, options=options, log=None)
    after = errors(averaged)
    assert after["error"] < before["error"] - 0.2  # of a logarithm
    assert after["notice"] < before["notice"]
    frozen = ("read_vividness", "vocabulary")
    assert all(torch.equal(averaged[n], start[n]) for n in start if n.startswith(frozen))


def test_a_mirrored_scene_is_mirrored_where_the_picture_is() -> None:
    one = scene(1)
    narrow = replace(one, lightness=one.lightness[:, :-4])  # the last four columns are a margin
    turned = mirrored(narrow)
    assert torch.equal(turned.f4[..., : SIDE - 4], one.f4[..., : SIDE - 4].flip(-1))
    assert torch.equal(turned.f4[..., SIDE - 4 :], one.f4[..., SIDE - 4 :])
    again = mirrored(turned)
    assert torch.equal(again.f8, narrow.f8)
    assert torch.equal(again.asked[0][0][0].wishes[0].ab, narrow.asked[0][0][0].wishes[0].ab)


def test_only_losses_of_what_is_asked_count() -> None:
    model = small_grounder().eval()
    options = ExtentOptions(strangers=0)
    unboxed = scene(0)
    thing = replace(unboxed.asked[0][0][0], outside=None)
    unboxed = replace(unboxed, asked=(((thing,), torch.zeros(0, WIDTH)),))
    losses = losses_in(unboxed, model, options, np.random.default_rng(0))
    assert losses["spill"] == losses["peak"] == 0
    assert losses["notice"] > 0
