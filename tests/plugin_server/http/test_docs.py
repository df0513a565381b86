"""The API to read: complete, and nothing in it comes from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable

from flask.testing import FlaskClient


def test_the_page_has_every_call_and_every_field(client: FlaskClient) -> None:
    description = client.get("/v1/openapi.json").get_json()
    response = client.get("/v1/docs")
    html = response.get_data(as_text=True)
    assert (response.status_code, response.mimetype) == (200, "text/html")
    for path, methods in description["paths"].items():
        for method in methods:
            assert f"<b>{method.upper()}</b> <code>{path}</code>" in html
    for name in ("image", "description", "hints", "palette", "saturation"):
        assert f"<code>{name}</code>" in html
    anchors = re.findall(r'href="#([^"]+)"', html)
    assert len(anchors) == len(set(anchors))
    assert all(f'id="{anchor}"' in html for anchor in anchors)


def test_nothing_comes_from_elsewhere(client: FlaskClient) -> None:
    html = client.get("/v1/docs").get_data(as_text=True)
    loaded = re.findall(r'<(?:link|script|img)[^>]*(?:href|src)="([^"]+)"', html)
    assert loaded
    for address in loaded:
        assert address.startswith("/web/")
        with client.get(address) as response:
            assert response.status_code == 200
    assert "<style" not in html
    assert "<script" not in html


def test_it_can_be_read_without_the_token_and_names_it(
    make_client: Callable[..., FlaskClient],
) -> None:
    locked = make_client(token="secret")
    html = locked.get("/v1/docs").get_data(as_text=True)
    assert "Authorization: Bearer TOKEN" in html
    assert "secret" not in html
    assert locked.get("/v1/openapi.json").status_code == 401
    assert "Authorization" not in make_client().get("/v1/docs").get_data(as_text=True)
