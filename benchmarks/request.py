"""How long a whole request takes, against decoding and encoding the same file alone.

Starts the real server with the real weights on a free port, sends PNG photos of several sizes over
the loopback, and measures in the same run what Pillow with its defaults needs to decode and encode
the same PNG (the floor). Prints a table on stderr and JSON on stdout.

    python benchmarks/request.py
    python benchmarks/request.py --megapixels 1 --repeat 5 --json out/request.json
"""

from __future__ import annotations

import io
import json
import platform
import re
import statistics
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np
import skimage.data
from PIL import Image
from rich.console import Console
from rich.table import Table
from served import served

DESCRIPTION = "an astronaut in an orange suit in front of a flag"
RESIDENT_REQUESTS = 20


@dataclass(frozen=True, slots=True)
class Measurement:
    """One size; times are medians in seconds, ``stages`` the server's own, by name."""

    megapixels: float
    width: int
    height: int
    mode: str
    request: float
    floor: float
    ratio: float
    stages: dict[str, float]


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    address: str
    pid: int
    seconds_to_healthy: float


def photo(megapixels: float, *, mode: str) -> bytes:
    """Make a PNG of this size: a real photograph scaled up, with the grain of a scan."""
    source = Image.fromarray(skimage.data.astronaut()).convert(mode)
    side = round((megapixels * 1e6) ** 0.5)
    pixels = np.asarray(source.resize((side, side), Image.Resampling.BICUBIC)).astype(np.float32)
    grain = np.random.default_rng(0).normal(0, 2, pixels.shape[:2]).astype(np.float32)
    if pixels.ndim == 3:
        grain = grain[..., None]
    file = io.BytesIO()
    Image.fromarray(np.clip(np.rint(pixels + grain), 0, 255).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


@contextmanager
def server() -> Iterator[Server]:
    """Start the server and wait until it is healthy."""
    begun = time.perf_counter()
    with served() as started:
        with urllib.request.urlopen(f"{started.address}/v1/health", timeout=30) as answer:
            assert json.load(answer)["status"] == "ok"
        yield Server(started.address, started.pid, time.perf_counter() - begun)


def send(address: str, image: bytes) -> dict[str, float]:
    """Colour one photo and return the server's stages in seconds."""
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="'
    body = b"".join(
        (
            f'{head}description"\r\n\r\n{DESCRIPTION}\r\n'.encode(),
            f'{head}image"; filename="a.png"\r\n\r\n'.encode(),
            image,
            f"\r\n--{boundary}--\r\n".encode(),
        )
    )
    request = urllib.request.Request(
        f"{address}/v1/colorize",
        body,
        {"Content-Type": f"multipart/form-data; boundary={boundary}"},
    )
    with urllib.request.urlopen(request, timeout=600) as answer:
        answer.read()
        timing = str(answer.headers["Server-Timing"])
    entries = (entry.partition(";dur=") for entry in timing.split(", "))
    return {name: float(milliseconds) / 1000 for name, _, milliseconds in entries}


def decode_and_encode(image: bytes) -> None:
    """Do with Pillow's defaults what no server can avoid."""
    with Image.open(io.BytesIO(image)) as picture:
        picture.load()
        picture.save(io.BytesIO(), "PNG")


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def measure(address: str, megapixels: float, *, mode: str, repeat: int) -> Measurement:
    """Measure request and floor in turns, so that whatever slows the machine slows both."""
    image = photo(megapixels, mode=mode)
    requests, floors, stages = [], [], []
    for _ in range(repeat):
        started = time.perf_counter()
        stages.append(send(address, image))
        requests.append(time.perf_counter() - started)
        floors.append(seconds(lambda: decode_and_encode(image)))
    request, floor = statistics.median(requests), statistics.median(floors)
    with Image.open(io.BytesIO(image)) as picture:
        width, height = picture.size
    return Measurement(
        megapixels,
        width,
        height,
        mode,
        request,
        floor,
        request / floor,
        {name: statistics.median(stage[name] for stage in stages) for name in stages[0]},
    )


def resident(pid: int, field: str) -> float | None:
    """Read VmRSS (now) or VmHWM (at most) of a process in bytes, where the system says it."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii")
    except OSError:
        return None
    found = re.search(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE)
    return float(found.group(1)) * 1024 if found else None


def draw(measurements: list[Measurement], facts: dict[str, object]) -> None:
    """Show everything on stderr."""
    console = Console(stderr=True, width=None if sys.stderr.isatty() else 140)
    names = list(dict.fromkeys(name for m in measurements for name in m.stages if name != "total"))
    headings = ("MP", "mode", "request s", "floor s", "ratio", *(f"{name} ms" for name in names))
    table = Table(*headings, title="Whole requests; the floor is Pillow's decode and encode")
    for m in measurements:
        cells = (f"{m.stages.get(name, 0) * 1000:.0f}" for name in names)
        table.add_row(
            f"{m.megapixels:g}", m.mode, f"{m.request:.2f}", f"{m.floor:.2f}", f"{m.ratio:.2f}",
            *cells,
        )  # fmt: skip
    console.print(table)
    for name, value in facts.items():
        console.print(f"{name}: {value}")


def gigabytes(count: float | None) -> float | None:
    """Round bytes to gigabytes."""
    return None if count is None else round(count / 1e9, 3)


@click.command()
@click.option("--megapixels", default="1,12,24", show_default=True, help="Sizes, with commas.")
@click.option("--mode", default="RGB", show_default=True, type=click.Choice(["RGB", "L"]))
@click.option("--repeat", default=3, show_default=True, type=click.IntRange(1))
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write the JSON.")
def main(megapixels: str, mode: str, repeat: int, json_file: Path | None) -> None:
    """Measure whole requests against decoding and encoding the same PNG."""
    sizes = [float(size) for size in megapixels.split(",")]
    with server() as running:
        small = photo(1, mode=mode)
        for _ in range(RESIDENT_REQUESTS):
            send(running.address, small)
        after_small = resident(running.pid, "VmRSS")
        measurements = [measure(running.address, size, mode=mode, repeat=repeat) for size in sizes]
        facts: dict[str, object] = {
            "start to healthy, s": round(running.seconds_to_healthy, 2),
            f"resident after {RESIDENT_REQUESTS} requests of 1 MP, GB": gigabytes(after_small),
            "resident after all, GB": gigabytes(resident(running.pid, "VmRSS")),
            "resident at most, GB": gigabytes(resident(running.pid, "VmHWM")),
            "machine": f"{platform.machine()}, {platform.platform()}, Python "
            f"{platform.python_version()}",
        }
    draw(measurements, facts)
    report = json.dumps({"facts": facts, "sizes": [asdict(m) for m in measurements]}, indent=2)
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(report, "utf-8")
    click.echo(report)


if __name__ == "__main__":
    main()
