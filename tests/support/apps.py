"""Apps for tests, built once for each config and lent to one test at a time.

To build one takes longer than most requests do: every route is compiled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from flask import Flask

from plugin_server.app import create_app
from plugin_server.config import Config
from plugin_server.service import Service


class LentService:
    """Stands in an app for the service of the test that has the app now."""

    def __init__(self) -> None:
        self.of: list[Service] = []  # one, or none while nobody has the app

    def __getattr__(self, name: str) -> Any:
        """Give what the service has."""
        return getattr(self.of[0], name)


_idle: dict[Config, list[tuple[Flask, LentService]]] = defaultdict(list)


@contextmanager
def lent_apps() -> Iterator[Callable[[Config, Service], Flask]]:
    """Give a function that makes an app of a config and a service, for use inside the block."""
    lent: list[tuple[Config, Flask, LentService]] = []

    def lend(config: Config, service: Service) -> Flask:
        app, place = _idle[config].pop() if _idle[config] else (None, LentService())
        place.of.append(service)
        if app is None:
            app = create_app(config, cast("Service", place))
        lent.append((config, app, place))
        return app

    try:
        yield lend
    finally:
        for config, app, place in lent:
            place.of.clear()  # a test's photos go with it
            _idle[config].append((app, place))
