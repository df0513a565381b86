"""Many clients at once: is every answer right, is nobody left out, does the memory come back?

Starts the real server with the real weights on a free port and sends photos of mixed sizes from
many clients, as direct requests, as jobs and as previews of a photo that was sent ahead. Each photo
is another one, and each answer is checked against its own photo: its size, its alpha, and its
lightness at every pixel. A client that is told 429 asks again when it was told to, and one whose
photo was forgotten sends it again. Prints a table
on stderr and JSON on stdout; exits with 1 where anything was wrong.

    python -m benchmarks.load
    python -m benchmarks.load --clients 10 --requests 100
    python -m benchmarks.load --soak 600
"""

from __future__ import annotations

import io
import itertools
import json
import os
import platform
import random
import threading
import time
import uuid
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.served import served
from models.color.lab import lightness

# Sides of the photos, small ones more often; the last are about 4 megapixels.
SIDES = ((64, 48), (160, 120), (320, 200), (320, 240), (640, 480), (800, 600), (2400, 1600))
WEIGHTS = (20, 20, 20, 20, 14, 5, 1)
WORDS = ("a red tram", "a green meadow", "a woman in a blue dress", "a brick house", "")
WAYS = ("colorize", "job", "preview")
WARM_UP = 60  # requests before the memory is measured for the first time
TOLERANCE = 0.5  # of L, in 8 bits: rounding alone reaches 0.24
GROWTH = 0.15


class Forgotten(ValueError):
    """The server does not keep a photo any more."""


@dataclass(slots=True)
class Tally:
    """What happened, over all clients."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    ways: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, way: str, seconds: float, statuses: list[int], wrong: str | None) -> None:
        """Count one photo, with every status on its way."""
        with self.lock:
            self.seconds.append(seconds)
            self.statuses.update(statuses)
            self.ways[way] += 1
            if wrong is not None:
                self.wrong.append(wrong)


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of one run; times in seconds, memory in megabytes."""

    clients: int
    photos: int
    seconds: float
    photos_per_second: float
    p50: float
    p95: float
    statuses: dict[str, int]
    ways: dict[str, int]
    wrong: list[str]
    memory_before: float
    memory_peak: float
    memory_after: float
    memory_samples: list[float]
    load_average: list[float]
    processors: int
    python: str


class Caller:
    """One client with a connection of its own."""

    def __init__(self, port: int, name: str, statuses: list[int]) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=600)
        self._name = name
        self._statuses = statuses

    def ask(self, method: str, path: str, form: dict[str, bytes | str] | None = None) -> bytes:
        """Ask until the server is not busy; raise what it refuses."""
        body, headers = None, {"User-Agent": self._name}
        if form is not None:
            boundary = uuid.uuid4().hex
            body = multipart(form, boundary)
            headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
        while True:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
            data = answer.read()
            self._statuses.append(answer.status)
            if answer.status == 429:
                time.sleep(float(answer.headers["Retry-After"]))
                continue
            if answer.status == 404:
                raise Forgotten(f"{method} {path}: {data[:300]!r}")
            if answer.status >= 400:
                raise ValueError(f"{method} {path}: {answer.status} {data[:300]!r}")
            return data

    def close(self) -> None:
        self._connection.close()


def multipart(form: dict[str, bytes | str], boundary: str) -> bytes:
    """Write a form; bytes are files."""
    parts = []
    for name, value in form.items():
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'
        if isinstance(value, bytes):
            parts += [f'{head}; filename="{name}"\r\n\r\n'.encode(), value, b"\r\n"]
        else:
            parts.append(f"{head}\r\n\r\n{value}\r\n".encode())
    return b"".join([*parts, f"--{boundary}--\r\n".encode()])


def photo(rng: random.Random) -> NDArray[np.uint8]:
    """Make a grey picture unlike any other: (H, W) or (H, W, 2) with alpha, uint8."""
    width, height = rng.choices(SIDES, WEIGHTS)[0]
    noise = np.random.default_rng(rng.randrange(2**32))
    coarse = noise.integers(20, 236, (9, 13)).astype(np.float32)
    rows = np.linspace(0, 8, height)
    columns = np.linspace(0, 12, width)
    grey = coarse[rows.astype(int)][:, columns.astype(int)] + noise.integers(
        -9, 10, (height, width)
    )
    pixels = np.clip(grey, 0, 255).astype(np.uint8)
    if rng.random() < 0.2:
        return np.dstack([pixels, noise.integers(0, 256, pixels.shape, np.uint8)])
    return pixels


def fault_in(sent: NDArray[np.uint8], answer: bytes) -> str | None:
    """Say how an answer cannot be the colours of this photo; None where all is right."""
    got = np.load(io.BytesIO(answer))
    grey = sent if sent.ndim == 2 else sent[..., 0]
    channels = 3 if sent.ndim == 2 else 4
    if got.shape != (*grey.shape, channels) or got.dtype != np.uint8:
        return f"{got.shape} {got.dtype} for {sent.shape}"
    if sent.ndim == 3 and not np.array_equal(got[..., 3], sent[..., 1]):
        return "the alpha is another one's"
    own = lightness(grey.astype(np.float32) / np.float32(255))
    off = np.abs(lightness(got[..., :3].astype(np.float32) / np.float32(255)) - own).max()
    return None if off <= TOLERANCE else f"the lightness is off by {off:.2f}"


def colour_one(port: int, name: str, rng: random.Random, tally: Tally) -> None:
    """Send one photo in one of the ways, and check what comes back."""
    sent, way, description = photo(rng), rng.choice(WAYS), rng.choice(WORDS)
    file = io.BytesIO()
    np.save(file, sent)
    statuses: list[int] = []
    caller = Caller(port, name, statuses)
    started = time.perf_counter()
    try:
        answer = _send(caller, way, file.getvalue(), description)
        wrong = fault_in(sent, answer)
    except (OSError, ValueError) as problem:
        wrong = f"{way}: {problem}"
    finally:
        caller.close()
    tally.add(way, time.perf_counter() - started, statuses, wrong)


def _send(caller: Caller, way: str, image: bytes, description: str) -> bytes:
    form: dict[str, bytes | str] = {"description": description} if description else {}
    match way:
        case "colorize":
            return caller.ask("POST", "/v1/colorize", {"image": image, **form})
        case "job":
            job = json.loads(caller.ask("POST", "/v1/jobs", {"image": image, **form}))
            place = f"/v1/jobs/{job['id']}"
            while job["state"] in ("queued", "running"):
                time.sleep(0.5)
                job = json.loads(caller.ask("GET", place))
            answer = caller.ask("GET", f"{place}/result")
            caller.ask("DELETE", place)
            return answer
        case _:
            answers: list[bytes] = []
            while len(answers) < 2:
                kept = json.loads(caller.ask("POST", "/v1/images", {"image": image}))
                form["image_id"] = kept["id"]
                # Kept photos are few: one that waited long is forgotten, and sent again as told.
                with suppress(Forgotten):
                    while len(answers) < 2:
                        answers.append(caller.ask("POST", "/v1/colorize", form))
            if answers[0] != answers[1]:
                raise ValueError("the same request gave other bytes")
            return answers[0]


def resident(pid: int) -> float:
    """Return the megabytes of memory that a process has now."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def drive(
    port: int, pid: int, *, clients: int, photos: int | None, seconds: float | None, seed: int,
    tally: Tally,
) -> list[float]:  # fmt: skip
    """Let the clients send until there were so many photos or seconds; sample the memory."""
    numbers = itertools.count()
    end = None if seconds is None else time.monotonic() + seconds

    def work(name: str) -> None:
        while True:
            with tally.lock:
                number = next(numbers)
            if photos is not None and number >= photos:
                return
            if end is not None and time.monotonic() > end:
                return
            colour_one(port, name, random.Random(seed * 1_000_003 + number), tally)

    threads = [threading.Thread(target=work, args=(f"load/{n}",)) for n in range(clients)]
    for thread in threads:
        thread.start()
    samples = []
    while any(thread.is_alive() for thread in threads):
        samples.append(round(resident(pid), 1))
        next(t for t in (*threads, threading.current_thread()) if t.is_alive()).join(5)
    return samples


def measure(clients: int, photos: int, soak: float | None) -> Report:
    """Run the load against a server of its own."""
    with served() as server:
        port, pid = urlsplit(server.address).port, server.pid
        assert port is not None
        drive(port, pid, clients=clients, photos=WARM_UP, seconds=None, seed=1, tally=Tally())
        before = resident(pid)
        tally, started = Tally(), time.perf_counter()
        samples = drive(
            port, pid, clients=clients, photos=None if soak else photos, seconds=soak, seed=2,
            tally=tally,
        )  # fmt: skip
        seconds = time.perf_counter() - started
        after = resident(pid)
    times = np.asarray(tally.seconds)
    return Report(
        clients=clients,
        photos=len(times),
        seconds=round(seconds, 1),
        photos_per_second=round(len(times) / seconds, 2),
        p50=round(float(np.percentile(times, 50)), 2),
        p95=round(float(np.percentile(times, 95)), 2),
        statuses={str(status): count for status, count in sorted(tally.statuses.items())},
        ways=dict(tally.ways),
        wrong=tally.wrong[:20],
        memory_before=round(before, 1),
        memory_peak=max([*samples, after]),
        memory_after=round(after, 1),
        memory_samples=samples[:: max(1, len(samples) // 60)],
        load_average=[round(load, 1) for load in os.getloadavg()],
        processors=os.cpu_count() or 1,
        python=platform.python_version(),
    )


def faults_of(report: Report) -> list[str]:
    """List what must not be."""
    faults = list(report.wrong)
    faults += [f"{n} answers of {s}" for s, n in report.statuses.items() if s >= "500"]
    if report.memory_after > report.memory_before * (1 + GROWTH):
        faults.append(f"memory {report.memory_before} -> {report.memory_after} MB")
    return faults


@click.command()
@click.option("--clients", default=100, show_default=True, help="How many send at once.")
@click.option("--requests", default=2000, show_default=True, help="How many photos altogether.")
@click.option("--soak", type=float, metavar="SECONDS", help="So long in place of so many photos.")
@click.option("--json", "path", type=click.Path(path_type=Path), help="Write the JSON here too.")
def main(clients: int, requests: int, soak: float | None, path: Path | None) -> None:
    """Load the server and say what came of it."""
    report = measure(clients, requests, soak)
    table = Table("what", "figure", title="Load")
    for name, value in asdict(report).items():
        table.add_row(name.replace("_", " "), str(value))
    Console(stderr=True).print(table)
    text = json.dumps(asdict(report), indent=2)
    click.echo(text)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    if faults := faults_of(report):
        raise click.ClickException("; ".join(faults))


if __name__ == "__main__":
    main()
