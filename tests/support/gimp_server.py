"""A server with fake models for the GIMP tests, which notes every request it answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from flask import Response, request

from plugin_server.app import create_app
from plugin_server.config import Config
from plugin_server.http import serving
from plugin_server.service import Service


@dataclass
class Served:
    """Where the server is, and what it was asked: method, path and status."""

    address: str
    service: Service
    asked: list[tuple[str, str, int]] = field(default_factory=list)

    def count(self, method: str, path: str) -> int:
        """Count the requests to paths that begin so."""
        return sum(one == method and there.startswith(path) for one, there, _ in self.asked)


@contextmanager
def serving_fakes(service: Service, config: Config | None = None) -> Iterator[Served]:
    """Serve in a thread."""
    config = config or Config(port=0)
    bound = serving.reserve(config)
    app = create_app(config, service)
    served = Served(serving.address_of(bound), service)

    @app.after_request
    def note(response: Response) -> Response:
        served.asked.append((request.method, request.path, response.status_code))
        return response

    server = serving.Server(app, config, bound)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield served
    finally:
        server.stop()
        thread.join(timeout=10)
        bound.close()
        assert not thread.is_alive()
