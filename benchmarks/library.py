"""Searches in libraries of several sizes: ``benchmarks.search`` with invented photos."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

from benchmarks.section import Section


@dataclass(frozen=True, slots=True)
class Search:
    """A library of so many photos; milliseconds of the processor for one search."""

    photos: int
    exact: float
    approximate: float
    recall: float


def measure(*, sizes: tuple[int, ...], queries: int) -> Section:
    """Search in a process of its own, which gives its memory back."""
    options = ["--queries", str(queries), "--timed", "10", "--vectors", ",".join(map(str, sizes))]
    command = [sys.executable, "-m", "benchmarks.search", *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    found = [
        Search(row["vectors"], row["exact_ms"], row["approximate_ms"], row["recall"])
        for row in json.loads(done.stdout)["rows"]
    ]
    rows = [
        (f"{one.photos:,}", f"{one.exact:.2f} ms", f"{one.approximate:.2f} ms", f"{one.recall:.3f}")
        for one in found
    ]
    return Section(
        "library",
        "A search in the library",
        ("photos", "exact", "approximate", "recall at 10"),
        rows,
        "Invented vectors; on one core. `docs/library.md` has those that imitate real photos.",
        found,
    )
