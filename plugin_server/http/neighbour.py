"""Who listens on a port that is wanted: Photochrom itself, or which other program."""

from __future__ import annotations

import hmac
import json
import os
import queue
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPMessage
from pathlib import Path
from typing import NamedTuple

from plugin_server.http.access import NONCE, PROOF, proof_of

TIMEOUT = 4.0  # seconds that a listener gets for all that it has to say
LONGEST = 1 << 16  # bytes of it that are read
LISTENS = "0A"  # the state of such a socket in /proc/net/tcp
PROC = Path("/proc")
OURS = "photochrom"  # how our server calls itself
HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # what listens everywhere answers here


class Listener(NamedTuple):
    """A web server: how it calls itself, and the version where it is a Photochrom that says it."""

    server: str
    version: str = ""


def ask(
    host: str, port: int, token: str | None = None, *, timeout: float = TIMEOUT
) -> Listener | None:
    """Ask over HTTP who listens there; None where it is no web server.

    Proxies are not asked, and a server that never ends an answer is not waited for. The token is
    told only to one that proves to know it.

    Raises:
        ConnectionRefusedError: nobody does.
    """
    heard: queue.SimpleQueue[Listener | ConnectionRefusedError | None] = queue.SimpleQueue()

    def listen() -> None:
        try:
            heard.put(_ask(HERE.get(host, host.strip("[]")), port, token))
        except ConnectionRefusedError as problem:
            heard.put(problem)
        except (OSError, HTTPException, ValueError):
            heard.put(None)

    threading.Thread(target=listen, name="neighbour", daemon=True).start()
    try:
        listener = heard.get(timeout=timeout)
    except queue.Empty:
        return None
    if isinstance(listener, ConnectionRefusedError):
        raise listener
    return listener


def neighbour(host: str, port: int) -> str:
    """Say who listens there as well as this can be found out, for a message to people."""
    listener = None
    with suppress(ConnectionRefusedError):
        listener = ask(host, port)
    if listener and listener.version:
        return f"Photochrom {listener.version}"
    if listener and listener.server == OURS:
        return "Photochrom (it needs its token)"
    if process := _process(port):
        return process
    if listener is None:
        return "another program"
    name = listener.server[:60]
    return f'a web server that calls itself "{name}"' if name else "a web server"


def _ask(host: str, port: int, token: str | None) -> Listener:
    nonce = secrets.token_urlsafe(32)
    server, headers, body = _get(host, port, {NONCE: nonce} if token else {})
    if token and hmac.compare_digest(headers.get(PROOF, ""), proof_of(token, nonce)):
        server, headers, body = _get(host, port, {"Authorization": f"Bearer {token}"})
    with suppress(ValueError, KeyError, TypeError):
        health = json.loads(body)
        if "exemplars" in health:
            return Listener(server, str(health["version"]))
    return Listener(server)


def _get(host: str, port: int, headers: Mapping[str, str]) -> tuple[str, HTTPMessage, bytes]:
    """Return the server's name, all headers, and the start of the body."""
    connection = HTTPConnection(host, port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/v1/health", headers=dict(headers))
        answer = connection.getresponse()
        return answer.headers.get("Server", ""), answer.headers, answer.read(LONGEST)
    finally:
        connection.close()


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
