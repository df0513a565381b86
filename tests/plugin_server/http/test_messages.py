"""What an answer that was made on another machine can make this server say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from plugin_server.config import IN_MEMORY
from plugin_server.engine.requests import Answer
from plugin_server.errors import RemoteProblem
from plugin_server.http.messages import BODY_TYPES, picture_response, respond


@pytest.fixture(autouse=True)
def request_in_hand() -> Iterator[None]:
    with Flask("test").test_request_context():
        yield


@pytest.mark.parametrize(
    "media_type",
    ["text/html", "TEXT/HTML; charset=utf-8", "image/svg+xml", "application/javascript", "",
     "application/xhtml+xml", "image/png; charset=x", "image/png\r\nSet-Cookie: a=b"],
)  # fmt: skip
def test_no_page_and_no_script_is_answered(media_type: str) -> None:
    with pytest.raises(RemoteProblem) as refused:
        respond(Answer(b"<script>alert(1)</script>", media_type))
    assert refused.value.status == 502


def test_pictures_and_json_are_answered() -> None:
    for media_type in BODY_TYPES:
        response = respond(Answer(b"a", media_type))
        assert response.content_type == media_type
        assert response.content_length == 1
        assert b"".join(response.iter_encoded()) == b"a"


def test_an_answer_is_sent_from_where_it_lies_but_not_the_largest() -> None:
    assert respond(Answer(bytes(1000), "image/png")).direct_passthrough
    assert not respond(Answer(bytes(IN_MEMORY + 1), "image/png")).direct_passthrough


def test_no_header_is_made_of_what_a_worker_says() -> None:
    answer = Answer(
        b"a", "image/png", ("a\r\nSet-Cookie: a=b",),
        {"decode": 0.001, "a\r\nSet-Cookie: a=b": 1.0}, "id\r\nSet-Cookie: a=b",
    )  # fmt: skip
    headers = picture_response(answer).headers
    assert "Set-Cookie" not in headers
    assert headers["Server-Timing"] == "decode;dur=1.0"
    assert "\n" not in headers["Photochrom-Notice"]
    assert "Photochrom-Exemplar" not in headers
    named = picture_response(Answer(b"a", "image/png", exemplar="Ab_-1; score=0.83"))
    assert named.headers["Photochrom-Exemplar"] == "Ab_-1; score=0.83"
