"""A real server in a thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from plugin_server.app import create_app
from plugin_server.config import Config
from plugin_server.http import serving
from plugin_server.service import Service


@contextmanager
def running(service: Service, config: Config) -> Iterator[int]:
    """Serve in a thread; give the port."""
    bound = serving.reserve(config)
    server = serving.Server(create_app(config, service), config, bound)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield bound.getsockname()[1]
    finally:
        server.stop()
        thread.join(timeout=30)
        bound.close()
        assert not thread.is_alive()
