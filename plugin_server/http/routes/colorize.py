"""``POST /v1/colorize``: a photo in, the coloured photo out."""

from __future__ import annotations

from flask import Blueprint, Response, request

from plugin_server.engine.requests import ANSWER_TYPES, Accept
from plugin_server.http.forms import read_form
from plugin_server.http.messages import answer_in_turn, picture_response
from plugin_server.http.openapi import NOTICES, Operation, Success, documented
from plugin_server.http.photo_forms import ColorizeForm
from plugin_server.service import Service

PICTURE = Success(
    200,
    "The coloured photo: same size, alpha, bit depth and profile. Its type is the image's own "
    "unless Accept asks for another one; PNG where the image was JPEG or WebP. `image/openraster` "
    "is a layered file: the photo, the base guess, a layer for each thing and region, and hints.",
    {media_type: {} for media_type in ANSWER_TYPES},
    {
        "Server-Timing": "What each stage took, in milliseconds.",
        **NOTICES,
        "Photochrom-Things": "Where the description names things: what was found where, as of "
        "`POST /v1/things` but without masks; JSON, percent-encoded (UTF-8), the first ones where "
        "they are many.",
        "Photochrom-Confidence": "How sure the model was of its colours, from 0 to 1",
        "Photochrom-Exemplar": "The exemplar that was used: its id, and where it was searched for "
        "how well it fits, `ID; score=0.83`.",
    },
)
COLORIZE = Operation(
    "Colour a photo",
    PICTURE,
    form=ColorizeForm,
    problems=(400, 401, 404, 406, 410, 413, 415, 422, 429, 501, 503, 507),
    tag="colorize",
)


def blueprint(service: Service) -> Blueprint:
    """Make the call."""
    routes = Blueprint("colorize", __name__)

    @routes.post("/v1/colorize")
    @documented(COLORIZE)
    def colorize() -> Response:
        types = Accept.parse(request.accept_mimetypes)
        form = read_form(request, ColorizeForm)
        work = form.request(types)
        return picture_response(answer_in_turn(service, work))

    return routes
