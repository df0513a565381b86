"""The vector indexes of a library, kept in step with its database.

Two of them: the photos' embeddings and those of their captions. Whatever changed the database,
this process or another, the next search sees it. Their trained parts lie beside the database and
may be deleted at any time: what is missing, stale or damaged is made again.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

import faiss
import numpy as np
from numpy.typing import NDArray

from retrieval.database import queries
from retrieval.database.store import Store
from retrieval.errors import LibraryError
from retrieval.index.vector_index import EXACT_UP_TO, NOTHING, VectorIndex

log = logging.getLogger("photochrom")

FloatArray = NDArray[np.float32]
Keys = NDArray[np.int64]

READ_AT_ONCE: Final = 8192


class TableIndex:
    """The index of one table of vectors."""

    def __init__(self, store: Store, table: str, dimension: int, *, exact_up_to: int) -> None:
        self._store = store
        self._table = table
        self._path = store.folder / f"{table}.index"
        self._loaded = False
        self._index = VectorIndex(dimension, exact_up_to=exact_up_to)

    def __len__(self) -> int:
        return len(self._index)

    @property
    def dimension(self) -> int:
        """The vectors' length."""
        return self._index.dimension

    @property
    def is_trained(self) -> bool:
        """Tell whether part of it is approximate."""
        return self._index.is_trained

    @property
    def wants_rebuild(self) -> bool:
        """Tell whether a search would gain from training."""
        return self._index.wants_rebuild

    def nearest(self, vector: FloatArray, count: int) -> set[int]:
        """Return the keys of about the ``count`` nearest of a (D,) unit vector."""
        _, keys = self._index.search(vector[None], min(count, max(len(self._index), 1)))
        return {int(key) for key in keys[0] if key != NOTHING}

    def follow(self, connection: sqlite3.Connection) -> None:
        """Take over what was added to the table and removed from it."""
        if not self._loaded:
            self._loaded = True
            self._index.load(self._path, stamp=self._stamp(connection))
        keys = self._index.keys
        total, _ = queries.count_vectors(connection, table=self._table)
        if total - len(keys) > READ_AT_ONCE:
            self._index.reserve(total - len(keys))
        for new, vectors in self._read(connection, after=int(keys[-1]) if len(keys) else 0):
            self._index.add(new, vectors)
        keys = self._index.keys
        if queries.count_vectors(connection, table=self._table) == (len(keys), int(keys.sum())):
            return
        there = queries.vector_keys(connection, table=self._table)
        self._index.remove(np.setdiff1d(keys, there, assume_unique=True))
        missing = np.setdiff1d(there, keys, assume_unique=True)
        for start in range(0, len(missing), READ_AT_ONCE):
            some = missing[start : start + READ_AT_ONCE].tolist()
            found, vectors = queries.vectors_of(connection, some, table=self._table)
            if len(found):
                self._index.add(found, vectors)

    def rebuild(self, *, should_stop: Callable[[], bool]) -> None:
        """Train on all vectors, take the result into use, save it and map it from the disk."""
        with self._store.reading() as connection:
            stamp = self._stamp(connection)

        def read() -> Iterator[tuple[Keys, FloatArray]]:
            with self._store.reading() as connection:  # one state of the library throughout
                yield from self._read(connection, after=0)

        if self._index.rebuild(read, should_stop=should_stop):
            try:
                self._index.save(self._path, stamp=stamp)
            except OSError as problem:  # searches work without the file
                log.warning("the search index was not saved: %s", problem)

    def _read(
        self, connection: sqlite3.Connection, *, after: int
    ) -> Iterator[tuple[Keys, FloatArray]]:
        while True:
            keys, vectors = queries.vectors(
                connection, after=after, limit=READ_AT_ONCE, table=self._table
            )
            if not len(keys):
                return
            yield keys, vectors
            after = int(keys[-1])

    def _stamp(self, connection: sqlite3.Connection) -> str:
        """Say whose vectors these are: of which library, table and model."""
        model = queries.newest_model(connection, table=self._table)
        return f"{self._table} {queries.identity(connection)} {model} {self.dimension}"


class LibraryIndexes:
    """Both indexes of a library; threads may share them."""

    def __init__(
        self,
        store: Store,
        *,
        dimension: int,
        check: Callable[[sqlite3.Connection], None],
        exact_up_to: int = EXACT_UP_TO,
    ) -> None:
        """``check`` raises WrongClip where the database now holds another model's vectors."""
        self._store = store
        self._check = check
        self._revision = -1
        self._following = threading.Lock()
        self._builder: threading.Thread | None = None
        self._closed = threading.Event()
        self.images = TableIndex(store, queries.VECTORS, dimension, exact_up_to=exact_up_to)
        self.captions = TableIndex(
            store, queries.CAPTION_VECTORS, dimension, exact_up_to=exact_up_to
        )

    def refresh(self) -> None:
        """Follow the database; where training would pay, start it beside and do not wait.

        Raises:
            WrongClip: the library was made again with another model.
        """
        with self._following:
            with self._store.reading() as connection:
                revision = queries.revision(connection)
                if revision == self._revision:
                    return
                self._check(connection)
                self.images.follow(connection)
                self.captions.follow(connection)
            self._revision = revision
            if self._wanting() and (self._builder is None or not self._builder.is_alive()):
                self._builder = threading.Thread(
                    target=self._build_quietly, name="library-index", daemon=True
                )
                self._builder.start()

    def settle(self) -> None:
        """Follow the database and train now, if that pays; a short-lived program calls this.

        Raises:
            WrongClip: the library was made again with another model.
        """
        self.refresh()
        builder = self._builder
        if builder is not None:
            builder.join()

    def close(self) -> None:
        """Let a training end at its next step."""
        self._closed.set()

    def _wanting(self) -> list[TableIndex]:
        return [
            table_index for table_index in (self.images, self.captions) if table_index.wants_rebuild
        ]

    def _build_quietly(self) -> None:
        # Half of the cores, so that photos are coloured meanwhile; the number is this thread's own.
        faiss.omp_set_num_threads(max(1, (os.cpu_count() or 1) // 2))
        with suppress(LibraryError):  # the database went away; the next search says so
            for table_index in self._wanting():
                table_index.rebuild(should_stop=self._closed.is_set)
