"""The real server with the real weights and an empty library, and a way to ask it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

TIMEOUT = 1200  # seconds


@dataclass(frozen=True, slots=True)
class Served:
    """Where a server listens, its process, and how long it took until it said so."""

    address: str
    pid: int
    seconds_to_start: float = 0.0


@dataclass(frozen=True, slots=True)
class Told:
    """An answer: its body, what the server says each stage took, and what passed here, in s."""

    body: bytes
    stages: dict[str, float]
    seconds: float


@contextmanager
def served(*options: str) -> Iterator[Served]:
    """Start ``photochrom serve`` on a free port; its models are loaded when it says where."""
    command = [sys.executable, "-c", "from plugin_server.cli import main; main()"]
    begun = time.perf_counter()
    with (
        tempfile.TemporaryDirectory() as library,
        subprocess.Popen(
            [*command, "serve", "--port", "0", "--library", library, *options],
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
            yield Served(found.group(), process.pid, time.perf_counter() - begun)
        finally:
            process.terminate()


def multipart(form: Mapping[str, bytes | str], boundary: str) -> bytes:
    """Write a form; bytes are files."""
    parts: list[bytes] = []
    for name, value in form.items():
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'
        if isinstance(value, bytes):
            parts += [f'{head}; filename="{name}"\r\n\r\n'.encode(), value, b"\r\n"]
        else:
            parts.append(f"{head}\r\n\r\n{value}\r\n".encode())
    return b"".join([*parts, f"--{boundary}--\r\n".encode()])


def ask(server: Served, path: str, form: Mapping[str, bytes | str]) -> Told:
    """Send a form to a server that is not busy; the time is from its first byte to the last."""
    boundary = uuid.uuid4().hex
    body = multipart(form, boundary)
    connection = HTTPConnection(urlsplit(server.address).netloc, timeout=TIMEOUT)
    try:
        started = time.perf_counter()
        connection.request(
            "POST", path, body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        )
        answer = connection.getresponse()
        data = answer.read()
        seconds = time.perf_counter() - started
    finally:
        connection.close()
    if answer.status >= 400:
        raise click.ClickException(f"{path}: {answer.status} {data[:300]!r}")
    entries = (
        entry.partition(";dur=") for entry in (answer.headers["Server-Timing"] or "").split(", ")
    )
    stages = {name: float(spent) / 1000 for name, _, spent in entries if spent}
    return Told(data, stages, seconds)


def keep(server: Served, image: bytes) -> str:
    """Send a photo ahead and return its id."""
    told: dict[str, Any] = json.loads(ask(server, "/v1/images", {"image": image}).body)
    return str(told["id"])


def resident(pid: int, field: str) -> float | None:
    """Read VmRSS (now) or VmHWM (at most) of a process in bytes, where the system says it."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii")
    except OSError:
        return None
    found = re.search(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE)
    return float(found.group(1)) * 1024 if found else None
