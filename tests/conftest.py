"""Pictures and a server with fake models, for all tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings

from plugin_server.config import Config
from plugin_server.service import Service
from tests.support.apps import lent_apps
from tests.support.fakes import FakeClip, FakeColorizer

# How fast an input is made says how busy the machine is.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


@pytest.fixture
def service() -> Service:
    """Return a service with fake models."""
    return Service(FakeColorizer(), FakeClip())


@pytest.fixture
def app_of() -> Iterator[Callable[[Config, Service], Flask]]:
    """Return a function that gives the app of a config and a service."""
    with lent_apps() as lend:
        yield lend


@pytest.fixture
def client(service: Service, app_of: Callable[[Config, Service], Flask]) -> FlaskClient:
    """Return a client of an app with fake models and the default config."""
    return app_of(Config(), service).test_client()


@pytest.fixture
def make_client(app_of: Callable[[Config, Service], Flask]) -> Callable[..., FlaskClient]:
    """Return a function that makes a client of an app with other settings or models."""

    def make(service: Service | None = None, **settings: object) -> FlaskClient:
        config = Config(**settings)  # type: ignore[arg-type]
        return app_of(config, service or Service(FakeColorizer(), FakeClip())).test_client()

    return make
