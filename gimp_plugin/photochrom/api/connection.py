"""One connection to the server: forms out, answers in, never through a proxy.

Whoever answers may be another program, or be slow on purpose: every wait minds the deadline and
the Cancel button, and no answer is taken in that is longer than the caller expects.
"""

from __future__ import annotations

import io
import json
import os
import socket
import time
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import SplitResult, urlsplit

from api.deadline import TICK_SECONDS, Deadline, OutOfTime, Step
from api.errors import (
    BrokenConnection,
    Cancelled,
    Failure,
    ForeignServer,
    Refused,
    ServerMissing,
    SilentServer,
)
from api.form import CHUNK, Form
from api.pixels import Buffer
from api.texts import _, reason

CONNECT_SECONDS = 5.0
STALL_SECONDS = 60.0  # a connection over which nothing moves for so long is dead
JSON_BYTES = 4_000_000  # of an answer without pixels


@dataclass(frozen=True)
class Answer:
    """What the server answered."""

    status: int
    headers: Message
    body: Buffer

    def json(self) -> dict[str, Any]:
        """Read the body as a JSON object.

        Raises:
            Failure: it is something else.
        """
        try:
            value = json.loads(bytes(self.body))
        except (ValueError, RecursionError) as problem:
            raise Failure(_("the server's answer is not JSON")) from problem
        if not isinstance(value, dict):
            raise Failure(_("the server's answer is not a JSON object"))
        return value

    def refusal(self) -> Refused:
        """Make the exception for a status of 400 or more, with RFC 9457's ``detail``."""
        try:
            detail = self.json().get("detail")
        except Failure:
            detail = None
        if not isinstance(detail, str) or not detail:
            detail = _("the server answered with HTTP status {status}").format(status=self.status)
        if self.status == 401:
            detail = _(
                "the server needs a token, and this plug-in has none or a wrong one; set "
                "PHOTOCHROM_TOKEN, or run again: photochrom gimp install"
            )
        # A date, which our server never sends, counts as absent.
        after = (self.headers.get("Retry-After") or "").strip()
        is_number = after.isascii() and after.isdigit() and len(after) < 7
        return Refused(self.status, detail, float(after) if is_number else None)


@dataclass(frozen=True)
class Call:
    """A request.

    Attributes:
        at_most: bytes that the answer may have.
        sending: what to report meanwhile; ``receiving`` likewise.
        firm: it is not cancelled once it was sent: its answer says how to stop what it began.
        nonce: for the server to prove itself with; the token is not sent then.
    """

    method: str
    path: str
    form: Form | None = None
    accept: str = "application/json"
    at_most: int = JSON_BYTES
    sending: Step | None = None
    receiving: Step | None = None
    firm: bool = False
    nonce: str = ""


class Connection:
    """A connection that is kept between calls; for one thread."""

    def __init__(
        self, address: str, token: str | None, deadline: Deadline, *, log: str | None = None
    ) -> None:
        parts = split_address(address)
        self.address = address
        self._log = log
        self._prefix = parts.path.rstrip("/")
        self._token = token
        self._deadline = deadline
        self._answered = False
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection: HTTPConnection | HTTPSConnection = kind(
            str(parts.hostname), parts.port, timeout=CONNECT_SECONDS
        )

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(self, method: str, path: str, **how: Any) -> Answer:
        """Send a request and read the whole answer; ``how`` are the members of ``Call``.

        Raises:
            Cancelled, OutOfTime, ServerMissing, BrokenConnection, ForeignServer, Refused
        """
        answer = self.exchange(Call(method, path, **how))
        if answer.status >= 400:
            raise answer.refusal()
        return answer

    def exchange(self, call: Call) -> Answer:
        """Send a request and read the answer, whatever its status is."""
        is_kept = self._connection.sock is not None
        try:
            answer = self._exchange(call)
        except BrokenConnection:
            # A kept connection may have been closed for its age. Asking again loses nothing with
            # GET; a POST may have begun its work, and is never sent twice.
            self._connection.close()
            if not is_kept or call.method != "GET":
                raise
            answer = self._exchange(call)
        self._answered = True
        return answer

    def _exchange(self, call: Call) -> Answer:
        self._deadline.check()
        self._connect()
        patient = self._connection.sock
        assert isinstance(patient, _PatientSocket)
        try:
            patient.is_firm = False
            try:
                self._send(call)
            except ConnectionError as problem:
                # A server that refuses early hangs up while we send; its answer may be there.
                response = self._early_answer(problem)
            else:
                patient.is_firm = call.firm
                response = self._connection.getresponse()
            return Answer(response.status, response.headers, self._read(response, call))
        except (Cancelled, OutOfTime):
            self._connection.close()  # what is still on its way belongs to nobody
            raise
        except HTTPException as problem:
            if isinstance(problem, ConnectionError) or self._answered:
                raise BrokenConnection(self._lost(reason(problem))) from problem
            raise ForeignServer(not_photochrom(self.address)) from problem
        except TimeoutError as problem:
            raise BrokenConnection(self._lost(_("nothing came over the connection"))) from problem
        except OSError as problem:
            raise BrokenConnection(self._lost(reason(problem))) from problem

    def _connect(self) -> None:
        if self._connection.sock is not None:
            return
        try:
            self._connection.timeout = min(CONNECT_SECONDS, self._deadline.remaining + 0.001)
            self._connection.connect()
        except OSError as problem:
            self._connection.close()
            if self._answered:
                raise BrokenConnection(self._lost(reason(problem))) from problem
            raise ServerMissing(
                _(
                    "no Photochrom server answers at {address} ({reason}); start it with: "
                    "photochrom serve"
                ).format(address=self.address, reason=reason(problem))
            ) from problem
        # http.client has switched Nagle's algorithm off already.
        connected: Any = self._connection.sock
        self._connection.sock = _PatientSocket(connected, self._deadline)

    def _send(self, call: Call) -> None:
        connection, form = self._connection, call.form
        connection.putrequest(call.method, self._prefix + call.path, skip_accept_encoding=True)
        connection.putheader("Accept", call.accept)
        # The server's queue is fair between programs; every GIMP's plug-in counts as one.
        connection.putheader("User-Agent", f"photochrom-gimp ({os.getpid()})")
        if call.nonce:
            connection.putheader("Photochrom-Nonce", call.nonce)
        elif self._token:
            connection.putheader("Authorization", f"Bearer {self._token}")
        if form is not None:
            connection.putheader("Content-Type", form.content_type)
            connection.putheader("Content-Length", str(form.length))
        elif call.method == "POST":
            connection.putheader("Content-Length", "0")
        connection.endheaders()
        if form is None:
            return
        total, sent = form.length, 0
        for chunk in form.chunks():
            # Asked before each piece and not after the last: what is sent wholly is not given up.
            if call.sending is not None:
                self._deadline.report(call.sending.text, call.sending.at(sent / total))
            connection.send(chunk)
            sent += len(chunk)

    def _early_answer(self, problem: ConnectionError) -> HTTPResponse:
        try:
            # http.client refuses to read before it believes that all was sent; it was not, and
            # nothing more will be.
            return self._connection.getresponse()
        except (OSError, HTTPException):
            raise problem from None

    def _read(self, response: HTTPResponse, call: Call) -> Buffer:
        """Read the body into one buffer of its size.

        Raises:
            Failure: it is longer than it may be.
        """
        length = response.length
        if length is None:
            body = response.read(call.at_most + 1)
            self._check_length(len(body), call.at_most)
            return body
        self._check_length(length, call.at_most)
        whole = bytearray(length)
        view, there = memoryview(whole), 0
        while there < length:
            count = response.readinto(view[there : there + CHUNK])
            if not count:
                raise BrokenConnection(
                    self._lost(
                        _("{there:,} of {length:,} bytes of the answer came").format(
                            there=there, length=length
                        )
                    )
                )
            there += count
            if call.receiving is not None:
                self._deadline.report(call.receiving.text, call.receiving.at(there / length))
        # http.client ends a response only at a read that finds nothing.
        response.read()
        return whole

    def _check_length(self, length: int, at_most: int) -> None:
        if length > at_most:
            self._connection.close()
            raise Failure(
                _(
                    "the server's answer has {length:,} bytes where at most {most:,} are expected; "
                    "it may be another version: update both"
                ).format(length=length, most=at_most)
            )

    def _lost(self, why: str) -> str:
        return (
            _(
                "the connection to the Photochrom server at {address} broke ({reason}); nothing "
                "was changed: try again, and if it happens again look into the server's log {log}"
            )
            .format(address=self.address, reason=why, log=self._log or "")
            .rstrip()
        )


class _PatientSocket:
    """A connected socket for http.client that minds the deadline while it waits.

    Raises:
        TimeoutError: nothing moved for ``STALL_SECONDS``.
        Cancelled, OutOfTime: as the deadline says; a ``is_firm`` read is not cancelled.
    """

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._socket, self._deadline = connected, deadline
        self.is_firm = False
        connected.settimeout(TICK_SECONDS)

    def sendall(self, data: Buffer) -> None:
        """Send everything."""
        view = memoryview(data).cast("B")
        while view:
            view = view[self._wait(lambda: self._socket.send(view)) :]  # noqa: B023

    def receive(self, into: memoryview) -> int:
        """Receive something; 0 at the end."""
        return self._wait(lambda: self._socket.recv_into(into))

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Give what http.client reads an answer from."""
        return io.BufferedReader(_Reader(self, self._socket.makefile("rb", 0)), 1 << 16)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _wait(self, act: Any) -> int:
        end = time.monotonic() + STALL_SECONDS
        while True:
            self._deadline.check(firm=self.is_firm)
            try:
                return int(act())
            except TimeoutError:
                if time.monotonic() >= end:
                    raise


class _Reader(io.RawIOBase):
    """The reading end of a socket; ``held`` keeps the socket open until the answer is read."""

    def __init__(self, patient: _PatientSocket, held: io.IOBase) -> None:
        self._patient, self._held = patient, held

    def close(self) -> None:
        self._held.close()
        super().close()

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        return self._patient.receive(memoryview(into))


def split_address(address: str) -> SplitResult:
    """Split a server's URL.

    Raises:
        ServerMissing: it is none.
    """
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ServerMissing(
            _("'{address}' is no server's address; write it like http://127.0.0.1:1234").format(
                address=address
            )
        )
    return parts


def not_photochrom(address: str) -> str:
    """Word the complaint about another program at the address."""
    return _(
        "another program than Photochrom answers at {address}; give Photochrom another port: "
        "photochrom gimp install --port NUMBER"
    ).format(address=address)


def silent(address: str) -> SilentServer:
    """Make the exception for a program that says nothing."""
    return SilentServer(
        _(
            "something accepts connections at {address} and does not answer; if it is a "
            "Photochrom server, stop it, and try again"
        ).format(address=address)
    )
