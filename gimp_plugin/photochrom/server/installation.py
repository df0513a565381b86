"""Where this plug-in's server is, and how it is started: the environment, or ``config.json``."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.errors import Failure

DEFAULT_ADDRESS = "http://127.0.0.1:8765"
CONFIG = "config.json"
MANIFEST = "plugin.json"  # which version this plug-in is; source code has none
LOG = "server.log"
IDLE_MINUTES = 60  # a server that the plug-in started ends itself after so long without work


class BadConfig(Failure):
    """config.json, or the environment, makes no sense."""


@dataclass(frozen=True)
class Installation:
    """How the server is reached.

    Attributes:
        address: its URL.
        token: what it asks for, if it does.
        command: what starts it, up to its log; empty where the plug-in must not, or cannot.
        log: the file that the server writes to when the plug-in starts it.
        version: the Photochrom that installed this plug-in; "" where nobody said.
    """

    address: str = DEFAULT_ADDRESS
    token: str | None = None
    command: tuple[str, ...] = ()
    log: Path = Path(LOG)
    version: str = ""


def find(folder: Path, environ: Mapping[str, str] = os.environ) -> Installation:
    """Find the server of the plug-in in ``folder``.

    ``$PHOTOCHROM_SERVER`` (with ``$PHOTOCHROM_TOKEN``) comes first: a server that somebody else
    takes care of, so it is never started here. Then what ``photochrom gimp install`` wrote. A
    plug-in that was unpacked by hand has no config.json: it uses the default address and looks
    for the ``photochrom`` command.

    Raises:
        BadConfig: config.json is there and cannot be read.
    """
    token = environ.get("PHOTOCHROM_TOKEN") or None
    written = read_config(folder / CONFIG)
    log = folder / LOG if in_sandbox(environ) else Path(written.get("log") or folder / LOG)
    version = str(written.get("version") or read_config(folder / MANIFEST).get("version") or "")
    if address := environ.get("PHOTOCHROM_SERVER"):
        return Installation(address, token, (), log, version)
    if written:
        command = tuple(map(str, written.get("command") or ()))
        address = str(written.get("address") or DEFAULT_ADDRESS)
        return Installation(address, written.get("token") or token, command, log, version)
    program = find_program(environ)
    command = (program, "serve", "--port", "8765", "--idle-exit", str(IDLE_MINUTES))
    return Installation(DEFAULT_ADDRESS, token, command if program else (), log, version)


def read_config(file: Path) -> dict[str, Any]:
    """Read config.json; an absent one is empty.

    Raises:
        BadConfig: it is there and cannot be read.
    """
    remedy = "write it anew with: photochrom gimp install"
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as problem:
        raise BadConfig(f"{file} cannot be read ({problem}); {remedy}") from problem
    if not isinstance(read, dict) or not isinstance(read.get("command") or [], list):
        raise BadConfig(f"{file} does not hold what it should; {remedy}")
    return read


def write_config(file: Path, config: dict[str, Any]) -> None:
    """Write config.json, which may hold a token: never half there, never readable by others.

    Raises:
        OSError: the folder cannot be written.
    """
    fresh = file.with_name(f"{file.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(json.dumps(config, indent=2) + "\n")
    os.replace(fresh, file)


def in_flatpak(environ: Mapping[str, str] = os.environ) -> bool:
    """Tell whether GIMP runs in a Flatpak, which sees neither the home folder nor its programs."""
    return "FLATPAK_ID" in environ or os.path.exists("/.flatpak-info")


def in_snap(environ: Mapping[str, str] = os.environ) -> bool:
    """Tell whether GIMP runs in a Snap, which can start nothing outside itself."""
    return "SNAP" in environ and "gimp" in environ.get("SNAP_NAME", "")


def in_sandbox(environ: Mapping[str, str] = os.environ) -> bool:
    """Tell whether the files of the home folder may be out of sight."""
    return in_flatpak(environ) or in_snap(environ)


def find_program(environ: Mapping[str, str] = os.environ) -> str:
    """Find the ``photochrom`` command; "" where it is not.

    A program that is started from the desktop often has a shorter PATH than a terminal, so the
    folders that pip and pipx use are looked into as well.
    """
    if in_flatpak(environ):
        return "photochrom"  # only the host can look
    home = Path(os.path.expanduser("~"))
    usual = [home / ".local/bin", Path("/usr/local/bin"), Path("/opt/homebrew/bin")]
    if sys.platform == "win32":
        usual = [home / ".local/bin"]
    path = os.pathsep.join([environ.get("PATH", os.defpath), *map(str, usual)])
    return shutil.which("photochrom", path=path) or ""
