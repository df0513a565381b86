"""The wheel in fresh environments of every Python at hand, away from the source tree.

For the Python of the tests all else comes from its own environment, for others out of uv's cache,
which `make release` fills.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

from tests.release.conftest import PACKAGES
from tests.support.environments import (
    OWN,
    NotCached,
    install_beside,
    install_with_uv,
    program,
    pythons,
    run,
)

pytestmark = [pytest.mark.slow, pytest.mark.release]

PYTHONS = pythons()
# The command line, in a process that ends at once where anything reaches for the network.
WITHOUT_NETWORK = """
import os, sys
def refuse(event, args):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.sendto"}:
        sys.stderr.write(f"network: {event} {args}\\n")
        os._exit(9)
sys.addaudithook(refuse)
from plugin_server.cli import main
main()
"""


@pytest.fixture(scope="module", params=sorted(PYTHONS))
def installation(
    request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """Return the folder of a fresh environment that has the wheel."""
    folder = tmp_path_factory.mktemp("environment") / request.param
    try:
        if request.param == OWN:
            install_beside(wheel, folder)
        else:
            install_with_uv(wheel, folder, PYTHONS[request.param])
    except NotCached as problem:
        pytest.skip(f"Python {request.param}: {problem}")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that holds one grey photo, `photo.png`, and no source code."""
    folder = tmp_path_factory.mktemp("elsewhere")
    grey = cv2.cvtColor(skimage.data.chelsea(), cv2.COLOR_RGB2GRAY)
    assert cv2.imwrite(str(folder / "photo.png"), grey)
    return folder


@pytest.mark.parametrize("version", sorted(PYTHONS))
def test_every_module_is_valid_there(version: str, wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    run(PYTHONS[version], "-W", "error", "-m", "compileall", "-q", tmp_path, cwd=tmp_path)


def test_installed_package_is_the_one_that_runs(installation: Path, elsewhere: Path) -> None:
    names = ", ".join(PACKAGES)
    code = f"import {names}\nfor p in ({names}): print(p.__file__)"
    files = run(program(installation, "python"), "-c", code, cwd=elsewhere).split()
    assert len(files) == len(PACKAGES)
    for file in files:
        assert Path(file).resolve().is_relative_to(installation.resolve())


def test_doctor_finds_nothing_wrong(installation: Path, elsewhere: Path) -> None:
    report = run(program(installation, "photochrom"), "doctor", cwd=elsewhere)
    print(report)
    assert installation.name in report
    assert "Everything needed is there." in report


def test_a_photo_is_coloured_without_a_network(installation: Path, elsewhere: Path) -> None:
    name = f"coloured-{installation.name}.png"
    run(
        *(program(installation, "python"), "-c", WITHOUT_NETWORK),
        *("colorize", "photo.png", "-d", "a brown cat with green eyes", "-o", name),
        cwd=elsewhere,
    )
    coloured = cv2.imread(str(elsewhere / name), cv2.IMREAD_UNCHANGED)
    assert coloured.shape == (*skimage.data.chelsea().shape[:2], 3)
    chroma = coloured.max(axis=2).astype(int) - coloured.min(axis=2)
    assert np.mean(chroma) > 5, "the photo came back grey"


def test_a_reach_for_the_network_is_noticed(installation: Path, elsewhere: Path) -> None:
    reach = WITHOUT_NETWORK.replace(
        "from plugin_server.cli import main", "import socket; socket.create_connection(('::1', 9))"
    )
    with pytest.raises(AssertionError, match=r"network: socket\."):
        run(program(installation, "python"), "-c", reach, cwd=elsewhere)
