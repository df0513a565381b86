"""The server's process: started so that it outlives GIMP, and understood when it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from api.errors import ServerMissing
from api.texts import _, reason

from server.installation import Installation, in_flatpak, in_snap

# What GIMP's own launchers set for GIMP's Python and libraries, and what would turn another
# Python astray. The server's own variables are given on its command line instead.
NOT_HANDED_ON = (
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "PYTHONUSERBASE",
    "PYTHONEXECUTABLE",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "DYLD_LIBRARY_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH",
    "GI_TYPELIB_PATH",
    "PHOTOCHROM_HOST",
    "PHOTOCHROM_PORT",
    "PHOTOCHROM_SERVER",
    "PHOTOCHROM_TOKEN",
)
TAIL_BYTES = 8192  # of the log, enough for a traceback
FLATPAK_REMEDY = _(
    "GIMP is a Flatpak and may not start programs outside it; start the server in a terminal "
    "(photochrom serve), or allow it once: flatpak override --user "
    "--talk-name=org.freedesktop.Flatpak org.gimp.GIMP"
)
# On the host the token comes over the standard input: a command line can be read by every user.
TAKE_TOKEN = 'IFS= read -r PHOTOCHROM_TOKEN; export PHOTOCHROM_TOKEN; exec "$@" </dev/null'


class Detached(subprocess.Popen[bytes]):
    """A child that is meant to outlive this process, so nobody complains that it still runs."""

    def __del__(self) -> None:
        self.poll()  # takes a dead one off the process table


class ServerProcess:
    """A server that is being started."""

    def __init__(self, installation: Installation) -> None:
        """Start it.

        Raises:
            ServerMissing: the program is not there, or may not be run.
        """
        self._installation = installation
        if in_snap():
            raise ServerMissing(
                _(
                    "GIMP is a Snap and may not start programs outside it; start the server in a "
                    "terminal: photochrom serve"
                )
            )
        self._log = writable_log(installation.log)
        command = [*installation.command, "--log", str(self._log)]
        environ = environment_for(installation, os.environ)
        spoken = None
        if in_flatpak():
            command, spoken = through_flatpak(command, installation)
        self._began_at = _size(self._log)
        try:
            with open(self._log, "ab") as log:
                log.write(_headline())
                log.flush()
                self._began_at = log.tell()
                self._process = Detached(
                    command,
                    stdin=subprocess.DEVNULL if spoken is None else subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    # Any folder but one whose files Python could mistake for modules, or that
                    # the person may want to delete.
                    cwd=os.path.expanduser("~"),
                    env=environ,
                    # Cut loose: no terminal, no signals of ours, no window.
                    start_new_session=sys.platform != "win32",
                    creationflags=_WINDOWS_FLAGS,
                )
            if spoken is not None:
                assert self._process.stdin is not None
                with self._process.stdin as stream:
                    stream.write(spoken)
        except OSError as problem:
            raise ServerMissing(_not_startable(installation, problem)) from problem

    def exit_code(self) -> int | None:
        """Give the exit code, or None while it runs."""
        code: int | None = self._process.poll()
        return code

    def output(self) -> str:
        """Read what this start wrote to the log, its end at least."""
        try:
            size = _size(self._log)
            # The server sets a log that grew too long aside and begins a new one.
            began = self._began_at if size >= self._began_at else 0
            with open(self._log, "rb") as log:
                log.seek(max(began, size - TAIL_BYTES))
                return log.read().decode("utf-8", "replace")
        except OSError:
            return ""

    def exit_reason(self) -> str:
        """Say why it ended, and what to do."""
        code = self.exit_code()
        assert code is not None, "it still runs"
        return explain(code, self.output(), self._installation, self._log)


def explain(code: int, output: str, installation: Installation, log: Path) -> str:
    """Word why a server ended with this code after this output, and the remedy."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    last = lines[-1] if lines else _("it said nothing; exit code {code}").format(code=code)
    text = output.lower()
    if code in (-9, 137) or any(sign in text for sign in _OUT_OF_MEMORY):
        return _(
            "the computer has not enough free memory for the Photochrom server, which needs about "
            "2.5 GB; close other programs and try again (its log: {log})"
        ).format(log=log)
    if is_port_taken(output):
        return _(
            "the port of {address} is used by another program; close it, or give Photochrom "
            "another one: photochrom gimp install --port NUMBER"
        ).format(address=installation.address)
    if "no such option: --idle-exit" in text or "no such option: --log" in text:
        return _(
            "the Photochrom that is installed is older than this plug-in; update it, then run: "
            "photochrom gimp install"
        )
    if "no module named" in text or "cannot be imported" in text:
        return _(
            "the Photochrom installation is incomplete or was moved ({last}); install it again, "
            "then run: photochrom gimp install (its log: {log})"
        ).format(last=last, log=log)
    if "the weights" in text and ("missing" in text or "damaged" in text):
        return _("the Photochrom server could not load its models: {last}").format(
            last=_plain(last)
        )
    if in_flatpak() and ("org.freedesktop" in text or "portal" in text):
        return FLATPAK_REMEDY
    if in_flatpak() and code in (1, 127) and "no such file" in text:
        return _gone(installation.command[0])
    return _(
        "the Photochrom server ended while it started: {last}; its log is {log}, and "
        "`photochrom doctor` in a terminal says what is missing"
    ).format(last=_plain(last), log=log)


def is_port_taken(output: str) -> bool:
    """Tell whether a server ended because another program has its port."""
    return "cannot listen on" in output.lower()


def environment_for(installation: Installation, environ: Mapping[str, str]) -> dict[str, str]:
    """Give the server's environment: ours, without what is meant for GIMP's Python.

    The token goes this way: the command line of a process can be read by every user.
    """
    kept = {name: value for name, value in environ.items() if name not in NOT_HANDED_ON}
    if installation.token:
        kept["PHOTOCHROM_TOKEN"] = installation.token
    kept["PYTHONUNBUFFERED"] = "1"
    return kept


def through_flatpak(
    command: Sequence[str], installation: Installation
) -> tuple[list[str], bytes | None]:
    """Have a command started on the host, outside GIMP's sandbox, with the host's environment.

    Returns what to start, and what to write to its standard input.
    """
    outside = ["flatpak-spawn", "--host"]
    if not installation.token:
        return [*outside, *command], None
    return [*outside, "sh", "-c", TAKE_TOKEN, "sh", *command], f"{installation.token}\n".encode()


def writable_log(log: Path) -> Path:
    """Give the log, making its folder; a new temporary file where it cannot be written.

    Raises:
        ServerMissing: neither can be.
    """
    with suppress(OSError):  # such as a disk that is read-only
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "ab"):
            return log
    try:
        # A name that nobody can guess, so that nobody can have put a link there.
        descriptor, name = tempfile.mkstemp(".log", "photochrom-server-")
    except OSError as problem:
        raise ServerMissing(
            _("the log {log} cannot be written ({reason}); make room, or mend its folder").format(
                log=log, reason=reason(problem)
            )
        ) from problem
    os.close(descriptor)
    return Path(name)


if sys.platform == "win32":
    _WINDOWS_FLAGS = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
else:
    _WINDOWS_FLAGS = 0

_OUT_OF_MEMORY = ("memoryerror", "defaultcpuallocator", "out of memory", "std::bad_alloc")


def _headline() -> bytes:
    return time.strftime("--- %Y-%m-%d %H:%M:%S started by GIMP's plug-in\n").encode()


def _not_startable(installation: Installation, problem: OSError) -> str:
    if in_flatpak():
        return FLATPAK_REMEDY
    program = installation.command[0]
    if isinstance(problem, FileNotFoundError):
        return _gone(program)
    return _("{program} cannot be started ({reason}); run: photochrom gimp install").format(
        program=program, reason=reason(problem)
    )


def _gone(program: str) -> str:
    return _(
        "Photochrom is not where it was installed ({program} is missing); install it again, "
        "then run: photochrom gimp install"
    ).format(program=program)


def _plain(line: str) -> str:
    """Take the program's name off a line such as ``photochrom serve: the weights ...``."""
    for prefix in ("photochrom serve: ", "photochrom: ", "ERROR: "):
        line = line.removeprefix(prefix)
    return line


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
