"""How busy a batch keeps the cores: many photos of mixed sizes and types, as the command does them.

Makes the photos (real photographs of scikit-image, scaled, with the grain of a scan), runs
``photochrom colorize DIR -o OUT --recursive`` on them, and watches the process meanwhile. Prints a
table on stderr and JSON on stdout. Meant for a machine that does nothing else.

    python -m benchmarks.batch --photos 1000 --json out/batch.json
    python -m benchmarks.batch --photos 60 --jobs 1,2,3
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np
import skimage.data
import tifffile
from PIL import Image
from rich.console import Console
from rich.table import Table

SIZES = {0.3: 0.2, 1.0: 0.3, 3.0: 0.25, 6.0: 0.15, 12.0: 0.1}  # megapixels -> share of the photos
KINDS = {"jpg": 0.6, "png": 0.2, "tif": 0.2}  # TIFF has 16 bits
SOURCES = ("camera", "coffee", "chelsea", "astronaut", "rocket")
VARIANTS = 40  # different photos; the others are links to them, which cost a batch as much
LOOK = 0.02  # seconds between looks at the process


@dataclass(frozen=True, slots=True)
class Run:
    """What a batch took.

    ``cpu_seconds`` is its processor time and that of the processes that decode for it, and ``busy``
    that over the time of all cores. ``all_cores`` is the share of the looks at which as many of
    their threads as there are cores were running or waiting for a core, and ``threads`` how often
    how many of them were.
    """

    jobs: int | None
    photos: int
    megapixels: float
    seconds: float
    cpu_seconds: float
    busy: float
    all_cores: float
    threads: dict[int, float]
    resident: float


def make_photos(folder: Path, count: int) -> float:
    """Write the photos in a tree; return their megapixels."""
    rng = np.random.default_rng(0)
    made: list[tuple[Path, float]] = []
    total = 0.0
    for number in range(count):
        place = folder / f"box-{number % 8}"
        place.mkdir(parents=True, exist_ok=True)
        if number < VARIANTS:
            size = rng.choice(list(SIZES), p=list(SIZES.values()))
            kind = rng.choice(list(KINDS), p=list(KINDS.values()))
            made.append((place / f"photo-{number:05}.{kind}", float(size)))
            write_photo(made[-1][0], SOURCES[number % len(SOURCES)], float(size), rng)
        else:
            model, size = made[number % VARIANTS]
            os.link(model, place / f"photo-{number:05}{model.suffix}")
        total += float(size)
    return total


def write_photo(path: Path, name: str, megapixels: float, rng: np.random.Generator) -> None:
    """Write one grey photo of so many megapixels."""
    source = Image.fromarray(getattr(skimage.data, name)()).convert("L")
    scale = (megapixels * 1e6 / (source.width * source.height)) ** 0.5
    size = (round(source.width * scale), round(source.height * scale))
    pixels = np.asarray(source.resize(size, Image.Resampling.BICUBIC)).astype(np.float32)
    pixels = np.clip(pixels + rng.normal(0, 2, pixels.shape).astype(np.float32), 0, 255)
    if path.suffix == ".tif":
        tifffile.imwrite(path, (pixels * 257).astype(np.uint16))
    else:
        Image.fromarray(pixels.astype(np.uint8)).save(path)


def family(pid: int) -> list[int]:
    """List a process and those that it has started."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [pid, *(int(one) for task in tasks for one in (task / "children").read_text().split())]


def states(pids: list[int]) -> list[str]:
    """List the states of processes' threads: R runs or waits for a core, S and D wait."""
    found = []
    for task in (task for pid in pids for task in Path(f"/proc/{pid}/task").iterdir()):
        try:
            found.append((task / "stat").read_text().rpartition(")")[2].split()[0])
        except OSError:
            continue  # it ended meanwhile
    return found


def seconds_of(pids: list[int]) -> float:
    """Add up the processor time of processes."""
    fields = (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids)
    return sum(int(own[11]) + int(own[12]) for own in fields) / os.sysconf("SC_CLK_TCK")


def resident_at_most(pid: int) -> float:
    """Read the gigabytes that a process held at most."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e9
    return 0.0


def measure(photos: Path, output: Path, megapixels: float, jobs: int | None) -> Run:
    """Run one batch and watch it from its first result to its last."""
    command = [sys.executable, "-c", "from plugin_server.cli import main; main()", "colorize"]
    command += [str(photos), "-o", str(output), "--recursive"]
    if jobs is not None:
        command += ["--jobs", str(jobs)]
    seen: Counter[int] = Counter()
    resident = decoding = 0.0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        over = threading.Event()
        manifest, report = output / "photochrom-manifest.jsonl", output / "photochrom-report.csv"
        while process.poll() is None:
            time.sleep(LOOK)
            if report.exists():
                over.set()
            try:
                if manifest.exists() and manifest.stat().st_size and not over.is_set():
                    pids = family(process.pid)
                    seen[states(pids).count("R")] += 1
                    decoding = max(decoding, seconds_of(pids[1:]))
                    resident = max(resident, resident_at_most(process.pid))
            except OSError:
                continue  # one of them ended meanwhile
    if process.returncode != 0:
        raise click.ClickException(f"the batch ended with {process.returncode}: see above")
    sums = json.loads((output / "photochrom-report.json").read_text())
    looks, cores = max(seen.total(), 1), len(os.sched_getaffinity(0))
    cpu_seconds = sums["cpu_seconds"] + decoding
    return Run(
        jobs=jobs,
        photos=sums["photos"],
        megapixels=megapixels,
        seconds=sums["seconds"],
        cpu_seconds=round(cpu_seconds, 3),
        busy=round(cpu_seconds / (sums["seconds"] * cores), 3),
        all_cores=round(sum(n for running, n in seen.items() if running >= cores) / looks, 3),
        threads={running: round(n / looks, 3) for running, n in sorted(seen.items())},
        resident=round(resident, 3),
    )


def draw(runs: list[Run]) -> None:
    """Show everything on stderr."""
    headings = (
        "jobs", "photos", "MP", "seconds", "a second", "cpu s", "busy", "all cores", "GB at most"
    )  # fmt: skip
    table = Table(*headings, title="A batch; busy is processor time over that of all cores")
    for run in runs:
        table.add_row(
            str(run.jobs or "default"), f"{run.photos:,}", f"{run.megapixels:,.0f}",
            f"{run.seconds:.1f}", f"{run.photos / run.seconds:.2f}", f"{run.cpu_seconds:.1f}",
            f"{run.busy:.0%}", f"{run.all_cores:.0%}", f"{run.resident:.2f}",
        )  # fmt: skip
    Console(stderr=True, width=None if sys.stderr.isatty() else 120).print(table)


@click.command()
@click.option("--photos", "count", default=1000, show_default=True, type=click.IntRange(1))
@click.option("--jobs", default="default", show_default=True, help="Numbers or default, by commas.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write the JSON.")
def main(count: int, jobs: str, json_file: Path | None) -> None:
    """Measure how busy a batch keeps the cores."""
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder) / "photos"
        megapixels = make_photos(photos, count)
        runs = [
            measure(
                photos, Path(folder) / f"out-{choice}", megapixels,
                None if choice == "default" else int(choice),
            )
            for choice in jobs.split(",")
        ]  # fmt: skip
    draw(runs)
    facts = {
        "cores": len(os.sched_getaffinity(0)),
        "load before": os.getloadavg()[0],
        "machine": f"{platform.machine()}, {platform.platform()}, {platform.python_version()}",
    }
    report = json.dumps({"facts": facts, "runs": [asdict(run) for run in runs]}, indent=2)
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(report, "utf-8")
    click.echo(report)


if __name__ == "__main__":
    main()
