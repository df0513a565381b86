"""Looking at photos before they are added: in threads, some ahead, and nothing is written."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from retrieval.database import queries
from retrieval.database.exemplar import Place, Prepared
from retrieval.database.queries import FileRow
from retrieval.database.store import Store
from retrieval.errors import PhotoRefused
from retrieval.ingest.moved import gone_file
from retrieval.ingest.photos import DecodeSmall, PhotoLimits, decode_small, describe
from retrieval.ingest.preparing import Embedded, Preparer
from retrieval.ingest.walk import Found, refuse_early

FloatArray = NDArray[np.float32]

LARGE: Final = 32_000_000  # bytes; such photos are decoded one at a time, for the memory's sake


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The file was looked at before."""

    found: Found
    row: FileRow


@dataclass(frozen=True, slots=True)
class Ready:
    """The photo was decoded."""

    found: Found
    photo: Prepared
    embedded: Embedded | None = None  # where somebody else has done that, too


@dataclass(frozen=True, slots=True)
class Refused:
    """The photo cannot be used; ``remember`` it unless that may change without the file."""

    found: Found
    reason: str
    remember: bool


@dataclass(frozen=True, slots=True)
class Examined:
    """What a worker made of a photo, and how long it read and decoded (CPU seconds)."""

    result: Unchanged | Ready | Refused
    seconds: float = 0.0


class Examiner:
    """Looks at photos in several threads; with ``remote`` they are decoded and embedded elsewhere.

    ``probe`` is then compared with that of the model there.
    """

    def __init__(
        self,
        store: Store,
        *,
        limits: PhotoLimits,
        remote: Preparer | None = None,
        probe: FloatArray | None = None,
        decode: DecodeSmall = decode_small,
    ) -> None:
        self._store = store
        self._limits = limits
        self._remote = remote
        self._probe = probe
        self._decode = decode
        self._large = threading.Lock()

    def outcomes(self, photos: Iterable[Found], *, ahead: int) -> Generator[Examined]:
        """Examine photos, so many ahead, and yield what came of them in their order."""
        workers = (os.cpu_count() or 1) if self._remote is None else self._remote.in_flight
        pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")
        pending: deque[Future[Examined]] = deque()
        try:
            for found in photos:
                pending.append(pool.submit(self._examine, found))
                if len(pending) >= ahead:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _examine(self, found: Found) -> Examined:
        """Read and decode one photo; runs in several threads."""
        place = found.place
        with self._store.reading() as connection:
            row = queries.find_file(connection, place.path, place.member)
            # The copy of a photo that is gone since takes its place.
            is_heir = (
                row is not None
                and row.verdict == queries.DUPLICATE
                and row.exemplar is not None
                and gone_file(connection, row.exemplar) is not None
            )
        if row is not None and _is_same_file(row.place, place) and not is_heir:
            return Examined(Unchanged(found, row))
        started = time.thread_time()
        try:
            refuse_early(found, self._limits.max_bytes)
            with self._large if (place.length or place.size) > LARGE else nullcontext():
                data = found.read()
                if self._remote is not None:
                    return Examined(self._prepared_remotely(found, data))
                small = self._decode(data, self._limits)
            seconds = time.thread_time() - started
            return Examined(Ready(found, describe(data, small, found.captions())), seconds)
        except PhotoRefused as problem:
            return Examined(Refused(found, str(problem), True), time.thread_time() - started)
        except OSError as problem:  # no permission, or gone since the folder was listed
            return Examined(Refused(found, f"cannot be read: {problem.strerror}", False))

    def _prepared_remotely(self, found: Found, data: bytes) -> Ready:
        assert self._remote is not None
        assert self._probe is not None
        embedded = self._remote(data, found.captions())
        embedded.check_model(self._probe)
        return Ready(found, embedded.photo, embedded)


def _is_same_file(known: Place, place: Place) -> bool:
    return (known.size, known.mtime_ns) == (place.size, place.mtime_ns)
