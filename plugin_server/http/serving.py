"""A socket, waitress, and the app behind it."""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask import Flask
from waitress import create_server, wasyncore

from plugin_server.config import IN_MEMORY, Config
from plugin_server.http.connections import SPARE, channel_class
from plugin_server.http.neighbour import neighbour

GRACE = 2.0  # seconds that photos in hand get to be finished when the server is stopped


class PortError(OSError):
    """The address cannot be used; the message names it and the remedy."""


def reserve(config: Config) -> socket.socket:
    """Bind the address without listening: nobody else gets it, and nobody can connect yet.

    Raises:
        PortError: the port is in use, or the host is not of this machine.
    """
    try:
        found = socket.getaddrinfo(config.host.strip("[]"), config.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise PortError(f"{config.host} is no host of this machine ({error.strerror})") from error
    # "localhost" has two addresses; the older one is what clients try first.
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    family, kind, protocol, _, address = found[0]
    bound = socket.socket(family, kind, protocol)
    if os.name == "posix":
        # Lets a restarted server have its port back at once; elsewhere it would share the port.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise _explain(config, error) from error
    return bound


def address_of(bound: socket.socket) -> str:
    """Write the socket's address as a URL."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server:
    """Waitress on a reserved socket: it listens from the moment it is made.

    Raises:
        PortError: another program began to listen there meanwhile.
    """

    def __init__(self, app: Flask, config: Config, bound: socket.socket) -> None:
        limit = max(100, 2 * config.threads)
        try:
            self._waitress = create_server(
                app,
                sockets=[bound],
                threads=config.threads,
                # Above the app's own limit, so that a request a little too large still gets the
                # app's answer; one that is far too large is refused before it is read.
                max_request_body_size=2 * config.max_bytes,
                connection_limit=limit + SPARE,
                ident="photochrom",
                # Reads on while a request is worked on, and so sees that its client hung up.
                channel_request_lookahead=1,
                # Layers are megabytes: fewer, larger reads, and temporary files for the largest.
                recv_bytes=1 << 18,
                inbuf_overflow=IN_MEMORY,
                outbuf_overflow=IN_MEMORY,
            )
        except OSError as error:
            raise _explain(config, error) from error
        self._channels = channel_class(config, limit)
        self._waitress.channel_class = self._channels
        self._stopping = threading.Event()

    def run(
        self, *, idle_exit: float | None = None, is_working: Callable[[], bool] = lambda: False
    ) -> bool:
        """Serve until ``stop`` is called, here or in another thread or a signal handler.

        With ``idle_exit`` the server also ends by itself after so many seconds without a request
        and without work that goes on in the background, which ``is_working`` tells; returns
        whether it did.
        """
        idle = Idle(idle_exit)
        try:
            while not self._stopping.is_set():
                wasyncore.loop(timeout=1, map=self._waitress._map, count=1)
                channels = list(self._waitress.active_channels.values())
                self._channels.crowd.sweep(channels, time.monotonic())
                if idle_exit is not None and idle.is_over(
                    busy=is_working() or any(map(is_busy, channels))
                ):
                    return True
            return False
        finally:
            self._waitress.task_dispatcher.shutdown(timeout=GRACE)
            wasyncore.close_all(self._waitress._map)

    def stop(self) -> None:
        """End ``run``; photos that are being coloured get a few seconds to finish."""
        self._stopping.set()
        with suppress(OSError):  # it may be over already
            self._waitress.pull_trigger()


class Idle:
    """Tells when nothing has happened for ``seconds``; never, where they are None."""

    def __init__(self, seconds: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._since = clock()

    def is_over(self, *, busy: bool) -> bool:
        """Look again; ``busy`` says whether anything happens now."""
        now = self._clock()
        if busy:
            self._since = now
        return self._seconds is not None and now - self._since >= self._seconds


def is_busy(channel: Any) -> bool:
    """Tell whether a connection is sending a request, waits for its answer, or receives it.

    One that is merely kept open is not. A request that comes and goes between two looks shows in
    the connection's last activity.
    """
    return bool(
        channel.request is not None
        or channel.requests
        or channel.total_outbufs_len
        or time.time() - channel.last_activity < 1.5
    )


def _explain(config: Config, error: OSError) -> PortError:
    if error.errno != errno.EADDRINUSE:
        return PortError(
            f"cannot listen on {config.host} port {config.port} ({error.strerror}): choose another "
            "--host or --port"
        )
    who = neighbour(config.host, config.port)
    ours = who.startswith("Photochrom")
    return PortError(
        f"cannot listen on {config.host} port {config.port}: {who} listens there already; "
        + ("use that one, stop it, " if ours else "stop it ")
        + "or choose another --port"
    )
