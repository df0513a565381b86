"""``POST /v1/things``: where a photo shows what a description names; and the masks of these."""

from __future__ import annotations

from flask import Blueprint, Response, request
from pydantic import BaseModel, Field

from plugin_server.engine.requests import MASK_TYPES, Accept, ThingMaskRequest
from plugin_server.http.forms import read_form
from plugin_server.http.messages import answer_in_turn, respond
from plugin_server.http.openapi import NOTICES, Operation, Success, documented, json_success
from plugin_server.http.photo_forms import ThingsForm
from plugin_server.service import Service


class Thing(BaseModel):
    """What a description gives a colour, and where it is."""

    id: int = Field(description="Its number in the list.")
    phrase: str = Field(description="What was said: `green dress`. `things` finds it by this.")
    thing: str = Field(description="The words for it, without colours.")
    colors: list[str] = Field(description="The colours' names as written.")
    color: str = Field(description="The colour that it gets there, as #rrggbb.")
    found: float = Field(ge=0, le=1, description="How sure its place is.")
    box: list[int] | None = Field(
        description="Column, row, width and height around it in the upright image, in pixels."
    )
    area: float = Field(ge=0, le=1, description="Its share of the picture.")
    region: int | None = Field(description="The number of the region that speaks of it.")
    notice: str | None = Field(description="Why it has no place, and what to do.")
    mask: str | None = Field(description="Where its mask is; null where it was not found.")


class Things(BaseModel):
    """All things of a description, in its order, then those of the regions."""

    things: list[Thing]
    width: int = Field(description="Of the upright image, in pixels.")
    height: int = Field(description="Of the upright image, in pixels.")
    seconds: float = Field(description="How long masks are kept after they were used last.")


def blueprint(service: Service) -> Blueprint:
    """Make the calls."""
    routes = Blueprint("things", __name__)

    @routes.post("/v1/things")
    @documented(
        Operation(
            "Find what a description names",
            json_success(200, "The things, found or not", Things, NOTICES),
            form=ThingsForm,
            schemas=(Thing, Things),
            problems=(400, 401, 404, 413, 415, 422, 429, 507),
            tag="things",
        )
    )
    def find() -> Response:
        work = read_form(request, ThingsForm).request()
        answer = answer_in_turn(service, work)
        return respond(answer)

    @routes.get("/v1/things/<token>/<int:number>")
    @documented(
        Operation(
            "Fetch the mask of a thing",
            Success(
                200,
                "A grey picture of the image's size: white where the thing is",
                {media_type: {} for media_type in MASK_TYPES},
            ),
            problems=(401, 404, 406, 429),
            tag="things",
        )
    )
    def mask(token: str, number: int) -> Response:
        types = Accept.parse(request.accept_mimetypes, MASK_TYPES)
        work = ThingMaskRequest(token, number, types)
        answer = answer_in_turn(service, work)
        return respond(answer)

    return routes
