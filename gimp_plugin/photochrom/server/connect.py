"""Finds the server, and starts it where it does not run: ``connect`` is all that a caller needs.

However many GIMPs ask at once, one server is started: the first takes a lock, the others wait for
what it does, and the port itself has the last word.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from api.client import DEFAULT_TIMEOUT, Client, Health
from api.errors import Failure, NotStarted, ServerMissing, SilentServer, WrongVersion
from server.installation import Installation, find
from server.file_lock import FileLock
from server.process import ServerProcess
from api.connection import OnProgress, Deadline

START_SECONDS = 180.0  # a cold disk and a slow machine; usually it takes five to ten
USUAL_SECONDS = 8.0
LOADING_SECONDS = 60.0
POLL_SECONDS = 0.15
LOCK = "server.lock"
STARTING = "Starting the Photochrom server"


@dataclass(frozen=True)
class Status:
    """How the server stands, for a line in a dialog.

    Attributes:
        running: it answers, and is ours.
        text: one sentence for the person.
        address: where it is, or would be.
        log: the file that it writes to when the plug-in starts it.
        health: what it says about itself, when it runs.
    """

    running: bool
    text: str
    address: str
    log: str
    health: Health | None = None


def plugin_folder() -> Path:
    """Give the folder that GIMP started the plug-in from, where config.json is.

    A file that is a link is not followed: its other end is shared by several GIMPs.
    """
    return Path(sys.argv[0]).absolute().parent


def connect(
    folder: Path | str | None = None,
    on_progress: OnProgress | None = None,
    *,
    timeout: float = DEFAULT_TIMEOUT,
    start_timeout: float = START_SECONDS,
) -> Client:
    """Return a client of the server, which is started where it does not run.

    Args:
        folder: the plug-in's folder; the one that GIMP started without it.
        on_progress: as in ``Client.colorize``; returning False ends the waiting, and the server
            that was started stays.
        timeout: seconds that the client gives one layer.
        start_timeout: seconds that the server may take to start.

    Raises:
        ServerMissing: nothing answers, and the plug-in may not start it, or could not (NotStarted).
        ForeignServer: another program has the port.
        WrongVersion: the server does not fit the plug-in.
        Unauthorized: the token is wrong.
        Cancelled, TimedOut: while it waited.
    """
    folder = Path(folder) if folder is not None else plugin_folder()
    installation = find(folder)
    client = client_for(installation, timeout=timeout)
    try:
        health = client.health()
    except ServerMissing:
        if not installation.command:
            raise ServerMissing(_cannot_start(installation)) from None
        health = _start(folder, installation, client, Deadline(start_timeout, on_progress))
    check_version(health, installation)
    return client


def client_for(installation: Installation, *, timeout: float = DEFAULT_TIMEOUT) -> Client:
    """Make the client of an installation, whether its server runs or not."""
    return Client(
        installation.address, installation.token, timeout=timeout, log=str(installation.log)
    )


def describe(folder: Path | str | None = None) -> Status:
    """Look how the server stands, without starting it; never raises a Failure."""
    folder = Path(folder) if folder is not None else plugin_folder()
    installation = Installation()
    try:
        installation = find(folder)
        health = client_for(installation).health(timeout=3.0)
        check_version(health, installation)
    except ServerMissing:
        can = "it starts when it is needed" if installation.command else _cannot_start(installation)
        text = f"The server does not run: {can}."
    except Failure as problem:
        text = f"{str(problem)[:1].upper()}{str(problem)[1:]}."
    else:
        place = "" if health.device in ("", "cpu") else f" on {health.device}"
        text = f"Photochrom {health.version} is ready{place}."
        return Status(True, text, installation.address, str(installation.log), health)
    return Status(False, text, installation.address, str(installation.log))


def check_version(health: Health, installation: Installation) -> None:
    """Refuse a server whose version does not fit the plug-in's.

    The interface may change with the first number, and before 1.0 with the second.

    Raises:
        WrongVersion: they differ there.
    """
    ours, theirs = _series(installation.version), _series(health.version)
    if not ours or not theirs or ours == theirs:
        return
    if theirs < ours:
        remedy = (
            "an old server still runs: end it (Ctrl+C in its terminal, or wait until it ends by "
            "itself), or update Photochrom"
        )
    else:
        remedy = "update the plug-in with `photochrom gimp install`, then restart GIMP"
    raise WrongVersion(
        f"the server at {installation.address} is Photochrom {health.version} and this plug-in "
        f"belongs to {installation.version}; {remedy}"
    )


def _start(folder: Path, installation: Installation, client: Client, watch: Deadline) -> Health:
    """Start the server, or wait for the one that another process starts."""
    started = time.monotonic()
    with FileLock(folder / LOCK) as lock:
        while not lock.acquire():
            health = _answer(client)
            if health is not None:
                return health
            _wait(watch, started)
        health = _answer(client)  # whoever had the lock may have been successful
        if health is not None:
            return health
        watch.say(STARTING, 0.0)
        process = ServerProcess(installation)
        while (health := _answer(client)) is None:
            if process.exit_code() is not None:
                return _last_look(client, watch, started, process)
            _wait(watch, started)
        return health


def _last_look(client: Client, watch: Deadline, started: float, process: ServerProcess) -> Health:
    """Our server has ended: because another had the port first, or it could not start at all.

    Raises:
        NotStarted: with the reason.
    """
    if "cannot listen on" in process.output():
        # Another server has the port; where it still loads its models it does not answer yet.
        end = time.monotonic() + LOADING_SECONDS
        while time.monotonic() < end:
            health = _answer(client)
            if health is not None:
                return health
            _wait(watch, started)
    raise NotStarted(process.exit_reason())


def _answer(client: Client) -> Health | None:
    """Ask a server that may be about to start; None as long as it does not answer."""
    try:
        return client.health(timeout=5.0)
    except (ServerMissing, SilentServer):
        return None


def _wait(watch: Deadline, started: float) -> None:
    """Wait a little; the bar slows down as it fills, since nobody knows how long it takes."""
    seconds = time.monotonic() - started
    watch.say(STARTING, seconds / (seconds + USUAL_SECONDS))
    watch.sleep(POLL_SECONDS)


def _cannot_start(installation: Installation) -> str:
    if os.environ.get("PHOTOCHROM_SERVER"):
        return f"nothing answers at {installation.address}; start it there: photochrom serve"
    return (
        "the photochrom command was not found; install Photochrom, then run "
        "`photochrom gimp install`, or start the server in a terminal: photochrom serve"
    )


def _series(version: str) -> tuple[int, ...]:
    """Give the numbers of a version that must be equal; () where it has none."""
    numbers = version.split(".")[:2]
    if len(numbers) < 2 or not all(number.isdigit() for number in numbers):
        return ()
    major, minor = map(int, numbers)
    return (major,) if major else (major, minor)
