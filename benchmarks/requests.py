"""Whole requests over HTTP, against decoding and encoding the same file, in the same run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.photos import FORMATS, decode_and_encode, file_of, lab_round_trip, pixels_of
from benchmarks.section import Section, spoken
from benchmarks.served import Served, ask

DESCRIPTION = "an astronaut in front of a flag and a model of a space shuttle"
STAGES = ("decode", "lightness", "guidance", "network", "join", "encode")
MANY = 50.0  # megapixels from which on once has to do


@dataclass(frozen=True, slots=True)
class Request:
    """One size in one format; medians in seconds, ``stages`` the server's own.

    ``floor`` is decoding and encoding that file the usual way; ``lab``, for npy, one float Lab
    round trip of that array with OpenCV.
    """

    kind: str
    megapixels: float
    request: float
    stages: dict[str, float]
    floor: float
    lab: float | None

    @property
    def outside(self) -> float:
        """What passed outside the stages: the way there and back, the form, the queue."""
        return self.request - self.stages.get("total", 0)


def measure(server: Served, *, sizes: tuple[float, ...], repeat: int) -> Section:
    """Measure all formats at all sizes."""
    found = [_one(server, kind, size, repeat) for size in sizes for kind in FORMATS]
    rows = [
        (
            f"{one.megapixels:g} MP",
            one.kind,
            spoken(one.request),
            spoken(one.floor),
            f"{one.request / one.floor:.2f}",
            "" if one.lab is None else spoken(one.lab),
            "" if one.lab is None else f"{one.request / one.lab:.2f}",
            *(spoken(one.stages.get(name, 0)) for name in STAGES),
            spoken(one.outside),
        )
        for one in found
    ]
    headings = ("photo", "format", "request", "floor", "ratio", "Lab", "ratio to Lab", *STAGES,
                "outside")  # fmt: skip
    return Section(
        "requests",
        "Whole requests",
        headings,
        rows,
        "RGB, 8 bits, with a description. The floor decodes and encodes the same file with Pillow, "
        "tifffile or NumPy as is usual (a JPEG is answered in PNG); Lab is one float round trip of "
        "the same array with OpenCV. Outside the stages lie the way there and back and the form.",
        found,
    )


def _one(server: Served, kind: str, megapixels: float, repeat: int) -> Request:
    """Measure request and floor in turns, so that whatever slows the machine slows both."""
    pixels = pixels_of(megapixels)
    file = file_of(pixels, kind)
    told, floors, labs = [], [], []
    for number in range(1 if megapixels > MANY else repeat):
        # Never the same words: the server remembers those that it has read.
        text = f"{DESCRIPTION}, {kind} {number} of {megapixels:g}"
        form: dict[str, bytes | str] = {"description": text, "image": file}
        told.append(ask(server, "/v1/colorize", form))
        floors.append(seconds(lambda: decode_and_encode(file, kind)))
        if kind == "npy":
            unit = pixels * np.float32(1 / 255)
            labs.append(seconds(lambda unit=unit: lab_round_trip(unit)))  # type: ignore[misc]
            del unit
    names = told[0].stages
    return Request(
        kind,
        megapixels,
        statistics.median(one.seconds for one in told),
        {name: statistics.median(one.stages[name] for one in told) for name in names},
        statistics.median(floors),
        statistics.median(labs) if labs else None,
    )


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
