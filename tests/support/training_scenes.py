"""Photos for the extent's training, made up: two halves, one of which is a red thing."""

from __future__ import annotations

from dataclasses import replace

import torch

from models.networks.colorizer import ENCODER_CHANNELS
from models.training.scenes import AskedThing, Scene, Wish

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
    grey = torch.zeros(2, SIDE, SIDE)
    return Scene(f4, f8, lightness, grey, grey, asked, stranger)
