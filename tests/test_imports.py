"""Who may import whom: packages, the rooms inside them, and no circles; read from the source."""

import ast
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
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
# Package -> its rooms (sub-packages, and modules in its root) from the first to the last. A room
# imports only earlier ones; rooms on one line know nothing of each other.
ROOMS: dict[str, tuple[str, ...]] = {
    "models": (
        "job progress captions photo_files plural shown",
        "job_json",
        "color",
        "guidance",
        "networks",
        "scans on_card",
        "layers conditions",
        "pipeline",
        "suggestions measures photos",
        "training",
        "baselines",
        "evaluation",
    ),
    "retrieval": (
        "errors whole_file",
        "containers",
        "database",
        "index",
        "ingest",
        "search",
        "library",
    ),
    "plugin_server": (
        "version client_results",
        "images",
        "errors",
        "broker",
        "config",
        "engine",
        "jobs",
        "service client",
        "batch",
        "http",
        "app autostart",
        "commands",
        "cli",
        "__main__",
    ),
    "gimp_plugin": ("places", "install", "archive catalogs"),
    "gimp_plugin/photochrom": (
        "api",
        "server",
        "layers",
        "arguments history progress",
        "entries run",
        "dialogs",
        "coloring",
        "photochrom",
    ),
}
# Package -> third-party packages that belong to another layer.
STRANGERS: dict[str, frozenset[str]] = {
    "models": frozenset({"flask", "werkzeug", "waitress", "faiss", "sqlite3", "gi"}),
    "retrieval": frozenset({"flask", "werkzeug", "waitress", "gi"}),
    "plugin_server": frozenset({"faiss", "gi"}),
}
PLUGIN = "gimp_plugin/photochrom"
# GIMP's own Python has the standard library and gi, and no numpy to rely on. The plug-in's folder
# is started as a program and works copied alone: its modules' names begin at that folder.
GIMP_MAY_IMPORT = sys.stdlib_module_names | {"gi", "gimp_plugin"}
DYNAMIC_IMPORTS = {"import_module", "__import__", "importorskip"}


def module_files() -> dict[str, Path]:
    """Map the dotted name of every module of the four packages to its file.

    The plug-in's own begin with a slash, as they begin at its folder: ``/api.client``.
    """
    found = {}
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            parts = file.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name.replace(PLUGIN.replace("/", ".") + ".", "/", 1)] = file
    return found


FILES = module_files()
INSIDE_GIMP = (
    sys.stdlib_module_names | {"gi"} | {name[1:].split(".")[0] for name in FILES if name[0] == "/"}
)


@cache
def imported_modules(source: str, *, package: str) -> tuple[tuple[int, str], ...]:
    """List (line, absolute dotted name) of every import in `source`, wherever it stands.

    `package` is the dotted name of the package that holds the module: relative imports
    start there. A dynamic import counts where its argument is a plain string.
    ``from a.b import c`` gives ``a.b.c`` where that is a module, else ``a.b``.
    """
    return tuple(_imported_modules(source, package))


def _imported_modules(source: str, package: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=module, level=level, names=names):
                parents = package.split(".")[: len(package.split(".")) - level + 1] if level else []
                name = ".".join([*parents, *([module] if module else [])])
                root = "/" if package.startswith("gimp_plugin.photochrom") else ""
                for alias in names:
                    inner = f"{name}.{alias.name}"
                    yield node.lineno, inner if root + inner in FILES else name
            case ast.Call(
                func=ast.Name(id=name) | ast.Attribute(attr=name),
                args=[ast.Constant(value=str(target)), *_],
            ) if name in DYNAMIC_IMPORTS:
                yield node.lineno, target


def forbidden_imports(source: str, *, package: str) -> list[str]:
    """List the imports in `source` that go against the packages' arrows, as "line 3: flask"."""
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
    return sorted(set(complaints))


def room_of(module: str) -> tuple[str, str]:
    """Return (package, room) of a module's name; the package's own file has no room."""
    if module.startswith("/"):
        return PLUGIN, module[1:].split(".")[0]
    package, _, rest = module.partition(".")
    return package, rest.split(".")[0]


def backward_imports(imports: Mapping[str, set[str]]) -> list[str]:
    """List what goes against the order of rooms in (module -> modules that it imports)."""
    rank = {
        package: {room: i for i, line in enumerate(lines) for room in line.split()}
        for package, lines in ROOMS.items()
    }
    complaints = []
    for module, targets in imports.items():
        package, room = room_of(module)
        for target in targets:
            other_package, other = room_of(target)
            if other_package != package or other == room or not room or not other:
                continue
            unknown = {room, other} - rank[package].keys()
            if unknown:
                complaints.append(f"{package} has no place for {', '.join(sorted(unknown))}")
            elif rank[package][other] >= rank[package][room]:
                complaints.append(f"{module} imports {target}")
    return sorted(set(complaints))


def circle(imports: Mapping[str, set[str]]) -> list[str]:
    """Return the modules of one circle, or none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


@cache
def all_imports() -> dict[str, set[str]]:
    """Map every module to those of this project that it imports: at once, late or for types."""
    imports: dict[str, set[str]] = {}
    for module, file in FILES.items():
        package = ".".join(file.parent.relative_to(ROOT).parts)
        root = "/" if module.startswith("/") else ""
        source = file.read_text(encoding="utf-8")
        names = {root + name for _, name in imported_modules(source, package=package)}
        imports[module] = (names & FILES.keys()) - {module}
    return imports


def test_modules_keep_to_the_arrows() -> None:
    forbidden = {}
    for file in FILES.values():
        package = ".".join(file.parent.relative_to(ROOT).parts)
        if found := forbidden_imports(file.read_text(encoding="utf-8"), package=package):
            forbidden[file.relative_to(ROOT).as_posix()] = found
    assert forbidden == {}


def test_no_import_runs_against_the_order_of_rooms() -> None:
    assert backward_imports(all_imports()) == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circle(all_imports()) == []


def test_every_package_has_modules_that_import_each_other() -> None:
    imports = all_imports()
    assert {file.relative_to(ROOT).parts[0] for file in FILES.values()} == set(PACKAGES)
    used = {room_of(module)[0] for module, targets in imports.items() if targets}
    assert used >= {*PACKAGES, PLUGIN} - {"gimp_plugin"}


@pytest.mark.parametrize("package", ["models", "retrieval", "plugin_server"])
def test_the_documentation_names_all_rooms_in_their_order(package: str) -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    (row,) = (line for line in text.splitlines() if line.startswith(f"| `{package}/` |"))
    end = 0
    for line in ROOMS[package]:
        names = [f"`{room}.py`" if (ROOT / package / f"{room}.py").is_file() else f"`{room}/`"
                 for room in line.split() if room != "__main__"]  # fmt: skip
        places = [row.find(name) for name in names]
        assert all(place >= end for place in places), dict(zip(names, places, strict=True))
        end = max(places, default=end)


@pytest.mark.parametrize(
    ("module", "target"),
    [
        ("models.color.lab", "models.pipeline"),
        ("models.job", "models.color.mask"),
        ("retrieval.index.ivf", "retrieval.library"),
        ("plugin_server.jobs.redis.worker", "plugin_server.service"),
        ("plugin_server.service", "plugin_server.client"),
        ("/api.client", "/server.connect"),
        ("/run", "/dialogs.preview"),
        ("models.cellar.wine", "models.color.lab"),
    ],
)
def test_an_import_against_the_order_is_found(module: str, target: str) -> None:
    assert len(backward_imports({module: {target}})) == 1


def test_a_circle_is_found() -> None:
    assert set(circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})) == {"a", "b", "c"}
    assert circle({"a": {"b", "c"}, "b": {"c"}}) == []


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
        ("gimp_plugin.photochrom.api", "from gimp_plugin.photochrom.api.client import Client"),
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
        ("gimp_plugin.photochrom", "from progress import Bar"),
    ],
)
def test_an_import_along_the_arrows_is_allowed(package: str, source: str) -> None:
    assert forbidden_imports(source, package=package) == []
