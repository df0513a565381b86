"""Another description for a photo that is open already: how long until its preview is there."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.network import guided
from benchmarks.photos import file_of, pixels_of
from benchmarks.requests import seconds
from benchmarks.section import Section, spoken
from benchmarks.served import Served, ask, keep
from models.networks.clip import Clip
from models.networks.predictor import Predictor

COLORS = ("red", "blue", "green", "white", "yellow", "orange", "purple", "pink", "brown", "black")
WORDS = ("tram", "meadow", "house", "dress", "canoe", "coat", "door", "car", "flag", "wall")

STAGES = ("guidance", "network", "join", "encode")
# What is asked for, the n-th time.
WAYS: tuple[tuple[str, Callable[[int], dict[str, str]]], ...] = (
    (
        "a scene",
        lambda n: {"description": f"a {WORDS[n % 10]} beside a {WORDS[n // 10 % 10]} in spring"},
    ),
    (
        "a thing with a colour",
        lambda n: {"description": f"a {COLORS[n % 10]} {WORDS[n // 10 % 10]} in spring"},
    ),
    (
        "the same, one thing in another colour",
        lambda n: {
            "description": "a woman in an orange suit before a blue flag",
            "things": json.dumps([{"phrase": "orange suit", "color": f"#{20 + n:02d}60a0"}]),
        },
    ),
)


@dataclass(frozen=True, slots=True)
class Preview:
    """Medians in seconds; ``network`` is one guided pass, measured in the same turns."""

    what: str
    preview: float
    network: float
    stages: dict[str, float]


def measure(server: Served, colorizer: Predictor, clip: Clip, *, repeat: int) -> Section:
    """Send photos of 1 MP ahead, then change what is said of them, never the same twice."""
    side = colorizer.working_size
    lightness = np.random.default_rng(0).uniform(0, 100, (side, side)).astype(np.float32)
    condition = guided(colorizer, clip)
    image = keep(server, file_of(pixels_of(1), "PNG"))
    first = ask(server, "/v1/colorize", {"image_id": image, "description": "first"})
    found = []
    for what, fields in WAYS:
        told, passes = [], []
        for number in range(repeat * 5):
            told.append(ask(server, "/v1/colorize", {"image_id": image, **fields(number)}))
            passes.append(seconds(lambda: colorizer.predict(lightness, condition)))
        names = first.stages
        found.append(
            Preview(
                what,
                statistics.median(one.seconds for one in told),
                statistics.median(passes),
                {n: statistics.median(one.stages.get(n, 0) for one in told) for n in names},
            )
        )
    rows = [
        (
            one.what,
            spoken(one.preview),
            spoken(one.network),
            f"{one.preview / one.network:.2f}",
            *(spoken(one.stages.get(name, 0)) for name in STAGES),
        )
        for one in found
    ]
    return Section(
        "previews",
        "Another description for an open photo of 1 MP",
        ("the description", "preview", "the network alone", "ratio", *STAGES),
        rows,
        f"The first took {spoken(first.seconds)}: the network had to look at the photo.",
        found,
    )
