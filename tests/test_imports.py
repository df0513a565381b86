"""The arrows between the packages: who may import whom, read from the source of every module."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("models", "retrieval", "plugin_server", "gimp_plugin")

# Package -> the packages of this project that it may import besides itself.
ARROWS: dict[str, frozenset[str]] = {
    "models": frozenset(),
    "retrieval": frozenset({"models"}),
    "plugin_server": frozenset({"models", "retrieval"}),
    "gimp_plugin": frozenset(),
}
# Package -> third-party packages that belong to another layer.
STRANGERS: dict[str, frozenset[str]] = {
    "models": frozenset({"flask", "werkzeug", "waitress", "faiss", "sqlite3", "gi"}),
    "retrieval": frozenset({"flask", "werkzeug", "waitress", "gi"}),
    "plugin_server": frozenset({"faiss", "gi"}),
}
# GIMP's own Python has the standard library and gi, and no numpy to rely on. The plug-in's folder
# is started as a program and works copied alone, so its modules import each other by bare names.
GIMP_MAY_IMPORT = sys.stdlib_module_names | {"gi", "gimp_plugin"}
PLUGIN_MODULES = {file.stem for file in (ROOT / "gimp_plugin/photochrom").iterdir()}
INSIDE_GIMP = sys.stdlib_module_names | {"gi"} | PLUGIN_MODULES
DYNAMIC_IMPORTS = {"import_module", "__import__", "importorskip"}


def imported_modules(source: str, *, package: str) -> Iterator[tuple[int, str]]:
    """Yield (line, absolute dotted name) of every import in `source`, wherever it stands.

    `package` is the dotted name of the package that holds the module: relative imports
    start there. A dynamic import counts where its argument is a plain string.
    """
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=module, level=0) if module:
                yield node.lineno, module
            case ast.ImportFrom(module=module, level=level):
                parents = package.split(".")[: len(package.split(".")) - level + 1]
                yield node.lineno, ".".join([*parents, module] if module else parents)
            case ast.Call(
                func=ast.Name(id=name) | ast.Attribute(attr=name),
                args=[ast.Constant(value=str(target)), *_],
            ) if name in DYNAMIC_IMPORTS:
                yield node.lineno, target


def forbidden_imports(source: str, *, package: str) -> list[str]:
    """List the imports in `source` that go against the arrows, as "line 3: flask"."""
    top = package.split(".")[0]
    complaints = []
    for line, name in imported_modules(source, package=package):
        target = name.split(".")[0]
        if package.startswith("gimp_plugin.photochrom"):
            allowed = target in INSIDE_GIMP
        elif top == "gimp_plugin":
            allowed = target in GIMP_MAY_IMPORT
        elif target in PACKAGES:
            allowed = target == top or target in ARROWS[top]
        else:
            allowed = target not in STRANGERS[top]
        if not allowed:
            complaints.append(f"line {line}: {name}")
    return complaints


def module_files() -> list[Path]:
    """List every Python file of the four packages."""
    return sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("file", module_files(), ids=lambda f: f.relative_to(ROOT).as_posix())
def test_module_keeps_to_the_arrows(file: Path) -> None:
    package = ".".join(file.parent.relative_to(ROOT).parts)
    assert forbidden_imports(file.read_text(encoding="utf-8"), package=package) == []


def test_every_package_has_modules() -> None:
    assert {file.relative_to(ROOT).parts[0] for file in module_files()} == set(PACKAGES)


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("models", "import flask"),
        ("models", "def late():\n    from plugin_server.errors import Problem"),
        ("models.training", "from ...retrieval import library"),
        ("models", "importlib.import_module('faiss')"),
        ("retrieval", "from plugin_server import app"),
        ("plugin_server", "import gimp_plugin.install"),
        ("plugin_server.http.routes", "import faiss"),
        ("gimp_plugin", "from plugin_server import config"),
        ("gimp_plugin.photochrom", "import numpy as np"),
        ("gimp_plugin.photochrom", "from gimp_plugin.photochrom.client import Client"),
        ("gimp_plugin", "import click"),
    ],
)
def test_an_import_against_the_arrows_is_found(package: str, source: str) -> None:
    assert len(forbidden_imports(source, package=package)) == 1


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("models.training", "from .. import color\nfrom ..color import srgb_to_lab\nimport torch"),
        ("retrieval", "import faiss\nfrom models.networks.clip import load_clip"),
        ("plugin_server.http.routes", "from flask import request\nfrom ..errors import Problem"),
        ("plugin_server", "from retrieval import library\nfrom models import pipeline"),
        ("gimp_plugin.photochrom", "import http.client\nfrom gi.repository import Gimp"),
        ("gimp_plugin.photochrom.layers", "from api.client import Client"),
    ],
)
def test_an_import_along_the_arrows_is_allowed(package: str, source: str) -> None:
    assert forbidden_imports(source, package=package) == []
