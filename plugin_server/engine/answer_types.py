"""Which of the image types an answer has: asked for as data, chosen when the photo is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from plugin_server.errors import NotAcceptable
from plugin_server.images.codec import MEDIA_TYPES, Layer, UnsupportedImage, can_hold
from plugin_server.images.openraster import OPENRASTER

if TYPE_CHECKING:
    from werkzeug.datastructures import MIMEAccept

ANSWER_TYPES: Final = (*MEDIA_TYPES, OPENRASTER)  # the layered file only for who asks for it
MASK_TYPES: Final = ("image/png", "application/x-npy")
TYPE_OF: Final = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".jpe": "image/jpeg",
    ".jfif": "image/jpeg",
    ".mpo": "image/jpeg",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
    ".npy": "application/x-npy",
}
# The usual suffix of each type, for results that get a new name.
SUFFIX_OF: Final = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/tiff": ".tif",
    "image/webp": ".webp",
    "application/x-npy": ".npy",
}
EIGHT_BIT: Final = ("image/jpeg", "image/webp")  # and lossy


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
