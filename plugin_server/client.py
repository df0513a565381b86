"""A client of Photochrom's server, for programs: photos in, coloured photos out.

::

    from plugin_server.client import Client

    with Client("http://127.0.0.1:18890") as client:
        result = client.colorize(Path("street.jpg"), description="a red tram")
        Path("street-color.png").write_bytes(result.data)

docs/python-client.md has more. ``photochrom colorize --server`` uses the same.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, Self
from urllib.parse import quote, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from models.job import ColorizeJob, Hint, PaletteColor
from plugin_server.client_results import Found, Result, notices_of
from plugin_server.config import DEFAULT_PORT
from plugin_server.version import product_version

__all__ = ["Client", "ClientError", "Found", "Result", "Unreachable"]

BUSY_TIMEOUT = 600.0  # seconds for which a busy server is asked again
SILENCE = 60.0  # seconds without a byte after which the connection counts as lost
POLL_INTERVAL = 1.0  # seconds, where a job cannot be followed
STAGES = {
    "queued": "waiting",
    "decode": "reading",
    "lightness": "reading",
    "guidance": "understanding",
    "network": "colouring",
    "join": "joining",
    "encode": "writing",
}

Picture = bytes | str | Path | IO[bytes]
OnState = Callable[[str, float], None]
Files = Mapping[str, Picture | None]


class ClientError(Exception):
    """The server refused, failed or cannot be reached; the message says why.

    ``status`` is HTTP's, 0 where there was no answer.
    """

    def __init__(self, detail: str, status: int = 0) -> None:
        super().__init__(detail)
        self.status = status


class Unreachable(ClientError):
    """The server does not answer at all, or forgot the job because it was started again."""


class Client:
    """A Photochrom server. Safe for threads; close it, or use it in a ``with`` block.

    ``timeout`` is for every silence of the server, in seconds. ``on_state`` hears of each stage of
    a photo, in words, and how far it is (0 to 1). A server that is busy is asked again when it
    says, for ten minutes at most; ``sleep`` passes that time. ``heard`` is when, by
    ``time.monotonic``, the server last said anything.

    Raises:
        ClientError: the address is no URL of a server.
    """

    def __init__(
        self,
        address: str = f"http://127.0.0.1:{DEFAULT_PORT}",
        token: str | None = None,
        *,
        timeout: float = SILENCE,
        on_state: OnState = lambda stage, share: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.address = address if "//" in address else f"http://{address}"
        try:
            parts = urlsplit(self.address)
            host, _ = parts.hostname, parts.port
        except ValueError:
            parts, host = urlsplit(""), None
        if parts.scheme not in ("http", "https") or not host:
            raise ClientError(f"the server {address!r} is no address: write http://HOST:PORT")
        self._base = self.address.rstrip("/")
        headers = {"User-Agent": f"photochrom/{product_version()}"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        # Nothing is sent a second time by itself: a POST may have begun to work.
        self._pool = urllib3.PoolManager(
            headers=headers, timeout=urllib3.Timeout(timeout), retries=False, maxsize=16
        )
        self._on_state = on_state
        self._sleep = sleep
        self.heard = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back the connections."""
        self._pool.clear()

    def health(self) -> dict[str, Any]:
        """Say what the server is: ``version``, ``models``, ``exemplars`` and more."""
        return dict(self._json("GET", "/v1/health"))

    def colorize(
        self,
        photo: Picture,
        *,
        description: str = "",
        hints: Sequence[Hint] = (),
        palette: Sequence[str | PaletteColor] = (),
        reference: Picture | None = None,
        mask: Picture | None = None,
        exemplar: str | None = None,
        saturation: float = 1.0,
        strength: float = 1.0,
        media_type: str | None = None,
    ) -> Result:
        """Colour a photo.

        ``photo``, ``reference`` and ``mask`` are files' bytes, paths or open files. ``hints`` are
        dabs of colour, ``palette`` up to six colours for the whole, ``exemplar`` the id of a photo
        in the server's library or ``auto``. ``media_type`` is the answer's; by default the photo's
        own, and PNG for JPEG and WebP.

        Raises:
            JobError: a value is out of its range.
            ClientError: the server refused, failed or cannot be reached.
        """
        colors = tuple(
            one if isinstance(one, PaletteColor) else PaletteColor(one) for one in palette
        )
        job = ColorizeJob(description, tuple(hints), saturation, strength, exemplar, colors)
        files = {"image": photo, "mask": mask, "reference": reference}
        return self.run(job, files, media_type)

    def run(self, job: ColorizeJob, files: Files, media_type: str | None = None) -> Result:
        """Colour the photo among the ``files`` as a job, and follow it.

        A job that nobody waits for any more, as after Ctrl-C, is cancelled.

        Raises:
            ClientError: the server refused, failed or cannot be reached.
        """
        accept = "*/*" if media_type is None else f"{media_type}, application/json;q=0.1"
        sent, _ = self._form("/v1/jobs", texts_of(job), files, accept)
        path = f"/v1/jobs/{sent['id']}"
        try:
            self._follow(path)
            with self._asked("GET", f"{path}/result", {"Accept": media_type or "*/*"}) as answer:
                return Result.read(answer)
        except BaseException:
            with suppress(ClientError):  # what matters is why this ended
                self._json("DELETE", path)
            raise

    def suggestions(self, photo: Picture, x: float, y: float, *, description: str = "") -> Found:
        """Find likely colours for the pixel at column ``x`` and row ``y``, with their weights.

        Raises:
            ClientError: the server refused, failed or cannot be reached.
        """
        texts = {"x": repr(float(x)), "y": repr(float(y)), "description": description}
        return self._found("suggestions", "/v1/suggestions", texts, photo)

    def search(self, photo: Picture | None = None, *, description: str = "", k: int = 8) -> Found:
        """Find exemplars in the server's library for a photo, a description or both.

        Raises:
            ClientError: the server refused, failed or cannot be reached.
        """
        texts = {"description": description, "k": str(k)}
        return self._found("results", "/v1/exemplars/search", texts, photo)

    def exemplar(self, id: str) -> dict[str, Any]:
        """Describe an exemplar of the server's library: its ``source``, ``caption`` and more."""
        return dict(self._json("GET", f"/v1/exemplars/{quote(id, safe='')}"))

    def things(self, photo: Picture, description: str) -> Found:
        """Find where the things are that a description names.

        Raises:
            ClientError: the server refused, failed or cannot be reached.
        """
        return self._found("things", "/v1/things", {"description": description}, photo)

    def _found(
        self, member: str, path: str, texts: Mapping[str, str], photo: Picture | None
    ) -> Found:
        answer, notices = self._form(path, texts, {"image": photo})
        return Found(tuple(answer[member]), notices)

    def _follow(self, path: str) -> None:
        """Return when the job is done."""
        while True:
            for state in self._states(path):
                self._on_state(STAGES.get(state["stage"], state["stage"]), state["progress"])
                match state["state"]:
                    case "done":
                        return
                    case "failed":
                        error = state["error"] or {}
                        raise ClientError(
                            error.get("detail", "the server failed"), error.get("status", 0)
                        )
                    case "cancelled":
                        raise ClientError("somebody cancelled the work on the server")
            self._sleep(POLL_INTERVAL)

    def _states(self, path: str) -> Iterator[dict[str, Any]]:
        """Follow the job while the connection holds; where it breaks off, ask once."""
        with suppress(ClientError, HTTPError, OSError):
            with self._asked("GET", f"{path}/events", {}) as events:
                for line in _lines(events):
                    self.heard = time.monotonic()
                    if line.startswith(b"data: "):
                        yield json.loads(line[6:])
            return
        yield self._json("GET", path)

    def _form(
        self, path: str, texts: Mapping[str, str], files: Files, accept: str = "application/json"
    ) -> tuple[Any, tuple[str, ...]]:
        """Send a form; read the JSON that it is answered with, and the notices."""
        fields: list[tuple[str, str | tuple[str, bytes]]] = [
            (name, text) for name, text in texts.items() if text
        ]
        fields += [
            (name, (name, _bytes_of(file))) for name, file in files.items() if file is not None
        ]
        body, content_type = urllib3.encode_multipart_formdata(fields)
        headers = {"Content-Type": content_type, "Accept": accept}
        with self._asked("POST", path, headers, body) as answer:
            return self._read(answer), notices_of(answer)

    def _json(self, method: str, path: str) -> Any:
        with self._asked(method, path, {}) as answer:
            return self._read(answer)

    def _read(self, answer: urllib3.BaseHTTPResponse) -> Any:
        """Read JSON; None where the answer is empty."""
        data = answer.read()
        try:
            return json.loads(data) if data else None
        except ValueError as problem:
            raise ClientError(
                f"the server {self.address} answered no JSON; is it Photochrom's?", answer.status
            ) from problem

    @contextmanager
    def _asked(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """Send a request; a server that is busy is asked again when it says."""
        waited = 0.0
        while True:
            try:
                answer = self._pool.request(
                    method, self._base + path, body=body, preload_content=False, redirect=False,
                    headers={**self._pool.headers, **headers},
                )  # fmt: skip
            except (HTTPError, OSError) as problem:
                raise Unreachable(
                    f"the server {self.address} cannot be reached ({_reason(problem)}); "
                    "is `photochrom serve` running there?"
                ) from problem
            self.heard = time.monotonic()
            try:
                if answer.status < 300:
                    yield answer
                    return
                detail, pause = _detail(answer), _pause(answer)
                if pause is None or waited + pause > BUSY_TIMEOUT:
                    forgotten = answer.status == 404 and path.startswith("/v1/jobs/")
                    raise (Unreachable if forgotten else ClientError)(detail, answer.status)
            finally:
                if answer.connection is not None:  # not read to the end, as events may be
                    answer.close()
            self._on_state("the server is busy", 0.0)
            self._sleep(pause)
            waited += pause


def texts_of(job: ColorizeJob) -> dict[str, str]:
    """Write a job as the text fields of the server's form."""
    return {
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


def _bytes_of(picture: Picture) -> bytes:
    match picture:
        case bytes():
            return picture
        case str() | Path():
            return Path(picture).read_bytes()
        case file:
            return file.read()


def _lines(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """Cut what arrives into lines, each as soon as it is there."""
    rest = b""
    while part := answer.read1():
        *lines, rest = (rest + part).split(b"\n")
        yield from lines


def _detail(answer: urllib3.BaseHTTPResponse) -> str:
    try:
        return str(json.loads(answer.read())["detail"])
    except (ValueError, KeyError, TypeError, HTTPError):
        return f"the server answered {answer.status} {answer.reason}; is it Photochrom's?"


def _pause(answer: urllib3.BaseHTTPResponse) -> float | None:
    """Return the seconds to wait before asking again; None where that is of no use."""
    after = answer.headers.get("Retry-After")
    if answer.status not in (429, 503) or after is None:
        return None
    with suppress(HTTPError):
        return float(urllib3.Retry().parse_retry_after(after))
    return None


def _reason(problem: BaseException) -> str:
    """Find why a connection failed in what urllib3 wrapped around it."""
    inner: BaseException | None = problem
    while inner is not None:
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror
        inner = getattr(inner, "reason", None) or inner.__cause__ or inner.__context__
        if isinstance(inner, str):
            return inner
    return "no answer"
