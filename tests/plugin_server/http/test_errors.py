"""What errors become over HTTP, and who is let in."""

from __future__ import annotations

import hashlib
import hmac
import io
import logging
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from models.guidance.condition import NoMatcher
from plugin_server.app import create_app
from plugin_server.config import Config
from plugin_server.errors import RemoteProblem, is_out_of_memory
from plugin_server.http.access import SECURITY_HEADERS
from plugin_server.service import Service
from tests.support.fakes import FailingColorizer, FakeClip, HeldColorizer
from tests.support.pictures import encoded, grey_picture

MakeClient = Callable[..., FlaskClient]


def post(client: FlaskClient) -> TestResponse:
    return client.post(
        "/v1/colorize", data={"image": (io.BytesIO(encoded(grey_picture())), "photo.png")}
    )


def failing(error: Exception) -> FlaskClient:
    return create_app(Config(), Service(FailingColorizer(error), FakeClip())).test_client()


def test_our_own_fault_is_logged_and_not_explained(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "photochrom"):
        response = post(failing(RuntimeError("secret path /home/me")))
    assert response.status_code == 500
    assert response.content_type == "application/problem+json"
    problem = response.get_json(force=True)
    assert problem["title"] == "Internal Server Error"
    assert problem["type"] == "about:blank"
    assert "secret" not in response.text
    assert "secret path" in caplog.text


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: not enough memory"),
    ],
)
def test_out_of_memory_is_said(error: Exception) -> None:
    response = post(failing(error))
    assert response.status_code == 503
    assert "memory" in response.get_json(force=True)["detail"]
    assert response.headers["Retry-After"]


def test_out_of_memory_of_opencv_is_known() -> None:
    import cv2

    assert is_out_of_memory(cv2.error("(-4:Insufficient memory) Failed to allocate 99 bytes"))
    assert not is_out_of_memory(cv2.error("(-215:Assertion failed) !_src.empty()"))
    assert not is_out_of_memory(ValueError("a photo of a memory"))


def test_weights_that_take_no_references_say_so() -> None:
    response = post(failing(NoMatcher("train a matcher first")))
    assert response.status_code == 501
    assert response.get_json(force=True)["detail"] == "train a matcher first"


def test_too_many_waiting_requests_are_refused_and_health_still_answers() -> None:
    import threading

    colorizer = HeldColorizer()
    service = Service(colorizer, FakeClip(), workers=1, waiting=0)
    app = create_app(Config(), service)
    answers: list[int] = []
    first = threading.Thread(target=lambda: answers.append(post(app.test_client()).status_code))
    first.start()
    assert colorizer.arrived.acquire(timeout=10)
    refused = post(app.test_client())
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) >= 1
    assert "try again" in refused.get_json(force=True)["detail"]
    assert app.test_client().get("/v1/health").status_code == 200
    colorizer.release.set()
    first.join(timeout=10)
    assert answers == [200]
    assert post(app.test_client()).status_code == 200


@pytest.mark.parametrize("path", ["/", "/v1/health", "/v1/nothing", "/v1/jobs/1", "/web/page.js"])
def test_every_answer_is_hardened(client: FlaskClient, path: str) -> None:
    with client.get(path) as response:
        for name in SECURITY_HEADERS:
            assert name in response.headers
        assert "unsafe" not in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "header", [None, "Bearer", "Bearer wrong", "Basic secret-1", "secret-1", "Bearer grün"]
)
@pytest.mark.parametrize("path", ["/v1/health", "/v1/colorize", "/v1/openapi.json", "/v1/nothing"])
def test_a_token_is_required(make_client: MakeClient, path: str, header: str | None) -> None:
    client = make_client(token="secret-1")
    headers = {} if header is None else {"Authorization": header.encode().decode("latin-1")}
    response = client.get(path, headers=headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.content_type == "application/problem+json"
    assert "secret-1" not in response.text


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_the_token_opens_the_api_and_the_page_needs_none(
    make_client: MakeClient, scheme: str
) -> None:
    client = make_client(token="secret-1")
    headers = {"Authorization": f"{scheme} secret-1"}
    assert client.get("/v1/health", headers=headers).status_code == 200
    with client.get("/") as page:
        assert page.status_code == 200


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:18890", "127.0.0.1:18890", "[::1]:18890", "LOCALHOST"],
)
def test_names_of_this_machine_are_answered(client: FlaskClient, host: str) -> None:
    assert client.get("/v1/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:18890", "127.0.0.1.evil.example"])
def test_names_that_dns_could_point_here_are_refused(
    client: FlaskClient, make_client: MakeClient, host: str
) -> None:
    response = client.get("/v1/health", headers={"Host": host})
    assert response.status_code == 421
    assert response.content_type == "application/problem+json"
    with_token = make_client(token="secret-1")
    headers = {"Host": host, "Authorization": "Bearer secret-1"}
    assert with_token.get("/v1/health", headers=headers).status_code == 200


@pytest.mark.parametrize("origin", ["http://localhost:18890", "http://127.0.0.1", "http://[::1]:1"])
def test_pages_of_this_machine_may_use_the_server(client: FlaskClient, origin: str) -> None:
    assert client.get("/v1/health", headers={"Origin": origin}).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://[::1", ""])
def test_pages_from_elsewhere_may_not(client: FlaskClient, origin: str) -> None:
    response = client.get("/v1/health", headers={"Origin": origin})
    assert response.status_code == 403
    assert "Access-Control-Allow-Origin" not in response.headers


def test_what_a_foreign_page_embeds_is_refused(client: FlaskClient) -> None:
    response = client.get("/v1/health", headers={"Sec-Fetch-Site": "cross-site"})
    assert response.status_code == 403
    for site in ("same-origin", "none"):
        headers = {"Sec-Fetch-Site": site}
        assert client.get("/v1/health", headers=headers).status_code == 200
    with client.get("/", headers={"Sec-Fetch-Site": "cross-site"}) as page:
        assert page.status_code == 200, "a link may lead here"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/colorize"),
        ("POST", "/v1/jobs"),
        ("DELETE", "/v1/jobs/1"),
        ("POST", "/v1/images"),
        ("POST", "/v1/exemplars"),
        ("DELETE", "/v1/exemplars/1"),
    ],
)
def test_a_foreign_page_changes_nothing(client: FlaskClient, method: str, path: str) -> None:
    """What a simple form of another site can send is refused before it is read."""
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        response = client.open(path, method=method, data={"a": "b"}, headers=headers)
        assert response.status_code in (403, 421)


@pytest.mark.parametrize("status", [200, 204, 301, 302, 304, 399, 499, 600, -1, 2**70])
def test_another_machine_can_only_refuse(status: int) -> None:
    headers = {"Set-Cookie": "a=b", "Location": "http://evil.example/", "Content-Type": "text/html"}
    response = post(failing(RemoteProblem("<script>", status=status, headers=headers)))
    assert response.status_code == 502
    assert response.content_type == "application/problem+json"
    assert "Location" not in response.headers
    assert "Set-Cookie" not in response.headers


def test_another_machine_may_say_when_to_come_again() -> None:
    for later, kept in (("7", "7"), ("7\r\nX: y", None), ("٣", None), ("soon", None)):
        error = RemoteProblem("later", status=503, headers={"Retry-After": later})
        assert post(failing(error)).headers.get("Retry-After") == kept


NONCE = "n" * 22


def test_a_server_proves_that_it_knows_the_token(make_client: MakeClient) -> None:
    client = make_client(token="a-long-token")
    refused = client.get("/v1/health", headers={"Photochrom-Nonce": NONCE})
    message = b"photochrom proof 1\n" + NONCE.encode()
    wanted = hmac.new(b"a-long-token", message, hashlib.sha256).hexdigest()
    assert refused.status_code == 401
    assert refused.headers["Photochrom-Proof"] == wanted
    let_in = client.get(
        "/v1/health",
        headers={"Photochrom-Nonce": NONCE, "Authorization": "Bearer a-long-token"},
    )
    assert (let_in.status_code, let_in.headers["Photochrom-Proof"]) == (200, wanted)


@pytest.mark.parametrize(
    ("path", "nonce"),
    [("/v1/health", ""), ("/v1/health", "short"), ("/v1/health", "n" * 129),
     ("/v1/health", "é" * 22), ("/v1/exemplars", NONCE)],
)  # fmt: skip
def test_nothing_else_is_proven(make_client: MakeClient, path: str, nonce: str) -> None:
    client = make_client(token="a-long-token")
    response = client.get(path, headers={"Photochrom-Nonce": nonce})
    assert "Photochrom-Proof" not in response.headers


def test_a_server_without_a_token_proves_nothing(client: FlaskClient) -> None:
    response = client.get("/v1/health", headers={"Photochrom-Nonce": NONCE})
    assert "Photochrom-Proof" not in response.headers
