"""A large photo with six things in it, against the same request without any."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass

from benchmarks.photos import file_of, pixels_of
from benchmarks.section import Section, spoken
from benchmarks.served import Served, ask, keep

MEGAPIXELS = 24
PLAIN = "a woman with hair and lips in a suit with a collar before a flag and a wall"
NAMED = (
    "a woman with brown hair and red lips in an orange suit with a white collar before a blue flag "
    "and a grey wall"
)
COLORS = ("#2a6f4e", "#8a2030", "#2040a0", "#c08030", "#705090")


@dataclass(frozen=True, slots=True)
class Six:
    """Medians in seconds; ``found`` of the six things have a place."""

    found: int
    without: float
    named: float
    typed: float


def measure(server: Served, *, repeat: int) -> Section:
    """Ask for both in turns, never for the same twice."""
    image = keep(server, file_of(pixels_of(MEGAPIXELS), "PNG"))
    asked = ask(server, "/v1/things", {"image_id": image, "description": NAMED})
    things = json.loads(asked.body)["things"]
    times: dict[str, list[float]] = {"without": [], "named": [], "typed": []}
    for number in range(repeat + 1):
        changes = [
            {"phrase": thing["phrase"], "color": COLORS[(number + at) % len(COLORS)]}
            for at, thing in enumerate(things)
        ]
        for name, fields in (
            ("without", {"description": f"{PLAIN} in year {number}"}),
            ("named", {"description": f"{NAMED} in year {number}"}),
            ("typed", {"description": NAMED, "things": json.dumps(changes)}),
        ):
            told = ask(server, "/v1/colorize", {"image_id": image, **fields})
            times[name].append(told.seconds)
    without, named, typed = (statistics.median(some[1:]) for some in times.values())
    found = sum(thing["mask"] is not None for thing in things)
    return Section(
        "things",
        f"Six things in {MEGAPIXELS} megapixels",
        ("no thing", "six named colours", "ratio", "six colours changed", "ratio"),
        [
            (
                spoken(without),
                spoken(named),
                f"{named / without:.2f}",
                spoken(typed),
                f"{typed / without:.2f}",
            )
        ],
        f"{found} of the {len(things)} things were found; RGB, 8 bits, PNG, sent ahead.",
        [Six(found, without, named, typed)],
    )
