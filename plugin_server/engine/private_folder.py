"""A folder for private photos that ends with this process, however the process ends.

It lies in the user's runtime directory, or in a folder of the user's own among the temporary files.
As long as its process lives a lock is held beside it; what was left by one that was killed is found
without its lock, and swept away by the next one that starts.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from filelock import lock_descriptor

SUFFIX: Final = ".lock"


class PrivateFolder:
    """A new folder that only its owner can read; ``close`` removes it.

    ``room`` is how many bytes it may come to hold: a runtime directory is a part of the memory, and
    is used only where it has as many.
    """

    def __init__(self, room: int, roots: list[Path] | None = None) -> None:
        roots = own_roots() if roots is None else roots
        for root in roots:
            sweep(root)
        roomy = [root for root in roots if shutil.disk_usage(root).free >= room]
        root = (roomy or roots[-1:] or [Path(tempfile.mkdtemp(prefix="photochrom-"))])[0]
        while True:
            name = secrets.token_hex(8)
            self._lock_path = root / f"{name}{SUFFIX}"
            self._lock = open(self._lock_path, "x")  # noqa: SIM115 - close() does
            try:
                is_locked = lock_descriptor(self._lock.fileno(), blocking=False)
                if is_locked and self._lock_path.exists():
                    break
            except OSError:  # some network drives have no locks; then nobody sweeps either
                break
            self._lock.close()  # somebody who sweeps was faster
        self.path = root / name
        self.path.mkdir(0o700)

    def close(self) -> None:
        """Remove the folder and all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        if sys.platform == "win32":  # removes no file that is open
            self._lock.close()
        with suppress(OSError):
            self._lock_path.unlink()
        self._lock.close()


def own_roots() -> list[Path]:
    """List the folders of this user that private folders may lie in, made where they are absent."""
    user = str(os.getuid()) if sys.platform != "win32" else ""
    places = [Path(tempfile.gettempdir()) / f"photochrom-{user}".rstrip("-")]
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        places.insert(0, Path(runtime) / "photochrom")
    return [place for place in places if _is_ours(place)]


def sweep(root: Path) -> None:
    """Remove the folders of processes that have ended without doing so."""
    for path in root.glob(f"*{SUFFIX}"):
        try:
            with open(path, "r+") as file:
                if not lock_descriptor(file.fileno(), blocking=False):
                    continue
                shutil.rmtree(path.with_suffix(""), ignore_errors=True)
                if sys.platform != "win32":
                    path.unlink(missing_ok=True)
            if sys.platform == "win32":
                path.unlink(missing_ok=True)
        except OSError:  # another one sweeps it
            continue


def _is_ours(place: Path) -> bool:
    """Make a folder, or look whether the one that is there is this user's alone and no link."""
    try:
        with suppress(FileExistsError):
            place.mkdir(0o700)
        status = place.lstat()
    except OSError:
        return False
    if sys.platform == "win32":
        return stat.S_ISDIR(status.st_mode)
    return (
        stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077
    )
