"""How requests, answers and errors travel: JSON, and the pictures beside it as they are.

Nothing here can make code run: pydantic builds the dataclasses that are named here and no others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, Literal

from pydantic import Field, TypeAdapter, ValidationError

from models.job import JobError
from plugin_server.engine.requests import Answer, ColorizeRequest, IndexRequest, Lossless
from plugin_server.errors import RemoteProblem, headers_of, status_and_detail

PICTURES: Final = ("mask", "reference", "hint_image")  # those that a request may have
PART: Final = "part:"  # before the name of a mask that a region or a thing takes its place from
Sendable = ColorizeRequest | IndexRequest  # what workers elsewhere do


class WireError(ValueError):
    """What arrived is not what this version sends; other versions may use the same broker."""


@dataclass(frozen=True, slots=True)
class _Colorize:
    """A request without its pictures; by its fields alone ``Lossless`` would be ``SameAsInput``."""

    request: ColorizeRequest
    lossless: bool
    work: Literal["colorize"] = "colorize"


@dataclass(frozen=True, slots=True)
class _Index:
    """A request without its picture."""

    request: IndexRequest
    work: Literal["index"] = "index"


_REQUEST: TypeAdapter[_Colorize | _Index] = TypeAdapter(
    Annotated[_Colorize | _Index, Field(discriminator="work")]
)
_ANSWER = TypeAdapter(Answer)
_PROBLEM = TypeAdapter(tuple[int, str, dict[str, str]])  # status, detail, headers


def pack(request: Sendable) -> tuple[bytes, dict[str, bytes]]:
    """Write a request as JSON, and its pictures by name."""
    assert isinstance(request.image, bytes), "a photo that is kept here was not fetched"
    pictures = {"image": request.image}
    if isinstance(request, IndexRequest):
        return _REQUEST.dump_json(_Index(replace(request, image=b""))), pictures
    pictures |= {name: data for name in PICTURES if (data := getattr(request, name)) is not None}
    pictures |= {PART + name: data for name, data in request.parts.items()}
    found = request.found
    if found is not None:
        pictures["exemplar"] = found.photo
        found = replace(found, photo=b"")
    none: dict[str, Any] = dict.fromkeys(PICTURES)
    bare = replace(request, image=b"", parts={}, found=found, **none)
    sent = _Colorize(bare, isinstance(request.answer_type, Lossless))
    return _REQUEST.dump_json(sent), pictures


def unpack(text: bytes, pictures: dict[str, bytes]) -> Sendable:
    """Read a request.

    Raises:
        WireError: it is none of this version's, or a picture is missing.
    """
    try:
        sent = _REQUEST.validate_json(text)
        if isinstance(sent, _Index):
            return replace(sent.request, image=pictures["image"])
        bare, found = sent.request, sent.request.found
        others: dict[str, Any] = {name: pictures.get(name) for name in PICTURES}
        return replace(
            bare,
            image=pictures["image"],
            parts={name: pictures[PART + name] for name in bare.job.masks},
            answer_type=Lossless() if sent.lossless else bare.answer_type,
            found=found and replace(found, photo=pictures["exemplar"]),
            **others,
        )
    except (ValidationError, KeyError, JobError) as problem:
        raise WireError(
            "the job was sent by another version of Photochrom, or its photo was not kept; "
            "install the same version on all machines and send the photo again"
        ) from problem


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
