"""Files that a command writes at its end: that they can be written is known before its work."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

import click

from models.shown import shown


def check_files(files: Iterable[Path | None]) -> None:
    """Refuse files that cannot be written, before anything is done; None is passed over.

    Nothing is left behind, and no folder is made.

    Raises:
        click.ClickException: one cannot be written; the message names it and says why.
    """
    for file in filter(None, files):
        try:
            if file.is_dir():
                raise IsADirectoryError(0, "is a folder")
            if file.is_file():
                file.open("ab").close()
            elif not file.exists():  # a device or a pipe takes what it is given
                _try_in(file.parent)
        except OSError as problem:
            raise cannot_write(file, problem) from problem


def check_folder(folder: Path) -> None:
    """Refuse a folder that files cannot be written into; it need not exist.

    Raises:
        click.ClickException: as ``check_files``.
    """
    try:
        _try_in(folder)
    except OSError as problem:
        raise cannot_write(folder, problem) from problem


def write(file: Path, data: bytes) -> None:
    """Write a file; a folder that is made for it is said.

    Raises:
        click.ClickException: as ``check_files``.
    """
    is_new = not file.parent.exists()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    except OSError as problem:
        raise cannot_write(file, problem) from problem
    if is_new:
        click.echo(f"made the folder {shown(file.parent)}", err=True)


def cannot_write(path: Path, problem: OSError) -> click.ClickException:
    """Say in one line which file or folder cannot be written and why."""
    return click.ClickException(f"cannot write {shown(path)}: {problem.strerror or problem}")


def _try_in(folder: Path) -> None:
    """Write a file that vanishes, into the folder or the nearest one above it that exists."""
    there = next((one for one in (folder, *folder.parents) if one.exists()), folder)
    with tempfile.TemporaryFile(dir=there):
        pass
