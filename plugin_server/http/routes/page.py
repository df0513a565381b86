"""``GET /``: the web page, its texts filled in."""

from __future__ import annotations

import json
from pathlib import Path

from flask import Blueprint, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from plugin_server.http.openapi import Operation, Success, documented

WEB = Path(__file__).resolve().parents[2] / "web"
LANGUAGE = "en"


def blueprint() -> Blueprint:
    """Make the page's call; its scripts and styles are static files."""
    routes = Blueprint("page", __name__)
    html = render(LANGUAGE)

    @routes.get("/")
    @documented(
        Operation(
            "Show the web page",
            Success(200, "A page with a form", {"text/html": {"schema": {"type": "string"}}}),
        )
    )
    def page() -> Response:
        return Response(html, content_type="text/html; charset=utf-8")

    return routes


def render(language: str) -> str:
    """Fill a language's texts into the page; a text that is missing is an error here, at once."""
    texts = json.loads((WEB / "texts" / f"{language}.json").read_text("utf-8"))
    environment = Environment(
        loader=FileSystemLoader(WEB), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("index.html").render(t=texts)
