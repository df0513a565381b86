"""Strangers at the socket: refused by their headers, bounded, and never in others' way."""

from __future__ import annotations

import json
import socket
import time
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest

from plugin_server.config import Config
from plugin_server.http import connections
from plugin_server.http.connections import Bodies, Channel, Crowd, channel_class
from plugin_server.service import Service
from tests.plugin_server.http.test_serving import post
from tests.support.fakes import FakeClip, FakeColorizer
from tests.support.forms import FORM, form
from tests.support.pictures import encoded, grey_picture
from tests.support.running_server import running

HEAD = "POST /v1/colorize HTTP/1.1\r\nHost: {host}\r\nContent-Type: " + FORM + "\r\n{more}\r\n"


def service() -> Service:
    return Service(FakeColorizer(), FakeClip())


def ask(port: int, head: str, body: bytes = b"") -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(head.encode() + body)
        return connection.makefile("rb").read()


@pytest.mark.parametrize(
    ("host", "more", "status"),
    [
        ("evil.example", "", 421),
        ("localhost", "Origin: http://evil.example\r\n", 403),
        ("localhost", "Sec-Fetch-Site: cross-site\r\n", 403),
    ],
)
@pytest.mark.parametrize(
    "length", ["Content-Length: 400000000\r\nExpect: 100-continue\r\n",
               "Transfer-Encoding: chunked\r\n", "Content-Length: 400000000\r\n"],
)  # fmt: skip
def test_strangers_are_refused_before_their_body_is_sent(
    host: str, more: str, status: int, length: str
) -> None:
    with running(service(), Config(port=0)) as port:
        answer = ask(port, HEAD.format(host=host, more=more + length))
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"100 Continue" not in answer
    assert b"nosniff" in answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == status


def test_without_the_token_nothing_is_taken_in() -> None:
    with running(service(), Config(port=0, token="a-token")) as port:
        answer = ask(port, HEAD.format(host="x", more="Content-Length: 400000000\r\n"))
        assert answer.startswith(b"HTTP/1.1 401 ")
        assert b"www-authenticate: bearer" in answer.lower()
        # One who sends everything first hears the same afterwards.
        status, body, kind = post(port, form(bytes(3_000_000)))
    assert (status, kind) == (401, "application/problem+json")
    assert "token" in json.loads(body)["detail"]


def parser(config: Config) -> Any:
    made = channel_class(config, 10).parser_class
    adj = SimpleNamespace(
        max_request_header_size=10_000, max_request_body_size=1 << 30, inbuf_overflow=1 << 30,
        url_scheme="http",
    )  # fmt: skip
    return made(adj)


def head(host: str, length: int) -> bytes:
    return HEAD.format(host=host, more=f"Content-Length: {length}\r\n").encode()


def test_a_refused_body_is_thrown_away_as_it_comes() -> None:
    stranger = parser(Config())
    assert stranger.received(head("evil.example", 50_000_000)) > 0
    assert not stranger.completed
    for _ in range(50):
        assert stranger.received(bytes(1_000_000)) == 1_000_000
        assert stranger.held == 0
    assert stranger.completed
    assert stranger.refusal.status == 421


def test_all_bodies_share_one_bound_and_give_it_back() -> None:
    config = Config(max_bytes=1_000_000)
    kind = channel_class(config, 10).parser_class
    adj = parser(config).adj
    held = [kind(adj) for _ in range(3)]
    for one in held:
        one.received(head("localhost", 900_000))
        one.received(bytes(800_000))
    assert [one.refusal is None for one in held] == [True, True, False]
    assert held[2].refusal.status == 429
    held[0].close()
    held[0].close()  # twice counts once
    again = kind(adj)
    again.received(head("localhost", 900_000))
    assert again.received(bytes(900_000)) == 900_000
    assert again.refusal is None


def test_bodies_add_up() -> None:
    bodies = Bodies(100)
    assert bodies.take(60)
    assert not bodies.take(41)
    assert bodies.take(40)
    bodies.give_back(100)
    assert bodies.take(100)


def test_half_a_head_a_hundred_times_keeps_nobody_out() -> None:
    body = form(encoded(grey_picture()))
    with running(service(), Config(port=0)) as port, ExitStack() as open_ones:
        for _ in range(230):
            connection = socket.create_connection(("127.0.0.1", port), timeout=20)
            open_ones.enter_context(connection)
            connection.sendall(b"POST /v1/colorize HTTP/1.1\r\nHost: localhost\r\nX-")
        started = time.monotonic()
        assert post(port, body)[0] == 200
        assert time.monotonic() - started < 15


class Someone:
    """A connection as the crowd sees it."""

    def __init__(
        self, address: str, since: float, *, waits: bool = True, body: bool = False
    ) -> None:
        self.address, self.since = address, since
        self.keeps_waiting, self.is_in_body, self.will_close = waits, body, False


def test_who_has_kept_the_server_waiting_the_longest_goes() -> None:
    crowd = Crowd(8)
    busy = Someone("a", 0.0, waits=False)
    sending, oldest = Someone("a", 1.0, body=True), Someone("a", 2.0)
    others = [Someone("b", 0.5), Someone("a", 3.0), Someone("a", 4.0)]
    there: Any = [busy, sending, *others, oldest]
    crowd.admit(there, "b")
    assert not any(one.will_close for one in there)
    crowd.admit(there, "a")
    assert [one for one in there if one.will_close] == [oldest]


def test_beyond_the_limit_the_one_who_has_most_gives_way() -> None:
    crowd = Crowd(4)
    there: Any = [Someone("a", float(n)) for n in range(3)] + [Someone("b", -1.0), Someone("c", 9)]
    crowd.admit(there, "c")
    assert [one.since for one in there if one.will_close] == [0.0]


def late(since: float, **request: object) -> bool:
    channel = Channel.__new__(Channel)
    channel.since, channel._is_silent = 0.0, not request
    channel.request = SimpleNamespace(**request) if request else None
    return channel.is_late(since)


def test_slowness_has_bounds() -> None:
    assert not late(connections.SILENT_SECONDS - 1)
    assert late(connections.SILENT_SECONDS + 1)
    assert not late(connections.HEAD_SECONDS - 1, headers_finished=False)
    assert late(connections.HEAD_SECONDS + 1, headers_finished=False)
    pace, begin = connections.BODY_PACE, connections.BODY_SECONDS
    assert not late(begin + 10, headers_finished=True, body_bytes_received=10 * pace)
    assert late(begin + 10, headers_finished=True, body_bytes_received=10 * pace - 1)
