"""The wheel: what it holds, and that it works installed, away from the source tree."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("models", "retrieval", "plugin_server", "gimp_plugin")
NOT_SOURCE = shutil.ignore_patterns("__pycache__", "*.pyc")
DATA_FOLDERS = (
    "models/evaluation/pages",
    "models/weights",
    "plugin_server/web",
)
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


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command that must succeed and return what it wrote to stdout."""
    environment = {**os.environ, "PYTHONNOUSERSITE": "1"}
    for name in ("PYTHONPATH", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        environment.pop(name, None)
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy, so that no build folder is left in the source tree."""
    source = tmp_path_factory.mktemp("source")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=NOT_SOURCE)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    dist = source / "dist"
    run(
        *(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", dist, source),
        cwd=source,
    )
    (built,) = dist.glob("photochrom-*.whl")
    return built


@pytest.fixture(scope="module")
def installation(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel, not editable, into a fresh environment; return its folder.

    The dependencies are this environment's: a .pth file with its site-packages. A folder
    named there is only searched, its own .pth files (an editable install) do not count.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=os.name != "nt")
    paths = sysconfig.get_paths(vars={"base": str(folder), "platbase": str(folder)})
    run(
        *(sys.executable, "-m", "pip", "--python", program(folder, "python")),
        *("install", "--quiet", "--no-deps", "--no-index", wheel),
        cwd=folder,
    )
    (Path(paths["purelib"]) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that holds one grey photo, `photo.png`, and no source code."""
    folder = tmp_path_factory.mktemp("elsewhere")
    grey = cv2.cvtColor(skimage.data.chelsea(), cv2.COLOR_RGB2GRAY)
    assert cv2.imwrite(str(folder / "photo.png"), grey)
    return folder


def program(environment: Path, name: str) -> Path:
    """Return the path of a program of an environment."""
    scripts = sysconfig.get_path("scripts", vars={"base": str(environment)})
    return Path(scripts) / (name + sysconfig.get_config_var("EXE"))


def test_wheel_holds_every_module_and_data_file(wheel: Path) -> None:
    sources = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    typed = [ROOT / package / "py.typed" for package in PACKAGES]
    data = [file for folder in DATA_FOLDERS for file in (ROOT / folder).rglob("*")]
    expected = {
        file.relative_to(ROOT).as_posix()
        for file in [*sources, *typed, *data]
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert {Path(name).suffix for name in expected} >= {".py", ".safetensors", ".json"}
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == expected


def test_wheel_carries_its_licence(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_installed_package_is_the_one_that_runs(installation: Path, elsewhere: Path) -> None:
    names = ", ".join(PACKAGES)
    code = f"import {names}\nfor p in ({names}): print(p.__file__)"
    files = run(program(installation, "python"), "-c", code, cwd=elsewhere).split()
    assert len(files) == len(PACKAGES)
    for file in files:
        assert Path(file).resolve().is_relative_to(installation.resolve())


def test_doctor_finds_nothing_wrong(installation: Path, elsewhere: Path) -> None:
    assert "photochrom" in run(program(installation, "photochrom"), "doctor", cwd=elsewhere).lower()


def test_a_photo_is_coloured_without_a_network(installation: Path, elsewhere: Path) -> None:
    run(
        *(program(installation, "python"), "-c", WITHOUT_NETWORK),
        *("colorize", "photo.png", "-d", "a brown cat with green eyes", "-o", "coloured.png"),
        cwd=elsewhere,
    )
    coloured = cv2.imread(str(elsewhere / "coloured.png"), cv2.IMREAD_UNCHANGED)
    assert coloured.shape == (*skimage.data.chelsea().shape[:2], 3)
    chroma = coloured.max(axis=2).astype(int) - coloured.min(axis=2)
    assert np.mean(chroma) > 5, "the photo came back grey"


def test_a_reach_for_the_network_is_noticed(installation: Path, elsewhere: Path) -> None:
    reach = WITHOUT_NETWORK.replace(
        "from plugin_server.cli import main", "import socket; socket.create_connection(('::1', 9))"
    )
    with pytest.raises(AssertionError, match=r"network: socket\."):
        run(program(installation, "python"), "-c", reach, cwd=elsewhere)
