"""``POST /v1/suggestions`` and ``/v1/confidence``: what the model thinks of a photo."""

from __future__ import annotations

from flask import Blueprint, Response, request
from pydantic import BaseModel, Field

from plugin_server.http.forms import read_form
from plugin_server.http.messages import answer_in_turn, respond
from plugin_server.http.openapi import NOTICES, Operation, Success, documented, json_success
from plugin_server.http.photo_forms import ConfidenceForm, SuggestionsForm
from plugin_server.service import Service


class SuggestedColor(BaseModel):
    """A likely colour."""

    color: str = Field(description="As #rrggbb, of the pixel's own lightness.")
    weight: float = Field(ge=0, le=1, description="How likely it is.")


class Suggestions(BaseModel):
    """Likely colours of a place, the likeliest first."""

    suggestions: list[SuggestedColor]


PROBLEMS = (400, 401, 404, 413, 415, 422, 429)


def blueprint(service: Service) -> Blueprint:
    """Make the calls."""
    routes = Blueprint("suggestions", __name__)

    @routes.post("/v1/suggestions")
    @documented(
        Operation(
            "Suggest likely colours for a place",
            json_success(
                200, "Likely colours from the model's own distribution", Suggestions, NOTICES
            ),
            form=SuggestionsForm,
            schemas=(SuggestedColor, Suggestions),
            problems=PROBLEMS,
            tag="suggestions",
        )
    )
    def suggest() -> Response:
        work = read_form(request, SuggestionsForm).request()
        answer = answer_in_turn(service, work)
        return respond(answer)

    @routes.post("/v1/confidence")
    @documented(
        Operation(
            "Show where the model is sure of its colours",
            Success(
                200,
                "A grey picture of the image's size: white where the model is sure, black where "
                "every colour is as likely as another",
                {"image/png": {}},
                NOTICES,
            ),
            form=ConfidenceForm,
            problems=PROBLEMS,
            tag="suggestions",
        )
    )
    def confidence() -> Response:
        work = read_form(request, ConfidenceForm).request()
        answer = answer_in_turn(service, work)
        return respond(answer)

    return routes
