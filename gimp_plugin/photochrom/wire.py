"""One connection to the server: forms out, answers in, never through a proxy.

The samples of a layer go from the buffer that GIMP gave straight into the socket, and an answer is
read into one buffer, so a layer of 100 MB is never copied here.
"""

from __future__ import annotations

import json
import os
import selectors
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from failures import (
    BadAnswer,
    BrokenConnection,
    Cancelled,
    ForeignServer,
    Refused,
    ServerMissing,
    TimedOut,
    refusal,
)
from pixels import Buffer, Pixels, npy_header

OnProgress = Callable[[str, float], bool | None]

CHUNK = 1 << 20  # bytes between two looks at the clock
CONNECT_SECONDS = 5.0
STALL_SECONDS = 60.0  # a connection over which nothing moves for so long is dead
TICK_SECONDS = 0.1  # the longest wait between two looks at the Cancel button
ASK_SECONDS = 0.05  # the shortest; each look may cost GIMP a redraw


class Step(NamedTuple):
    """A part of a call: what to say, and the fractions of the whole where it begins and ends."""

    text: str
    begin: float
    end: float

    def at(self, share: float) -> float:
        """Give the fraction of the whole when ``share`` of this step is done."""
        return self.begin + (self.end - self.begin) * share


class Watch:
    """The clock and the Cancel button of one call.

    ``on_progress(text, fraction)`` is called with what happens now and how far it is (0 to 1), at
    every news and ten to twenty times a second; when it returns False, the call ends with
    Cancelled.
    """

    def __init__(self, timeout: float, on_progress: OnProgress | None = None) -> None:
        self._timeout = timeout
        self._end = time.monotonic() + timeout
        self._on_progress = on_progress
        self._text, self._fraction = "Asking the server", 0.0
        self._news, self._asked = False, time.monotonic()

    def say(self, text: str, fraction: float) -> None:
        """Tell what happens now; never moves backwards.

        Raises:
            Cancelled, TimedOut: it is over.
        """
        self._news = self._news or text != self._text
        self._text, self._fraction = text, max(self._fraction, min(1.0, fraction))
        self.check()

    def check(self) -> None:
        """Ask whether to go on.

        Raises:
            Cancelled, TimedOut: it is over.
        """
        now = time.monotonic()
        if self._on_progress is not None and (self._news or now - self._asked >= ASK_SECONDS):
            self._news, self._asked = False, now
            if self._on_progress(self._text, self._fraction) is False:
                raise Cancelled("cancelled; nothing was changed")
        if now >= self._end:
            raise TimedOut(
                f"the server did not finish within {self._timeout:g} seconds; try again, choose a "
                "smaller layer, or look into the server's log"
            )

    @property
    def remaining(self) -> float:
        """Seconds left, 0 at least."""
        return max(0.0, self._end - time.monotonic())

    def sleep(self, seconds: float) -> None:
        """Wait, asking all the while."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, TICK_SECONDS, self.remaining + 0.001))
            self.check()


@dataclass
class Form:
    """A multipart form (RFC 7578), written piece by piece."""

    boundary: str = field(default_factory=lambda: f"photochrom-{os.urandom(16).hex()}")
    _pieces: list[Buffer] = field(default_factory=list)

    def text(self, name: str, value: str) -> None:
        """Add a text field."""
        self._head(f'name="{name}"', "")
        # Lone surrogates, which a file's name can bring in, are replaced rather than sent.
        self._pieces += [value.encode("utf-8", "replace"), b"\r\n"]

    def file(self, name: str, data: Buffer, media_type: str = "application/octet-stream") -> None:
        """Add a file."""
        self._head(f'name="{name}"; filename="{name}"', media_type)
        self._pieces += [data, b"\r\n"]

    def picture(self, name: str, pixels: Pixels) -> None:
        """Add pixels as a file in NumPy's format."""
        self._head(f'name="{name}"; filename="{name}.npy"', "application/x-npy")
        self._pieces += [npy_header(pixels), pixels.data, b"\r\n"]

    def _head(self, names: str, media_type: str) -> None:
        lines = [f"--{self.boundary}", f"Content-Disposition: form-data; {names}"]
        lines += [f"Content-Type: {media_type}"] if media_type else []
        self._pieces.append(("\r\n".join(lines) + "\r\n\r\n").encode("ascii"))

    @property
    def content_type(self) -> str:
        return f"multipart/form-data; boundary={self.boundary}"

    @property
    def length(self) -> int:
        """Bytes of the whole body."""
        return sum(memoryview(piece).nbytes for piece in self._pieces) + len(self._tail)

    @property
    def _tail(self) -> bytes:
        return f"--{self.boundary}--\r\n".encode("ascii")

    def chunks(self) -> Iterator[Buffer]:
        """Give the body in pieces of at most ``CHUNK`` bytes, views where they are large."""
        for piece in (*self._pieces, self._tail):
            view = memoryview(piece).cast("B")
            for start in range(0, len(view), CHUNK):
                yield view[start : start + CHUNK]


@dataclass(frozen=True)
class Answer:
    """What the server answered."""

    status: int
    headers: Message
    body: Buffer

    def json(self) -> dict[str, object]:
        """Read the body as a JSON object.

        Raises:
            BadAnswer: it is something else.
        """
        try:
            value = json.loads(bytes(self.body))
        except ValueError as problem:
            raise BadAnswer(f"the server's answer is not JSON ({problem})") from problem
        if not isinstance(value, dict):
            raise BadAnswer(f"the server's answer is a {type(value).__name__}, not an object")
        return value

    def detail(self) -> str:
        """Say why the server refused: RFC 9457's ``detail`` where there is one."""
        try:
            detail = self.json().get("detail")
        except BadAnswer:
            detail = None
        return detail if isinstance(detail, str) and detail else f"HTTP status {self.status}"


class Wire:
    """A connection that is kept between calls; for one thread."""

    def __init__(
        self, address: str, token: str | None, watch: Watch, *, log: str | None = None
    ) -> None:
        parts = split_address(address)
        self.address = address
        self._log = log
        self._prefix = parts.path.rstrip("/")
        self._token = token
        self._watch = watch
        self._answered = False
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection: HTTPConnection | HTTPSConnection = kind(
            str(parts.hostname), parts.port, timeout=CONNECT_SECONDS
        )

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        form: Form | None = None,
        accept: str = "application/json",
        sending: Step | None = None,
        receiving: Step | None = None,
        firm: bool = False,
    ) -> Answer:
        """Send a request and read the whole answer.

        ``sending`` and ``receiving`` are what to say meanwhile. A ``firm`` request is not given
        up once it was sent: its answer says how to stop what it began.

        Raises:
            Cancelled, TimedOut, ServerMissing, BrokenConnection, ForeignServer, Refused
        """
        kept = self._is_connected()
        try:
            answer = self._exchange(method, path, form, accept, sending, receiving, firm)
        except BrokenConnection:
            # A kept connection may have been closed for its age; that loses nothing in a GET.
            self._connection.close()
            if not kept or method != "GET":
                raise
            answer = self._exchange(method, path, form, accept, sending, receiving, firm)
        self._answered = True
        if answer.status >= 400:
            raise refused(answer)
        return answer

    def _exchange(
        self,
        method: str,
        path: str,
        form: Form | None,
        accept: str,
        sending: Step | None,
        receiving: Step | None,
        firm: bool,
    ) -> Answer:
        self._watch.check()
        self._connect()
        try:
            try:
                self._send(method, path, form, accept, sending)
            except ConnectionError as problem:
                # A server that refuses early hangs up while we send; its answer may be there.
                response = self._early_answer(problem)
            else:
                if not firm:
                    self._await_answer()
                response = self._connection.getresponse()
            return Answer(response.status, response.headers, self._read(response, receiving))
        except TimeoutError as problem:
            raise BrokenConnection(self._lost("nothing came over the connection")) from problem
        except HTTPException as problem:
            if isinstance(problem, ConnectionError) or self._answered:
                raise BrokenConnection(self._lost(_reason(problem))) from problem
            raise ForeignServer(not_photochrom(self.address)) from problem
        except OSError as problem:
            raise BrokenConnection(self._lost(_reason(problem))) from problem

    def _is_connected(self) -> bool:
        return self._connection.sock is not None

    def _connect(self) -> None:
        if self._is_connected():
            return
        try:
            self._connection.timeout = min(CONNECT_SECONDS, self._watch.remaining + 0.001)
            self._connection.connect()
        except OSError as problem:
            self._connection.close()
            if self._answered:
                raise BrokenConnection(self._lost(_reason(problem))) from problem
            raise ServerMissing(
                f"no Photochrom server answers at {self.address} ({_reason(problem)}); "
                "start it with: photochrom serve"
            ) from problem
        # http.client has switched Nagle's algorithm off already.
        self._connection.sock.settimeout(STALL_SECONDS)

    def _send(
        self,
        method: str,
        path: str,
        form: Form | None,
        accept: str,
        sending: Step | None,
    ) -> None:
        connection = self._connection
        connection.putrequest(method, self._prefix + path, skip_accept_encoding=True)
        connection.putheader("Accept", accept)
        # The server's queue is fair between programs; every GIMP's plug-in counts as one.
        connection.putheader("User-Agent", f"photochrom-gimp ({os.getpid()})")
        if self._token:
            connection.putheader("Authorization", f"Bearer {self._token}")
        if form is not None:
            connection.putheader("Content-Type", form.content_type)
            connection.putheader("Content-Length", str(form.length))
        elif method == "POST":
            connection.putheader("Content-Length", "0")
        connection.endheaders()
        if form is None:
            return
        total, sent = form.length, 0
        for chunk in form.chunks():
            # Asked before each piece and not after the last: what is sent wholly is not given up.
            if sending is not None:
                self._watch.say(sending.text, sending.at(sent / total))
            connection.send(chunk)
            sent += len(chunk)

    def _await_answer(self) -> None:
        """Wait until the answer begins, asking ten times a second whether to go on."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._connection.sock, selectors.EVENT_READ)
            while not selector.select(TICK_SECONDS):
                self._watch.check()

    def _early_answer(self, problem: ConnectionError) -> HTTPResponse:
        try:
            # http.client refuses to read before it believes that all was sent; it was not, and
            # nothing more will be.
            return self._connection.getresponse()
        except (OSError, HTTPException):
            raise problem from None

    def _read(self, response: HTTPResponse, receiving: Step | None) -> Buffer:
        """Read the body into one buffer of its size."""
        length = response.length
        if length is None:
            return response.read()
        body = bytearray(length)
        view, there = memoryview(body), 0
        while there < length:
            count = response.readinto(view[there : there + CHUNK])
            if not count:
                raise BrokenConnection(
                    self._lost(f"{there:,} of {length:,} bytes of the answer came")
                )
            there += count
            if receiving is not None:
                self._watch.say(receiving.text, receiving.at(there / length))
        # http.client ends a response only at a read that finds nothing.
        response.read()
        return body

    def _lost(self, reason: str) -> str:
        log = f"the server's log, {self._log}" if self._log else "the server's log"
        return (
            f"the connection to the Photochrom server at {self.address} broke ({reason}); "
            f"nothing was changed: try again, and if it happens again look into {log}"
        )


def split_address(address: str) -> SplitResult:
    """Split a server's URL.

    Raises:
        ServerMissing: it is none.
    """
    wrong = f"{address!r} is no server's address; write it like http://127.0.0.1:8765"
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as problem:
        raise ServerMissing(wrong) from problem
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ServerMissing(wrong)
    return parts


def not_photochrom(address: str) -> str:
    """Word the complaint about another program at the address."""
    return (
        f"another program than Photochrom answers at {address}; give Photochrom another port: "
        "photochrom gimp install --port 8766"
    )


def refused(answer: Answer) -> Refused:
    """Make the exception for a refusal; without the token it says what to do in GIMP."""
    detail = answer.detail()
    if answer.status == 401:
        detail = (
            "the server needs a token, and this plug-in has none or a wrong one; set "
            "PHOTOCHROM_TOKEN, or run again: photochrom gimp install"
        )
    return refusal(answer.status, detail, retry_after(answer.headers))


def retry_after(headers: Message) -> float | None:
    """Read ``Retry-After`` in seconds; a date, which our server never sends, counts as absent."""
    value = (headers.get("Retry-After") or "").strip()
    return float(value) if value.isascii() and value.isdigit() else None


def _reason(problem: BaseException) -> str:
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror.lower()
    return str(problem) or type(problem).__name__
