"""What can be asked for, as the forms, the command line and the jobs share it, and the answer.

Every request is frozen and holds its pictures still encoded, so that it may travel to another
machine: ``plugin_server.jobs.redis.serialization``. The type of the answer is asked for as data,
and chosen when the photo is known.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NewType

from models.job import ColorizeJob, Region, ThingChange
from plugin_server.errors import NotAcceptable
from plugin_server.images.codec import Layer, can_hold
from plugin_server.images.layer import EIGHT_BIT, MEDIA_TYPES, UnsupportedImage
from plugin_server.images.openraster import OPENRASTER
from plugin_server.version import product_version

if TYPE_CHECKING:
    from werkzeug.datastructures import MIMEAccept

ANSWER_TYPES: Final = (*MEDIA_TYPES, OPENRASTER)  # the layered file only for who asks for it
MASK_TYPES: Final = ("image/png", "application/x-npy")


@dataclass(frozen=True, slots=True)
class SameAsInput:
    """The type that the photo came in."""


@dataclass(frozen=True, slots=True)
class Lossless:
    """Without loss: a 16-bit TIFF as TIFF, npy as it is, all others as PNG."""


@dataclass(frozen=True, slots=True)
class Exact:
    """One media type; ``asked`` for by name, it may cost a photo's depth."""

    media_type: str
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Accept:
    """The media types that a client accepts, each with its quality (0 to 1]."""

    qualities: dict[str, float]

    @classmethod
    def parse(cls, accept: MIMEAccept, types: Sequence[str] = ANSWER_TYPES) -> Accept:
        """Read an ``Accept`` header; one that is missing or empty accepts everything.

        Raises:
            NotAcceptable: none of our types is accepted.
        """
        if not accept.provided or not accept:
            return cls(dict.fromkeys(types, 1.0))
        qualities = {type_: accept.quality(type_) for type_ in types}
        accepted = {type_: quality for type_, quality in qualities.items() if quality > 0}
        if not accepted:
            raise NotAcceptable(
                f"Accept is {accept.to_header()!r}, and the answer can only be "
                f"{', '.join(types)}; ask for one of these or leave Accept out"
            )
        return cls(accepted)

    @classmethod
    def of_a_later_answer(cls, accept: MIMEAccept) -> Accept:
        """Read an ``Accept`` header that may be about another answer, as of a new job.

        It counts as far as it names one of our types.
        """
        try:
            return cls.parse(accept)
        except NotAcceptable:
            return cls(dict.fromkeys(ANSWER_TYPES, 1.0))

    def check(self, media_type: str) -> None:
        """Raise NotAcceptable where a picture that is there already has none of these types."""
        if media_type not in self.qualities:
            raise NotAcceptable(
                f"the picture is {media_type} and Accept is {', '.join(self.qualities)}; ask for "
                "the type when the job is sent"
            )


AnswerType = SameAsInput | Lossless | Exact | Accept
OWN_TYPE: Final = SameAsInput()


def media_type_for(asked: AnswerType, layer: Layer) -> str:
    """Choose the media type of the answer to a photo.

    Raises:
        UnsupportedImage: it would cut the photo's depth unasked.
    """
    match asked:
        case SameAsInput():
            return layer.media_type
        case Lossless():
            keeps = layer.media_type == "application/x-npy" or (
                layer.media_type == "image/tiff" and layer.bits > 8
            )
            return layer.media_type if keeps else "image/png"
        case Exact(media_type):
            if not asked.asked and layer.bits > 8 and media_type in EIGHT_BIT:
                raise UnsupportedImage(
                    f"the photo has {layer.bits} bits and is a "
                    f"{layer.media_type.partition('/')[2]} by its content, but its name says "
                    f"{media_type.partition('/')[2]}, which has 8: rename it, or choose a --format"
                )
            return media_type
        case Accept(qualities):
            return _preferred(qualities, layer)


def _preferred(qualities: dict[str, float], layer: Layer) -> str:
    """Choose among the types that can hold the layer, if any can.

    The input's own type wins among equals, save that JPEG and WebP are answered in PNG: a
    second lossy compression would touch the lightness.
    """
    usual = "image/png" if layer.media_type in EIGHT_BIT else layer.media_type
    able = {type_: q for type_, q in qualities.items() if can_hold(type_, layer)} or qualities
    best = max(able.values())
    if able.get(usual) == best:
        return usual
    return next(type_ for type_ in ANSWER_TYPES if able.get(type_) == best)


ImageId = NewType("ImageId", str)  # of a photo that the server keeps: POST /v1/images
Image = bytes | ImageId


class _Sized:
    """A request that says how much it holds while it waits."""

    __slots__: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Count the bytes of the pictures that were sent with it."""
        values = [getattr(self, name) for name in self.__slots__]
        parts = [part for value in values if isinstance(value, Mapping) for part in value.values()]
        return sum(len(picture) for picture in (*values, *parts) if isinstance(picture, bytes))


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
class ColorizeRequest(_Sized):
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

    def settings(self, model: str, *, exemplar: str | None, scan: tuple[str, ...]) -> str:
        """Write the settings that travel with a result as one JSON object.

        The exemplar is the one that was used, so that they give the same result again; the scan is
        what was left out when it was read.
        """
        job = self.job

        def members_of(one: Region | ThingChange) -> dict[str, object]:
            mask = {} if one.mask is None else {"mask": _digest(self.parts[one.mask])}
            return one.members() | mask

        settings = {
            "version": product_version(),
            "model": model,
            "description": job.description,
            "language": job.language,
            "reference": _digest(self.reference),
            "mask": _digest(self.mask),
            "exemplar": exemplar,
            "hints": [asdict(hint) for hint in job.hints],
            "hint_image": _digest(self.hint_image),
            "regions": [members_of(region) for region in job.regions] or None,
            "things": [members_of(change) for change in job.things] or None,
            "palette": [asdict(color) for color in job.palette] or None,
            "saturation": job.saturation,
            "strength": job.strength,
            "scan": scan,
        }
        return json.dumps(settings, ensure_ascii=False)


def _digest(picture: bytes | None) -> str | None:
    return None if picture is None else hashlib.sha256(picture).hexdigest()


@dataclass(frozen=True, slots=True)
class ThingsRequest(_Sized):
    """Find what the job's description and its regions name in a photo; ``parts`` as above."""

    image: Image = field(repr=False)
    job: ColorizeJob = field(default_factory=ColorizeJob)
    parts: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class ThingMaskRequest(_Sized):
    """Draw the mask of a thing that was found, by the token of the finding and its number."""

    token: str
    number: int
    answer_type: AnswerType = OWN_TYPE


@dataclass(frozen=True, slots=True)
class SuggestionsRequest(_Sized):
    """Suggest at most ``k`` likely colours for the pixel at column ``x`` and row ``y``."""

    image: Image = field(repr=False)
    x: float
    y: float
    job: ColorizeJob = field(default_factory=ColorizeJob)
    k: int = 6


@dataclass(frozen=True, slots=True)
class ConfidenceRequest(_Sized):
    """Show how sure the model is of its colours."""

    image: Image = field(repr=False)
    job: ColorizeJob = field(default_factory=ColorizeJob)


@dataclass(frozen=True, slots=True)
class KeepRequest(_Sized):
    """Read a photo, and keep it for later requests."""

    image: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SearchRequest(_Sized):
    """Find at most ``k`` exemplars for a photo, a description or both (search.Query)."""

    image: Image | None = field(default=None, repr=False)
    description: str = ""
    k: int = 8
    weight: float = 0.5
    colors: tuple[str, ...] = ()
    tone: Literal["warm", "cool"] | None = None
    diversity: float = 0.3


@dataclass(frozen=True, slots=True)
class AddExemplarRequest(_Sized):
    """Keep a colour photo in the library; ``name`` is its file's, for people."""

    image: bytes = field(repr=False)
    name: str = ""
    caption: str = ""


@dataclass(frozen=True, slots=True)
class IndexRequest(_Sized):
    """Decode and embed a colour photo for a library that is somewhere else."""

    image: bytes = field(repr=False)
    captions: tuple[str, ...] = ()


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
