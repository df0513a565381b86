"""How much memory a photo takes, above what the server holds when nobody asks for anything."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.photos import file_of, pixels_of
from benchmarks.requests import DESCRIPTION, MANY
from benchmarks.section import Section, megabytes, spoken
from benchmarks.served import ask, resident, served
from plugin_server.jobs.local import IDLE

IDLE_REQUESTS = 3  # of a small photo, after which all is loaded


@dataclass(frozen=True, slots=True)
class Memory:
    """One photo; bytes."""

    what: str
    file: int
    idle: float
    most: float
    seconds: float


def measure(*, sizes: tuple[float, ...]) -> Section:
    """Measure each photo with a server of its own, which starts with no memory of others."""
    found = []
    for megapixels in sizes:
        for kind, grey in (("PNG", False), ("PNG", True) if megapixels > MANY else ("npy", False)):
            one = _one(megapixels, kind, grey)
            if one is not None:
                found.append(one)
    rows = [
        (
            one.what,
            megabytes(one.file),
            megabytes(one.idle),
            megabytes(one.most - one.idle),
            spoken(one.seconds),
        )
        for one in found
    ]
    return Section(
        "memory",
        "Memory of one photo",
        ("photo", "file", "idle server", "at most above it", "request"),
        rows,
        "Resident memory of the server's process (VmRSS when idle, VmHWM at most).",
        found,
    )


def _one(megapixels: float, kind: str, grey: bool) -> Memory | None:
    """Return None where the system does not say."""
    limit = max(100, round(megapixels) + 1)
    small, file = file_of(pixels_of(0.3), "PNG"), file_of(pixels_of(megapixels, grey=grey), kind)
    with served("--max-megapixels", str(limit), "--max-megabytes", "2000") as server:
        for _ in range(IDLE_REQUESTS):
            ask(server, "/v1/colorize", {"image": small, "description": DESCRIPTION})
        time.sleep(1.5 * IDLE)  # then it has given back what it does not need
        idle = resident(server.pid, "VmRSS")
        with suppress(OSError):  # forget the most so far, which was the loading of the models
            Path(f"/proc/{server.pid}/clear_refs").write_text("5")
        told = ask(server, "/v1/colorize", {"image": file, "description": DESCRIPTION})
        most = resident(server.pid, "VmHWM")
    if idle is None or most is None:
        return None
    color = "grey" if grey else "RGB"
    return Memory(f"{megapixels:g} MP {color} {kind}", len(file), idle, most, told.seconds)
