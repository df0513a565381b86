"""``GET /``: the web page."""

from __future__ import annotations

from flask import Blueprint, Response, current_app

from plugin_server.openapi import Operation, Success, documented


def blueprint() -> Blueprint:
    """Make the page's call; its script and style are static files."""
    routes = Blueprint("page", __name__)

    @routes.get("/")
    @documented(
        Operation(
            "Show the web page",
            Success(200, "A page with a form", {"text/html": {"schema": {"type": "string"}}}),
        )
    )
    def page() -> Response:
        return current_app.send_static_file("index.html")

    return routes
