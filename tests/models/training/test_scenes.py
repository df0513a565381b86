"""What the extent learns from, made of photos and their captions."""

from __future__ import annotations

from dataclasses import replace

import torch

from models.training.scenes import mirrored
from tests.support.training_scenes import SIDE, scene


def test_a_mirrored_scene_is_mirrored_where_the_picture_is() -> None:
    one = scene(1)
    narrow = replace(one, lightness=one.lightness[:, :-4])  # the last four columns are a margin
    turned = mirrored(narrow)
    assert torch.equal(turned.f4[..., : SIDE - 4], one.f4[..., : SIDE - 4].flip(-1))
    assert torch.equal(turned.f4[..., SIDE - 4 :], one.f4[..., SIDE - 4 :])
    again = mirrored(turned)
    assert torch.equal(again.f8, narrow.f8)
    assert torch.equal(again.asked[0][0][0].wishes[0].ab, narrow.asked[0][0][0].wishes[0].ab)
