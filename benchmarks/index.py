"""What the search index of a large library gains and costs: search, start-up, memory, training.

    python -m benchmarks.index --photos 10000,100000

Makes a library of invented vectors in a real database, and opens it twice in processes of their
own: every vector compared, and with the index. Times are the processor's, on one core.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import faiss
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.search import DIMENSION, Imitation, K, invented
from benchmarks.section import Section, megabytes
from benchmarks.served import resident
from retrieval.database import queries as database
from retrieval.database.store import Store
from retrieval.index.synced import LibraryIndexes
from retrieval.search.search import LEAST_POOL

FloatArray = NDArray[np.float32]
EVERY_VECTOR = sys.maxsize  # of exact_up_to: no library is so large


@dataclass(frozen=True, slots=True)
class Opened:
    """One way to search: start-up in seconds, a search in ms, bytes, and the K nearest of each."""

    start: float
    search: float
    memory: float
    nearest: list[set[int]]


@dataclass(frozen=True, slots=True)
class Row:
    """A library of so many photos; ``training`` and start-up in seconds, memory in bytes."""

    photos: int
    search_ms: tuple[float, float]
    recall: float
    start: tuple[float, float]
    memory: tuple[float, float]
    training: float
    file: int


def make(folder: Path, count: int, imitation: Imitation) -> None:
    """Make a library of photos of which nothing is known but their vectors."""
    store = Store(folder)
    with store.writing() as connection:
        model = database.insert_model(connection, "benchmark", np.zeros(DIMENSION, np.float32))
        key = 0
        for vectors in imitation.draw(count):
            keys = range(key + 1, key + 1 + len(vectors))
            connection.executemany(
                "INSERT INTO exemplars VALUES (?, ?, ?, '', '', 1, 1, '', 0)",
                ((key, str(key), str(key)) for key in keys),
            )
            connection.executemany(
                "INSERT INTO vectors VALUES (?, ?, ?)",
                ((key, model, row.tobytes())
                 for key, row in zip(keys, vectors.astype(np.float16), strict=True)),
            )  # fmt: skip
            key = keys[-1]
    store.close()


def indexes_of(folder: Path, exact_up_to: int) -> LibraryIndexes:
    """Open a library's indexes."""
    faiss.omp_set_num_threads(1)
    return LibraryIndexes(
        Store(folder), dimension=DIMENSION, check=lambda _: None, exact_up_to=exact_up_to
    )


def train(folder: Path) -> float:
    """Make the index; return the seconds of the processor."""
    indexes = indexes_of(folder, 0)
    begun = time.process_time()
    indexes.settle()
    return time.process_time() - begun


def opened(folder: Path, queries: FloatArray, exact_up_to: int) -> Opened:
    """Open a library and search in it, as a server does."""
    before = resident(os.getpid(), "VmRSS")
    begun = time.process_time()
    indexes = indexes_of(folder, exact_up_to)
    indexes.refresh()
    start, times = time.process_time() - begun, []
    nearest = [indexes.images.nearest(query, K) for query in queries]  # warms what it reads, too
    for query in queries:
        begun = time.thread_time()
        indexes.images.nearest(query, LEAST_POOL)
        times.append(time.thread_time() - begun)
    most = resident(os.getpid(), "VmHWM")
    held = most - before if most is not None and before is not None else float("nan")
    return Opened(start, 1000 * statistics.median(times), held, nearest)


def alone(work: Callable[..., Any], *values: object) -> Any:
    """Call a function in a process of its own, which begins with no memory of others."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *values).result()


def measure(photos: int, *, count: int, seed: int) -> Row:
    """Measure a library of so many photos with so many queries."""
    source = invented(seed)
    queries = source.queries["photo"][:count]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, photos, Imitation(source.photos, seed=seed))
        exact = alone(opened, folder, queries, EVERY_VECTOR)
        training = alone(train, folder)
        indexed = alone(opened, folder, queries, 0)
        file = (folder / f"{database.VECTORS}.index").stat().st_size
    found = zip(exact.nearest, indexed.nearest, strict=True)
    return Row(
        photos,
        (exact.search, indexed.search),
        sum(len(true & told) for true, told in found) / (K * len(queries)),
        (exact.start, indexed.start),
        (exact.memory, indexed.memory),
        training,
        file,
    )


def section(found: list[Row]) -> Section:
    """Write the rows as a table."""
    rows = [
        (
            f"{row.photos:,}",
            *(f"{ms:.2f} ms" for ms in row.search_ms),
            f"{row.search_ms[0] / row.search_ms[1]:.0f}",
            f"{row.recall:.3f}",
            " / ".join(f"{seconds:.2f} s" for seconds in row.start),
            " / ".join(map(megabytes, row.memory)),
            f"{row.training:.0f} s",
            megabytes(row.file),
        )
        for row in found
    ]
    headings = ("photos", "every vector compared", "with the index", "times faster", "recall at 10",
                "start-up", "memory", "training", "file")  # fmt: skip
    return Section(
        "index",
        "The search index",
        headings,
        rows,
        f"Invented vectors; {LEAST_POOL} candidates a search; seconds of one core; start-up and "
        "memory without the index / with it.",
        found,
    )


@click.command()
@click.option("--photos", "sizes", default="10000,100000", show_default=True, help="With commas.")
@click.option("--queries", default=100, show_default=True, type=click.IntRange(1, 1000))
@click.option("--seed", default=0, show_default=True)
def main(sizes: str, queries: int, seed: int) -> None:
    """Open libraries with and without the index; print a table, and JSON."""
    found = [measure(int(size), count=queries, seed=seed) for size in sizes.split(",")]
    table = section(found)
    Console(stderr=True, width=None if sys.stderr.isatty() else 160).print(table.drawn())
    click.echo(json.dumps(table.plain(), indent=2))


if __name__ == "__main__":
    main()
