"""Starting the server with the session: one small file in the user's own folders."""

from __future__ import annotations

import plistlib
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

UNIT = "photochrom.service"
LABEL = "org.photochrom.server"
TIMEOUT = 20.0  # seconds that a command of the system gets


@dataclass(frozen=True, slots=True)
class Autostart:
    """The file that starts the server, and the commands that make the system read it.

    Where a command is missing or fails the next session reads the file all the same, but for
    systemd, which has to be told.
    """

    path: Path
    text: bytes
    on: tuple[tuple[str, ...], ...] = ()
    off: tuple[tuple[str, ...], ...] = ()

    def write(self, *, timeout: float = TIMEOUT) -> list[str]:
        """Write the file and return the commands that are left to the user.

        They are those that are missing, fail, or take longer than ``timeout`` seconds.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(self.text)
        return _run(self.on, timeout)

    def remove(self) -> bool:
        """Take the file away; tell whether there was one."""
        if not self.path.is_file():
            return False
        _run(self.off, TIMEOUT)
        self.path.unlink()
        return True


def autostart(
    platform: str, home: Path, environ: Mapping[str, str], command: Sequence[str]
) -> Autostart:
    """Say what starts ``command`` with the session: systemd, a LaunchAgent or a Startup file."""
    if platform == "darwin":
        path = home / "Library" / "LaunchAgents" / f"{LABEL}.plist"
        agent = {"Label": LABEL, "ProgramArguments": list(command), "RunAtLoad": True}
        return Autostart(
            path,
            plistlib.dumps(agent),
            on=(("launchctl", "load", "-w", str(path)),),
            off=(("launchctl", "unload", "-w", str(path)),),
        )
    if platform == "win32":
        roaming = Path(environ.get("APPDATA") or home / "AppData" / "Roaming")
        folder = roaming / "Microsoft" / "Windows" / "Start Menu" / "Programs" / "Startup"
        return Autostart(folder / "Photochrom.cmd", _batch_file(command))
    base = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    unit = (
        "[Unit]\nDescription=Photochrom, colour for black-and-white photographs\n\n"
        f"[Service]\nExecStart={' '.join(map(_systemd_word, command))}\nRestart=on-failure\n\n"
        "[Install]\nWantedBy=default.target\n"
    )
    manager = ("systemctl", "--user")
    return Autostart(
        base / "systemd" / "user" / UNIT,
        unit.encode(),
        on=((*manager, "daemon-reload"), (*manager, "enable", "--now", UNIT)),
        off=((*manager, "disable", "--now", UNIT),),
    )


def _systemd_word(word: str) -> str:
    r"""Quote one word of ExecStart: systemd reads ``\``, ``"``, ``$`` and ``%`` in its own way."""
    for special, written in (("\\", "\\\\"), ('"', '\\"'), ("$", "$$"), ("%", "%%")):
        word = word.replace(special, written)
    return f'"{word}"'


def _batch_file(command: Sequence[str]) -> bytes:
    """Start without a window: pythonw has none. The file is in the console's UTF-8."""
    program = Path(command[0])
    windowless = program.with_name("pythonw.exe")
    words = [str(windowless if windowless.is_file() else program), *command[1:]]
    quoted = " ".join(f'"{word}"' for word in words).replace("%", "%%")
    return f'@echo off\r\nchcp 65001 >nul\r\nstart "" /min {quoted}\r\n'.encode()


def _run(commands: Sequence[Sequence[str]], timeout: float) -> list[str]:
    """Run commands; return those that could not be run, failed, or did not end."""
    return [" ".join(command) for command in commands if not _succeeds(command, timeout)]


def _succeeds(command: Sequence[str], timeout: float) -> bool:
    found = shutil.which(command[0])
    if found is None:
        return False
    try:
        done = subprocess.run(
            [found, *command[1:]],
            stdin=subprocess.DEVNULL,  # or it might ask, where nobody sees the question
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
