"""Pictures and a server with fake models, for all tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from plugin_server.app import create_app
from plugin_server.config import Config
from plugin_server.service import Service
from tests.support.fakes import FakeClip, FakeColorizer


@pytest.fixture
def service() -> Service:
    """Return a service with fake models."""
    return Service(FakeColorizer(), FakeClip())


@pytest.fixture
def client(service: Service) -> FlaskClient:
    """Return a client of an app with fake models and the default config."""
    return create_app(Config(), service).test_client()


@pytest.fixture
def make_client() -> Callable[..., FlaskClient]:
    """Return a function that makes a client of an app with other settings or models."""

    def make(service: Service | None = None, **settings: object) -> FlaskClient:
        config = Config(**settings)  # type: ignore[arg-type]
        return create_app(config, service or Service(FakeColorizer(), FakeClip())).test_client()

    return make
