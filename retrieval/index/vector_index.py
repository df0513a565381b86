"""Nearest vectors by inner product, for libraries of any size, over FAISS.

A small index is exact: every vector is compared. A large one has a *trained* part
(``ivf.py``), which is approximate and much faster; what was added since its training
stays exact beside it until the next one. The vectors of truth live in the library's database: an
index can always be made again from them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import faiss
import numpy as np
from numpy.typing import NDArray

from retrieval.index import ivf as trained_file
from retrieval.index.ivf import Read, Trained, train

FloatArray = NDArray[np.float32]
Keys = NDArray[np.int64]

NOTHING: Final = -1  # the key where fewer than k vectors were found; its similarity is -inf
# Up to so many vectors a search compares all: docs/decisions/0016.
EXACT_UP_TO: Final = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class _Exact:
    """Vectors that are compared one by one.

    ``keys`` (N,), ``vectors`` (N, D): the first rows of ``room``, whose other rows are free. Only
    the newest of several that share a room may be extended, so that rows never change once used.
    """

    keys: Keys
    vectors: FloatArray
    room: FloatArray

    @classmethod
    def empty(cls, dimension: int) -> _Exact:
        nothing = np.empty((0, dimension), np.float32)
        return cls(np.empty(0, np.int64), nothing, nothing)

    def extended(self, keys: Keys, vectors: FloatArray) -> _Exact:
        """Return these rows and more."""
        old, new = len(self.keys), len(self.keys) + len(keys)
        room = self.room
        if new > len(room):
            room = np.empty((max(64, new * 3 // 2), vectors.shape[1]), np.float32)
            room[:old] = self.vectors
        room[old:new] = vectors
        return _Exact(np.concatenate([self.keys, keys]), room[:new], room)

    def reduced(self, keys: Keys) -> _Exact:
        """Return a copy without the rows of some keys, or self where none is here."""
        stays = ~np.isin(self.keys, keys)
        if stays.all():
            return self
        kept = self.vectors[stays]
        return _Exact(self.keys[stays], kept, kept)

    def search(self, vectors: FloatArray, k: int) -> tuple[FloatArray, Keys]:
        """Find the k nearest of each of (M, D), k no more than there are."""
        near, rows = faiss.knn(vectors, self.vectors, k, faiss.METRIC_INNER_PRODUCT)
        return near, self.keys[rows]


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """What one search sees: replaced as a whole, never changed."""

    trained: Trained | None
    exact: _Exact

    def __len__(self) -> int:
        return len(self.exact.keys) + (len(self.trained) if self.trained else 0)

    def keys(self) -> Keys:
        """Return all keys, ascending."""
        if self.trained is None:
            return np.sort(self.exact.keys)
        return np.sort(np.concatenate([self.trained.shown(), self.exact.keys]))

    def without(self, keys: Keys) -> _State:
        """Return the state without some keys; those that are not there do not matter."""
        trained = None if self.trained is None else self.trained.hiding(keys)
        return _State(trained, self.exact.reduced(keys))


class VectorIndex:
    """Unit vectors under keys of your own.

    Safe to use from many threads: a search works on one state and never waits, not even for
    ``rebuild``, which makes the new trained part aside and then swaps it in.
    """

    def __init__(self, dimension: int, *, exact_up_to: int = EXACT_UP_TO) -> None:
        self.dimension = dimension
        self.exact_up_to = exact_up_to
        self._changing = threading.Lock()
        self._building = threading.Lock()
        self._touched: list[Keys] = []  # added or removed while a build is under way
        self._state = _State(None, _Exact.empty(dimension))

    def __len__(self) -> int:
        return len(self._state)

    @property
    def keys(self) -> Keys:
        """All keys, (N,) int64, ascending."""
        return self._state.keys()

    @property
    def is_trained(self) -> bool:
        """Tell whether part of the index is approximate."""
        return self._state.trained is not None

    @property
    def wants_rebuild(self) -> bool:
        """Tell whether so many vectors are compared one by one, or hidden, that it costs time."""
        state = self._state
        hidden = 0 if state.trained is None else len(state.trained.hidden)
        return max(len(state.exact.keys), hidden) > self.exact_up_to

    def add(self, keys: Keys, vectors: FloatArray) -> None:
        """Add (N,) int64 keys, none negative, with (N, D) float32 vectors of unit length.

        A key that is there already gets the new vector; of a key given twice the last counts.
        """
        assert vectors.shape == (len(keys), self.dimension), (vectors.shape, len(keys))
        if not len(keys):
            return
        # unique() finds first places, so the order is turned round.
        keys, places = np.unique(np.asarray(keys, np.int64)[::-1], return_index=True)
        assert keys[0] >= 0, keys[0]
        rows = np.asarray(vectors, np.float32)[::-1][places]
        with self._changing:
            state = self._state.without(keys)
            self._state = _State(state.trained, state.exact.extended(keys, rows))
            self._note(keys)

    def reserve(self, count: int) -> None:
        """Make room for so many more vectors, so that adding them piece by piece copies nothing."""
        with self._changing:
            exact = self._state.exact
            room = np.empty((len(exact.keys) + count, self.dimension), np.float32)
            room[: len(exact.keys)] = exact.vectors
            same = _Exact(exact.keys, room[: len(exact.keys)], room)
            self._state = _State(self._state.trained, same)

    def remove(self, keys: Keys) -> None:
        """Forget some keys; those that are not there do not matter."""
        keys = np.unique(np.asarray(keys, np.int64))
        with self._changing:
            self._state = self._state.without(keys)
            self._note(keys)

    def search(self, vectors: FloatArray, k: int) -> tuple[FloatArray, Keys]:
        """Find the k nearest of each of (M, D) vectors: (M, k) similarities and keys, best first.

        The similarity is the inner product, for vectors of the trained part to 8 bits. Where there
        are fewer than k, the key is NOTHING and the similarity -inf.
        """
        state = self._state
        vectors = np.ascontiguousarray(vectors, np.float32)
        near = np.full((len(vectors), k), -np.inf, np.float32)
        keys = np.full((len(vectors), k), NOTHING, np.int64)
        parts: list[Trained | _Exact] = [state.trained] if state.trained else []
        if len(state.exact.keys):
            parts.append(state.exact)
        for part in parts:
            held = len(part.keys)
            more_near, more_keys = part.search(vectors, min(k, held))
            near = np.concatenate([near, more_near], axis=1)
            keys = np.concatenate([keys, more_keys], axis=1)
            near[keys == NOTHING] = -np.inf
            best = np.argsort(-near, axis=1, kind="stable")[:, :k]
            near = np.take_along_axis(near, best, axis=1)
            keys = np.take_along_axis(keys, best, axis=1)
        return near, keys

    def rebuild(
        self,
        read: Read,
        *,
        count: int | None = None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Train on all vectors that ``read`` yields and take the result into use.

        ``count`` says about how many they are, where that is not the number in the index.

        Searches, additions and removals go on meanwhile and none is lost. The work is done in the
        calling thread, on as many cores as ``faiss.omp_set_num_threads`` gave that thread. Returns
        False, and changes nothing, where another thread is rebuilding already, where
        ``should_stop`` said so, or where nothing was read.
        """
        if not self._building.acquire(blocking=False):
            return False
        try:
            with self._changing:
                self._touched = []
            made = train(
                read, count=count or len(self), dimension=self.dimension, should_stop=should_stop
            )
            if made is None:
                return False
            self._take(made)
            return True
        finally:
            self._building.release()

    def save(self, path: Path, *, stamp: str) -> bool:
        """Write the trained part to a file; False, and no file, where there is none.

        ``stamp`` says whose vectors these are: a file with another one is not loaded. What is
        exact is read from the database in no time and not written. From then on the trained part is
        mapped from the file, and its memory is the system's to give and take.

        Raises:
            OSError: the file cannot be written.
        """
        trained = self._state.trained
        if trained is None:
            path.unlink(missing_ok=True)
            return False
        trained_file.write(trained, path, stamp=stamp)
        mapped = trained_file.read(path, dimension=self.dimension, stamp=stamp)
        if mapped is not None:
            with self._changing:
                state = self._state
                if state.trained is not None and state.trained.index is trained.index:
                    same = mapped.hiding(state.trained.hidden)
                    self._state = _State(same, state.exact)
        return True

    def load(self, path: Path, *, stamp: str) -> bool:
        """Take a saved trained part into use, mapped from the file; False where it is of no use.

        That is: missing, damaged, or with another stamp. Afterwards ``keys`` says what is there;
        the caller adds what is new since and removes what is gone.
        """
        found = trained_file.read(path, dimension=self.dimension, stamp=stamp)
        if found is None:
            return False
        with self._changing:
            self._state = _State(found, _Exact.empty(self.dimension))
        return True

    def _note(self, keys: Keys) -> None:
        if self._building.locked():
            self._touched.append(keys)

    def _take(self, made: Trained) -> None:
        """Swap a trained part in; what was added or removed meanwhile counts, not what was read."""
        with self._changing:
            touched = np.concatenate([np.empty(0, np.int64), *self._touched])
            exact = self._state.exact.reduced(np.setdiff1d(made.keys, touched))
            self._state = _State(made.hiding(touched), exact)
