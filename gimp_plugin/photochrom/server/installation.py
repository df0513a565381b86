"""Where the server is, and how it is started: the environment, or ``config.json``."""

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
from api.texts import _, reason

DEFAULT_PORT = 18890
DEFAULT_ADDRESS = f"http://127.0.0.1:{DEFAULT_PORT}"
CONFIG = "config.json"
MANIFEST = "plugin.json"  # which version this plug-in is; source code has none
LOG = "server.log"
IDLE_MINUTES = 60  # a server that the plug-in started ends itself after so long without work


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

    def at_port(self, port: int) -> Installation | None:
        """Give the same server at another port; None where the command has no port to change."""
        if "--port" not in self.command:
            return None
        at = self.command.index("--port") + 1
        command = (*self.command[:at], str(port), *self.command[at + 1 :])
        address = f"http://127.0.0.1:{port}"
        return Installation(address, self.token, command, self.log, self.version)


def code_folder() -> Path:
    """Give the folder that GIMP started the plug-in from.

    A file that is a link is not followed: its other end is shared by several GIMPs.
    """
    return Path(sys.argv[0]).absolute().parent


def find(
    folder: Path, environ: Mapping[str, str] = os.environ, beside: Path | None = None
) -> Installation:
    """Find the server.

    ``$PHOTOCHROM_SERVER`` (with ``$PHOTOCHROM_TOKEN``) comes first: a server that somebody else
    takes care of, so it is never started here. Then what ``photochrom gimp install`` or the
    settings dialog wrote. Without either it is the default address and the ``photochrom`` command.

    Args:
        folder: in GIMP's profile, with config.json.
        beside: the plug-in's code. A config.json there counts where ``folder`` has none: a plug-in
            that was installed outside of a profile has it.

    Raises:
        Failure: config.json is there and cannot be read.
    """
    token = environ.get("PHOTOCHROM_TOKEN") or None
    beside = beside or folder
    written = read_config(folder / CONFIG) or read_config(beside / CONFIG)
    log = folder / LOG if in_sandbox(environ) else Path(written.get("log") or folder / LOG)
    version = str(read_config(beside / MANIFEST).get("version") or written.get("version") or "")
    if address := environ.get("PHOTOCHROM_SERVER"):
        return Installation(address, token, (), log, version)
    if written:
        command = tuple(map(str, written.get("command") or ()))
        address = str(written.get("address") or DEFAULT_ADDRESS)
        return Installation(address, written.get("token") or token, command, log, version)
    program = find_program(environ)
    command = (program, "serve", "--port", str(DEFAULT_PORT), "--idle-exit", str(IDLE_MINUTES))
    return Installation(DEFAULT_ADDRESS, token, command if program else (), log, version)


def read_config(file: Path) -> dict[str, Any]:
    """Read config.json; an absent one is empty.

    Raises:
        Failure: it is there and cannot be read.
    """
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as problem:
        raise Failure(
            _(
                "{file} cannot be read ({reason}); write it anew with: photochrom gimp install"
            ).format(file=file, reason=reason(problem))
        ) from problem
    if not isinstance(read, dict) or not isinstance(read.get("command") or [], list):
        raise Failure(
            _(
                "{file} does not hold what it should; write it anew with: photochrom gimp install"
            ).format(file=file)
        )
    return read


def remember_port(folder: Path, found: Installation) -> None:
    """Write down where the server is from now on.

    Raises:
        OSError: the folder cannot be written.
    """
    written = read_config(folder / CONFIG) or read_config(code_folder() / CONFIG)
    changed = {"address": found.address, "command": list(found.command), "token": found.token}
    write_config(folder / CONFIG, {"log": str(found.log), **written, **changed})


def write_config(file: Path, config: dict[str, Any]) -> None:
    """Write config.json, which may hold a token: never half there, never readable by others.

    Raises:
        OSError: the folder cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
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
