"""Who listens on a port that is wanted: Photochrom itself, or which other program."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path

PATIENCE = 2.0  # seconds that a neighbour gets for an answer
LISTENS = "0A"  # the state of such a socket in /proc/net/tcp
PROC = Path("/proc")


def neighbour(host: str, port: int) -> str:
    """Say who listens there as well as this can be found out, for a message to people."""
    answer = _answer(host, port)
    if answer.startswith("Photochrom"):
        return answer
    return _process(port) or answer or "another program"


def _answer(host: str, port: int) -> str:
    """Ask over HTTP: a Photochrom says its version, other servers often their name."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    try:
        with urllib.request.urlopen(f"http://{name}:{port}/v1/health", timeout=PATIENCE) as answer:
            server = answer.headers.get("Server", "")
            with suppress(ValueError, KeyError, TypeError):
                health = json.loads(answer.read(1 << 16))
                if "exemplars" in health:
                    return f"Photochrom {health['version']}"
    except urllib.error.HTTPError as problem:
        with problem:
            server = problem.headers.get("Server", "")
    except (OSError, HTTPException, ValueError):
        return ""
    if server == "photochrom":
        return "Photochrom (it needs its token)"
    return f'a web server that calls itself "{server[:60]}"' if server else "a web server"


def _process(port: int) -> str:
    """Find the process on Linux; only those of the same user can be seen."""
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    if not sockets:
        return ""
    for folder in PROC.glob("[0-9]*/fd"):
        with suppress(OSError):
            if any(os.readlink(file) in sockets for file in folder.iterdir()):
                words = (folder.parent / "cmdline").read_bytes().split(b"\0")
                program = b" ".join(words[:3]).decode(errors="replace").strip()
                return f"{program[:80]} (process {folder.parent.name})"
    return ""


def _listening(port: int) -> Iterator[str]:
    """Name the inodes of sockets that listen on a port."""
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (PROC / "net" / table).read_text("ascii").splitlines()[1:]:
                cells = line.split()
                if cells[3] == LISTENS and int(cells[1].rpartition(":")[2], 16) == port:
                    yield cells[9]
