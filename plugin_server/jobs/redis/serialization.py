"""How requests, answers and errors travel: JSON, and the pictures behind it as they are.

Nothing here can make code run: pydantic builds the dataclasses that are named here and no others.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from models.job import JobError
from plugin_server.engine.requests import Answer, ColorizeRequest, IndexRequest, Lossless
from plugin_server.errors import RemoteProblem, headers_of, status_and_detail

LENGTH: Final = 4  # bytes before the JSON that say how long it is
PICTURE: Final = "picture's bytes"  # stands in the JSON, with their number, for those behind it
Sendable = ColorizeRequest | IndexRequest  # what workers elsewhere do

_REQUESTS: Final[dict[str, TypeAdapter[Any]]] = {
    kind.__name__: TypeAdapter(kind) for kind in (ColorizeRequest, IndexRequest)
}
_ANSWER = TypeAdapter(Answer)
_PROBLEM = TypeAdapter(tuple[int, str, dict[str, str]])  # status, detail, headers


class WireError(ValueError):
    """What arrived is not what this version sends; other versions may use the same broker."""


def pack(request: Sendable) -> list[bytes]:
    """Write a request as JSON with its length, and its pictures in the order that it names them."""
    assert isinstance(request.image, bytes), "a photo that is kept here was not fetched"
    pictures: list[bytes] = []

    def beside(picture: bytes) -> dict[str, int]:
        pictures.append(picture)
        return {PICTURE: len(picture)}

    # By its fields alone ``Lossless`` would be ``SameAsInput``.
    is_lossless = isinstance(request, ColorizeRequest) and request.answer_type == Lossless()
    sent = (type(request).__name__, asdict(request), is_lossless)
    text = json.dumps(sent, default=beside).encode()
    return [len(text).to_bytes(LENGTH, "big"), text, *pictures]


def unpack(data: bytes | memoryview) -> Sendable:
    """Read a request.

    Raises:
        WireError: it is none of this version's.
    """
    end = LENGTH + int.from_bytes(data[:LENGTH], "big")

    def fetch(found: dict[str, Any]) -> Any:
        nonlocal end
        if not isinstance(found.get(PICTURE), int):
            return found
        begin, end = end, end + found[PICTURE]
        return bytes(data[begin:end])

    try:
        kind, sent, is_lossless = json.loads(bytes(data[LENGTH:end]), object_hook=fetch)
        request: Sendable = _REQUESTS[kind].validate_python(sent)
    except (ValidationError, ValueError, KeyError, TypeError, JobError) as problem:
        raise WireError(
            "the job was sent by another version of Photochrom; install the same version on all "
            "machines and send the photo again"
        ) from problem
    if is_lossless and isinstance(request, ColorizeRequest):
        return replace(request, answer_type=Lossless())
    return request


def pack_answer(answer: Answer) -> bytes:
    """Write an answer as JSON, without its body."""
    return _ANSWER.dump_json(replace(answer, body=b""))


def unpack_answer(text: bytes, body: bytes) -> Answer:
    """Put an answer together again."""
    return replace(_ANSWER.validate_json(text), body=body)


def pack_error(error: Exception) -> bytes:
    """Write what a client is told of an exception as JSON."""
    return _PROBLEM.dump_json((*status_and_detail(error), headers_of(error)))


def unpack_error(text: bytes) -> RemoteProblem:
    """Read an error as the exception that gives the same problem."""
    status, detail, headers = _PROBLEM.validate_json(text)
    return RemoteProblem(detail, status=status, headers=headers)
