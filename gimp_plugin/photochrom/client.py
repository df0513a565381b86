"""The client of Photochrom's HTTP API, for GIMP's Python: the standard library alone.

::

    client = Client("http://127.0.0.1:8765", timeout=600)
    result = client.colorize(
        Pixels(data, (height, width, channels), "uint8"),
        description="a red tram",
        on_progress=lambda text, fraction: not cancelled,
    )
    result.pixels        # RGB or RGBA, same size and dtype

Everything that can go wrong is a ``failures.Failure`` whose message can be shown. A client holds
no connection, so threads may share it.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote

from failures import (
    BadAnswer,
    BrokenConnection,
    Busy,
    Cancelled,
    Failure,
    ForeignServer,
    Refused,
    SilentServer,
    TimedOut,
    Unavailable,
)
from pixels import Buffer, Pixels, npy_header, read_npy
from settings import Settings
from wire import Answer, Form, OnProgress, Step, Watch, Wire, not_photochrom

DEFAULT_TIMEOUT = 600.0  # seconds for one layer, everything included
SHORT_TIMEOUT = 15.0  # for calls that only look something up
BUSY_SECONDS = 120.0  # how long a full queue is waited for, within the timeout
NPY = "application/x-npy"

# A stage of the server's work -> what the progress bar says.
STAGES = {
    "decode": "Reading the layer",
    "lightness": "Reading the layer",
    "guidance": "Reading the guidance",
    "network": "Choosing colours",
    "join": "Joining colour and lightness",
    "encode": "Writing the result",
}
SENDING = Step("Sending the layer", 0.0, 0.1)
WORKING = Step("Colouring", 0.1, 0.95)
RECEIVING = Step("Receiving the result", 0.95, 1.0)

Picture = Pixels | Buffer  # pixels, or the bytes of a picture file


@dataclass(frozen=True)
class Health:
    """What the server says about itself; ``models`` maps "colorizer" and "clip" to names."""

    version: str
    device: str
    models: dict[str, str]
    exemplars: int


@dataclass(frozen=True)
class Result:
    """A coloured layer.

    Attributes:
        pixels: RGB, or RGBA where alpha was sent, of the sent size and dtype.
        notices: what the person should know, such as that the description was cut.
        exemplar: the id of the exemplar whose colours were used; its ``score`` is in [0, 1].
        settings: all that made the result, for the layer's parasite.
        seconds: how long the whole took.
        timings: the server's own stages, in seconds; "total" among them.
    """

    pixels: Pixels
    notices: tuple[str, ...]
    exemplar: str | None
    score: float | None
    settings: Settings
    seconds: float
    timings: dict[str, float]


@dataclass(frozen=True)
class Found:
    """An exemplar of the library that fits; ``source`` says where it came from."""

    id: str
    score: float
    caption: str
    width: int
    height: int
    source: str


class Client:
    """Talks to one server.

    Args:
        address: its URL, such as ``http://127.0.0.1:8765``.
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
        self._has_jobs = True
        self._health: Health | None = None

    def health(self, *, timeout: float = SHORT_TIMEOUT) -> Health:
        """Ask the server what it is.

        Raises:
            ServerMissing: nothing listens there.
            ForeignServer: another program does (SilentServer: it says nothing).
            Unauthorized: it wants a token.
            Failure: anything else.
        """
        with Wire(self.address, self.token, Watch(timeout)) as wire:
            try:
                read = wire.ask("GET", "/v1/health").json()
                models = read["models"]
                if not isinstance(models, dict) or read["status"] != "ok":
                    raise BadAnswer("no health")
                self._health = Health(
                    str(read["version"]),
                    str(read.get("device", "")),
                    {str(name): str(model) for name, model in models.items()},
                    _integer(read.get("exemplars")),
                )
            except (BadAnswer, Unavailable, KeyError) as problem:
                raise ForeignServer(not_photochrom(self.address)) from problem
            except (TimedOut, BrokenConnection) as problem:
                raise SilentServer(
                    f"something accepts connections at {self.address} and does not answer; if it "
                    "is a Photochrom server, stop it, and try again"
                ) from problem
        return self._health

    def colorize(
        self,
        pixels: Pixels,
        *,
        description: str = "",
        reference: Picture | None = None,
        exemplar: str | None = None,
        hints: Sequence[dict[str, Any]] = (),
        mask: Pixels | None = None,
        saturation: float = 1.0,
        strength: float = 1.0,
        on_progress: OnProgress | None = None,
    ) -> Result:
        """Colour a layer.

        Args:
            pixels: the layer.
            reference: a photo to take colours from: a picture file's bytes, or pixels.
            exemplar: the id of a photo in the library, or "auto".
            hints: {"x": column, "y": row, "color": "#rrggbb", "radius": pixels} each; "radius"
                may be left out.
            mask: the layer's size; white is coloured, grey partly, black stays as it is.
            on_progress: called with what happens and how far it is (0 to 1), about ten times a
                second, in the calling thread; returning False cancels the work.

        Raises:
            Cancelled: ``on_progress`` returned False; the server's work is stopped.
            Failure: anything else; see ``failures``.
        """
        started = time.monotonic()
        watch = Watch(self.timeout, on_progress)
        form = Form()
        form.picture("image", pixels)
        _add(form, "description", description)
        if reference is not None:
            _add_picture(form, "reference", reference)
        _add(form, "exemplar", exemplar or "")
        if hints:
            _add(form, "hints", json.dumps(list(hints)))
        if mask is not None:
            form.picture("mask", mask)
        _add(form, "saturation", f"{saturation:.6g}")
        _add(form, "strength", f"{strength:.6g}")
        with Wire(self.address, self.token, watch, log=self.log) as wire:
            answer = self._work(wire, form, watch)
        coloured = read_npy(answer.body)
        _check(coloured, pixels)
        used, score = _read_exemplar(answer)
        settings = Settings(
            description=description.strip(),
            reference=_sum(reference),
            mask=_sum(mask),
            exemplar=used or exemplar or None,
            hints=tuple(dict(hint) for hint in hints),
            saturation=saturation,
            strength=strength,
        )
        return Result(
            coloured,
            _read_notices(answer),
            used,
            score,
            self._signed(settings),
            time.monotonic() - started,
            _read_timings(answer),
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
            Unavailable: this server has no library.
            Failure: anything else.
        """
        watch = Watch(min(self.timeout, 60.0), on_progress)
        form = Form()
        if pixels is not None:
            form.picture("image", pixels)
        _add(form, "description", description)
        _add(form, "k", str(k))
        sending = Step("Searching the library", 0.0, 0.5)
        with Wire(self.address, self.token, watch, log=self.log) as wire:
            path = "/v1/exemplars/search"
            answer = _patiently(wire, watch, "POST", path, form=form, sending=sending)
        results = answer.json().get("results")
        if not isinstance(results, list):
            raise BadAnswer("the server's answer has no list of exemplars")
        return [_read_found(entry) for entry in results]

    def thumbnail(self, id: str) -> bytes:
        """Fetch an exemplar's small picture: the bytes of a JPEG, PNG or WebP file."""
        return self._fetch(f"/v1/exemplars/{quote(id, safe='')}/thumbnail")

    def exemplar_image(self, id: str) -> bytes:
        """Fetch an exemplar itself: the bytes of its file."""
        return self._fetch(f"/v1/exemplars/{quote(id, safe='')}/image")

    def _fetch(self, path: str) -> bytes:
        with Wire(self.address, self.token, Watch(SHORT_TIMEOUT), log=self.log) as wire:
            return bytes(wire.ask("GET", path, accept="*/*").body)

    def _work(self, wire: Wire, form: Form, watch: Watch) -> Answer:
        """Have the work done: as a job where the server has jobs, else as one long request."""
        if self._has_jobs:
            try:
                created = _patiently(
                    wire, watch, "POST", "/v1/jobs", form=form, sending=SENDING, firm=True
                )
            except Unavailable as problem:
                if problem.status == 503:
                    raise
                # It has no jobs; if it is the form that it cannot do, the next call says so.
            else:
                return self._follow(wire, created, watch)
        answer = _patiently(
            wire, watch, "POST", "/v1/colorize",
            form=form, accept=NPY, sending=SENDING, receiving=RECEIVING,
        )  # fmt: skip
        self._has_jobs = False
        return answer

    def _follow(self, wire: Wire, created: Answer, watch: Watch) -> Answer:
        """Ask how far the job is until it ends; a job that nobody waits for any more is stopped."""
        path = "/v1/jobs/" + _job_id(created)
        started = time.monotonic()
        if self.on_job is not None:
            self.on_job(path)
        try:
            while True:
                state = wire.ask("GET", path).json()
                if state.get("state") not in ("queued", "running"):
                    break
                watch.say(_wording(state), WORKING.at(_share(state)))
                # An early look costs nothing; later ones add at most a tenth to the whole.
                watch.sleep(min(0.3, max(0.02, (time.monotonic() - started) / 10)))
            if state.get("state") == "done":
                answer = wire.ask("GET", f"{path}/result", accept=NPY, receiving=RECEIVING)
                self._stop(path)  # the server need not keep the result
                return answer
        except Unavailable as problem:
            raise BrokenConnection(
                "the Photochrom server does not know this work any more, so it was probably "
                "started anew meanwhile; nothing was changed: try again"
            ) from problem
        except BrokenConnection:
            raise
        except BaseException:
            self._stop(path)
            raise
        if state.get("state") == "cancelled":
            raise Cancelled("another program cancelled the work; nothing was changed")
        raise _failed(state)

    def _stop(self, path: str) -> None:
        """Tell the server that nobody waits any more, or that the result has arrived."""
        try:
            with Wire(self.address, self.token, Watch(3.0)) as wire:
                wire.ask("DELETE", path)
        except Failure:
            # Best effort: what matters to the person is known, and the server forgets a job that
            # nobody fetches by itself.
            return

    def _signed(self, settings: Settings) -> Settings:
        """Add which version and models made the result."""
        try:
            health = self._health or self.health(timeout=3.0)
        except Failure:
            return settings  # the layer is coloured; it is not lost for a name
        names = (health.models.get("colorizer", ""), health.models.get("clip", ""))
        return replace(settings, version=health.version, model=" ".join(names).strip())


def _patiently(wire: Wire, watch: Watch, method: str, path: str, **how: Any) -> Answer:
    """Ask, and while the server says that it is busy, wait as long as it says and ask again."""
    end = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return wire.ask(method, path, **how)
        except Busy as problem:
            # Without Retry-After it does not expect to be asked again.
            wait = problem.retry_after
            if wait is None or time.monotonic() + wait > end or wait >= watch.remaining:
                raise
            watch.say(f"The server is busy; trying again in {wait:g} s", 0.0)
            watch.sleep(max(wait, 0.2))


def _add(form: Form, name: str, value: str) -> None:
    if value:
        form.text(name, value)


def _add_picture(form: Form, name: str, picture: Picture) -> None:
    if isinstance(picture, Pixels):
        form.picture(name, picture)
    else:
        form.file(name, picture)


def _sum(picture: Picture | None) -> str | None:
    """Give the SHA-256 of a picture as it is sent."""
    if picture is None:
        return None
    digest = hashlib.sha256()
    if isinstance(picture, Pixels):
        digest.update(npy_header(picture))
        picture = picture.data
    digest.update(picture)
    return digest.hexdigest()


def _check(coloured: Pixels, sent: Pixels) -> None:
    """Refuse an answer that does not fit the layer."""
    channels = 4 if sent.channels in (2, 4) else 3
    expected = (sent.height, sent.width, channels)
    if coloured.shape != expected or coloured.dtype != sent.dtype:
        raise BadAnswer(
            f"the server sent {coloured.shape} {coloured.dtype} where {expected} {sent.dtype} was "
            "expected; it may be another version: update both"
        )


def _job_id(created: Answer) -> str:
    try:
        name = created.json().get("id")
    except BadAnswer:
        name = None
    if not isinstance(name, str):
        name = (created.headers.get("Location") or "").rstrip("/").rpartition("/")[2]
    if not name:
        raise BadAnswer("the server took the work and did not say its number")
    return quote(name, safe="")


def _failed(state: dict[str, Any]) -> Failure:
    """Make the exception of a job that failed; ``error`` is a problem object, or its detail."""
    error = state.get("error")
    if isinstance(error, dict):
        status, detail = _integer(error.get("status")), str(error.get("detail") or "")
    else:
        status, detail = 0, str(error or "")
    detail = detail or "the server could not colour the layer; see its log"
    return Refused(status or 500, detail)


def _wording(state: dict[str, Any]) -> str:
    if state.get("state") == "queued":
        before = _integer(state.get("position"))
        return f"Waiting for {before} other photos" if before > 0 else "Waiting"
    stage = str(state.get("stage") or "")
    return STAGES.get(stage, stage.capitalize() or WORKING.text)


def _share(state: dict[str, Any]) -> float:
    progress = state.get("progress")
    return float(progress) if isinstance(progress, (int, float)) and 0 <= progress <= 1 else 0.0


def _read_notices(answer: Answer) -> tuple[str, ...]:
    header = ",".join(answer.headers.get_all("Photochrom-Notice") or ())
    return tuple(unquote(notice.strip()) for notice in header.split(",") if notice.strip())


def _read_exemplar(answer: Answer) -> tuple[str | None, float | None]:
    """Read ``Photochrom-Exemplar: ID; score=0.83``."""
    name, _, rest = (answer.headers.get("Photochrom-Exemplar") or "").partition(";")
    key, _, value = rest.strip().partition("=")
    try:
        score = float(value) if key == "score" else None
    except ValueError:
        score = None
    return (name.strip() or None), score


def _read_timings(answer: Answer) -> dict[str, float]:
    """Read ``Server-Timing: stage;dur=MILLISECONDS, ...`` as stage -> seconds."""
    timings = {}
    for entry in (answer.headers.get("Server-Timing") or "").split(","):
        name, _, duration = entry.strip().partition(";dur=")
        try:
            timings[name] = float(duration) / 1000
        except ValueError:
            continue
    return timings


def _read_found(entry: object) -> Found:
    if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
        raise BadAnswer(f"the server found something that is no exemplar: {entry!r:.80}")
    score = entry.get("score")
    return Found(
        entry["id"],
        float(score) if isinstance(score, (int, float)) else 0.0,
        str(entry.get("caption") or ""),
        _integer(entry.get("width")),
        _integer(entry.get("height")),
        str(entry.get("source") or ""),
    )


def _integer(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
