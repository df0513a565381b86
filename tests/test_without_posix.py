"""What people meet on Windows: the code without the modules that only POSIX has."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.repository import ROOT

BLOCK = """
import os, sys
for name in ("resource", "pwd", "grp", "termios", "syslog"):
    sys.modules[name] = None
for name in ("fork", "forkpty", "killpg", "setsid"):
    if hasattr(os, name):
        delattr(os, name)
"""
COMMANDS = """
from importlib import import_module
from plugin_server.cli import COMMANDS
for module, attribute, _ in COMMANDS.values():
    getattr(import_module(module), attribute)
import plugin_server.app, plugin_server.service, plugin_server.http.serving
print("imported")
"""
COLORIZE = """
from plugin_server.cli import main
main(["colorize", *sys.argv[1:]])
"""


def without_posix(program: str, *words: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", BLOCK + program, *words],
        capture_output=True, text=True, encoding="utf-8", cwd=ROOT, timeout=280, check=False,
        env={"PATH": "", "HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1",
             "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


POSIX = {"fcntl", "resource", "pwd", "grp", "termios", "syslog"}
FILES = [
    path
    for package in ("models", "retrieval", "plugin_server", "gimp_plugin")
    for path in sorted((ROOT / package).rglob("*.py"))
]


def is_guarded(ancestors: list[ast.AST]) -> bool:
    """Tell whether an import is tried, or made after the system was looked at."""
    return any(
        isinstance(node, ast.Try | ast.With)
        or (isinstance(node, ast.If | ast.FunctionDef) and "platform" in ast.unparse(node))
        or (isinstance(node, ast.If | ast.FunctionDef) and "os.name" in ast.unparse(node))
        for node in ancestors
    )


def unguarded(tree: ast.AST, ancestors: tuple[ast.AST, ...] = ()) -> list[int]:
    found = []
    for node in ast.iter_child_nodes(tree):
        names = {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
        if isinstance(node, ast.ImportFrom):
            names = {node.module or ""}
        if names & POSIX and not is_guarded([*ancestors, tree]):
            found.append(node.lineno)
        found += unguarded(node, (*ancestors, tree))
    return found


def test_modules_of_posix_are_imported_where_there_is_one() -> None:
    found = {
        str(path.relative_to(ROOT)): lines
        for path in FILES
        if (lines := unguarded(ast.parse(path.read_text("utf-8"))))
    }
    assert found == {}


def test_an_unguarded_import_is_found() -> None:
    assert unguarded(ast.parse("import fcntl")) == [1]
    assert unguarded(ast.parse("import sys\nif sys.platform != 'win32':\n    import fcntl")) == []


@pytest.mark.slow
def test_every_command_can_be_imported(tmp_path: Path) -> None:
    done = without_posix(COMMANDS, home=tmp_path)
    assert done.stdout.splitlines()[-1:] == ["imported"], done.stderr


@pytest.mark.slow
def test_a_photo_is_coloured_from_a_folder_with_any_name(tmp_path: Path) -> None:
    from PIL import Image

    folder = tmp_path / "Мои фото, été"
    folder.mkdir()
    Image.effect_noise((64, 48), 40).save(folder / "großmutter 1.png")
    words = (str(folder / "großmutter 1.png"), "-d", "ein rotes Kleid")
    done = without_posix(COLORIZE, *words, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "was read as: a red dress" in done.stderr
    assert (folder / "großmutter 1-color.png").is_file()
