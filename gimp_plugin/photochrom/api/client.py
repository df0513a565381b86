"""The client of Photochrom's HTTP API, for GIMP's Python: the standard library alone.

::

    client = Client("http://127.0.0.1:1234", timeout=600)
    result = client.colorize(
        Pixels(data, (height, width, channels), "uint8"),
        Request("a red tram"),
        on_progress=lambda text, fraction: not cancelled,
    )
    result.pixels        # RGB or RGBA, same size and dtype

Everything that can go wrong is an ``errors.Failure`` whose message can be shown. A client holds
no connection, so threads may share it.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from api import answers
from api.answers import (
    Found,
    Health,
    Named,
    Result,
    failed,
    job_id,
    read_exemplar,
    read_found,
    read_health,
    read_notices,
    read_timings,
    share,
    wording,
)
from api.connection import JSON_BYTES, Answer, Call, Connection, not_photochrom, silent
from api.deadline import Deadline, OnProgress, OutOfTime, Step
from api.errors import BrokenConnection, Cancelled, Failure, ForeignServer, Refused
from api.form import Form
from api.layered import MAX_LIST, OPENRASTER, Part, read_parts
from api.pixels import ITEM_SIZES, Pixels, read_npy
from api.request import Request
from api.settings import Settings, is_color
from api.texts import _

DEFAULT_TIMEOUT = 600.0  # seconds for one layer, everything included
SHORT_TIMEOUT = 15.0  # for calls that only look something up
SEARCH_TIMEOUT = 60.0
BUSY_SECONDS = 120.0  # how long a full queue is waited for, within the timeout
PROOF = b"photochrom proof 1\n"  # what the server proves itself with, before the nonce
NPY = "application/x-npy"
PARTS = 4  # pictures of the whole size, uncompressed, that all parts may have together
HEADER_BYTES = 4096  # of an npy file, at most
PICTURE_BYTES = 8_000_000  # of a thumbnail
MOST_THINGS = 12  # whose places are fetched

SENDING = Step(_("Sending the layer"), 0.0, 0.1)
WORKING = Step(answers.WORKING, 0.1, 0.95)
RECEIVING = Step(_("Receiving the result"), 0.95, 1.0)
SEARCHING = Step(_("Searching the library"), 0.0, 0.5)


class Client:
    """Talks to one server.

    Args:
        address: its URL, such as ``http://127.0.0.1:1234``.
        token: what it asks for, if it does.
        timeout: seconds that one ``colorize`` may take.
        log: where the server writes its log, to be named in messages.

    ``on_job`` is told the path of each job that the server has taken (``/v1/jobs/ID``), for who
    wants to stop the work from outside this process.
    """

    def __init__(
        self,
        address: str,
        token: str | None = None,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        log: str | None = None,
    ) -> None:
        self.address = address.rstrip("/")
        self.token = token
        self.timeout = timeout
        self.log = log
        self.on_job: Callable[[str], None] | None = None
        self._health: Health | None = None
        self._is_proven = False
        self._names: dict[str, str] = {}

    def health(self, *, timeout: float = SHORT_TIMEOUT) -> Health:
        """Ask the server what it is.

        Raises:
            ServerMissing: nothing listens there.
            ForeignServer: another program does (SilentServer: it says nothing).
            Refused: it wants a token, or cannot answer for the moment.
            Failure: anything else.
        """
        try:
            with self._connect(Deadline(timeout)) as connection:
                answer = connection.ask("GET", "/v1/health")
        except (OutOfTime, BrokenConnection) as problem:
            raise silent(self.address) from problem
        except Refused as problem:
            if problem.status in (401, 429, 503):
                raise
            raise ForeignServer(not_photochrom(self.address)) from problem
        try:
            self._health = read_health(answer)
        except (Failure, KeyError, AttributeError) as problem:
            raise ForeignServer(not_photochrom(self.address)) from problem
        return self._health

    def colorize(
        self,
        pixels: Pixels,
        request: Request = Request(),  # noqa: B008  it is frozen
        *,
        in_parts: bool = False,
        on_progress: OnProgress | None = None,
    ) -> Result:
        """Color a layer.

        Args:
            in_parts: answer with a layer for each thing in the place of the whole.
            on_progress: called with what happens and how far it is (0 to 1), about ten times a
                second, in the calling thread; returning False cancels the work.

        Raises:
            Cancelled: ``on_progress`` returned False; the server's work is stopped.
            Failure: anything else; see ``errors``.
        """
        deadline = Deadline(self.timeout, on_progress)
        expected = (pixels.height, pixels.width, 4 if pixels.channels in (2, 4) else 3)
        size = expected[0] * expected[1] * expected[2] * ITEM_SIZES[pixels.dtype]
        parts: tuple[Part, ...] = ()
        colored: Pixels | None = None
        accept, at_most = NPY, size + HEADER_BYTES
        if in_parts:
            accept, at_most = OPENRASTER, PARTS * 3 * size + MAX_LIST
        form = request.form(pixels)
        with self._connect(deadline) as connection:
            created = _patiently(
                connection, deadline, "/v1/jobs", form, SENDING, accept=accept, firm=True
            )
            answer = self._follow(connection, created, deadline, accept, at_most)
        if in_parts:
            parts = read_parts(answer.body, (pixels.width, pixels.height))
        else:
            colored = _checked(read_npy(answer.body), expected, pixels.dtype)
        used, score = read_exemplar(answer)
        name, notices = "", read_notices(answer)
        if used:
            name = self._name_of(used)
            notices = tuple(notice.replace(used, f"'{name}'") for notice in notices)
        return Result(
            colored,
            notices,
            used,
            score,
            self._signed(request.settings(used)),
            read_timings(answer),
            parts,
            name,
        )

    def search(
        self,
        pixels: Pixels | None = None,
        description: str = "",
        k: int = 12,
        *,
        on_progress: OnProgress | None = None,
    ) -> list[Found]:
        """Find the exemplars that fit a picture (a small copy does), words, or both; best first.

        Raises:
            Failure: this server has no library, or anything else.
        """
        deadline = Deadline(min(self.timeout, SEARCH_TIMEOUT), on_progress)
        form = Form()
        if pixels is not None:
            form.picture("image", pixels)
        form.text("description", description)
        form.text("k", str(k))
        with self._connect(deadline) as connection:
            answer = _patiently(connection, deadline, "/v1/exemplars/search", form, SEARCHING)
        results = answer.json().get("results")
        if not isinstance(results, list):
            raise Failure(_("the server's answer has no list of exemplars"))
        return [read_found(entry) for entry in results]

    def suggest(self, pixels: Pixels, request: Request, x: int, y: int, k: int) -> list[str]:
        """List the likely colors of a place, "#rrggbb", the likeliest first."""
        deadline = Deadline(SHORT_TIMEOUT)
        form = Form()
        form.picture("image", pixels)
        form.text("description", request.description)
        form.text("strength", f"{request.strength:.6g}")
        for name, value in (("x", x), ("y", y), ("k", k)):
            form.text(name, str(value))
        with self._connect(deadline) as connection:
            answer = _patiently(connection, deadline, "/v1/suggestions", form, SENDING)
        listed = answer.json().get("suggestions")
        found = (
            [one.get("color") for one in listed if isinstance(one, dict)]
            if isinstance(listed, list)
            else []
        )
        return [str(color) for color in found if is_color(color)]

    def things(
        self, pixels: Pixels, request: Request, *, on_progress: OnProgress | None = None
    ) -> list[Named]:
        """Find what the description and the regions name, each with its place."""
        deadline = Deadline(SEARCH_TIMEOUT, on_progress)
        form = Form()
        form.picture("image", pixels)
        form.text("description", request.description)
        request.add_regions(form)
        shape = (pixels.height, pixels.width, 1)
        found = []
        with self._connect(deadline) as connection:
            answer = _patiently(connection, deadline, "/v1/things", form, SENDING)
            listed = answer.json().get("things")
            listed = listed if isinstance(listed, list) else []
            for one in (one for one in listed[:MOST_THINGS] if isinstance(one, dict)):
                place, mask = str(one.get("mask") or ""), None
                if place.startswith("/v1/things/"):
                    size = pixels.height * pixels.width + HEADER_BYTES
                    body = connection.ask("GET", place, accept=NPY, at_most=size).body
                    mask = _checked(read_npy(body), shape, "uint8")
                found.append(Named(str(one.get("phrase")), mask))
        return found

    def exemplar(self, id: str) -> Found:
        """Look an exemplar up: where it came from, its size and caption."""
        path = f"/v1/exemplars/{quote(id, safe='')}"
        return read_found({"id": id, **self._fetch(path, JSON_BYTES).json()})

    def thumbnail(self, id: str) -> bytes:
        """Fetch an exemplar's small picture: the bytes of a JPEG, PNG or WebP file."""
        path = f"/v1/exemplars/{quote(id, safe='')}/thumbnail"
        return bytes(self._fetch(path, PICTURE_BYTES).body)

    def _name_of(self, exemplar: str) -> str:
        """Give what a person knows an exemplar by."""
        if exemplar not in self._names:
            try:
                self._names[exemplar] = self.exemplar(exemplar).name
            except Failure:
                return exemplar  # it was removed meanwhile; the layer is not lost for a name
        return self._names[exemplar]

    def _fetch(self, path: str, at_most: int) -> Answer:
        with self._connect(Deadline(SHORT_TIMEOUT)) as connection:
            return connection.ask("GET", path, accept="*/*", at_most=at_most)

    def _connect(self, deadline: Deadline) -> Connection:
        if self.token and not self._is_proven:
            self._prove(self.token, deadline)
        return Connection(self.address, self.token, deadline, log=self.log)

    def _prove(self, token: str, deadline: Deadline) -> None:
        """Have the server show that it knows the token, before it is told the token.

        Raises:
            ForeignServer: it does not.
        """
        nonce = secrets.token_urlsafe(32)
        with Connection(self.address, None, deadline, log=self.log) as connection:
            answer = connection.exchange(Call("GET", "/v1/health", nonce=nonce))
        proof = answer.headers.get("Photochrom-Proof") or ""
        wanted = hmac.new(token.encode(), PROOF + nonce.encode(), "sha256").hexdigest()
        if not hmac.compare_digest(proof.encode(), wanted.encode()):
            raise ForeignServer(
                _(
                    "the program at {address} cannot prove that it is your Photochrom server, so "
                    "it was not told the token; set the right token, or run again: "
                    "photochrom gimp install"
                ).format(address=self.address)
            )
        self._is_proven = True

    def _follow(
        self,
        connection: Connection,
        created: Answer,
        deadline: Deadline,
        accept: str,
        at_most: int,
    ) -> Answer:
        """Ask how far the job is until it ends; a job that nobody waits for any more is stopped."""
        path = "/v1/jobs/" + job_id(created)
        started = time.monotonic()
        if self.on_job is not None:
            self.on_job(path)
        with self._stopping(path):
            while True:
                state = connection.ask("GET", path).json()
                if state.get("state") not in ("queued", "running"):
                    break
                deadline.report(wording(state), WORKING.at(share(state)))
                # An early look costs nothing; later ones add at most a tenth to the whole.
                deadline.sleep(min(0.3, max(0.02, (time.monotonic() - started) / 10)))
            if state.get("state") == "done":
                return connection.ask(
                    "GET", f"{path}/result", accept=accept, at_most=at_most, receiving=RECEIVING
                )
        if state.get("state") == "cancelled":
            raise Cancelled(_("another program cancelled the work; nothing was changed"))
        raise failed(state)

    @contextmanager
    def _stopping(self, path: str) -> Iterator[None]:
        """Have the server drop a job in the end, whether its result has arrived or not."""
        try:
            yield
        except BrokenConnection:
            raise
        except Refused as problem:
            if problem.status != 404:
                raise
            raise BrokenConnection(
                _(
                    "the Photochrom server does not know this work any more, so it was probably "
                    "started anew meanwhile; nothing was changed: try again"
                )
            ) from problem
        except BaseException:
            self._stop(path)
            raise
        self._stop(path)

    def _stop(self, path: str) -> None:
        try:
            with self._connect(Deadline(3.0)) as connection:
                connection.ask("DELETE", path)
        except Failure:
            # Best effort: what matters to the person is known, and the server forgets a job that
            # nobody fetches by itself.
            return

    def _signed(self, settings: Settings) -> Settings:
        """Add which version and models made the result."""
        try:
            health = self._health or self.health(timeout=3.0)
        except Failure:
            return settings  # the layer is colored; it is not lost for a name
        names = (health.models.get("colorizer", ""), health.models.get("clip", ""))
        return replace(settings, version=health.version, model=" ".join(names).strip())


def _patiently(
    connection: Connection,
    deadline: Deadline,
    path: str,
    form: Form,
    sending: Step,
    **how: Any,
) -> Answer:
    """Post, and while the server says that it is busy, wait as long as it says and post again."""
    end = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return connection.ask("POST", path, form=form, sending=sending, **how)
        except Refused as problem:
            # Without Retry-After it does not expect to be asked again.
            wait = problem.retry_after
            if not problem.is_busy or wait is None:
                raise
            if time.monotonic() + wait > end or wait >= deadline.remaining:
                raise
            deadline.report(
                _("The server is busy; trying again in {seconds:g} s").format(seconds=wait), 0.0
            )
            deadline.sleep(max(wait, 0.2))


def _checked(colored: Pixels, shape: tuple[int, int, int], dtype: str) -> Pixels:
    """Refuse an answer that does not fit the layer."""
    if (colored.shape, colored.dtype) != (shape, dtype):
        raise Failure(
            _(
                "the server sent {there} where {expected} was expected; it may be another "
                "version: update both"
            ).format(there=f"{colored.shape} {colored.dtype}", expected=f"{shape} {dtype}")
        )
    return colored
