"""Connections before there is a request: strangers are refused by their headers, not their bodies.

Waitress takes a whole request in before anybody looks at it. Here the decision falls when the
headers are complete, all bodies share one bound, and what is sent too slowly is closed.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.task import ErrorTask
from waitress.utilities import BadRequest

from plugin_server.config import Config
from plugin_server.errors import Busy, ProblemError, headers_of
from plugin_server.http import access
from plugin_server.http.problems import PROBLEM, problem_body

HEAD_SECONDS: Final = 5.0  # for the headers, from their first byte on
SILENT_SECONDS: Final = 30.0  # for a connection that was opened and says nothing
BODY_SECONDS: Final = 30.0  # before the pace of a body is looked at
BODY_PACE: Final = 16 * 1024  # bytes a second that a body must have on the average
PASSED_OVER: Final = 64 * 1024 * 1024  # bytes of a refused body that are let through unread
SPARE: Final = 16  # connections that waitress may have beyond the limit, while others close


class Bodies:
    """The bytes of all bodies that are in hand; safe for threads."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._held = 0
        self._lock = threading.Lock()

    def take(self, size: int) -> bool:
        """Take room for more bytes; False where there is none."""
        with self._lock:
            if self._held + size > self._room:
                return False
            self._held += size
            return True

    def give_back(self, size: int) -> None:
        """Free room."""
        with self._lock:
            self._held -= size


class Crowd:
    """The connections that are open: who keeps others out has to go.

    Half of the ``limit`` is for one address. Beyond that the connection goes that has kept the
    server waiting for the longest.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit

    def admit(self, channels: Iterable[Channel], address: str) -> None:
        """Make room for a connection of an address, which is among the channels already."""
        there = [channel for channel in channels if not channel.will_close]
        if len(there) > self._limit:
            address, _ = Counter(channel.address for channel in there).most_common(1)[0]
        own = [channel for channel in there if channel.address == address]
        if len(own) <= self._limit // 2 and len(there) <= self._limit:
            return
        waiting = [channel for channel in own if channel.keeps_waiting]
        if waiting:
            min(waiting, key=lambda channel: (channel.is_in_body, channel.since)).will_close = True

    def sweep(self, channels: Iterable[Channel], now: float) -> None:
        """Close what is sent too slowly."""
        for channel in channels:
            if channel.keeps_waiting and channel.is_late(now):
                channel.will_close = True


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """A request as it arrives; it is refused as soon as its headers are there."""

    config: Config
    bodies: Bodies
    expect_continue: bool  # these two are waitress's own
    body_rcv: Any
    refusal: ProblemError | None = None
    held = 0  # bytes of the body, in ``bodies``

    def parse_header(self, header_plus: bytes) -> None:
        """Parse the headers and decide."""
        super().parse_header(header_plus)
        try:
            access.check(self.config, self.path, self.header)
        except ProblemError as problem:
            self._refuse(problem)

    def received(self, data: bytes) -> int:
        """Take bytes in, as far as there is room for them."""
        before = self.body_bytes_received
        consumed: int = super().received(data)
        grown = self.body_bytes_received - before
        if grown and self.refusal is None:
            if self.bodies.take(grown):
                self.held += grown
            else:
                self._refuse(Busy("too many photos are being sent; try again in 5 seconds",
                                  seconds=5))  # fmt: skip
                self.completed = True
        return consumed

    def header(self, name: str) -> str | None:
        """Return a header's value."""
        value: str | None = self.headers.get(name.upper().replace("-", "_"))
        return value

    def close(self) -> None:
        """Free what the body takes."""
        super().close()
        held, self.held = self.held, 0
        self.bodies.give_back(held)

    def _refuse(self, problem: ProblemError) -> None:
        self.refusal = problem
        self.error = BadRequest(str(problem))
        # A client that asks first, or sends without end, gets its answer at once. Others hear it
        # only after they have sent everything, which is thrown away.
        is_short = 0 < self.content_length <= PASSED_OVER and not self.chunked
        is_asking = self.expect_continue
        old = self.body_rcv
        self.expect_continue, self.body_rcv = False, None
        if old is not None:
            old.getbuf().close()
        rest = self.content_length - self.body_bytes_received
        if is_short and not is_asking and rest > 0:
            self.body_rcv = Unread(rest)


class Unread:
    """The body of a refused request: counted and thrown away."""

    error = None

    def __init__(self, length: int) -> None:
        self._rest = length

    @property
    def completed(self) -> bool:
        return self._rest <= 0

    def received(self, data: bytes) -> int:
        """Pass over bytes of the body."""
        count = min(self._rest, len(data))
        self._rest -= count
        return count

    def getbuf(self) -> Unread:
        return self

    def close(self) -> None:
        """Do nothing: nothing is held."""


class ProblemTask(ErrorTask):  # type: ignore[misc]
    """Refusals before any view (access, a malformed request, a body far too large) as problems."""

    def execute(self) -> None:
        error, refusal = self.request.error, getattr(self.request, "refusal", None)
        headers = dict(access.SECURITY_HEADERS)
        if refusal is None:
            status, reason = error.code, error.reason
            body = problem_body(status, f"{error.body}; correct the request").encode()
        else:
            status, reason = refusal.status, HTTPStatus(refusal.status).phrase
            body = problem_body(status, str(refusal)).encode()
            headers |= headers_of(refusal)
            if self.request.path == access.HEALTH:
                headers |= access.proof(self.request.config, self.request.header)
        self.status = f"{status} {reason}"
        self.response_headers += [*headers.items(), ("Content-Type", PROBLEM)]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection that refuses with problems, and knows since when the server waits for it."""

    error_task_class = ProblemTask
    crowd: Crowd

    def __init__(self, server: Any, sock: Any, addr: Any, adj: Any, map: Any = None) -> None:
        self.since = time.monotonic()
        self.address = str(addr[0])
        self._is_silent = True
        super().__init__(server, sock, addr, adj, map=map)
        self.crowd.admit(list(server.active_channels.values()), self.address)

    def received(self, data: bytes) -> bool:
        """Take bytes of one request or several."""
        if self.request is None:
            self.since = time.monotonic()
        self._is_silent = False
        taken: bool = super().received(data)
        return taken

    def handle_close(self) -> None:
        """Close, and forget what has not arrived wholly."""
        if self.request is not None:
            self.request.close()
        super().handle_close()

    @property
    def keeps_waiting(self) -> bool:
        """Tell whether the server has nothing to do for it, and waits for what it sends."""
        return not self.requests and not self.total_outbufs_len

    @property
    def is_in_body(self) -> bool:
        """Tell whether its headers are complete."""
        request = self.request
        return request is not None and request.headers_finished

    def is_late(self, now: float) -> bool:
        """Tell whether what it sends comes too slowly."""
        request, passed = self.request, now - self.since
        if request is None:
            return self._is_silent and passed > SILENT_SECONDS
        if not request.headers_finished:
            return passed > HEAD_SECONDS
        least = BODY_PACE * (passed - BODY_SECONDS)
        return bool(request.body_bytes_received < least)


def channel_class(config: Config, limit: int) -> type[Channel]:
    """Make the class of a server's connections, of which about ``limit`` may be open."""
    parser = type("Parser", (Parser,), {"config": config, "bodies": Bodies(2 * config.max_bytes)})
    return type("Channel", (Channel,), {"parser_class": parser, "crowd": Crowd(limit)})
