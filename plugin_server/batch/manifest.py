"""What a batch has done, so that it can be stopped at any moment and go on later.

``photochrom-manifest.jsonl`` in the output folder holds a JSON object a line and only ever grows;
the last line about a photo counts. A line says that work on a file *begins* before the file is
touched, so whatever kills the process, the next run knows which files are its own. A line that was
cut off is passed over.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal

from filelock import BaseFileLock, FileLock, Timeout

from models.shown import shown

NAME: Final = "photochrom-manifest.jsonl"
LOCK: Final = ".photochrom-manifest.lock"

State = Literal["begun", "done", "failed"]


class ManifestError(Exception):
    """The manifest cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is known of a photo.

    ``name`` is its path below the folder that was coloured, ``path`` where it lay. ``size``,
    ``mtime_ns`` and ``sha256`` tell whether it has changed since, ``settings`` (a digest) whether
    something else is asked for. ``output`` is the result's path in the output folder and
    ``output_size`` its bytes; ``confidence`` is how sure the model was, 0 where nobody said.
    ``described_by`` says where the description came from.
    """

    name: str
    state: State
    path: str = ""
    size: int = 0
    mtime_ns: int = 0
    sha256: str = ""
    settings: str = ""
    output: str = ""
    output_size: int = 0
    description: str = ""
    described_by: str = ""
    exemplar: str = ""
    notices: tuple[str, ...] = ()
    confidence: float = 0.0
    error: str = ""
    seconds: float = 0.0
    at: str = ""


class Manifest:
    """The manifest of an output folder, open for one run; safe for threads.

    Only where each photo's last line begins is held in memory: about 200 bytes a photo.

    Raises:
        ManifestError: another run has it open, or it cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._lock = threading.Lock()
        self._last: dict[str, int] = {}
        self._begun: set[str] = set()
        self._folder_lock: BaseFileLock | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = open(self.path, "a+b", buffering=0)  # noqa: SIM115
        except OSError as problem:
            raise ManifestError(
                f"cannot write to {shown(folder)} ({problem.strerror}): give another folder with -o"
            ) from problem
        try:
            self._folder_lock = _take(folder)
            self._end = self._read()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Manifest:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._last)

    def __iter__(self) -> Iterator[Record]:
        """Yield the last record of every photo, by name."""
        for name in sorted(self._last):
            record = self.get(name)
            assert record is not None
            yield record

    def get(self, name: str) -> Record | None:
        """Return the last record of a photo."""
        with self._lock:
            at = self._last.get(name)
            if at is None:
                return None
            self._file.seek(at)
            line = self._file.read(1 << 12)
            while b"\n" not in line and (more := self._file.read(1 << 16)):
                line += more
        return _parse(line.partition(b"\n")[0])

    def add(self, record: Record) -> None:
        """Write a record behind the others; OSError where that fails, and then none of it."""
        line = _write(record)
        with self._lock:
            try:
                written = 0
                while written < len(line):
                    written += self._file.write(line[written:]) or 0
            except OSError:
                self._file.truncate(self._end)
                raise
            self._last[record.name] = self._end
            self._end += len(line)

    @property
    def interrupted(self) -> list[Record]:
        """List the photos whose work began in an earlier run and never ended."""
        records = (self.get(name) for name in self._begun)
        return [record for record in records if record is not None and record.state == "begun"]

    def sync(self) -> None:
        """Have the system put on the disk what was written."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Give the manifest back."""
        self._file.close()
        if self._folder_lock is not None:
            # While it is held: whoever came in between would have been refused.
            Path(self._folder_lock.lock_file).unlink(missing_ok=True)
            self._folder_lock.release()

    def _read(self) -> int:
        """Find each photo's last line; end a line that was cut off. Return the file's size."""
        self._file.seek(0)
        at, line = 0, b""
        with open(self.path, "rb") as lines:
            for line in lines:
                if (record := _parse(line)) is not None:
                    self._last[record.name] = at
                    (self._begun.add if record.state == "begun" else self._begun.discard)(
                        record.name
                    )
                at += len(line)
        if line and not line.endswith(b"\n"):
            try:
                at += self._file.write(b"\n") or 0
            except OSError as problem:
                raise ManifestError(
                    f"cannot write to {shown(self.path)} ({problem.strerror}): make room or "
                    "give another folder with -o"
                ) from problem
        return at


def _write(record: Record) -> bytes:
    """Write one line of ASCII: names that are no text come back as they were."""
    blank = Record(name="", state="begun")
    said = {name: value for name, value in asdict(record).items() if value != getattr(blank, name)}
    return json.dumps({"name": record.name, "state": record.state} | said).encode() + b"\n"


def _parse(line: bytes) -> Record | None:
    """Read one line; None where it is damaged."""
    try:
        members: Any = json.loads(line)
        known = {field.name for field in fields(Record)}
        members = {name: value for name, value in members.items() if name in known}
        members["notices"] = tuple(members.get("notices", ()))
        return Record(**members)
    except (ValueError, TypeError, AttributeError):
        return None


def _take(folder: Path) -> BaseFileLock | None:
    """Lock the folder for this process; a lock ends with the process, however that ends."""
    lock = FileLock(folder / LOCK, blocking=False, thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout as problem:
        raise ManifestError(
            f"another photochrom is colouring into {shown(folder)}: wait for it, or give "
            "another folder"
        ) from problem
    except (OSError, NotImplementedError):
        return None  # some network drives have no locks
    return lock
