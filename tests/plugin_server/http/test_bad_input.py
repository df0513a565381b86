"""What is refused over HTTP: always a problem that names the value and the remedy, never a 500."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from tests.support.forms import FORM, form, post, refusal
from tests.support.pictures import encoded, grey_picture


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"colour": "red"}, 400, ["'colour'", "description"]),
        ({"description": ["a", "b"]}, 400, ["description", "2 times"]),
        ({"description": (io.BytesIO(b"a"), "a.txt")}, 400, ["description", "as text"]),
        ({"mask": "white"}, 400, ["mask", "as a file"]),
        ({"reference": (io.BytesIO(b"a"), "a"), "exemplar": "auto"}, 400, ["reference and exempl"]),
        ({"reference": (io.BytesIO(b"a"), "a")}, 415, ["reference: "]),
        ({"reference": "a photo"}, 400, ["reference", "file"]),
        ({"exemplar": "auto"}, 503, ["--library"]),
        ({"exemplar": "no id"}, 422, ["'no id'", "auto"]),
        ({"palette": "#ff0000"}, 422, ["palette", "JSON"]),
        ({"palette": '["red"]'}, 422, ["palette", "'red'", "#rrggbb"]),
        ({"palette": '[{"color": "#ff0000", "weight": 0}]'}, 422, ["weight", "#ff0000", "above 0"]),
        ({"palette": json.dumps(["#ff0000"] * 7)}, 422, ["7 colours", "at most 6"]),
        ({"saturation": "2.5"}, 422, ["saturation", "2.5", "0 to 2"]),
        ({"saturation": "-1"}, 422, ["saturation", "-1", "0 to 2"]),
        ({"saturation": "nan"}, 422, ["saturation", "nan", "0 to 2"]),
        ({"saturation": "lots"}, 422, ["saturation", "lots", "0 to 2"]),
        ({"strength": "inf"}, 422, ["strength", "inf", "0 to 1"]),
        ({"strength": "1.01"}, 422, ["strength", "1.01", "0 to 1"]),
        ({"hints": "[{"}, 422, ["hints", "JSON"]),
        ({"hints": "[" * 100_000}, 422, ["hints"]),
        ({"hints": '{"x": 1}'}, 422, ["hints", "list"]),
        ({"hints": '[{"x": 1, "y": 1}]'}, 422, ["color"]),
        ({"hints": '[{"x": 32, "y": 1, "color": "#ffffff"}]'}, 422, ["x=32", "0 to 31"]),
        ({"hints": '[{"x": NaN, "y": 1, "color": "#ffffff"}]'}, 422, ["nan"]),
        ({"hints": '[{"x": 1, "y": 1e999, "color": "#ffffff"}]'}, 422, ["inf"]),
        ({"hints": '[{"x": 1, "y": 1, "color": "red"}]'}, 422, ["'red'", "#rrggbb"]),
    ],
)
def test_bad_fields_are_refused_with_the_value_and_the_remedy(
    client: FlaskClient, fields: dict[str, Any], status: int, words: list[str]
) -> None:
    detail = refusal(post(client, **fields), status)
    for word in words:
        assert word in detail
    assert post(client).status_code == 200


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello, I am no picture",
        encoded(grey_picture())[:60],
        encoded(grey_picture())[:-20],
        encoded(grey_picture(), "JPEG")[:100],
        encoded(grey_picture(), "TIFF")[:40],
        encoded(grey_picture(), "WEBP")[:50],
        encoded(grey_picture(), "npy")[:-5],
        encoded(grey_picture(), "npy")[:20],
        encoded(np.zeros((4, 4), object), "npy"),
        encoded(np.full((4, 4), np.nan, np.float32), "npy"),
        encoded(np.zeros((4, 4), np.int64), "npy"),
        b"GIF89a" + bytes(40),
    ],
    ids=lambda data: repr(data[:12]),
)
@pytest.mark.parametrize("field", ["image", "mask"])
def test_bad_pictures_are_refused(client: FlaskClient, data: bytes, field: str) -> None:
    response = post(client, data) if field == "image" else post(client, mask=data)
    assert response.status_code in (400, 413, 415, 422), response.text
    detail = refusal(response, response.status_code)
    assert len(detail) > 15
    if field == "mask":
        assert "mask" in detail
    assert post(client).status_code == 200


def test_a_mask_of_another_size_is_refused_with_both_sizes(client: FlaskClient) -> None:
    detail = refusal(post(client, mask=encoded(grey_picture(10, 20))), 422)
    assert "20 x 10" in detail
    assert "32 x 24" in detail


def test_the_image_is_required(client: FlaskClient) -> None:
    assert "image" in refusal(client.post("/v1/colorize", data={"description": "a"}), 400)
    empty = {"image": (io.BytesIO(b""), ""), "description": "a"}
    multipart = "multipart/form-data"
    assert "image" in refusal(client.post("/v1/colorize", data=empty, content_type=multipart), 400)


def test_two_images_are_refused(client: FlaskClient) -> None:
    files = [(io.BytesIO(encoded(grey_picture())), "a.png") for _ in range(2)]
    assert "2 times" in refusal(client.post("/v1/colorize", data={"image": files}), 400)


@pytest.mark.parametrize("content_type", ["application/json", "image/png", "", "nonsense"])
def test_a_body_that_is_no_form_is_refused(client: FlaskClient, content_type: str) -> None:
    response = client.post("/v1/colorize", data=b"{}", content_type=content_type)
    assert "multipart/form-data" in refusal(response, 415)


def test_a_part_without_a_name_is_refused(client: FlaskClient) -> None:
    body = form(encoded(grey_picture())).replace(b' name="image";', b"")
    response = client.post("/v1/colorize", data=body, content_type=FORM)
    assert "no name" in refusal(response, 400)


def test_a_form_without_a_boundary_is_refused(client: FlaskClient) -> None:
    response = client.post("/v1/colorize", data=b"abc", content_type="multipart/form-data")
    assert response.status_code == 400
    refusal(response, 400)


def test_an_empty_optional_file_counts_as_none(client: FlaskClient) -> None:
    fields = {"mask": (io.BytesIO(b""), ""), "palette": "", "hints": "", "exemplar": ""}
    assert post(client, **fields).data == post(client).data


def test_ten_thousand_hints_fit(client: FlaskClient) -> None:
    hint = {"x": 11.25, "y": 12.75, "color": "#a03020", "radius": 123.456789}
    body = form(encoded(grey_picture()), hints=json.dumps([hint] * 10_000))
    assert client.post("/v1/colorize", data=body, content_type=FORM).status_code == 200
    body = form(encoded(grey_picture()), hints=json.dumps([hint] * 10_001))
    assert "10000" in refusal(client.post("/v1/colorize", data=body, content_type=FORM), 422)


def test_limits_come_from_the_config(make_client: Callable[..., FlaskClient]) -> None:
    client = make_client(max_bytes=2000)
    detail = refusal(post(client, bytes(3000)), 413)
    assert "2,000" in detail
    assert post(client).status_code == 200


def test_too_long_a_text_is_refused(client: FlaskClient) -> None:
    body = form(encoded(grey_picture()), description="a" * 5_000_000)
    detail = refusal(client.post("/v1/colorize", data=body, content_type=FORM), 413)
    assert "4,194,304" in detail


def test_unknown_paths_and_methods(client: FlaskClient) -> None:
    assert "/v1/colourise" in refusal(client.get("/v1/colourise"), 404)
    response = client.get("/v1/colorize")
    assert "POST" in refusal(response, 405)
    assert "POST" in response.headers["Allow"]
