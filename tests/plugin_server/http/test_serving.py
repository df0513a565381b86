"""The real HTTP server on a real socket."""

from __future__ import annotations

import json
import socket
import threading
import urllib.request
from collections.abc import Iterator
from http.client import HTTPConnection

import numpy as np
import pytest

from plugin_server.config import Config
from plugin_server.http import serving
from plugin_server.service import Service
from tests.support.fakes import FakeClip, FakeColorizer, HeldColorizer
from tests.support.forms import FORM, form
from tests.support.pictures import decoded, encoded, grey_picture
from tests.support.running_server import running


def post(port: int, body: bytes) -> tuple[int, bytes, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("POST", "/v1/colorize", body, {"Content-Type": FORM})
        response = connection.getresponse()
        return response.status, response.read(), response.headers["Content-Type"]
    finally:
        connection.close()


@pytest.fixture
def port() -> Iterator[int]:
    with running(Service(FakeColorizer(), FakeClip()), Config(port=0)) as number:
        yield number


def test_health_over_a_socket(port: int) -> None:
    with urllib.request.urlopen(f"http://localhost:{port}/v1/health", timeout=10) as response:
        assert json.load(response)["status"] == "ok"
        assert response.headers["Server"] == "photochrom"


def test_colorize_over_a_socket(port: int) -> None:
    status, body, content_type = post(port, form(encoded(grey_picture()), description="a red tram"))
    assert (status, content_type) == (200, "image/png")
    assert decoded(body).shape == (24, 32, 3)


def test_a_layer_of_some_megabytes_passes_unchanged(port: int) -> None:
    grey = np.random.default_rng(0).integers(0, 256, (1200, 1600), np.uint8)
    image = encoded(grey, "npy")
    status, body, _ = post(port, form(image, saturation="0", strength="0"))
    assert status == 200
    np.testing.assert_array_equal(decoded(body), np.dstack([grey] * 3))


def test_health_answers_while_photos_are_coloured() -> None:
    colorizer = HeldColorizer()
    config = Config(port=0, workers=1, waiting=2)
    service = Service(colorizer, FakeClip(), workers=1, waiting=2)
    answers: list[int] = []
    with running(service, config) as port:
        body = form(encoded(grey_picture()))
        threads = [
            threading.Thread(target=lambda: answers.append(post(port, body)[0])) for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        assert colorizer.arrived.acquire(timeout=10)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/health", timeout=10) as response:
            assert response.status == 200
        colorizer.release.set()
        for thread in threads:
            thread.join(timeout=10)
    assert answers == [200, 200, 200]


def test_a_request_over_the_limit_is_a_problem_with_both_sizes() -> None:
    config = Config(port=0, max_bytes=10_000)
    with running(Service(FakeColorizer(), FakeClip()), config) as port:
        status, body, content_type = post(port, form(bytes(15_000)))
        assert (status, content_type) == (413, "application/problem+json")
        assert "10,000" in json.loads(body)["detail"]
        assert post(port, form(encoded(grey_picture())))[0] == 200


def test_a_body_far_too_large_is_refused_before_it_is_read() -> None:
    config = Config(port=0, max_bytes=10_000)
    with running(Service(FakeColorizer(), FakeClip()), config) as port:
        head = "POST /v1/colorize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999\r\n\r\n"
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(head.encode())
            answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"application/problem+json" in answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == 413


def test_a_malformed_request_is_a_problem(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nContent-Length: many\r\n\r\n")
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 400")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["title"] == "Bad Request"


def test_a_client_that_hangs_up_harms_nobody(port: int) -> None:
    body = form(encoded(grey_picture()))
    head = (
        f"POST /v1/colorize HTTP/1.1\r\nHost: localhost\r\nContent-Type: {FORM}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    for sent in (body[:50], body):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(head.encode() + sent)
    assert post(port, body)[0] == 200


def test_a_reserved_port_refuses_connections_until_it_opens() -> None:
    config = Config(port=0)
    with serving.reserve(config) as bound:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(bound.getsockname()[:2], timeout=5)
        taken = Config(port=bound.getsockname()[1])
        bound.listen()
        with pytest.raises(serving.PortError, match=str(taken.port)):
            serving.reserve(taken)


def test_localhost_is_where_everybody_looks_first() -> None:
    with serving.reserve(Config(host="localhost", port=0)) as bound:
        assert serving.address_of(bound).startswith("http://127.0.0.1:")


def test_a_host_that_is_not_of_this_machine_is_refused() -> None:
    with pytest.raises(serving.PortError, match=r"192\.0\.2\.1"):
        serving.reserve(Config(host="192.0.2.1", port=0, token="abc"))
