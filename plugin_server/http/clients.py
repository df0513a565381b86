"""Who a request comes from, and whether somebody still waits for its answer."""

from __future__ import annotations

from collections.abc import Callable

from flask import Request

from plugin_server.jobs.fair_queue import Client

LONGEST = 200


def client_of(request: Request) -> Client:
    """Tell clients apart: by their machine, and on it by the program that they say they are."""
    program = request.headers.get("User-Agent", "")[:LONGEST]
    return Client(request.remote_addr or "", program)


def is_disconnected(request: Request) -> Callable[[], bool]:
    """Make a function that tells whether the client hung up; waitress knows."""
    disconnected = request.environ.get("waitress.client_disconnected")
    return disconnected if callable(disconnected) else lambda: False
