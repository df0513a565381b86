"""The generated description of the API."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from plugin_server.http.forms import is_file
from plugin_server.http.photo_forms import ColorizeForm


def test_the_document_is_valid(client: FlaskClient) -> None:
    document = client.get("/v1/openapi.json").get_json()
    OpenAPIV31SpecValidator(document).validate()


def test_every_route_is_described(client: FlaskClient) -> None:
    document = client.get("/v1/openapi.json").get_json()
    described = {
        (path, method.upper()) for path, item in document["paths"].items() for method in item
    }
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method)
        for rule in client.application.url_map.iter_rules()
        if rule.endpoint != "static"
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert described == routes
    assert ("/v1/colorize", "POST") in described
    assert ("/v1/exemplars/{id}", "DELETE") in described


def test_the_form_is_described_with_its_limits(client: FlaskClient) -> None:
    document = client.get("/v1/openapi.json").get_json()
    call = document["paths"]["/v1/colorize"]["post"]
    content = call["requestBody"]["content"]["multipart/form-data"]
    name = content["schema"]["$ref"].rpartition("/")[2]
    form = document["components"]["schemas"][name]
    assert form["oneOf"] == [{"required": ["image"]}, {"required": ["image_id"]}]
    assert form["additionalProperties"]["format"] == "binary"  # masks that its JSON names
    assert form["properties"]["saturation"]["maximum"] == 2
    assert {"format": "binary", "type": "string"}.items() <= next(
        iter(form["properties"]["image"]["anyOf"])
    ).items()
    assert set(content["encoding"]) == {"image", "mask", "reference", "hint_image"}
    assert "image/tiff" in call["responses"]["200"]["content"]
    assert "Photochrom-Notice" in call["responses"]["200"]["headers"]
    assert call["responses"]["422"]["content"].keys() == {"application/problem+json"}


@pytest.mark.parametrize("name", ColorizeForm.model_fields)
def test_files_are_told_from_text(name: str) -> None:
    assert is_file(ColorizeForm, name) == (name in {"image", "mask", "reference", "hint_image"})


def test_a_required_token_is_described(make_client: Callable[..., FlaskClient]) -> None:
    headers = {"Authorization": "Bearer abc"}
    document = make_client(token="abc").get("/v1/openapi.json", headers=headers).get_json()
    assert document["security"] == [{"token": []}]
    OpenAPIV31SpecValidator(document).validate()
