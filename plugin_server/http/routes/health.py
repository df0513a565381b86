"""``GET /v1/health`` and ``GET /v1/openapi.json``."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app
from pydantic import BaseModel, Field

from plugin_server.config import Config
from plugin_server.http.openapi import Operation, Success, document, documented
from plugin_server.service import Service


class Health(BaseModel):
    """What the server is and which models it uses."""

    status: str = Field(description="`ok`; a server that is not well does not open its port.")
    version: str
    device: str
    models: dict[str, str] = Field(description="The colorizer and the CLIP model, by name.")
    exemplars: int = Field(description="Photos in the library.")
    library: str = Field(description="`ok`, or why the library cannot be used.")
    workers: int = Field(
        description="How many photos can be coloured at a time, on all machines together."
    )
    waiting: int = Field(description="Photos that wait for their turn.")
    queue: str = Field(description="`ok`, or why no photos can be coloured now.")


def blueprint(service: Service, config: Config) -> Blueprint:
    """Make the calls about the server itself."""
    routes = Blueprint("server", __name__)

    @routes.get("/v1/health")
    @documented(
        Operation(
            "Say what the server is and which models it uses",
            Success(
                200,
                "The server is up and its models are loaded",
                {"application/json": {"schema": Health.model_json_schema()}},
            ),
            problems=(401,),
        )
    )
    def health() -> dict[str, Any]:
        return service.health()

    @routes.get("/v1/openapi.json")
    @documented(
        Operation(
            "Describe this API",
            Success(
                200, "An OpenAPI 3.1 document", {"application/json": {"schema": {"type": "object"}}}
            ),
            problems=(401,),
        )
    )
    def openapi() -> dict[str, Any]:
        return document(current_app, token_required=config.token is not None)

    return routes
