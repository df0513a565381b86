"""``POST /v1/images``: photos that are sent once and asked about often."""

from __future__ import annotations

from flask import Blueprint, Response, request
from pydantic import BaseModel, Field

from plugin_server.engine.requests import KeepRequest
from plugin_server.http.forms import read_form
from plugin_server.http.messages import answer_in_turn, respond
from plugin_server.http.openapi import Operation, documented, json_success
from plugin_server.http.photo_forms import ImageForm
from plugin_server.service import Service


class KeptImage(BaseModel):
    """A photo that is kept."""

    id: str = Field(description="What to send as `image_id`; it cannot be guessed.")
    width: int = Field(description="Of the upright image, in pixels.")
    height: int = Field(description="Of the upright image, in pixels.")
    seconds: float = Field(description="How long it is kept after it was used last, at most.")


def blueprint(service: Service) -> Blueprint:
    """Make the call."""
    routes = Blueprint("images", __name__)

    @routes.post("/v1/images")
    @documented(
        Operation(
            "Keep a photo for a while",
            json_success(201, "The photo is kept", KeptImage),
            form=ImageForm,
            schemas=(KeptImage,),
            problems=(400, 401, 413, 415, 422, 429, 507),
            tag="images",
        )
    )
    def keep() -> Response:
        form = read_form(request, ImageForm)
        return respond(answer_in_turn(service, KeepRequest(form.image)), 201)

    return routes
