"""The queue on many machines: what two workers add, what it costs, and what survives kill -9.

Starts a Redis server, workers and the server itself with the real weights, all on this machine,
each on free ports, and colours the same photos again and again::

    embedded   photochrom serve --workers 1
    pair       two of these, each with half of the photos
    one        photochrom serve --broker, photochrom worker --concurrency 1
    two        photochrom serve --broker, photochrom worker --concurrency 2

PyTorch has one thread everywhere, so that a core is a core. Every answer is compared byte for byte
with the embedded queue's. The *overhead* is what a photo takes longer with one worker than with the
embedded queue, and the *gain* is two workers' throughput over one's; all are medians over rounds
in which the four take turns, so that what else the machine does hits all of them alike. What the
pair gains over one embedded queue is what these cores give at all. ``--fsync always`` lets Redis
write every change to the disk before it answers, where a power cut may not take the last second.

With ``--kills`` processes of a worker are killed at random moments in a batch instead, and Redis
twice; every result is counted and compared.

    python -m benchmarks.cluster
    python -m benchmarks.cluster --megapixels 4 --photos 24 --rounds 5 --fsync always
    python -m benchmarks.cluster --kills 30 --photos 300 --megapixels 0.1
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path
from statistics import median
from urllib.request import urlopen

import click
import cv2
import numpy as np
import skimage.data
from rich.console import Console
from rich.table import Table

from benchmarks.served import Served, ask, served

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
TIMEOUT = 300.0
DIFFERENT = 50  # photos; more are the same again
GAIN, OVERHEAD = 1.7, 0.10  # what is wanted


class Redis:
    """A Redis server of our own, which may be killed and comes back with what it held."""

    def __init__(self, program: str, folder: str, fsync: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self._command = [
            program, "--port", str(self._port), "--bind", "127.0.0.1", "--dir", folder,
            "--appendonly", "yes", "--appendfsync", fsync, "--save", "", "--loglevel", "warning",
        ]  # fmt: skip
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        ends = time.monotonic() + TIMEOUT
        while time.monotonic() < ends:
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise click.ClickException("redis-server did not start")

    def end(self, *, sign: int = signal.SIGTERM) -> None:
        """End it."""
        self._process.send_signal(sign)
        self._process.wait()


@contextmanager
def redis(fsync: str) -> Iterator[Redis]:
    """Start a Redis server of our own."""
    program = shutil.which("redis-server")
    if program is None:
        raise click.ClickException("redis-server is not installed: apt-get install redis-server")
    with tempfile.TemporaryDirectory() as folder:
        server = Redis(program, folder, fsync)
        try:
            yield server
        finally:
            server.end()


@contextmanager
def workers(url: str, count: int) -> Iterator[subprocess.Popen[str]]:
    """Start ``photochrom worker``; its own processes report when their models are loaded."""
    command = [sys.executable, "-m", "plugin_server", "worker", "--concurrency", str(count)]
    with subprocess.Popen(
        [*command, "--threads", "1"],
        env={**os.environ, **ONE_THREAD, "PHOTOCHROM_BROKER": url},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            ready = 0
            while ready < count and (line := process.stdout.readline()):
                ready += line.strip() == "ready"
            yield process
        finally:
            process.terminate()


def wait_for_workers(server: Served, count: int) -> None:
    """Wait until the server counts its workers."""
    ends = time.monotonic() + TIMEOUT
    while time.monotonic() < ends:
        with urlopen(f"{server.address}/v1/health", timeout=30) as answer:
            if json.load(answer)["workers"] >= count:
                return
        time.sleep(0.2)
    raise click.ClickException(f"{count} workers did not come within {TIMEOUT:g} s")


def photo(megapixels: float, seed: int) -> bytes:
    """Make a grey PNG of a real photo, another one for each seed."""
    grey = cv2.cvtColor(skimage.data.coffee(), cv2.COLOR_RGB2GRAY)
    scale = (megapixels * 1e6 / grey.size) ** 0.5
    large = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(seed).integers(-6, 7, large.shape)
    done, data = cv2.imencode(".png", (large + noise).clip(0, 255).astype(np.uint8))
    assert done
    return bytes(data)


def round_of(servers: list[Served], photos: list[bytes], at_once: int) -> tuple[float, list[bytes]]:
    """Colour all photos, a few at once; return the seconds and the answers."""

    def colour(server: Served, data: bytes) -> bytes:
        return ask(server, "/v1/colorize", {"image": data}).body

    begun = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        answers = list(pool.map(colour, cycle(servers), photos))
    return time.perf_counter() - begun, answers


def measure(photos: list[bytes], rounds: int, at_once: int, fsync: str) -> dict[str, object]:
    """Let the four take turns; return the seconds of each round, the gains and the overhead."""
    seconds: dict[str, list[float]] = {"embedded": [], "pair": [], "one": [], "two": []}
    same = True
    with ExitStack() as stack:
        os.environ.update(ONE_THREAD)
        pair = [stack.enter_context(served("--workers", "1")) for _ in range(2)]
        servers = {"embedded": pair[:1], "pair": pair}
        crews = {}
        for name, count in (("one", 1), ("two", 2)):
            url = stack.enter_context(redis(fsync)).url
            crews[name] = stack.enter_context(workers(url, count))
            servers[name] = [stack.enter_context(served("--broker", url))]
            wait_for_workers(servers[name][0], count)
        expected: list[bytes] = []
        for number in range(rounds + 1):
            for name, asked in servers.items():
                took, answers = round_of(asked, photos, at_once)
                expected = expected or answers
                same = same and answers == expected
                if number:  # the first round warms everything
                    seconds[name].append(took)
    here, one, two = seconds["embedded"], seconds["one"], seconds["two"]
    overheads = [queued / direct - 1 for queued, direct in zip(one, here, strict=True)]
    gains = [alone / both for alone, both in zip(one, two, strict=True)]
    most = [alone / both for alone, both in zip(here, seconds["pair"], strict=True)]
    return {
        "photos": len(photos), "rounds": rounds, "at_once": at_once, "cores": os.cpu_count(),
        "load": os.getloadavg()[0], "fsync": fsync, "seconds": seconds, "same_bytes": same,
        "overhead": median(overheads), "gain": median(gains), "gain_of_the_pair": median(most),
    }  # fmt: skip


def batch(scans: Path, out: Path, broker: str = "") -> subprocess.Popen[bytes]:
    """Start ``photochrom colorize`` for a folder."""
    command = [sys.executable, "-m", "plugin_server", "colorize", str(scans), "-o", str(out)]
    more = ["--broker", broker] if broker else ["--jobs", "2"]
    return subprocess.Popen([*command, *more], env={**os.environ, **ONE_THREAD})


def survive(photos: list[bytes], kills: int, fsync: str) -> dict[str, object]:
    """Kill processes, and Redis twice, at random moments of a batch; count what came of it."""
    dice, killed, restarts = random.Random(), 0, 0
    different = list(dict.fromkeys(photos))
    with (
        tempfile.TemporaryDirectory() as name,
        redis(fsync) as store,
        workers(store.url, 2) as crew,
    ):
        scans, few, out, right_out = (Path(name, part) for part in ("all", "few", "out", "right"))
        for folder, wanted in ((scans, photos), (few, different)):
            folder.mkdir()
            for number, data in enumerate(wanted):
                (folder / f"{number:05}.png").write_bytes(data)
        begun = time.perf_counter()
        running = batch(scans, out, store.url)
        while running.poll() is None:
            done = len(list(out.glob("*.png"))) if out.exists() else 0
            if killed < kills and done >= (killed + dice.random()) * 0.95 * len(photos) / kills:
                time.sleep(dice.uniform(0, 0.5))  # anywhere in a photo
                if victims := children(crew.pid):
                    os.kill(dice.choice(victims), signal.SIGKILL)
                    killed += 1
                if restarts < 2 and killed >= (restarts + 1) * kills // 3:
                    store.end(sign=signal.SIGKILL)
                    store.start()
                    restarts += 1
            time.sleep(0.05)
        seconds = time.perf_counter() - begun
        batch(few, right_out).wait()
        wanted = [(right_out / f"{number:05}.png").read_bytes() for number in range(len(different))]
        names = {data: wanted[number] for number, data in enumerate(different)}
        results = [out / f"{number:05}.png" for number in range(len(photos))]
        right = sum(
            file.is_file() and file.read_bytes() == names[data]
            for file, data in zip(results, photos, strict=True)
        )
    return {
        "photos": len(photos), "killed": killed, "redis_killed": restarts,
        "batch_exit_code": running.returncode, "right": right,
        "missing_or_wrong": len(photos) - right, "seconds": seconds,
    }  # fmt: skip


def children(pid: int) -> list[int]:
    """List the processes that one has started."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    return [int(part) for part in re.findall(r"\d+", text)]


def show(told: dict[str, object]) -> None:
    """Print a table on stderr."""
    table = Table("what", "measured")
    for name, value in told.items():
        if name != "seconds" or not isinstance(value, dict):
            table.add_row(name, f"{value:.3f}" if isinstance(value, float) else str(value))
            continue
        for queue, rounds in value.items():
            rate = median(told["photos"] / one for one in rounds)  # type: ignore[operator]
            table.add_row(f"photos a second, {queue}", f"{rate:.2f}")
    Console(stderr=True).print(table)


@click.command()
@click.option("--photos", "count", default=16, show_default=True, type=click.IntRange(2))
@click.option("--megapixels", default=1.0, show_default=True, type=click.FloatRange(0.01, 24))
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1))
@click.option("--at-once", default=6, show_default=True, type=click.IntRange(1))
@click.option(
    "--fsync", default="everysec", show_default=True, type=click.Choice(["everysec", "always"])
)
@click.option("--kills", default=0, help="Kill workers so often, instead of measuring.")
@click.pass_context
def main(
    ctx: click.Context, count: int, megapixels: float, rounds: int, at_once: int, fsync: str,
    kills: int,
) -> None:  # fmt: skip
    """Measure, or kill; print JSON. The exit code is 1 where what is wanted was not reached."""
    photos = [photo(megapixels, seed) for seed in range(min(count, DIFFERENT))]
    photos = [photos[number % len(photos)] for number in range(count)]
    if kills:
        told = survive(photos, kills, fsync)
        fine = told["right"] == count
    else:
        told = {"megapixels": megapixels, **measure(photos, rounds, at_once, fsync)}
        fine = bool(told["same_bytes"]) and told["gain"] >= GAIN and told["overhead"] <= OVERHEAD  # type: ignore[operator]
    show(told)
    click.echo(json.dumps(told, indent=2))
    ctx.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
