"""Which of the image types an answer has, and how text travels in headers."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from flask import Response
from werkzeug.datastructures import MIMEAccept

from plugin_server.errors import NotAcceptable
from plugin_server.images import MEDIA_TYPES, Layer, can_hold
from plugin_server.request import Answer

LOSSY = frozenset({"image/jpeg", "image/webp"})


@dataclass(frozen=True, slots=True)
class AnswerTypes:
    """The image types a client accepts, each with its quality (0 to 1]."""

    qualities: dict[str, float]

    @classmethod
    def from_accept(cls, accept: MIMEAccept) -> AnswerTypes:
        """Read an ``Accept`` header; one that is missing or empty accepts everything.

        Raises:
            NotAcceptable: none of our types is accepted.
        """
        if not accept.provided or not accept:
            return cls(dict.fromkeys(MEDIA_TYPES, 1.0))
        qualities = {type_: accept.quality(type_) for type_ in MEDIA_TYPES}
        accepted = {type_: quality for type_, quality in qualities.items() if quality > 0}
        if not accepted:
            raise NotAcceptable(
                f"Accept is {accept.to_header()!r}, and the answer can only be "
                f"{', '.join(MEDIA_TYPES)}; ask for one of these or leave Accept out"
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
            return cls(dict.fromkeys(MEDIA_TYPES, 1.0))

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
        return next(type_ for type_ in MEDIA_TYPES if qualities.get(type_) == best)


def picture_response(answer: Answer) -> Response:
    """Answer with a coloured picture, what its stages took, and what the user should know."""
    response = Response(answer.body, content_type=answer.media_type)
    response.headers["Server-Timing"] = server_timing(answer.timings)
    if answer.notices:
        response.headers["Photochrom-Notice"] = notice_header(answer.notices)
    if answer.exemplar is not None:
        response.headers["Photochrom-Exemplar"] = answer.exemplar
    return response


def server_timing(timings: dict[str, float]) -> str:
    """Write stage -> seconds as a ``Server-Timing`` value, in milliseconds."""
    return ", ".join(f"{stage};dur={seconds * 1000:.1f}" for stage, seconds in timings.items())


def notice_header(notices: tuple[str, ...]) -> str:
    """Write notices for ``Photochrom-Notice``: percent-encoded UTF-8, separated by commas.

    Letters, digits, spaces and most punctuation stay readable; a comma inside a notice becomes
    ``%2C``, so splitting at commas and percent-decoding gives the notices back.
    """
    readable = " !#$&'()*+-./:;<=>?@[]^_`{|}~"
    return ", ".join(quote(notice, safe=readable) for notice in notices)
