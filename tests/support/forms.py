"""Multipart forms as a client sends them, and the refusals that come back."""

from __future__ import annotations

import io
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.pictures import encoded, grey_picture

BOUNDARY = "photochromtestboundary"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def form(image: bytes | None, **fields: str) -> bytes:
    """Write a multipart form by hand, as a client without a library would."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    if image is not None:
        parts += [head.encode(), image, b"\r\n"]
    return b"".join([*parts, f"--{BOUNDARY}--\r\n".encode()])


def post(
    client: FlaskClient,
    image: bytes | None = None,
    *,
    mask: object = None,
    accept: str | None = None,
    **fields: object,
) -> TestResponse:
    """Send a form; ``image`` defaults to a small grey PNG."""
    files: dict[str, Any] = {
        "image": (io.BytesIO(encoded(grey_picture()) if image is None else image), "photo")
    }
    if mask is not None:
        files["mask"] = (io.BytesIO(mask), "mask.png") if isinstance(mask, bytes) else mask
    headers = {} if accept is None else {"Accept": accept}
    return client.post("/v1/colorize", data=files | fields, headers=headers)


def refusal(response: TestResponse, status: int) -> str:
    """Check that the answer is a problem of this status and return its detail."""
    assert response.status_code == status, response.text
    assert response.content_type == "application/problem+json"
    problem = response.get_json(force=True)
    assert problem["status"] == status
    assert problem["title"]
    return str(problem["detail"])
