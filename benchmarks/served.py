"""The real server with the real weights and an empty library, for the benchmarks to measure."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import click


@dataclass(frozen=True, slots=True)
class Served:
    """Where a server listens, and its process."""

    address: str
    pid: int


@contextmanager
def served() -> Iterator[Served]:
    """Start ``photochrom serve`` on a free port; its models are loaded when it says where."""
    command = [sys.executable, "-c", "from plugin_server.cli import main; main()"]
    with (
        tempfile.TemporaryDirectory() as library,
        subprocess.Popen(
            [*command, "serve", "--port", "0", "--library", library],
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            found = re.search(r"http://\S+", process.stdout.readline())
            if found is None:
                raise click.ClickException("the server did not start: see its message above")
            yield Served(found.group(), process.pid)
        finally:
            process.terminate()
