"""``GET /``: the web page, its texts filled in, in the language that the browser asks for."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, request
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from plugin_server.http.openapi import Operation, Success, documented

WEB = Path(__file__).resolve().parents[2] / "web"
ENGLISH = "en"
# One for the process: a template is compiled once, whatever is filled in.
TEMPLATES: Final = Environment(
    loader=FileSystemLoader(WEB), autoescape=True, undefined=StrictUndefined
)


def blueprint() -> Blueprint:
    """Make the page's call; its scripts and styles are static files."""
    routes = Blueprint("page", __name__)
    pages = {language: render(language) for language in languages()}

    @routes.get("/")
    @documented(
        Operation(
            "Show the web page",
            Success(200, "A page with a form", {"text/html": {"schema": {"type": "string"}}}),
        )
    )
    def page() -> Response:
        wanted = (tag.partition("-")[0].lower() for tag in request.accept_languages.values())
        language = next((code for code in wanted if code in pages), ENGLISH)
        headers = {"Content-Language": language, "Vary": "Accept-Language"}
        return Response(pages[language], content_type="text/html; charset=utf-8", headers=headers)

    return routes


def languages() -> list[str]:
    """List the languages that there are texts in, English first."""
    found = {path.stem for path in (WEB / "texts").glob("*.json")}
    return [ENGLISH, *sorted(found - {ENGLISH})]


@cache
def render(language: str) -> str:
    """Fill a language's texts into the page; a text that is missing is an error here, at once."""
    texts = json.loads((WEB / "texts" / f"{language}.json").read_text("utf-8"))
    return TEMPLATES.get_template("index.html").render(t=texts)
