"""``GET /v1/docs``: the API to read in a browser, made from its own description."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, current_app

from plugin_server.config import Config
from plugin_server.http.openapi import Operation, Success, document, documented
from plugin_server.http.routes.page import TEMPLATES
from plugin_server.version import product_version


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter of a call, or a field of its form."""

    name: str
    kind: str
    is_required: bool
    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call as a person reads it; ``answers`` pairs a status with what comes then."""

    method: str
    path: str
    summary: str
    fields: tuple[Field, ...]
    answers: tuple[tuple[str, str], ...]
    curl: str

    @property
    def anchor(self) -> str:
        """Name its place on the page."""
        return f"{self.method}{self.path}".lower().replace("/", "-").strip("{}-")


def blueprint(config: Config) -> Blueprint:
    """Make the page's call."""
    routes = Blueprint("docs", __name__)

    @routes.get("/v1/docs")
    @documented(
        Operation(
            "Show this description to people",
            Success(200, "A web page", {"text/html": {"schema": {"type": "string"}}}),
        )
    )
    def docs() -> Response:
        html = render(document(current_app, token_required=config.token is not None))
        return Response(html, content_type="text/html; charset=utf-8")

    return routes


def render(description: dict[str, Any]) -> str:
    """Write an OpenAPI document as a page that needs nothing from elsewhere."""
    return TEMPLATES.get_template("docs.html").render(
        calls=list(calls_of(description)),
        title=description["info"]["title"],
        summary=description["info"]["summary"],
        version=product_version(),
        needs_token={} not in description["security"],
    )


def calls_of(description: dict[str, Any]) -> Iterator[Call]:
    """Read the calls out of an OpenAPI document, in its order."""
    schemas = description["components"]["schemas"]
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            fields = tuple(_fields(operation, schemas))
            yield Call(
                method.upper(),
                path,
                operation["summary"],
                fields,
                tuple(_answers(operation)),
                _curl(method.upper(), path, fields, has_form="requestBody" in operation),
            )


def _fields(operation: dict[str, Any], schemas: dict[str, Any]) -> Iterator[Field]:
    for parameter in operation.get("parameters", []):
        text = parameter["schema"].get("description", "")
        yield Field(parameter["name"], f"in the {parameter['in']}", parameter["required"], text)
    content = operation.get("requestBody", {}).get("content", {})
    for form in content.values():
        schema = schemas[form["schema"]["$ref"].rpartition("/")[2]]
        required = set(schema.get("required", []))
        for name, member in schema["properties"].items():
            is_file = name in form.get("encoding", {})
            kind = "file" if is_file else _kind(member)
            yield Field(name, kind, name in required, member.get("description", ""))


def _kind(schema: dict[str, Any]) -> str:
    """Say what a form field holds, with its range."""
    options = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
    kinds = []
    for one in options:
        kind = str(one.get("type", "JSON"))
        if "enum" in one:
            kind = " or ".join(map(str, one["enum"]))
        low, high = one.get("minimum"), one.get("maximum")
        if low is not None and high is not None:
            kind += f", {low:g} to {high:g}"
        kinds.append(kind)
    default = schema.get("default")
    kind = " or ".join(dict.fromkeys(kinds)) or "text"
    return kind + (f"; default {json.dumps(default)}" if default not in (None, "") else "")


def _answers(operation: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for status, response in operation["responses"].items():
        types = ", ".join(response.get("content", {}))
        text = response["description"] + (f" ({types})" if types else "")
        for name, header in response.get("headers", {}).items():
            text += f"; {name}: {header['description']}"
        yield status, text


def _curl(method: str, path: str, fields: tuple[Field, ...], *, has_form: bool) -> str:
    """Write the call for a shell; ``$SERVER`` stands for the address."""
    words = ["curl"] + (["-X", method] if method not in ("GET", "POST") else [])
    if has_form:
        for field in fields:
            if field.is_required or field.name in ("image", "description"):
                value = "@photo.jpg" if field.kind == "file" else "..."
                words += ["-F", f"{field.name}={value}"]
    return " ".join((*words, f"$SERVER{path}"))
