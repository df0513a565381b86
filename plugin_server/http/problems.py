"""The one handler that answers an exception as ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from plugin_server.errors import headers_of, is_out_of_memory, status_and_detail

log = logging.getLogger("photochrom")

PROBLEM = "application/problem+json"


def install(app: Flask) -> None:
    """Answer every exception of this app as a problem."""
    app.register_error_handler(Exception, answer)


def answer(error: Exception) -> Response:
    """Turn an exception into its problem response."""
    if isinstance(error, HTTPException):
        return _answer_http(error)
    status, detail = status_and_detail(error)
    if is_out_of_memory(error):
        log.error("out of memory in %s %s", request.method, request.path, exc_info=error)
    elif status == 500:
        log.error("error in %s %s", request.method, request.path, exc_info=error)
    return problem(status, detail, headers_of(error))


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    """Build an RFC 9457 answer."""
    response = Response(problem_body(status, detail), status, headers, content_type=PROBLEM)
    return response


def problem_body(status: int, detail: str) -> str:
    """Write a problem as JSON."""
    return json.dumps(problem_members(status, detail), ensure_ascii=False)


def problem_members(status: int, detail: str) -> dict[str, str | int]:
    """Give RFC 9457's members; the type stays ``about:blank``, so the title is the status's."""
    title = HTTPStatus(status).phrase
    return {"type": "about:blank", "title": title, "status": status, "detail": detail}


def _answer_http(error: HTTPException) -> Response:
    """Word Flask's own refusals for the person who sent the request."""
    assert error.code is not None, "an HTTPException without a code was raised"
    match error:
        case NotFound():
            detail = f"{request.path} does not exist; GET /v1/openapi.json lists every call"
        case MethodNotAllowed():
            allowed = ", ".join(sorted(error.valid_methods or ()))
            detail = f"{request.path} does not take {request.method}; use {allowed}"
        case RequestEntityTooLarge():
            detail = _too_large()
        case _:
            detail = error.description or "the request was refused"
    kept = ("Allow", "Retry-After", "Location")
    headers = {name: value for name, value in error.get_headers() if name in kept}
    return problem(error.code, detail, headers)


def _too_large() -> str:
    limit, length = request.max_content_length, request.content_length
    if limit is not None and length is not None and length > limit:
        return (
            f"the request has {length:,} bytes and the limit is {limit:,}; send a smaller picture "
            "or start the server with a larger --max-megabytes"
        )
    return (
        f"the form has too many fields or too long a text; at most {request.max_form_parts} fields "
        f"and {request.max_form_memory_size:,} bytes of text are read, and pictures are sent as "
        "files (with a filename)"
    )
