"""How requests, answers and errors travel: JSON, and the pictures beside it as they are.

Nothing here can make code run: pydantic builds the dataclasses that are named here and no others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, TypeAdapter, ValidationError

from models.job import ColorizeJob, JobError
from plugin_server.engine.answer_types import Accept, AnswerType, Exact, Lossless, SameAsInput
from plugin_server.engine.requests import (
    Answer,
    ColorizeRequest,
    FoundExemplar,
    IndexRequest,
)
from plugin_server.errors import RemoteProblem, headers_of, status_and_detail

PART = "part:"  # before the name of a mask that a region or a thing takes its place from
Sendable = ColorizeRequest | IndexRequest  # what workers elsewhere do


class WireError(ValueError):
    """What arrived is not what this version sends; other versions may use the same broker."""


@dataclass(frozen=True, slots=True)
class _Colorize:
    """A ``ColorizeRequest`` without its pictures."""

    job: ColorizeJob
    work: Literal["colorize"] = "colorize"
    # How the answer's media type is chosen: by quality, by name, without loss, or the photo's own.
    accept: dict[str, float] | None = None
    output: Exact | None = None
    lossless: bool = False
    exemplar: str | None = None  # the id of the one that was found
    score: float | None = None


@dataclass(frozen=True, slots=True)
class _Index:
    """An ``IndexRequest`` without its picture."""

    captions: tuple[str, ...] = ()
    work: Literal["index"] = "index"


class _Problem(NamedTuple):
    """What a client would have been told of an exception."""

    status: int
    detail: str
    headers: dict[str, str]


_Sent = Annotated[_Colorize | _Index, Field(discriminator="work")]
_REQUEST: TypeAdapter[_Colorize | _Index] = TypeAdapter(_Sent)
_ANSWER = TypeAdapter(Answer)
_PROBLEM = TypeAdapter(_Problem)


def pack(request: Sendable) -> tuple[bytes, dict[str, bytes]]:
    """Write a request as JSON, and its pictures by name."""
    if isinstance(request, IndexRequest):
        return _REQUEST.dump_json(_Index(request.captions)), {"image": request.image}
    assert isinstance(request.image, bytes), "a photo that is kept here was not fetched"
    text = _Colorize(request.job)
    match request.answer_type:
        case Accept(qualities):
            text = replace(text, accept=qualities)
        case Exact() as output:
            text = replace(text, output=output)
        case Lossless():
            text = replace(text, lossless=True)
        case SameAsInput():
            pass
    pictures = {"image": request.image}
    for name in ("mask", "reference", "hint_image"):
        if (picture := getattr(request, name)) is not None:
            pictures[name] = picture
    pictures |= {PART + name: picture for name, picture in request.parts.items()}
    if request.found is not None:
        text = replace(text, exemplar=request.found.id, score=request.found.score)
        pictures["exemplar"] = request.found.photo
    return _REQUEST.dump_json(text), pictures


def unpack(text: bytes, pictures: dict[str, bytes]) -> Sendable:
    """Read a request.

    Raises:
        WireError: it is none of this version's, or a picture is missing.
    """
    try:
        sent = _REQUEST.validate_json(text)
        if isinstance(sent, _Index):
            return IndexRequest(pictures["image"], sent.captions)
        found = None
        if sent.exemplar is not None:
            found = FoundExemplar(sent.exemplar, pictures["exemplar"], sent.score)
        return ColorizeRequest(
            pictures["image"],
            sent.job,
            mask=pictures.get("mask"),
            reference=pictures.get("reference"),
            answer_type=_answer_type(sent),
            found=found,
            parts={name: pictures[PART + name] for name in sent.job.masks},
            hint_image=pictures.get("hint_image"),
        )
    except (ValidationError, KeyError, JobError) as problem:
        raise WireError(
            "the job was sent by another version of Photochrom, or its photo was not kept; "
            "install the same version on all machines and send the photo again"
        ) from problem


def _answer_type(sent: _Colorize) -> AnswerType:
    if sent.output is not None:
        return sent.output
    if sent.lossless:
        return Lossless()
    return SameAsInput() if sent.accept is None else Accept(sent.accept)


def pack_answer(answer: Answer) -> bytes:
    """Write an answer as JSON, without its body."""
    return _ANSWER.dump_json(replace(answer, body=b""))


def unpack_answer(text: bytes, body: bytes) -> Answer:
    """Put an answer together again."""
    return replace(_ANSWER.validate_json(text), body=body)


def pack_error(error: Exception) -> bytes:
    """Write what a client is told of an exception as JSON."""
    status, detail = status_and_detail(error)
    return _PROBLEM.dump_json(_Problem(status, detail, headers_of(error)))


def unpack_error(text: bytes) -> RemoteProblem:
    """Read an error as the exception that gives the same problem."""
    sent = _PROBLEM.validate_json(text)
    return RemoteProblem(sent.detail, status=sent.status, headers=sent.headers)
