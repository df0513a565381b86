"""Modules that only POSIX has are imported only where there is one.

What runs without them is shown by test_new_user.py.
"""

from __future__ import annotations

import ast

from tests.support.repository import ROOT

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
