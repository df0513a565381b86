"""How long a layer takes in a real GIMP, and which share of that is not the server's.

Starts the real server and a GIMP without a screen (the one that the tests find), and calls the
procedure as a script does. The first call, which warms the server, does not count.

    python -m benchmarks.gimp
    python -m benchmarks.gimp --width 6000 --height 4000 --times 5
"""

from __future__ import annotations

import os
import statistics
import tempfile
from pathlib import Path

import click
from rich.console import Console

from benchmarks.section import Section, spoken
from benchmarks.served import served
from tests.support.real_gimp import Gimp, NoGimp, find_command


@click.command()
@click.option("--width", default=4000, show_default=True)
@click.option("--height", default=3000, show_default=True)
@click.option("--times", default=4, show_default=True, help="Calls that count, in one GIMP.")
def main(width: int, height: int, times: int) -> None:
    """Measure, and print a table."""
    try:
        command = find_command()
    except NoGimp as reason:
        raise click.ClickException(str(reason)) from reason
    load = os.getloadavg()[0]
    with served() as server, tempfile.TemporaryDirectory() as folder:
        gimp = Gimp(command, Path(folder), PHOTOCHROM_SERVER=server.address)
        report, _noise = gimp.py("large.py", width, height, times + 1)
    if any(report["errors"]):
        raise click.ClickException(str(report["errors"]))
    calls = list(zip(report["seconds"], report["server_seconds"], strict=True))[1:]
    rows = [_row(str(number), *call) for number, call in enumerate(calls, 1)]
    rows.append(_row("median", *(statistics.median(column) for column in zip(*calls, strict=True))))
    section = Section(
        "gimp",
        f"A layer of {width} x {height} pixels, RGB of 8 bits, after a description",
        ("call", "whole call", "server", "outside of it", "share outside"),
        rows,
        f"{len(os.sched_getaffinity(0))} cores, load average {load:.1f} before the run",
    )
    Console().print(section.drawn())


def _row(name: str, whole: float, server: float) -> tuple[str, ...]:
    outside = whole - server
    return name, spoken(whole), spoken(server), spoken(outside), f"{outside / whole:.0%}"


if __name__ == "__main__":
    main()
