"""``POST /v1/colorize``: a photo in, the coloured photo out."""

from __future__ import annotations

from flask import Blueprint, Response, request

from plugin_server.forms import ColorizeForm, read_form
from plugin_server.images import MEDIA_TYPES
from plugin_server.negotiation import AnswerTypes, notice_header, server_timing
from plugin_server.openapi import Operation, Success, documented
from plugin_server.service import Service

COLORIZE = Operation(
    "Colour a photo",
    Success(
        200,
        "The coloured photo: same size, alpha, bit depth and profile. Its type is the image's own "
        "unless Accept asks for another one; PNG where the image was JPEG or WebP.",
        {media_type: {} for media_type in MEDIA_TYPES},
        {
            "Server-Timing": "What each stage took, in milliseconds.",
            "Photochrom-Notice": "What the user should know: notices, percent-encoded (UTF-8), "
            "separated by commas.",
        },
    ),
    form=ColorizeForm,
    problems=(400, 401, 406, 413, 415, 422, 429, 501, 503),
    tag="colorize",
)


def blueprint(service: Service) -> Blueprint:
    """Make the call."""
    routes = Blueprint("colorize", __name__)

    @routes.post("/v1/colorize")
    @documented(COLORIZE)
    def colorize() -> Response:
        types = AnswerTypes.from_accept(request.accept_mimetypes)
        form = read_form(request, ColorizeForm)
        answer = service.colorize(form.request(types.choose))
        response = Response(answer.body, content_type=answer.media_type)
        response.headers["Server-Timing"] = server_timing(answer.timings)
        if answer.notices:
            response.headers["Photochrom-Notice"] = notice_header(answer.notices)
        return response

    return routes
