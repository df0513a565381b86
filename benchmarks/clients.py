"""Several clients at once: how many photos a second, and how long each waits."""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from benchmarks.photos import file_of, pixels_of
from benchmarks.requests import DESCRIPTION
from benchmarks.section import Section, spoken
from benchmarks.served import Served, ask


@dataclass(frozen=True, slots=True)
class Crowd:
    """So many clients, each with one photo after the other; seconds."""

    clients: int
    photos_per_second: float
    median: float
    longest: float


def measure(server: Served, *, crowds: tuple[int, ...], photos: int) -> Section:
    """Let more and more clients send photos of 1 MP."""
    file = file_of(pixels_of(1), "PNG")
    found = []
    for clients in crowds:

        def one(number: int) -> float:
            form = {"image": file, "description": f"{DESCRIPTION}, number {number}"}
            return ask(server, "/v1/colorize", form).seconds

        started = time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            waits = list(pool.map(one, range(photos)))
        passed = time.perf_counter() - started
        found.append(Crowd(clients, photos / passed, statistics.median(waits), max(waits)))
    rows = [
        (str(one.clients), f"{one.photos_per_second:.1f}", spoken(one.median), spoken(one.longest))
        for one in found
    ]
    return Section(
        "clients",
        "Clients at once",
        ("clients", "photos of 1 MP a second", "median wait", "longest"),
        rows,
        "PNG in and out, each photo with another description.",
        found,
    )
