"""The library's database: one SQLite file, read by any number of threads and processes.

In the write-ahead log (WAL) readers never wait for the writer and see only whole transactions, and
a process that is killed leaves nothing half done. Everything here is rows; what they mean is
decided in ``library.py`` and ``ingest.py``.
"""

from __future__ import annotations

import errno
import os
import queue
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from retrieval.database.folder import DATABASE, make_private
from retrieval.errors import (
    CorruptLibrary,
    LibraryBusy,
    LibraryError,
    LibraryUnusable,
    NewerLibrary,
    NoAccess,
    StorageFull,
)

APPLICATION: Final = 0x50484F54  # "PHOT": tells our files from other programs' databases
SCHEMA: Final = 1
WRITE_TIMEOUT: Final = 30.0  # seconds to wait while another process writes

TABLES: Final = """
CREATE TABLE models (            -- whose vectors these are
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  probe BLOB NOT NULL            -- its embedding of one fixed picture: other weights, other vector
);
CREATE TABLE exemplars (
  key INTEGER PRIMARY KEY AUTOINCREMENT,   -- never used again, so that an old index stays right
  id TEXT NOT NULL UNIQUE,
  sha256 TEXT NOT NULL UNIQUE,
  source TEXT NOT NULL,
  captions TEXT NOT NULL,        -- one a line
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  colors TEXT NOT NULL,          -- "#rrggbb #rrggbb"
  dhash INTEGER NOT NULL
);
CREATE TABLE vectors (
  key INTEGER PRIMARY KEY REFERENCES exemplars ON DELETE CASCADE,
  model INTEGER NOT NULL REFERENCES models,
  vector BLOB NOT NULL           -- float16
);
CREATE INDEX vectors_model ON vectors (model);
CREATE TABLE caption_vectors (   -- of the best caption, by the model's text tower
  key INTEGER PRIMARY KEY REFERENCES exemplars ON DELETE CASCADE,
  model INTEGER NOT NULL REFERENCES models,
  vector BLOB NOT NULL           -- float16
);
CREATE INDEX caption_vectors_model ON caption_vectors (model);
CREATE TRIGGER new_captions AFTER UPDATE OF captions ON exemplars
  BEGIN DELETE FROM caption_vectors WHERE key = new.key; END;
CREATE TABLE thumbnails (
  key INTEGER PRIMARY KEY REFERENCES exemplars ON DELETE CASCADE,
  image BLOB NOT NULL            -- JPEG
);
CREATE TABLE files (             -- every photo that was looked at, so that none is read twice
  path BLOB NOT NULL,
  member TEXT NOT NULL,
  offset INTEGER NOT NULL,
  length INTEGER NOT NULL,
  size INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  source TEXT NOT NULL,
  verdict TEXT NOT NULL,         -- see Verdict
  reason TEXT NOT NULL,
  exemplar INTEGER REFERENCES exemplars ON DELETE CASCADE,
  PRIMARY KEY (path, member)
) WITHOUT ROWID;
CREATE INDEX files_exemplar ON files (exemplar);
CREATE TABLE state (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
INSERT INTO state VALUES ('revision', 0);
INSERT INTO state VALUES ('identity', random());   -- tells this library's index files from others'
"""


class Store:
    """Connections to one library file. Threads may share it; each borrows a connection."""

    def __init__(self, folder: Path, *, retry_timeout: float = WRITE_TIMEOUT) -> None:
        """Open the database in ``folder``, making both if absent.

        A writer waits ``retry_timeout`` seconds for those in other processes.

        Raises:
            LibraryUnusable: see retrieval/errors.py.
        """
        self.folder = folder
        self.path = folder / DATABASE
        self._retry_timeout = retry_timeout
        self._pool: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        self._write_lock = threading.Lock()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            make_private(folder)
            self._make_private()
        except FileExistsError as problem:
            raise NoAccess(f"{folder} is a file: name a folder for the library") from problem
        except OSError as problem:
            raise explain_os_error(problem, folder) from problem
        with self._borrowed() as connection:
            self._prepare(connection)

    def _make_private(self) -> None:
        """Make a new database file that only its owner can read; SQLite gives its others the same.

        A link that lies in the way is not followed.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        with suppress(FileExistsError):
            os.close(os.open(self.path, flags, 0o600))

    def close(self) -> None:
        """Close the connections that nobody holds."""
        while True:
            try:
                self._pool.get_nowait().close()
            except queue.Empty:
                return

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that sees one state of the library throughout."""
        with self._borrowed() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                if connection.in_transaction:  # some errors end it themselves
                    connection.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection inside a transaction: all of it is kept, or nothing."""
        with self._write_lock, self._borrowed() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("UPDATE state SET value = value + 1 WHERE name = 'revision'")
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    @contextmanager
    def _borrowed(self) -> Iterator[sqlite3.Connection]:
        try:
            try:
                connection = self._pool.get_nowait()
            except queue.Empty:
                connection = self._connect()
            try:
                yield connection
            finally:
                self._pool.put(connection)
        except sqlite3.Error as problem:
            raise self._explain(problem) from problem

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=self._retry_timeout, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA secure_delete = ON")  # who removes a photo means it
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Make the tables in a new file; refuse one that is not ours or not of our time."""
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            try:
                (version,) = connection.execute("PRAGMA user_version").fetchone()
                if version == 0:  # another process may have been faster
                    if connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
                        raise CorruptLibrary(
                            f"{self.path} is another program's database: name another folder"
                        )
                    for statement in filter(None, TABLES.split(";\n")):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA application_id = {APPLICATION}")
                    connection.execute(f"PRAGMA user_version = {SCHEMA}")
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            return
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        if application != APPLICATION:
            raise CorruptLibrary(f"{self.path} is another program's database: name another folder")
        if version > SCHEMA:
            raise NewerLibrary(
                f"{self.path} has format {version}, and this Photochrom knows up to {SCHEMA}: "
                "update Photochrom, or name another folder"
            )

    def _explain(self, problem: sqlite3.Error) -> LibraryUnusable:
        """Say what an error of SQLite means for the person (https://sqlite.org/rescode.html)."""
        code = getattr(problem, "sqlite_errorcode", 0) & 0xFF
        match code:
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                return LibraryBusy(
                    f"another program has been writing to {self.path} for more than "
                    f"{self._retry_timeout:.0f} s: wait for it to finish, or end it"
                )
            case sqlite3.SQLITE_FULL | sqlite3.SQLITE_IOERR:
                return StorageFull(
                    f"the disk that holds {self.folder} is full or cannot be written ({problem}): "
                    "make room and run the same command again; what was indexed is kept"
                )
            case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
                return NoAccess(
                    f"{self.path} cannot be opened or written ({problem}): "
                    "check the rights of the folder, or name another one"
                )
            case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
                return CorruptLibrary(
                    f"{self.path} is damaged ({problem}): move it away and add your photos again; "
                    "the photos themselves are not touched"
                )
        return LibraryUnusable(f"{self.path} cannot be used: {problem}")


def explain_os_error(problem: OSError, path: Path) -> LibraryError:
    """Say what the operating system has against writing to ``path``."""
    if problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StorageFull(
            f"the disk that holds {path} is full: make room and run the same command again; "
            "what was indexed is kept"
        )
    reason = problem.strerror or str(problem)
    return NoAccess(f"{path}: {reason}; check its rights, or name another folder")
