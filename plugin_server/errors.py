"""What can go wrong with a request, and the status of each answer.

::

    Exception
    |- ProblemError                what a view refuses
    |  |- BadForm            400   a field is unknown, repeated, missing or cannot be read
    |  |- Unauthorized       401   a token is required
    |  |- ForeignOrigin      403   a web page from elsewhere tries to use this server
    |  |- NotKept            404   a photo or a job that is not kept, or not any more
    |  |- NotDone            409   the result of a job that is not done
    |  |- NotAcceptable      406   no answer type that the client accepts
    |  |- NotAForm           415   the body is no multipart form
    |  |- Misdirected        421   the Host header names another machine
    |  |- BadValue           422   a field can be read but its value makes no sense
    |  |- Busy               429   too many photos are waiting already
    |  |- NoLibrary          503   the library cannot be opened
    |  |- NoBroker           503   the queue on another machine cannot be reached
    |  `- NoSpace            507   a photo or a result cannot be kept
    |- images.codec.ImageError     a picture cannot be used
    |  |- BrokenImage        422
    |  |- TooLarge           413
    |  `- UnsupportedImage   415
    |- models.job.JobError   422   saturation, strength, hints or palette make no sense
    |- models.guidance.condition.NoMatcher  501   these weights cannot take colours from a reference
    |- retrieval.errors.LibraryError  422   a photo or a query that the library refuses
    |  |- UnknownExemplar    404
    |  |- MissingPhoto       410   the exemplar's photo was deleted, moved or changed since
    |  `- LibraryUnusable    503   (507 where the disk is full)
    |- RemoteProblem           any   what a worker on another machine refused, as it was there
    |- models.progress.Stopped  503   nobody waits for the answer
    |- MemoryError           503   (also as PyTorch and OpenCV report it)
    |- werkzeug's HTTPException    404, 405, 413, ...: Flask's own refusals
    `- anything else         500   our fault: logged, and never explained to the client

The answer's ``detail`` names the value, the limit and the remedy (``http.problems``).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import ClassVar

from models.guidance.condition import NoMatcher
from models.job import JobError
from models.progress import Stopped
from plugin_server.images.codec import BrokenImage, ImageError, TooLarge, UnsupportedImage
from retrieval.errors import (
    LibraryError,
    LibraryUnusable,
    MissingPhoto,
    StorageFull,
    UnknownExemplar,
)

REFUSALS = frozenset(status for status in HTTPStatus if status >= 400)


class ProblemError(Exception):
    """A request that is refused; the message becomes the problem's ``detail``."""

    status: ClassVar[int]
    headers: ClassVar[dict[str, str]] = {}


class BadForm(ProblemError):
    status = 400


class Unauthorized(ProblemError):
    status = 401
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": "Bearer"}


class ForeignOrigin(ProblemError):
    status = 403


class NotKept(ProblemError):
    status = 404


class NotDone(ProblemError):
    status = 409


class NotAcceptable(ProblemError):
    status = 406


class NotAForm(ProblemError):
    status = 415


class Misdirected(ProblemError):
    status = 421


class BadValue(ProblemError):
    status = 422


class Busy(ProblemError):
    status = 429

    def __init__(self, detail: str, *, seconds: int = 2) -> None:
        super().__init__(detail)
        self.seconds = seconds


class NoLibrary(ProblemError):
    status = 503


class NoBroker(ProblemError):
    status = 503

    def __init__(self, detail: str, *, seconds: int = 5) -> None:
        super().__init__(detail)
        self.seconds = seconds


class NoSpace(ProblemError):
    status = 507


class RemoteProblem(Exception):
    """A worker's exception, told in its own words: the problem that it is for the client.

    Another machine decides nothing but the refusal: a status that is none (a redirect, say) becomes
    502, and of its headers only Retry-After counts.
    """

    def __init__(self, detail: str, *, status: int, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status if status in REFUSALS else HTTPStatus.BAD_GATEWAY
        later = (headers or {}).get("Retry-After", "")
        is_number = later.isascii() and later.isdigit() and len(later) < 6
        self.headers = {"Retry-After": later} if is_number else {}


def as_answered(error: Exception) -> RemoteProblem:
    """Return what a client is told of an exception, as a fresh one that holds nothing else.

    An exception that was raised holds the frames that it came through, and a photo in each.
    """
    status, detail = status_and_detail(error)
    return RemoteProblem(detail, status=status, headers=headers_of(error))


OUT_OF_MEMORY = (
    "the server has not enough memory left for this photo; send a smaller one, or try again when "
    "fewer photos are being coloured"
)
MEMORY_HEADERS = {"Retry-After": "5"}
STOPPED = "the work was stopped, because nobody waited for it or the server is being stopped"
OUR_FAULT = (
    "the server made a mistake and wrote the details to its log; "
    "the request may be tried again, and other requests are not affected"
)


def status_and_detail(error: Exception) -> tuple[int, str]:
    """Say what the client is told of an exception that is none of Flask's."""
    match error:
        case ProblemError() | RemoteProblem():
            return error.status, str(error)
        case UnsupportedImage():
            return 415, str(error)
        case TooLarge():
            return 413, str(error)
        case BrokenImage() | ImageError() | JobError():
            return 422, str(error)
        case LibraryError():
            return _status_of(error), str(error)
        case NoMatcher():
            return 501, str(error)
        case Stopped():
            return 503, STOPPED
    if is_out_of_memory(error):
        return 503, OUT_OF_MEMORY
    return 500, OUR_FAULT


def _status_of(error: LibraryError) -> int:
    match error:
        case UnknownExemplar():
            return 404
        case MissingPhoto():
            return 410
        case StorageFull():
            return 507
        case LibraryUnusable():
            return 503
        case _:
            return 422


def headers_of(error: Exception) -> dict[str, str]:
    """Give the headers that go with the refusal."""
    if isinstance(error, Busy | NoBroker):
        return {"Retry-After": str(error.seconds)}
    if isinstance(error, ProblemError | RemoteProblem):
        return error.headers
    return MEMORY_HEADERS if is_out_of_memory(error) else {}


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that memory ran out; the libraries raise their own kinds."""
    if isinstance(error, MemoryError):
        return True
    text = str(error).lower()
    return type(error).__module__.partition(".")[0] in {"builtins", "cv2", "torch"} and any(
        sign in text
        for sign in (
            "defaultcpuallocator",  # RuntimeError of PyTorch on a CPU
            "out of memory",  # torch.OutOfMemoryError on other devices
            "insufficient memory",  # cv2.error -4
        )
    )
