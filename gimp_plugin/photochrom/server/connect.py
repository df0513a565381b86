"""Finds the server, and starts it where it does not run: ``connect`` is all that a caller needs.

However many GIMPs ask at once, one server is started: the first takes a lock, the others wait for
what it does, and the port itself has the last word.
"""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from api.answers import Health
from api.client import DEFAULT_TIMEOUT, Client
from api.deadline import Deadline, OnProgress
from api.errors import Failure, ForeignServer, ServerMissing, SilentServer
from api.texts import _, reason, sentence

from server.file_lock import FileLock
from server.installation import Installation, code_folder, find, remember_port
from server.process import ServerProcess, is_port_taken

START_SECONDS = 180.0  # a cold disk and a slow machine; usually it takes five to ten
USUAL_SECONDS = 8.0
LOADING_SECONDS = 60.0
POLL_SECONDS = 0.15
LOCK = "server.lock"
STARTING = _("Starting the Photochrom server")


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


def connect(
    folder: Path,
    on_progress: OnProgress | None = None,
    *,
    timeout: float = DEFAULT_TIMEOUT,
    start_timeout: float = START_SECONDS,
) -> Client:
    """Return a client of the server, which is started where it does not run.

    Where another program has the port, our server is started at a free one, which is remembered.

    Args:
        folder: the settings in GIMP's profile.
        on_progress: as in ``Client.colorize``; returning False ends the waiting, and the server
            that was started stays.
        timeout: seconds that the client gives one layer.
        start_timeout: seconds that the server may take to start.

    Raises:
        ServerMissing: nothing answers, and the plug-in may not start it, or could not.
        ForeignServer: another program has the port.
        Failure: the server does not fit the plug-in, the token is wrong, or it took too long.
    """
    installation = find(folder, beside=code_folder())
    client = client_for(installation, timeout=timeout)
    deadline = Deadline(start_timeout, on_progress)
    try:
        health = client.health()
    except ServerMissing:
        if not installation.command:
            raise ServerMissing(_cannot_start(installation)) from None
        health = _start(folder, installation, client, deadline)
    except SilentServer:
        raise
    except ForeignServer:
        moved = installation.at_port(_free_port())
        if moved is None:
            raise
        installation = moved
        client = client_for(installation, timeout=timeout)
        health = _start(folder, installation, client, deadline)
        _remember(folder, installation)
    check_version(health, installation)
    return client


def client_for(installation: Installation, *, timeout: float = DEFAULT_TIMEOUT) -> Client:
    """Make the client of an installation, whether its server runs or not."""
    return Client(
        installation.address, installation.token, timeout=timeout, log=str(installation.log)
    )


def describe(folder: Path) -> Status:
    """Look how the server stands, without starting it; never raises a Failure."""
    installation = Installation()
    try:
        installation = find(folder, beside=code_folder())
        health = client_for(installation).health(timeout=3.0)
        check_version(health, installation)
    except ServerMissing:
        can = _("it starts when it is needed")
        can = can if installation.command else _cannot_start(installation)
        text = _("the server does not run: {what}").format(what=can)
    except Failure as problem:
        text = str(problem)
    else:
        text = _("Photochrom {version} is ready").format(version=health.version)
        if health.device not in ("", "cpu"):
            text = _("{text} on {device}").format(text=text, device=health.device)
        return Status(True, sentence(text), installation.address, str(installation.log), health)
    return Status(False, sentence(text), installation.address, str(installation.log))


def check_version(health: Health, installation: Installation) -> None:
    """Refuse a server whose version does not fit the plug-in's.

    The interface may change with the first number, and before 1.0 with the second.

    Raises:
        Failure: they differ there.
    """
    ours, theirs = _series(installation.version), _series(health.version)
    if not ours or not theirs or ours == theirs:
        return
    if theirs < ours:
        remedy = _(
            "an old server still runs: end it (Ctrl+C in its terminal, or wait until it ends by "
            "itself), or update Photochrom"
        )
    else:
        remedy = _("update the plug-in with `photochrom gimp install`, then restart GIMP")
    raise Failure(
        _(
            "the server at {address} is Photochrom {theirs} and this plug-in belongs to {ours}; "
            "{remedy}"
        ).format(
            address=installation.address,
            theirs=health.version,
            ours=installation.version,
            remedy=remedy,
        )
    )


def _start(folder: Path, installation: Installation, client: Client, deadline: Deadline) -> Health:
    """Start the server, or wait for the one that another process starts."""
    started = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with FileLock(folder / LOCK) as lock:
        while not lock.acquire():
            health = _answer(client)
            if health is not None:
                return health
            _wait(deadline, started)
        health = _answer(client)  # whoever had the lock may have been successful
        if health is not None:
            return health
        deadline.report(STARTING, 0.0)
        process = ServerProcess(installation)
        while (health := _answer(client)) is None:
            if process.exit_code() is not None:
                return _last_look(client, deadline, started, process)
            _wait(deadline, started)
        return health


def _last_look(
    client: Client, deadline: Deadline, started: float, process: ServerProcess
) -> Health:
    """Our server has ended: because another had the port first, or it could not start at all.

    Raises:
        ServerMissing: with the reason.
    """
    if is_port_taken(process.output()):
        # Another server has the port; where it still loads its models it does not answer yet.
        end = time.monotonic() + LOADING_SECONDS
        while time.monotonic() < end:
            health = _answer(client)
            if health is not None:
                return health
            _wait(deadline, started)
    raise ServerMissing(process.exit_reason())


def _answer(client: Client) -> Health | None:
    """Ask a server that may be about to start; None as long as it does not answer."""
    try:
        return client.health(timeout=5.0)
    except (ServerMissing, SilentServer):
        return None


def _wait(deadline: Deadline, started: float) -> None:
    """Wait a little; the bar slows down as it fills, since nobody knows how long it takes."""
    seconds = time.monotonic() - started
    deadline.report(STARTING, seconds / (seconds + USUAL_SECONDS))
    deadline.sleep(POLL_SECONDS)


def _free_port() -> int:
    """Find a port of this computer that no program listens at."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def _remember(folder: Path, installation: Installation) -> None:
    try:
        remember_port(folder, installation)
    except OSError as problem:
        raise Failure(
            _("the new port of the server cannot be kept in {folder} ({reason})").format(
                folder=folder, reason=reason(problem)
            )
        ) from problem


def _cannot_start(installation: Installation) -> str:
    if os.environ.get("PHOTOCHROM_SERVER"):
        return _("nothing answers at {address}; start it there: photochrom serve").format(
            address=installation.address
        )
    return _(
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
