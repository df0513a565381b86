"""The network alone, beside the architecture that colorizers are measured against."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.eccv16 import ECCV16, SIDE
from benchmarks.requests import DESCRIPTION, seconds
from benchmarks.section import Section, spoken
from models.guidance.condition import Condition
from models.networks.clip import Clip
from models.networks.predictor import Predictor


@dataclass(frozen=True, slots=True)
class Pass:
    """One way through a network; median seconds, and how many times faster than ECCV16's."""

    what: str
    seconds: float
    faster: float | None


def guided(colorizer: Predictor, clip: Clip) -> Condition:
    """Make the condition of a description."""
    told = clip.embed_text(DESCRIPTION)
    text = told.scene if colorizer.locates else told.vector
    return Condition(text)


def measure(colorizer: Predictor, clip: Clip, *, repeat: int) -> Section:
    """Measure every way through the network in turns with ECCV16's, on all cores."""
    torch.manual_seed(0)
    side = colorizer.working_size
    rng = np.random.default_rng(0)
    square, wide = (
        rng.uniform(0, 100, shape).astype(np.float32)
        for shape in ((side, side), (side * 7 // 8, side * 9 // 8))
    )
    eccv16 = ECCV16().eval().to(memory_format=torch.channels_last)
    grey = torch.from_numpy(rng.uniform(0, 100, (1, 1, SIDE, SIDE)).astype(np.float32))
    null, told = Condition(), guided(colorizer, clip)
    names = {
        "ECCV16's": f"ECCV16's architecture, {SIDE} px",
        "guided": f"with a description, {side} px",
        "unguided": f"without guidance, {side} px",
        "wide": f"with a description, {wide.shape[1]} x {wide.shape[0]} px",
        "text": "a description read",
    }
    ways: dict[str, Callable[[], object]] = {
        "ECCV16's": lambda: _forward(eccv16, grey),
        "guided": lambda: colorizer.predict(square, told),
        "unguided": lambda: colorizer.predict(square, null),
        "wide": lambda: colorizer.predict(wide, told),
        "text": lambda: clip.embed_text(DESCRIPTION),
    }
    for way in ways.values():  # the first pass prepares kernels
        way()
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeat):
        for name, way in ways.items():
            times[name] += [seconds(way) for _ in range(1 if name == "ECCV16's" else 5)]
    theirs = statistics.median(times["ECCV16's"])
    found = [
        Pass(
            names[name],
            middle := statistics.median(some),
            None if name in ("ECCV16's", "text") else theirs / middle,
        )
        for name, some in times.items()
    ]
    rows = [
        (one.what, spoken(one.seconds), "" if one.faster is None else f"{one.faster:.1f}")
        for one in found
    ]
    return Section(
        "network",
        "The network alone",
        ("what", "time", "times faster than ECCV16's"),
        rows,
        "Below full strength a description takes two answers, with it and without.",
        found,
    )


@torch.inference_mode()
def _forward(model: ECCV16, lightness: torch.Tensor) -> None:
    model(lightness)
