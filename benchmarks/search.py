"""Time searches among many vectors, exact and approximate, and count what the latter misses.

    python -m benchmarks.search --vectors 1000000 --photos SHARD...

The vectors have the clustering of real ones: they are drawn around the embeddings of real photos,
with noise of the shape in which near photos differ, as much of it as makes the distance to the
nearest neighbour that of the real photos. Queries are real: grey photos and captions. Without
``--photos`` everything is synthetic, clusters included.
"""

from __future__ import annotations

import json
import platform
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import faiss
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from retrieval.index.ivf import cells_for, probed_of
from retrieval.index.vector_index import VectorIndex

FloatArray = NDArray[np.float32]
Keys = NDArray[np.int64]

DIMENSION = 384
NEIGHBOURS = 10  # of a real photo, between which and itself new ones are drawn
K = 10
AT_ONCE = 20_000
MEASURED = 2000  # photos whose nearest neighbour is looked at


@dataclass(frozen=True)
class Real:
    """Embeddings that the synthetic ones imitate, and queries by kind; all of unit length."""

    photos: FloatArray
    queries: dict[str, FloatArray]


@dataclass(frozen=True)
class Row:
    """One kind of query against one number of vectors.

    Times are medians in milliseconds: the processor's, which do not depend on what else the machine
    does, and those that passed meanwhile.
    """

    vectors: int
    queries: str
    recall: float
    exact_ms: float
    approximate_ms: float
    exact_passed_ms: float
    approximate_passed_ms: float

    @property
    def faster(self) -> float:
        """Tell how many times faster the approximate search is."""
        return self.exact_ms / self.approximate_ms


def unit(vectors: FloatArray) -> FloatArray:
    """Scale rows to unit length."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32)


def embedded(shards: list[Path], cache: Path | None) -> Real:
    """Embed photos, colour and grey, and their captions; ``cache`` keeps the result."""
    if cache is None or not cache.exists():
        from models.networks.clip import load_clip
        from models.photos import read_photos
        from retrieval.search.evaluation import embed

        found = embed(read_photos(shards), load_clip())
        if cache is None:
            return Real(found.photos, {"grey photo": found.grey, "caption": found.captions})
        np.savez(cache, photos=found.photos, grey=found.grey, captions=found.captions)
    kept = np.load(cache)
    return Real(kept["photos"], {"grey photo": kept["grey"], "caption": kept["captions"]})


def invented(seed: int) -> Real:
    """Invent 5,000 photos in 200 clusters, with dimensions that matter less and less."""
    rng = np.random.default_rng(seed)
    spread = (1 / np.arange(1, DIMENSION + 1) ** 0.5).astype(np.float32)
    centres = rng.standard_normal((200, DIMENSION), dtype=np.float32)

    def near(count: int) -> FloatArray:
        noise = rng.standard_normal((count, DIMENSION), dtype=np.float32)
        return unit((centres[rng.integers(200, size=count)] + 0.9 * noise) * spread)

    return Real(near(5000), {"photo": near(1000)})


class Imitation:
    """Draws vectors that cluster as real ones do."""

    def __init__(self, real: FloatArray, *, seed: int) -> None:
        self.real = real
        self.seed = seed
        _, near = faiss.knn(real, real, NEIGHBOURS + 1, faiss.METRIC_INNER_PRODUCT)
        self.near = near[:, 1:]
        steps = (real[self.near] - real[:, None]).reshape(-1, real.shape[1])
        covariance = steps.T @ steps / len(steps)
        values, directions = np.linalg.eigh(covariance / np.trace(covariance))
        self.shape = (directions * np.sqrt(np.maximum(values, 0))).T.astype(np.float32)
        self.noise = self._fit()

    def draw(self, count: int, *, noise: float | None = None) -> Iterator[FloatArray]:
        """Yield batches of unit vectors, the same for the same seed."""
        rng = np.random.default_rng(self.seed)
        amount = np.float32(self.noise if noise is None else noise)
        for start in range(0, count, AT_ONCE):
            n = min(AT_ONCE, count - start)
            photo = rng.integers(len(self.real), size=n)
            other = self.near[photo, rng.integers(NEIGHBOURS, size=n)]
            between = rng.uniform(0, 0.5, (n, 1)).astype(np.float32)
            mixed = (1 - between) * self.real[photo] + between * self.real[other]
            grain = rng.standard_normal((n, self.real.shape[1]), dtype=np.float32) @ self.shape
            yield unit(mixed + amount * grain)

    def _fit(self) -> float:
        """Choose the noise so that as many vectors have the real median nearest similarity."""
        wanted = float(np.median(nearest(self.real)))
        low, high = 0.05, 2.0
        for _ in range(10):
            middle = (low + high) / 2
            drawn = np.concatenate(list(self.draw(len(self.real), noise=middle)))
            low, high = (middle, high) if np.median(nearest(drawn)) > wanted else (low, middle)
        return (low + high) / 2


def nearest(vectors: FloatArray) -> FloatArray:
    """Return the similarity of some vectors to their nearest neighbour among all."""
    some = vectors[:MEASURED]
    similarities, _ = faiss.knn(some, vectors, 2, faiss.METRIC_INNER_PRODUCT)
    return np.asarray(similarities[:, 1], np.float32)


class Clock:
    """Counts what this thread uses of the processor and what time passes, again and again."""

    def __init__(self) -> None:
        self._used: list[float] = []
        self._passed: list[float] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Time the block."""
        used, passed = time.thread_time(), time.perf_counter()
        yield
        self._used.append(time.thread_time() - used)
        self._passed.append(time.perf_counter() - passed)

    def medians(self) -> tuple[float, float]:
        """Return the medians, in milliseconds: used, and passed."""
        return 1000 * statistics.median(self._used), 1000 * statistics.median(self._passed)


def measure(
    name: str, queries: FloatArray, vectors: FloatArray, index: VectorIndex, *, timed: int
) -> Row:
    """Search one query at a time, exactly and approximately in turns, both on one core."""
    _, truth = faiss.knn(queries, vectors, K, faiss.METRIC_INNER_PRODUCT)
    exact_clock, clock, hits = Clock(), Clock(), 0
    for i in range(len(queries)):
        query = queries[i : i + 1]
        if i < timed:
            with exact_clock.running():
                faiss.knn(query, vectors, K, faiss.METRIC_INNER_PRODUCT)
        with clock.running():
            _, keys = index.search(query, K)
        hits += len(set(keys[0].tolist()) & set(truth[i].tolist()))
    used, passed = zip(exact_clock.medians(), clock.medians(), strict=True)
    return Row(len(vectors), name, hits / truth.size, *used, *passed)


@click.command()
@click.option("--vectors", "sizes", default="1000000", show_default=True, help="Numbers, commas.")
@click.option("--photos", multiple=True, type=click.Path(exists=True, path_type=Path),
              help="Shards or folders of real photos to imitate; repeatable.")  # fmt: skip
@click.option("--cache", type=click.Path(path_type=Path), help="An .npz file for their embeddings.")
@click.option("--queries", default=300, show_default=True, help="Queries of each kind.")
@click.option("--timed", default=40, show_default=True, help="Exact searches that are timed.")
@click.option("--threads", default=1, show_default=True, help="For the training; a search has one.")
@click.option("--seed", default=0, show_default=True)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write JSON.")
def main(
    sizes: str,
    photos: tuple[Path, ...],
    cache: Path | None,
    queries: int,
    timed: int,
    threads: int,
    seed: int,
    json_file: Path | None,
) -> None:
    """Measure recall and time of approximate search against exact search in one run."""
    console = Console(stderr=True, width=None if sys.stderr.isatty() else 140)
    faiss.omp_set_num_threads(threads)
    have = bool(photos) or (cache is not None and cache.exists())
    real = embedded(list(photos), cache) if have else invented(seed)
    imitation = Imitation(real.photos, seed=seed)
    like = np.concatenate(list(imitation.draw(len(real.photos))))
    quantiles = (0.05, 0.25, 0.5, 0.75, 0.95)
    facts: dict[str, object] = {
        "imitated photos": len(real.photos),
        "nearest neighbour, real (5, 25, 50, 75, 95 %)": _rounded(nearest(real.photos), quantiles),
        "nearest neighbour, drawn, as many": _rounded(nearest(like), quantiles),
        "noise": round(imitation.noise, 3),
        "machine": f"{platform.machine()}, {platform.platform()}, FAISS {faiss.__version__}",
    }
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for size in map(int, sizes.split(",")):
        vectors = np.empty((size, real.photos.shape[1]), np.float32)
        filled = 0
        for batch in imitation.draw(size):
            vectors[filled : filled + len(batch)] = batch
            filled += len(batch)
        index = VectorIndex(vectors.shape[1], exact_up_to=0)

        def read(vectors: FloatArray = vectors) -> Iterator[tuple[Keys, FloatArray]]:
            for start in range(0, len(vectors), AT_ONCE):
                part = vectors[start : start + AT_ONCE]
                yield np.arange(start, start + len(part), dtype=np.int64), part

        started = time.perf_counter()
        index.rebuild(read, count=size)
        facts[f"training and filling {size}, s"] = round(time.perf_counter() - started, 1)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "index"
            index.save(path, stamp="benchmark")
            facts[f"file of {size}, MB"] = round(path.stat().st_size / 1e6)
            faiss.omp_set_num_threads(1)
            for name, all_queries in real.queries.items():
                some = all_queries[rng.permutation(len(all_queries))[:queries]]
                rows.append(measure(name, some, vectors, index, timed=timed))
            faiss.omp_set_num_threads(threads)
        facts[f"cells of {size}, and those read"] = (
            f"{cells_for(size)}, {probed_of(cells_for(size))}"
        )
        del vectors, index, read
    facts["memory at most, GB"] = round(
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9, 2
    )
    table = Table(
        "vectors",
        "queries",
        "recall@10",
        "exact ms",
        "approximate ms",
        "times faster",
        "passed, exact",
        "approximate",
    )
    for row in rows:
        table.add_row(
            f"{row.vectors:,}", row.queries, f"{row.recall:.3f}", f"{row.exact_ms:.2f}",
            f"{row.approximate_ms:.2f}", f"{row.faster:.0f}", f"{row.exact_passed_ms:.2f}",
            f"{row.approximate_passed_ms:.2f}",
        )  # fmt: skip
    console.print(table)
    for name, value in facts.items():
        console.print(f"{name}: {value}")
    found = [asdict(row) | {"faster": round(row.faster, 1)} for row in rows]
    report = json.dumps({"facts": facts, "rows": found}, indent=2)
    if json_file is not None:
        json_file.write_text(report, "utf-8")
    click.echo(report)


def _rounded(values: FloatArray, quantiles: tuple[float, ...]) -> list[float]:
    return [round(float(value), 3) for value in np.quantile(values, quantiles)]


if __name__ == "__main__":
    main()
