"""The API's description, generated from the views and the form models.

Each view is decorated with ``@documented(Operation(...))``; everything else (paths, methods, path
parameters, form schemas, problems) is read off the app.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeVar

from flask import Flask
from pydantic import BaseModel, Field
from werkzeug.routing import Rule

from plugin_server.http.forms import is_file
from plugin_server.http.problems import PROBLEM
from plugin_server.images.codec import MEDIA_TYPES
from plugin_server.version import product_version

View = TypeVar("View", bound=Callable[..., Any])
NOTICES: Final = {
    "Photochrom-Notice": "What the user should know: notices, percent-encoded (UTF-8), separated "
    "by commas."
}
_OPERATION = "photochrom_operation"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Problem(BaseModel):
    """An error as RFC 9457 describes it."""

    type: str = Field("about:blank", description="Always `about:blank`.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="The value, the limit and the remedy.")


@dataclass(frozen=True, slots=True)
class Success:
    """What a call answers when it succeeds: its content as type -> schema, and its own headers."""

    status: int
    description: str
    content: dict[str, Any]
    headers: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """What the code alone does not say about a call."""

    summary: str
    success: Success | None = None
    form: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    schemas: tuple[type[BaseModel], ...] = ()  # that the answer's content refers to
    problems: tuple[int, ...] = ()
    tag: str = "server"


def json_success(
    status: int,
    description: str,
    model: type[BaseModel],
    headers: dict[str, str] | None = None,
) -> Success:
    """Say that a call answers with JSON, one of its operation's ``schemas``."""
    return Success(
        status, description, {"application/json": {"schema": _reference(model)}}, headers
    )


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def documented(operation: Operation) -> Callable[[View], View]:
    """Attach the operation to its view."""

    def attach(view: View) -> View:
        setattr(view, _OPERATION, operation)
        return view

    return attach


def document(app: Flask, *, token_required: bool) -> dict[str, Any]:
    """Assemble the OpenAPI 3.1 document of every call of the app."""
    schemas = {"Problem": Problem.model_json_schema()}
    paths: dict[str, dict[str, Any]] = {}
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if rule.endpoint == "static":
            continue
        operation = getattr(app.view_functions[rule.endpoint], _OPERATION, None)
        assert isinstance(operation, Operation), f"{rule.rule} is not documented"
        for model in (*operation.schemas, *filter(None, (operation.form,))):
            schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
            schema.pop("$defs", None)  # each model of ours is named by its operation
            schemas[model.__name__] = schema
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for method in sorted(set(_METHODS) & (rule.methods or set())):
            paths.setdefault(path, {})[method.lower()] = _describe(rule, method, operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Photochrom",
            "version": product_version(),
            "summary": "Colour for black-and-white photographs, steered by a description.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"token": []}] if token_required else [{}, {"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _describe(rule: Rule, method: str, operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": f"{method.lower()}_{rule.endpoint}",
        "summary": operation.summary,
        "tags": [operation.tag],
        "responses": _responses(operation),
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in sorted(rule.arguments)
    ]
    if operation.query is not None:
        for name, schema in operation.query.model_json_schema()["properties"].items():
            parameters.append({"name": name, "in": "query", "required": False, "schema": schema})
    if parameters:
        described["parameters"] = parameters
    if operation.form is not None:
        described["requestBody"] = {"required": True, "content": _form_content(operation.form)}
    return described


def _form_content(form: type[BaseModel]) -> dict[str, Any]:
    pictures = {"contentType": ", ".join(MEDIA_TYPES)}
    encoding = {name: pictures for name in form.model_fields if is_file(form, name)}
    return {"multipart/form-data": {"schema": _reference(form), "encoding": encoding}}


def _responses(operation: Operation) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    if operation.success is not None:
        success = operation.success
        responses[str(success.status)] = {
            "description": success.description,
            "content": success.content,
        }
        if success.headers:
            responses[str(success.status)]["headers"] = {
                name: {"description": text, "schema": {"type": "string"}}
                for name, text in success.headers.items()
            }
    problem = {PROBLEM: {"schema": _reference(Problem)}}
    for status in operation.problems:
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": problem}
    responses["default"] = {"description": "Any other refusal", "content": problem}
    return responses
