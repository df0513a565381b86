"""Calls whose names are reserved: they answer 501 with a plain message."""

from __future__ import annotations

from typing import NoReturn

from flask import Blueprint, request

from plugin_server.errors import NotYet
from plugin_server.openapi import Operation, documented

RESERVED = (
    ("POST", "/v1/exemplars/search", "Find exemplars that fit a photo or a description"),
    ("GET", "/v1/exemplars", "List the library"),
    ("POST", "/v1/exemplars", "Add a photo to the library"),
    ("GET", "/v1/exemplars/<id>", "Describe an exemplar"),
    ("DELETE", "/v1/exemplars/<id>", "Remove an exemplar"),
    ("GET", "/v1/exemplars/<id>/image", "Fetch an exemplar"),
    ("GET", "/v1/exemplars/<id>/thumbnail", "Fetch a small picture of an exemplar"),
)


def blueprint() -> Blueprint:
    """Make one view for each reserved call."""
    routes = Blueprint("later", __name__)
    for method, path, summary in RESERVED:

        @documented(Operation(f"{summary} (not available yet)", problems=(401, 501), tag="later"))
        def refuse(**_: str) -> NoReturn:
            raise NotYet(
                f"{request.method} {request.path} is not available in this version; "
                "POST /v1/colorize colours a photo"
            )

        name = path.removeprefix("/v1/").replace("/", "_").replace("<id>", "one")
        routes.add_url_rule(path, f"{method.lower()}_{name}", refuse, methods=[method])
    return routes
