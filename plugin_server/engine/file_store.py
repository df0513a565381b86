"""Bytes that the server keeps for a while: photos sent ahead, and results not fetched yet."""

from __future__ import annotations

import errno
import secrets
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from plugin_server.engine.private_folder import PrivateFolder
from plugin_server.errors import NoSpace


@dataclass(slots=True)
class StoredFile:
    """One entry: its file, its size, and when it was last asked for."""

    path: Path
    size: int
    used: float


class FileStore:
    """Keeps bytes in files of a private folder, bounded in time, number and space.

    An entry goes ``seconds`` after it was last asked for; where there are more than ``count``
    entries or ``size`` bytes, the one goes that was not asked for the longest. Ids and file names
    are made up here: nothing that a client sends becomes part of a path. Safe for threads.

    ``on_forget`` hears each id that goes, in the thread that sees to it, and may use the store.
    """

    def __init__(
        self,
        *,
        seconds: float,
        count: int,
        size: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.seconds = seconds
        self.count = count
        self.size = size
        self.on_forget: Callable[[str], None] = lambda name: None
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, StoredFile] = {}  # the longest unused comes first
        self._folder: PrivateFolder | None = None  # made when it is needed
        self._timer: threading.Timer | None = None

    def put(self, data: bytes) -> str:
        """Keep bytes and return their id, which cannot be guessed.

        Raises:
            NoSpace: they are more than the file store holds, or the disk is full.
        """
        if len(data) > self.size:
            raise NoSpace(
                f"{len(data):,} bytes are to be kept and the server keeps {self.size:,} at most; "
                "send the photo with the request itself"
            )
        name = secrets.token_urlsafe(18)
        path = self._place() / name
        try:
            path.write_bytes(data)
        except OSError as problem:
            _remove(path)
            if problem.errno in (errno.ENOSPC, errno.EDQUOT):
                raise NoSpace(
                    "the server's disk is full; try again when there is room for temporary files"
                ) from problem
            raise
        with self._lock:
            self._kept[name] = StoredFile(path, len(data), self._clock())
        self.sweep()
        return name

    def get(self, name: str) -> bytes | None:
        """Return the bytes of an id, or None where it is unknown or not kept any more."""
        path = self._use(name)
        try:
            return None if path is None else path.read_bytes()
        except FileNotFoundError:  # it had to go this very moment
            return None

    def touch(self, name: str) -> bool:
        """Keep an id longer, as if it was asked for; False where it is not kept."""
        return self._use(name) is not None

    def drop(self, name: str) -> None:
        """Forget an id."""
        with self._lock:
            entry = self._kept.pop(name, None)
        if entry is not None:
            _remove(entry.path)
            self.on_forget(name)

    def __contains__(self, name: str) -> bool:
        self.sweep()
        with self._lock:
            return name in self._kept

    def __len__(self) -> int:
        self.sweep()
        return len(self._kept)

    def sweep(self) -> None:
        """Forget what is too old or too much."""
        oldest = self._clock() - self.seconds
        gone = []
        with self._lock:
            total = sum(entry.size for entry in self._kept.values())
            for name, entry in list(self._kept.items()):
                over = len(self._kept) > self.count or total > self.size
                if entry.used > oldest and not over:
                    break
                del self._kept[name]
                total -= entry.size
                _remove(entry.path)
                gone.append(name)
            self._sweep_again()
        for name in gone:
            self.on_forget(name)

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            gone = list(self._kept)
            self._kept.clear()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._folder is not None:
                self._folder.close()
                self._folder = None
        for name in gone:
            self.on_forget(name)

    def _use(self, name: str) -> Path | None:
        self.sweep()
        with self._lock:
            entry = self._kept.pop(name, None)
            if entry is None:
                return None
            entry.used = self._clock()
            self._kept[name] = entry  # the last in the row now
            return entry.path

    def _place(self) -> Path:
        with self._lock:
            if self._folder is None:
                self._folder = PrivateFolder(self.size)
                weakref.finalize(self, self._folder.close)
            return self._folder.path

    def _sweep_again(self) -> None:
        """See to it that entries go in time on a server that nobody uses; the lock is held."""
        if not self._kept or self._timer is not None:
            return
        file_store = weakref.ref(self)

        def run() -> None:
            if (owner := file_store()) is not None:
                with owner._lock:
                    owner._timer = None
                owner.sweep()

        oldest = next(iter(self._kept.values()))
        left = oldest.used + self.seconds - self._clock()
        self._timer = threading.Timer(max(left, 0.0), run)
        self._timer.daemon = True
        self._timer.start()


def _remove(path: Path) -> None:
    # Windows lets no file go that is being read; then it goes with the folder.
    with suppress(PermissionError):
        path.unlink(missing_ok=True)
