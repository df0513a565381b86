"""Puts the plug-in into GIMP's folders, and takes it away again.

The folder that is installed holds the plug-in's files and ``plugin.json`` (which version, which
files: all that may be removed again). ``config.json`` (where the server is, how it is started) lies
in GIMP's profile, or beside the files where they are installed outside of one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

SOURCE = Path(__file__).resolve().parent / "photochrom"
NAME = "photochrom"
PROGRAM = "photochrom.py"  # GIMP starts the file with the folder's name
MANIFEST = "plugin.json"
CONFIG = "config.json"
# What the plug-in itself writes beside its files.
WRITTEN = (CONFIG, MANIFEST, "server.lock", "server.log", "server.log.1")

State = Literal["absent", "current", "outdated", "foreign"]


class InstallError(Exception):
    """It cannot be done; the message names the folder and the remedy."""


@dataclass(frozen=True)
class Installed:
    """What is in a folder for plug-ins: ``version`` is "" where it is absent or foreign."""

    state: State
    version: str = ""


def inspect(plug_ins: Path, source: Path = SOURCE, *, version: str) -> Installed:
    """Look what is installed in a folder for plug-ins."""
    target = plug_ins / NAME
    if not os.path.lexists(target):
        return Installed("absent")
    manifest = read_json(target / MANIFEST)
    if manifest.get("plugin") != NAME:
        empty = target.is_dir() and not any(target.iterdir())
        return Installed("absent" if empty else "foreign")
    there = str(manifest.get("version") or "")
    same = there == version and all(
        _same(target / name, source / name) for name in plugin_files(source)
    )
    return Installed("current" if same else "outdated", there)


def install(
    plug_ins: Path,
    config: dict[str, Any],
    *,
    version: str,
    link: bool = False,
    source: Path = SOURCE,
    settings: Path | None = None,
) -> Path:
    """Install the plug-in, over an older one if there is one; return its folder.

    Args:
        plug_ins: GIMP's folder for plug-ins; made if it is absent.
        config: what goes into config.json.
        link: make links to ``source`` in the place of copies, for those who work on the plug-in.
        settings: the folder for config.json; the plug-in's own without it.

    Raises:
        InstallError: something else has that name, or the folder cannot be written.
    """
    target = plug_ins / NAME
    if inspect(plug_ins, source, version=version).state == "foreign":
        raise InstallError(
            f"{target} is there and was not made by Photochrom; rename or remove it, then try again"
        )
    files = list(plugin_files(source))
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name in set(_manifest_files(target)) - set(files):
            _remove(target, name)
        for name in files:
            _put(source / name, target / name, link=link)
        _write_json(target / MANIFEST, manifest_of(files, version))
        if settings is not None and settings != target:
            settings.mkdir(parents=True, exist_ok=True, mode=0o700)
            _remove(target, CONFIG)
        _write_json((settings or target) / CONFIG, config, mode=0o600)
    except OSError as problem:
        raise InstallError(f"{target} cannot be written ({problem})") from problem
    return target


def uninstall(plug_ins: Path, settings: Path | None = None) -> list[Path]:
    """Remove what ``install`` put there and the plug-in wrote; return what is left, if anything.

    Raises:
        InstallError: the folder was not made by Photochrom, or cannot be changed.
    """
    target = plug_ins / NAME
    if read_json(target / MANIFEST).get("plugin") != NAME:
        raise InstallError(f"{target} was not made by Photochrom, so it stays as it is")
    try:
        for name in (*_manifest_files(target), *WRITTEN):
            _remove(target, name)
        if settings is not None and settings != target and settings.is_dir():
            for name in WRITTEN:
                _remove(settings, name)
            if not any(settings.iterdir()):
                settings.rmdir()
        for cache in [*target.rglob("__pycache__")]:
            shutil.rmtree(cache)
        for folder in sorted((f for f in target.rglob("*") if f.is_dir()), reverse=True):
            if not any(folder.iterdir()):
                folder.rmdir()
        left = sorted(target.iterdir())
        if not left:
            target.rmdir()
    except OSError as problem:
        raise InstallError(f"{target} cannot be removed ({problem})") from problem
    return left


def build_zip(
    file: Path,
    *,
    version: str,
    source: Path = SOURCE,
    folder: str = f"{NAME}/",
    beside: Mapping[str, bytes] | None = None,
) -> Path:
    """Pack the plug-in for people who install it by hand; the same input gives the same bytes.

    Args:
        folder: of the plug-in's files in the archive.
        beside: other files, by their names in the archive.

    It has no config.json, so it uses the server's usual address and looks for the ``photochrom``
    command. Its files are dated by the newest of them: GIMP asks a plug-in anew what it offers when
    its file has another time than before.
    """
    files = list(plugin_files(source))
    newest = max((source / name).stat().st_mtime for name in files)
    date = max(time.gmtime(newest)[:6], (1980, 1, 1, 0, 0, 0))
    manifest = json.dumps(manifest_of(files, version), indent=2) + "\n"
    contents = [(name, (source / name).read_bytes()) for name in files]
    contents.append((MANIFEST, manifest.encode()))
    entries = [(f"{folder}{name}", data) for name, data in contents]
    entries += sorted((beside or {}).items())
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            entry = zipfile.ZipInfo(name, date)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix: the bits below are permissions
            entry.external_attr = (0o100755 if name == folder + PROGRAM else 0o100644) << 16
            # GIMP reads an extension from front to back, where only this extra field (0x6c78 of
            # libarchive: the maker's system, then the attributes) says what may be run.
            entry.extra = struct.pack("<HHBHI", 0x6C78, 7, 5, 3 << 8, entry.external_attr)
            archive.writestr(entry, data)
    return file


def plugin_files(source: Path = SOURCE) -> Iterator[str]:
    """Name the plug-in's files, relative to its folder; translations as GIMP reads them alone."""
    for file in sorted(source.rglob("*")):
        parts = file.relative_to(source).parts
        is_program = file.is_file() and file.suffix != ".po" and "__pycache__" not in parts
        if is_program and parts[0] not in WRITTEN:
            yield "/".join(parts)


def manifest_of(files: list[str], version: str) -> dict[str, Any]:
    """Say what an installed plug-in is made of."""
    return {"plugin": NAME, "version": version, "files": files}


def read_json(file: Path) -> dict[str, Any]:
    """Read a JSON object; empty where there is none that can be read."""
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}


def _manifest_files(target: Path) -> list[str]:
    """Name the files of an installed plug-in; a path that leads out of its folder is no file."""
    listed = read_json(target / MANIFEST).get("files")
    names = [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    return [name for name in names if not re.search(r"^/|\.\.|[\\:]", name)]


def _put(source: Path, target: Path, *, link: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)  # a link would be written through
    if link:
        target.symlink_to(source)
    else:
        shutil.copyfile(source, target)
    if target.name == PROGRAM and not os.access(target, os.X_OK):
        target.chmod(0o755)  # GIMP passes over a program without the run bit, in silence


def _remove(target: Path, name: str) -> None:
    (target / name).unlink(missing_ok=True)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.read_bytes() == other.read_bytes()
    except OSError:
        return False


def _write_json(file: Path, content: dict[str, Any], *, mode: int = 0o644) -> None:
    """Write a file that is never half there, nor readable by others for a moment."""
    fresh = file.with_name(f"{file.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(json.dumps(content, indent=2) + "\n")
    os.replace(fresh, file)
