"""What can be asked for, as the forms, the command line and the jobs share it, and the answer.

Every request is frozen and holds its pictures still encoded, so that it may travel to another
machine: ``plugin_server.jobs.redis.serialization``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NewType

from models.job import ColorizeJob
from plugin_server.engine.answer_types import OWN_TYPE, AnswerType

ImageId = NewType("ImageId", str)  # of a photo that the server keeps: POST /v1/images
Image = bytes | ImageId


@dataclass(frozen=True, slots=True)
class FoundExemplar:
    """A photo of the library that lends its colours; ``score`` where it was searched for.

    ``notices`` name those that fit better and cannot be used.
    """

    id: str
    photo: bytes = field(repr=False)
    score: float | None = None
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ColorizeRequest:
    """Colour a photo.

    ``image`` is the photo's file, or the id of one that is kept. ``mask`` is a picture of the same
    size, white where colour is wanted; ``reference`` one to take colours from. ``answer_type``
    decides the answer's media type once the input is known. ``found`` is the exemplar that the job
    asks for, where it was fetched already: the worker then needs no library. ``parts`` are the
    masks that the job's regions and things name; ``hint_image`` is a painted picture with alpha.
    """

    image: Image = field(repr=False)
    job: ColorizeJob = field(default_factory=ColorizeJob)
    mask: bytes | None = field(default=None, repr=False)
    reference: bytes | None = field(default=None, repr=False)
    answer_type: AnswerType = OWN_TYPE
    found: FoundExemplar | None = None
    parts: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    hint_image: bytes | None = field(default=None, repr=False)

    @property
    def size(self) -> int:
        """Count the bytes that it holds while it waits."""
        pictures = (self.image, self.mask, self.reference, self.hint_image, *self.parts.values())
        return sum(len(picture) for picture in pictures if picture)


@dataclass(frozen=True, slots=True)
class ThingsRequest:
    """Find what the job's description and its regions name in a photo; ``parts`` as above."""

    image: Image = field(repr=False)
    job: ColorizeJob = field(default_factory=ColorizeJob)
    parts: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def size(self) -> int:
        """Count the bytes that it holds while it waits."""
        return len(self.image) + sum(map(len, self.parts.values()))


@dataclass(frozen=True, slots=True)
class ThingMaskRequest:
    """Draw the mask of a thing that was found, by the token of the finding and its number."""

    token: str
    number: int
    answer_type: AnswerType = OWN_TYPE

    @property
    def size(self) -> int:
        """Count the bytes that it holds while it waits."""
        return 0


@dataclass(frozen=True, slots=True)
class SuggestionsRequest:
    """Suggest at most ``k`` likely colours for the pixel at column ``x`` and row ``y``."""

    image: Image = field(repr=False)
    x: float
    y: float
    job: ColorizeJob = field(default_factory=ColorizeJob)
    k: int = 6

    @property
    def size(self) -> int:
        """Count the bytes that it holds while it waits."""
        return len(self.image)


@dataclass(frozen=True, slots=True)
class ConfidenceRequest:
    """Show how sure the model is of its colours."""

    image: Image = field(repr=False)
    job: ColorizeJob = field(default_factory=ColorizeJob)

    @property
    def size(self) -> int:
        """Count the bytes that it holds while it waits."""
        return len(self.image)


@dataclass(frozen=True, slots=True)
class KeepRequest:
    """Read a photo, and keep it for later requests."""

    image: bytes = field(repr=False)

    @property
    def size(self) -> int:
        """Count the bytes that it holds while it waits."""
        return len(self.image)


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """Find at most ``k`` exemplars for a photo, a description or both (search.Query)."""

    image: Image | None = field(default=None, repr=False)
    description: str = ""
    k: int = 8
    weight: float = 0.5
    colors: tuple[str, ...] = ()
    tone: Literal["warm", "cool"] | None = None
    diversity: float = 0.3

    @property
    def size(self) -> int:
        """Count the bytes that it holds while it waits."""
        return len(self.image or b"")


@dataclass(frozen=True, slots=True)
class AddExemplarRequest:
    """Keep a colour photo in the library; ``name`` is its file's, for people."""

    image: bytes = field(repr=False)
    name: str = ""
    caption: str = ""

    @property
    def size(self) -> int:
        """Count the bytes that it holds while it waits."""
        return len(self.image)


@dataclass(frozen=True, slots=True)
class IndexRequest:
    """Decode and embed a colour photo for a library that is somewhere else."""

    image: bytes = field(repr=False)
    captions: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Count the bytes that it holds while it waits."""
        return len(self.image)


Request = (
    ColorizeRequest
    | SuggestionsRequest
    | ConfidenceRequest
    | KeepRequest
    | ThingsRequest
    | ThingMaskRequest
    | SearchRequest
    | AddExemplarRequest
    | IndexRequest
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request: a picture or JSON, encoded; ``timings`` are stage -> seconds.

    ``exemplar`` is ``ID; score=0.83`` of the one that was used, or ``ID`` where it was named;
    ``things`` the JSON of what the description names, without masks; ``confidence`` how sure the
    model was of its colours, from 0 to 1, 0 where that was not asked.
    """

    body: bytes = field(repr=False)
    media_type: str
    notices: tuple[str, ...] = ()
    timings: dict[str, float] = field(default_factory=dict)
    exemplar: str | None = None
    things: str | None = None
    confidence: float = 0.0
