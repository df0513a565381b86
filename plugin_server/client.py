"""``photochrom colorize --server``: the photos are coloured by a server, as its jobs."""

from __future__ import annotations

import json
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import unquote, urlsplit

from plugin_server.engine.requests import Answer, ColorizeRequest
from plugin_server.images.codec import Limits, decode
from plugin_server.version import product_version

PATIENCE = 600.0  # seconds for which a busy server is asked again
SILENCE = 60.0  # seconds without a byte after which the connection counts as lost
STAGES = {
    "queued": "waiting",
    "decode": "reading",
    "lightness": "reading",
    "guidance": "understanding",
    "network": "colouring",
    "join": "joining",
    "encode": "writing",
}

OnState = Callable[[str, float], None]


class RemoteError(Exception):
    """The server refused, failed or cannot be reached; the message says why."""


class Unreachable(RemoteError):
    """The server does not answer at all, or forgot the job because it was started again."""


class Remote:
    """A Photochrom server in place of a service of this process.

    Raises:
        RemoteError: the address is no URL of a server.
    """

    def __init__(
        self,
        address: str,
        token: str | None = None,
        *,
        on_state: OnState = lambda stage, share: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        try:
            parts = urlsplit(address if "//" in address else f"http://{address}")
            host, port = parts.hostname, parts.port
        except ValueError:
            parts, host, port = urlsplit(""), None, None
        if parts.scheme not in ("http", "https") or not host:
            raise RemoteError(f"--server {address!r} is no address: write http://HOST:PORT")
        self._address = address
        self._secure, self._host, self._port = parts.scheme == "https", host, port
        self._base = parts.path.rstrip("/")
        self._headers = {"User-Agent": f"photochrom/{product_version()}"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._on_state = on_state
        self._sleep = sleep
        self.limits = Limits()  # the server has its own

    def colorize(self, request: ColorizeRequest) -> Answer:
        """Colour one photo on the server.

        The photo is read here too, because its depth and type decide the file that is written.

        Raises:
            ImageError: the photo cannot be read.
            RemoteError: the server refused, failed or cannot be reached.
        """
        assert isinstance(request.image, bytes)
        media_type = request.choose_type(decode(request.image, limits=self.limits))
        body, content_type = form_of(request)
        headers = {"Content-Type": content_type, "Accept": f"{media_type}, application/json;q=0.1"}
        path = f"/v1/jobs/{self._json('POST', '/v1/jobs', body, headers)['id']}"
        try:
            self._follow(path)
            with self._asked("GET", f"{path}/result", None, {"Accept": media_type}) as result:
                return _answer(result)
        except BaseException:
            with suppress(RemoteError):  # what matters is why this ended
                self._json("DELETE", path)
            raise

    def _connect(self) -> HTTPConnection:
        kind = HTTPSConnection if self._secure else HTTPConnection
        return kind(self._host, self._port, timeout=SILENCE)

    def _follow(self, path: str) -> None:
        """Return when the job is done."""
        while True:
            for state in self._states(path):
                self._on_state(STAGES.get(state["stage"], state["stage"]), state["progress"])
                match state["state"]:
                    case "done":
                        return
                    case "failed":
                        raise RemoteError((state["error"] or {}).get("detail", "the server failed"))
                    case "cancelled":
                        raise RemoteError("somebody cancelled the work on the server")
            self._sleep(1)

    def _states(self, path: str) -> Iterator[dict[str, Any]]:
        """Follow the job while the connection holds; where it breaks off, ask once."""
        with suppress(RemoteError, OSError, HTTPException):
            with self._asked("GET", f"{path}/events", None, {}) as events:
                for line in events:
                    if line.startswith(b"data: "):
                        yield json.loads(line[6:])
            return
        yield self._json("GET", path)

    def _json(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        with self._asked(method, path, body, headers or {}) as answer:
            return json.load(answer)

    @contextmanager
    def _asked(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> Iterator[HTTPResponse]:
        """Send a request; a server that is busy is asked again when it says."""
        waited = 0.0
        while True:
            connection = self._connect()
            try:
                try:
                    connection.request(method, self._base + path, body, self._headers | headers)
                    answer = connection.getresponse()
                except (OSError, HTTPException) as problem:
                    why = getattr(problem, "strerror", None) or str(problem) or "no answer"
                    raise Unreachable(
                        f"the server {self._address} cannot be reached ({why}); "
                        "is `photochrom serve` running there?"
                    ) from problem
                if answer.status < 400:
                    yield answer
                    return
                detail = _detail(answer)
                pause = _pause(answer)
                if pause is None or waited + pause > PATIENCE:
                    forgotten = answer.status == 404 and path.startswith("/v1/jobs/")
                    raise (Unreachable if forgotten else RemoteError)(detail)
            finally:
                connection.close()
            self._on_state("the server is busy", 0.0)
            self._sleep(pause)
            waited += pause


def form_of(request: ColorizeRequest) -> tuple[bytes, str]:
    """Write a request as a multipart form: the body and its Content-Type."""
    job = request.job
    texts = {
        "description": job.description,
        "language": job.language or "",
        "hints": json.dumps([asdict(hint) for hint in job.hints]) if job.hints else "",
        "exemplar": job.exemplar or "",
        "palette": json.dumps([asdict(color) for color in job.palette]) if job.palette else "",
        "regions": json.dumps([one.members() for one in job.regions]) if job.regions else "",
        "things": json.dumps([one.members() for one in job.things]) if job.things else "",
        "saturation": repr(float(job.saturation)),
        "strength": repr(float(job.strength)),
    }
    files = {
        "image": request.image,
        "mask": request.mask,
        "reference": request.reference,
        "hint_image": request.hint_image,
        **request.parts,
    }
    boundary = uuid.uuid4().hex
    parts = []
    for name, text in texts.items():
        if text:
            parts += [_head(boundary, name), text.encode(), b"\r\n"]
    for name, data in files.items():
        if isinstance(data, bytes):
            parts += [_head(boundary, name, f'; filename="{name}"'), data, b"\r\n"]
    parts.append(f"--{boundary}--\r\n".encode())
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"


@contextmanager
def job_bar(show: bool) -> Iterator[OnState]:
    """Show on stderr how far one photo is."""
    if not show or not sys.stderr.isatty():
        yield lambda stage, share: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(
        *columns, console=Console(stderr=True), redirect_stdout=sys.stdout.isatty()
    ) as bar:
        task = bar.add_task("sending", total=1.0)
        yield lambda stage, share: bar.update(task, description=stage, completed=share)


def _head(boundary: str, name: str, more: str = "") -> bytes:
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode()


def _answer(result: HTTPResponse) -> Answer:
    notices = result.headers.get("Photochrom-Notice", "")
    return Answer(
        result.read(),
        result.headers.get_content_type(),
        tuple(unquote(notice.strip()) for notice in notices.split(",") if notice.strip()),
        exemplar=result.headers.get("Photochrom-Exemplar"),
        things=unquote(result.headers.get("Photochrom-Things", "")) or None,
    )


def _detail(answer: HTTPResponse) -> str:
    try:
        return str(json.load(answer)["detail"])
    except (ValueError, KeyError, TypeError):
        return f"the server answered {answer.status} {answer.reason}; is it Photochrom's?"


def _pause(answer: HTTPResponse) -> float | None:
    """Return the seconds to wait before asking again; None where that is of no use."""
    seconds = answer.headers.get("Retry-After", "")
    if answer.status not in (429, 503) or not seconds.isdigit():
        return None
    return float(seconds)
