"""Fresh environments of every Python at hand, and programs run in them."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

OWN = f"3.{sys.version_info.minor}"
OLDEST, NEWEST = 11, 19  # minor versions that are looked for


class NotCached(Exception):
    """uv or packages for another Python are not on this machine."""


def pythons() -> dict[str, Path]:
    """Find a Python of every minor version: this one, those on PATH, pyenv's and uv's own."""
    found = {OWN: Path(sys.executable)}
    home = Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT") or home / ".pyenv") / "versions"
    uvs = home / ".local" / "share" / "uv" / "python"
    for minor in range(OLDEST, NEWEST + 1):
        name = f"python3.{minor}"
        on_path = shutil.which(name)
        built = [
            *pyenv.glob(f"3.{minor}.*/bin/{name}"),
            *uvs.glob(f"cpython-3.{minor}.*/bin/{name}"),
        ]
        if on_path and "shims" not in Path(on_path).parts:  # pyenv's answer for what is not chosen
            built.append(Path(on_path))
        if built:
            found.setdefault(f"3.{minor}", built[0])
    return found


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command that must succeed and return what it wrote to stdout."""
    environment = {**os.environ, "PYTHONNOUSERSITE": "1", "HOME": str(cwd)}
    for name in ("PYTHONPATH", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        environment.pop(name, None)
    done = _call(*command, cwd=cwd, environment=environment)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def program(environment: Path, name: str) -> Path:
    """Return the path of a program of an environment."""
    scripts = sysconfig.get_path("scripts", vars={"base": str(environment)})
    return Path(scripts) / (name + sysconfig.get_config_var("EXE"))


def install_beside(wheel: Path, folder: Path) -> None:
    """Install a wheel into a fresh environment that takes all else from the one of the tests.

    A .pth file names its site-packages. A folder named there is only searched, its own .pth files
    (an editable install) do not count.
    """
    venv.create(folder, symlinks=os.name != "nt")
    paths = sysconfig.get_paths(vars={"base": str(folder), "platbase": str(folder)})
    run(
        *(sys.executable, "-m", "pip", "--python", program(folder, "python")),
        *("install", "--quiet", "--no-deps", "--no-index", wheel),
        cwd=folder,
    )
    (Path(paths["purelib"]) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")


def install_with_uv(wheel: Path, folder: Path, python: Path) -> None:
    """Install a wheel and what it needs into a fresh environment, out of uv's cache.

    With ``UV_OFFLINE=0`` in the environment uv fetches what the cache lacks.

    Raises:
        NotCached: it cannot be had.
    """
    if importlib.util.find_spec("uv") is None:
        raise NotCached("uv is not installed")
    environment = {"UV_OFFLINE": "1", "UV_PYTHON_DOWNLOADS": "never", **os.environ}
    for words in (
        ("venv", "--quiet", "--python", python, folder),
        ("pip", "install", "--quiet", "--python", program(folder, "python"), wheel),
    ):
        done = _call(sys.executable, "-m", "uv", *words, cwd=wheel.parent, environment=environment)
        if done.returncode:
            reason = re.sub(r"[\s│╰─▶×]+", " ", done.stderr).strip()
            raise NotCached(f"{reason[-300:]} (make release fetches it)")


def _call(
    *command: str | Path, cwd: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=1200,
    )
