"""Coloured pictures as HTTP responses, and how text travels in headers."""

from __future__ import annotations

from urllib.parse import quote

from flask import Response

from plugin_server.engine.requests import Answer

READABLE = " !#$&'()*+-./:;<=>?@[]^_`{|}~"  # what a header shows as it is


def picture_response(answer: Answer) -> Response:
    """Answer with a coloured picture, what its stages took, and what the user should know."""
    response = Response(answer.body, content_type=answer.media_type)
    response.headers["Server-Timing"] = server_timing(answer.timings)
    if answer.notices:
        response.headers["Photochrom-Notice"] = notice_header(answer.notices)
    if answer.things is not None:
        response.headers["Photochrom-Things"] = quote(answer.things, safe=READABLE + ",")
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
    return ", ".join(quote(notice, safe=READABLE) for notice in notices)
