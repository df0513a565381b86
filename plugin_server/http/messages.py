"""HTTP's messages: uploads, requests answered in their turn, answers, and text in headers.

An answer may have been made on another machine. Whoever can write to the queue between can so
decide its bytes, but neither that a browser takes them for a page or a script of this server, nor
any header.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any, Final
from urllib.parse import quote

from flask import Request, Response, request
from werkzeug.wsgi import wrap_file

from plugin_server.config import IN_MEMORY
from plugin_server.engine.requests import Answer
from plugin_server.engine.requests import Request as Work
from plugin_server.errors import RemoteProblem
from plugin_server.images.codec import MEDIA_TYPES
from plugin_server.jobs.queue import Client

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from plugin_server.service import Service

BODY_TYPES: Final = frozenset({*MEDIA_TYPES, "application/json", "image/openraster"})
LONGEST: Final = 200  # letters of a program's name
_STAGE: Final = re.compile(r"[a-z_-]{1,40}")
_EXEMPLAR: Final = re.compile(r"[A-Za-z0-9_-]{1,64}(; score=-?[0-9]\.[0-9]{1,6})?")


class UploadRequest(Request):
    """A request whose uploads stay in memory up to a useful size; Flask's own limit is 500 kB.

    It closes them itself: those of a form that breaks off are known to nobody else.
    """

    def __init__(self, environ: WSGIEnvironment, *args: Any, **options: Any) -> None:
        super().__init__(environ, *args, **options)
        self._uploads: list[IO[bytes]] = []

    def close(self) -> None:
        """Close all uploads."""
        for upload in self._uploads:
            upload.close()
        super().close()

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        is_small = total_content_length is not None and total_content_length <= IN_MEMORY
        upload: IO[bytes] = BytesIO() if is_small else tempfile.TemporaryFile()  # noqa: SIM115 - close() does
        self._uploads.append(upload)
        return upload


def client_of(request: Request) -> Client:
    """Tell clients apart: by their machine, and on it by the program that they say they are."""
    program = request.headers.get("User-Agent", "")[:LONGEST]
    return Client(request.remote_addr or "", program)


def is_disconnected(request: Request) -> Callable[[], bool]:
    """Make a function that tells whether the client hung up; waitress knows."""
    disconnected = request.environ.get("waitress.client_disconnected")
    return disconnected if callable(disconnected) else lambda: False


def answer_in_turn(service: Service, work: Work) -> Answer:
    """Have work done when its turn has come, for whoever sent the request and while they wait."""
    return service.jobs.run(work, client_of(request), is_disconnected=is_disconnected(request))


def respond(answer: Answer, status: int = 200) -> Response:
    """Answer with what came of a request, and what the user should know.

    Raises:
        RemoteProblem: its media type is none that this server answers with.
    """
    if answer.media_type not in BODY_TYPES:
        raise RemoteProblem(
            f"a worker answered with {answer.media_type[:60]!r}, which is no picture; look who "
            "can write to the queue, and send the photo again",
            status=502,
        )
    if len(answer.body) > IN_MEMORY:  # waitress takes it into a temporary file
        response = Response(answer.body, status, content_type=answer.media_type)
    else:  # a file is sent from where it lies, without a copy
        body = wrap_file(request.environ, BytesIO(answer.body))
        response = Response(body, status, content_type=answer.media_type, direct_passthrough=True)
        response.content_length = len(answer.body)
    if answer.notices:
        response.headers["Photochrom-Notice"] = notice_header(answer.notices)
    return response


READABLE = " !#$&'()*+-./:;<=>?@[]^_`{|}~"  # what a header shows as it is


def picture_response(answer: Answer) -> Response:
    """Answer with a coloured picture, what its stages took, and where its colours are from."""
    response = respond(answer)
    response.headers["Server-Timing"] = server_timing(answer.timings)
    if answer.things is not None:
        response.headers["Photochrom-Things"] = quote(answer.things, safe=READABLE + ",")
    if answer.exemplar is not None and _EXEMPLAR.fullmatch(answer.exemplar):
        response.headers["Photochrom-Exemplar"] = answer.exemplar
    if 0 < answer.confidence <= 1:
        response.headers["Photochrom-Confidence"] = f"{answer.confidence:.3f}"
    return response


def server_timing(timings: dict[str, float]) -> str:
    """Write stage -> seconds as a ``Server-Timing`` value, in milliseconds."""
    return ", ".join(
        f"{stage};dur={seconds * 1000:.1f}"
        for stage, seconds in timings.items()
        if _STAGE.fullmatch(stage)
    )


def notice_header(notices: tuple[str, ...]) -> str:
    """Write notices for ``Photochrom-Notice``: percent-encoded UTF-8, separated by commas.

    Letters, digits, spaces and most punctuation stay readable; a comma inside a notice becomes
    ``%2C``, so splitting at commas and percent-decoding gives the notices back.
    """
    return ", ".join(quote(notice, safe=READABLE) for notice in notices)
