"""The source archive, and the wheel that is built from it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.support.environments import run
from tests.support.repository import ROOT

PACKAGES = ("models", "retrieval", "plugin_server", "gimp_plugin")
NOT_SOURCE = shutil.ignore_patterns("__pycache__", "*.pyc")


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build both from a copy, so that no build folder is left in the source tree."""
    source = tmp_path_factory.mktemp("source")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=NOT_SOURCE)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    run(sys.executable, "-m", "build", "--no-isolation", source, cwd=source)
    return source / "dist"


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    """Return the wheel, which was built from the source archive alone."""
    (built,) = dist.glob("photochrom-*.whl")
    return built
