"""The box head learns whole boxes, and nothing else of the grounder changes."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from models.networks.colorizer import ENCODER_CHANNELS
from models.networks.grounding import Grounder, GrounderConfig
from models.training.box_head import box_losses
from models.training.region_targets import Evidence, Target

GRID = 16  # of targets, stride 4
VECTORS = {"kite": torch.eye(8)[0], "boat": torch.eye(8)[1]}


def small_grounder() -> Grounder:
    torch.manual_seed(0)
    config = GrounderConfig("", embedding_width=8, width=8, coarse=8, middle=8, fine=8, hidden=8)
    return Grounder(config)


def half(is_left: bool) -> np.ndarray:
    plane = np.zeros((GRID, GRID), np.uint8)
    plane[:, slice(0, GRID // 2) if is_left else slice(GRID // 2, GRID)] = 255
    return plane


def boxed(is_left: bool) -> Target:
    unknown = np.zeros((GRID, GRID), np.uint8)
    return Target("kite", Evidence.BOX, unknown, unknown, half(is_left))


def features(sides: list[bool]) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    place = torch.from_numpy(np.stack([half(side) for side in sides])).float()[:, None] / 255
    planes = []
    for stride, channels in zip((2, 4, 8), ENCODER_CHANNELS[1:], strict=True):
        size = GRID // stride
        plane = torch.randn(len(sides), channels, size, size, generator=generator) * 0.1
        plane[:, :6] += 2 * torch.nn.functional.interpolate(place, size=(size, size), mode="area")
        planes.append(plane)
    return planes[0], planes[1], planes[2]


def test_a_head_that_learned_finds_the_box_of_a_name_and_not_of_another() -> None:
    model, sides = small_grounder(), [True, False, True, False]
    targets = [[boxed(side)] for side in sides]
    optimiser = torch.optim.AdamW(model.boxes.parameters(), lr=3e-3)
    sources = ["photos"] * len(sides)
    first = last = 0.0
    for step in range(40):
        losses = box_losses(model, features(sides), targets, sources, VECTORS)
        loss = losses["fill"] + losses["overlap"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        first, last = first if step else loss.item(), loss.item()
    assert last < 0.5 * first
    model.eval()
    with torch.no_grad():
        phrases = model.boxes.phrases(VECTORS["kite"][None])
        found = model.boxes.logits(model.boxes(*features([True])), phrases)[0, 0]
    assert found[:, : GRID // 4].mean() > found[:, GRID // 4 :].mean() + 2


def test_masks_count_where_they_are_known_and_captions_only_as_names_of_others() -> None:
    model = small_grounder().eval()
    everywhere = np.full((GRID, GRID), 255, np.uint8)
    said = Target("boat", Evidence.CAPTION, half(True), everywhere)
    alone = box_losses(model, features([True]), [[said]], ["photos"], VECTORS)
    assert alone["fill"] == alone["overlap"] == 0

    def fill(place: np.ndarray, known: np.ndarray) -> float:
        mask = Target("kite", Evidence.MASK, place, known, exclusive=True)
        losses = box_losses(model, features([True]), [[mask]], ["photos"], VECTORS)
        return losses["fill"].item()

    left_known = half(True)
    assert fill(half(True), left_known) != fill(half(False), left_known)
    both = np.maximum(half(True), half(False))
    assert fill(half(True), left_known) == fill(both, left_known)
    with_other = box_losses(
        model, features([True, False]), [[boxed(True)], [said]], ["photos"] * 2, VECTORS
    )
    assert with_other["absent"] > 0
