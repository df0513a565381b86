"""One GIMP on a screen for all tests that want one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.gimp_screen import Screen, found, on_screen
from tests.support.real_gimp import Command, find_command, find_newer


@pytest.fixture(
    scope="session",
    params=[pytest.param(find_command, id="3.0"), pytest.param(find_newer, id="3.2")],
)
def command(request: pytest.FixtureRequest) -> Command:
    """Return each GIMP in turn."""
    return found(request.param)


@pytest.fixture(scope="session")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screen]:
    """Return GIMP 3.0 on a screen."""
    with on_screen(found(find_command), tmp_path_factory.mktemp("gimp")) as started:
        yield started


@pytest.fixture
def before(screen: Screen) -> Iterator[dict[str, Any]]:
    """Open a new gray image; return its state."""
    with screen.new_image() as opened:
        yield opened
