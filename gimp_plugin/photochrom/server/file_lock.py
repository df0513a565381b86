"""A lock between processes that ends with its holder, however that ends."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path


class FileLock:
    """Held by one process at a time; ``acquire`` does not wait.

    The file stays: were it removed, two processes could hold locks on two files of one name.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock, or say that another process has it."""
        assert self._descriptor is None, "the lock is held already"
        descriptor = self._open()
        try:
            _take(descriptor)
        except OSError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Give the lock back if it is held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> FileLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT
        try:
            return os.open(self._file, flags, 0o600)
        except OSError:
            # A folder that only an administrator may write to.
            user = getattr(os, "getuid", lambda: "")()
            spare = Path(tempfile.gettempdir()) / f"{self._file.stem}-{user}{self._file.suffix}"
            return os.open(spare, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)


if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
