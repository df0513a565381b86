"""The rooms of the plug-in: their order, no circles, and every text marked for translation."""

from __future__ import annotations

import ast
from pathlib import Path
from xml.etree import ElementTree

import pytest

PLUGIN = Path(__file__).parents[2] / "gimp_plugin" / "photochrom"
# Each room may import itself and those before it; "" are the modules beside the rooms, which
# "photochrom", the program, puts together with the dialogs.
ORDER = ("api", "server", "layers", "", "dialogs", "photochrom")
FILES = sorted(PLUGIN.rglob("*.py"))


def room_of(name: str) -> str:
    """Give the room of a module by its name as it is imported, such as ``api.client``."""
    first = name.split(".")[0]
    return first if first in ORDER else ""


def name_of(file: Path) -> str:
    return ".".join(file.relative_to(PLUGIN).with_suffix("").parts).removesuffix(".__init__")


NAMES = {name_of(file) for file in FILES}


def imports_of(file: Path) -> set[str]:
    """List the plug-in's own modules that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name for name in (node.module, *names) if name in NAMES}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name in NAMES}
    return found


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_no_import_runs_against_the_order(file: Path) -> None:
    own = ORDER.index(room_of(name_of(file)))
    against = {name for name in imports_of(file) if ORDER.index(room_of(name)) > own}
    assert against == set()


def test_there_is_no_circle() -> None:
    left = {name_of(file): imports_of(file) - {name_of(file)} for file in FILES}
    while free := {name for name, needs in left.items() if not needs & set(left)}:
        left = {name: needs for name, needs in left.items() if name not in free}
    assert left == {}


def test_api_and_server_need_no_gimp() -> None:
    for room in ("api", "server"):
        for file in (PLUGIN / room).glob("*.py"):
            assert "import gi\n" not in file.read_text(encoding="utf-8"), file.name


def test_every_entry_has_a_place_in_the_guide() -> None:
    ids = {
        node.value
        for node in ast.walk(ast.parse((PLUGIN / "entries.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and str(node.value).startswith("plug-in-")
    }
    items = ElementTree.parse(PLUGIN / "help/en/gimp-help.xml").getroot()
    assert {item.get("id") for item in items} == ids
    guide = (PLUGIN / "help/en/guide.html").read_text(encoding="utf-8")
    for item in items:
        _file, _, anchor = str(item.get("ref")).partition("#")
        assert f'id="{anchor}"' in guide
