"""Which of the image types an answer has."""

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
LOSSY = frozenset({"image/jpeg", "image/webp"})
TYPE_OF: Final = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".jpe": "image/jpeg",
    ".jfif": "image/jpeg",
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
EIGHT_BIT: Final = ("image/jpeg", "image/webp")


@dataclass(frozen=True, slots=True)
class AnswerTypes:
    """The image types a client accepts, each with its quality (0 to 1]."""

    qualities: dict[str, float]

    @classmethod
    def from_accept(cls, accept: MIMEAccept, types: Sequence[str] = ANSWER_TYPES) -> AnswerTypes:
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
    def wished(cls, accept: MIMEAccept) -> AnswerTypes:
        """Read an ``Accept`` header that may be about another answer, as of a new job.

        It counts as far as it names one of our types.
        """
        try:
            return cls.from_accept(accept)
        except NotAcceptable:
            return cls(dict.fromkeys(ANSWER_TYPES, 1.0))

    def check(self, media_type: str) -> None:
        """Raise NotAcceptable where a picture that is there already has none of these types."""
        if media_type not in self.qualities:
            raise NotAcceptable(
                f"the picture is {media_type} and Accept is {', '.join(self.qualities)}; ask for "
                "the type when the job is sent"
            )

    def __call__(self, layer: Layer) -> str:
        """Choose the answer's type for a layer, among those that can hold it if any can.

        The input's own type wins among equals, save that JPEG and WebP are answered in PNG: a
        second lossy compression would touch the lightness.
        """
        usual = "image/png" if layer.media_type in LOSSY else layer.media_type
        able = {type_: q for type_, q in self.qualities.items() if can_hold(type_, layer)}
        qualities = able or self.qualities
        best = max(qualities.values())
        if qualities.get(usual) == best:
            return usual
        return next(type_ for type_ in ANSWER_TYPES if qualities.get(type_) == best)


@dataclass(frozen=True, slots=True)
class OutputType:
    """Answers in one media type; ``asked`` for by name, it may cost a photo's depth.

    A value rather than a function, so that it can travel to another process.
    """

    media_type: str
    asked: bool = False

    def __call__(self, layer: Layer) -> str:
        """Return the media type; UnsupportedImage where it would cut the depth unasked."""
        if not self.asked and layer.bits > 8 and self.media_type in EIGHT_BIT:
            raise UnsupportedImage(
                f"the photo has {layer.bits} bits and is a {layer.media_type.partition('/')[2]} by "
                f"its content, but its name says {self.media_type.partition('/')[2]}, which has 8: "
                "rename it, or choose a --format"
            )
        return self.media_type


@dataclass(frozen=True, slots=True)
class Lossless:
    """Answers without loss: a 16-bit TIFF as TIFF, npy as it is, all others as PNG."""

    def __call__(self, layer: Layer) -> str:
        """Return the media type."""
        keeps = layer.media_type == "application/x-npy" or (
            layer.media_type == "image/tiff" and layer.bits > 8
        )
        return layer.media_type if keeps else "image/png"
