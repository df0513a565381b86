"""What Photochrom costs on this machine: one command, a table, JSON and a plot.

Starts the real server with the real weights and measures whole requests beside the floor of the
same file, the network beside ECCV16's, previews, memory, many clients and large libraries.

    python -m benchmarks
    python -m benchmarks --quick --markdown docs/performance.md
    python -m benchmarks --only network,memory
"""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import click
from rich.console import Console

from benchmarks import clients, library, memory, network, previews, requests, things
from benchmarks.photos import file_of, pixels_of
from benchmarks.section import Section, spoken
from benchmarks.served import ask, served

NAMES = ("start", "network", "previews", "things", "requests", "clients", "memory", "library")
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured."""

    repeat: int
    sizes: tuple[float, ...] = (1, 4, 12, 24, 100)
    memory: tuple[float, ...] = (24, 200)
    crowds: tuple[int, ...] = (1, 2, 4, 8)
    photos: int = 24
    libraries: tuple[int, ...] = (1_000, 10_000, 100_000)
    starts: int = 3


FULL = Extent(repeat=5, crowds=(1, 2, 4, 8, 16), photos=80)
QUICK = Extent(repeat=2, starts=1, libraries=(1_000, 10_000, 50_000))


@dataclass(frozen=True, slots=True)
class Start:
    """Medians in seconds."""

    listening: float
    first_request: float
    second_request: float


def start(times: int) -> Section:
    """Measure from the command until the server listens, and its first photo."""
    file, found = file_of(pixels_of(1), "PNG"), []
    for _ in range(times):
        with served() as server:
            form = {"image": file, "description": "the first photo"}
            first, second = (ask(server, "/v1/colorize", form).seconds for _ in range(2))
            found.append(Start(server.seconds_to_start, first, second))
    middle = Start(
        statistics.median(one.listening for one in found),
        statistics.median(one.first_request for one in found),
        statistics.median(one.second_request for one in found),
    )
    row = tuple(map(spoken, (middle.listening, middle.first_request, middle.second_request)))
    headings = ("command to listening", "first photo of 1 MP", "second")
    return Section("start", "Cold start", headings, [row], measurements=[middle])


def measured(wanted: frozenset[str], extent: Extent) -> Iterator[Section]:
    """Measure what is wanted, the network before anything large has been in memory."""
    if "start" in wanted:
        yield start(extent.starts)
    with ExitStack() as stack:
        if wanted & {"network", "previews"}:
            from models.networks.loading import load_pair
            from plugin_server.jobs.malloc import share_heaps

            share_heaps()  # as the server does
            colorizer, clip = load_pair()
            if "network" in wanted:
                yield network.measure(colorizer, clip, repeat=extent.repeat * 2)
        if wanted & {"previews", "things", "requests", "clients"}:
            server = stack.enter_context(served())
            ask(server, "/v1/colorize", {"image": file_of(pixels_of(4), "PNG")})
            if "previews" in wanted:
                yield previews.measure(server, colorizer, clip, repeat=extent.repeat * 2)
            if "things" in wanted:
                yield things.measure(server, repeat=extent.repeat)
            if "requests" in wanted:
                yield requests.measure(server, sizes=extent.sizes, repeat=extent.repeat)
            if "clients" in wanted:
                yield clients.measure(server, crowds=extent.crowds, photos=extent.photos)
    if "memory" in wanted:
        yield memory.measure(sizes=extent.memory)
    if "library" in wanted:
        yield library.measure(sizes=extent.libraries, queries=20)


def machine() -> str:
    """Name the processor, how many there are, how busy they are, and the programs."""
    try:
        models = re.findall(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.M)
        name = models[0]
    except (OSError, IndexError):
        name = platform.processor() or platform.machine()
    return (
        f"{name}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    )


def replaced(text: str, tables: str) -> str:
    """Put the tables between the marks of a document."""
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise click.ClickException(f"the document needs one {BEGIN} and one {END}")
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{tables.strip()}\n\n{END}{rest.partition(END)[2]}"


@click.command()
@click.option("--quick", is_flag=True, help="Few repeats: under eight minutes on two cores.")
@click.option("--only", help=f"Some of {','.join(NAMES)}.", metavar="NAMES")
@click.option("--sizes", help="Megapixels of the requests, with commas.", metavar="MP")
@click.option("--out", default="out/benchmarks", show_default=True, help="Folder of JSON and plot.",
              type=click.Path(path_type=Path))  # fmt: skip
@click.option("--markdown", help="Also put the tables into this document.",
              type=click.Path(path_type=Path, dir_okay=False, exists=True))  # fmt: skip
def main(
    quick: bool, only: str | None, sizes: str | None, out: Path, markdown: Path | None
) -> None:
    """Measure, and say what came of it."""
    wanted = frozenset(only.split(",") if only else NAMES)
    if unknown := wanted - set(NAMES):
        raise click.BadParameter(f"{', '.join(unknown)}: choose from {', '.join(NAMES)}")
    extent = QUICK if quick else FULL
    if sizes:
        extent = replace(extent, sizes=tuple(map(float, sizes.split(","))))
    console = Console(stderr=True, width=None if sys.stderr.isatty() else 190)
    began, load, sections = time.time(), os.getloadavg()[0], []
    for section in measured(wanted, extent):
        console.print(section.drawn())
        sections.append(section)
    facts = {
        "machine": machine(),
        "measured": time.strftime("%Y-%m-%d", time.gmtime(began)),
        "load before": round(load, 1),
        "minutes": round((time.time() - began) / 60, 1),
    }
    console.print(facts)
    out.mkdir(parents=True, exist_ok=True)
    report = {"facts": facts, **{section.name: section.plain() for section in sections}}
    (out / "benchmarks.json").write_text(json.dumps(report, indent=2), "utf-8")
    for section in sections:
        if section.name == "requests":
            from benchmarks.plot import draw

            draw(section.measurements, out / "requests.png")
    if markdown is not None:
        about = (
            f"{facts['machine']}; {facts['measured']}; load average {facts['load before']} before "
            f"the run; `python -m benchmarks{' --quick' if quick else ''}`, {facts['minutes']} min."
        )
        tables = "\n".join([about, "", *(section.markdown() for section in sections)])
        markdown.write_text(replaced(markdown.read_text("utf-8"), tables), "utf-8")
    click.echo(f"{out}")


if __name__ == "__main__":
    main()
