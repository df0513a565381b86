"""The approximate part of a large index: an inverted file over FAISS, and its file on disk.

Vectors are sorted into cells around centroids (k-means on the sphere); each is kept as its
difference from the centroid, 8 bits a number; a search reads the cells nearest to the query.
Chosen by measuring (docs/library.md): as near to exact and as fast as a graph (HNSW), made several
times faster, a quarter of the size of the vectors, and it can be mapped from the disk.
"""

from __future__ import annotations

import json
import math
import os
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import faiss
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Keys = NDArray[np.int64]
Batch = tuple[Keys, FloatArray]
Read = Callable[[], Iterable[Batch]]  # yields every vector of truth, from the first, at each call

CELLS_PER_ROOT: Final = 4  # cells: about so many times the square root of the vectors
PROBED_SHARE: Final = 1 / 64  # of the cells, those that a search reads
PROBED_LEAST: Final = 64
TRAINING_PER_CELL: Final = 40
TRAINING_ROUNDS: Final = 6
ADDED_AT_ONCE: Final = 8192
FORMAT: Final = 1
TRAILER: Final = 512  # bytes at the end of the file: JSON, padded with spaces
READ_AT_ONCE: Final = 1 << 22


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """An inverted file, never changed once it is in use.

    ``keys`` (N,) int64 are all that it holds, ascending; ``hidden``, ascending, those of them that
    no longer count; the first ``selectors`` keeps FAISS from returning them and has but a pointer
    to the second.
    """

    index: Any
    keys: Keys
    hidden: Keys
    selectors: tuple[Any, ...] = (None,)

    def __len__(self) -> int:
        return len(self.keys) - len(self.hidden)

    def hiding(self, keys: Keys) -> Trained:
        """Return the same index without some of its keys; keys of others do not matter."""
        hidden = np.union1d(self.hidden, np.intersect1d(keys, self.keys))
        if len(hidden) == len(self.hidden):
            return self
        batch = faiss.IDSelectorBatch(hidden)
        return Trained(self.index, self.keys, hidden, (faiss.IDSelectorNot(batch), batch))

    def shown(self) -> Keys:
        """Return the keys that count, ascending."""
        return np.setdiff1d(self.keys, self.hidden, assume_unique=True)

    def search(self, vectors: FloatArray, k: int) -> tuple[FloatArray, Keys]:
        """Find about the k nearest of each of (M, D); -1 stands for none."""
        cells = int(self.index.nlist)
        # The k nearest of many lie in more cells: read some four times as many vectors at least.
        wide = 4 * k * cells // max(len(self.keys), 1)
        probed = min(cells, max(probed_of(cells), wide))
        parameters: Any = faiss.SearchParametersIVF  # its stub does not know what it takes
        how = parameters(nprobe=probed, sel=self.selectors[0])
        similarities, keys = self.index.search(vectors, k, params=how)
        return similarities, keys


def cells_for(count: int) -> int:
    """Choose the number of cells for so many vectors, a power of two."""
    return 1 << max(0, round(math.log2(CELLS_PER_ROOT * max(count, 1) ** 0.5)))


def probed_of(cells: int) -> int:
    """Choose how many of the cells a search for a few neighbours reads."""
    return min(cells, max(PROBED_LEAST, round(cells * PROBED_SHARE)))


def train(
    read: Read, *, count: int, dimension: int, should_stop: Callable[[], bool]
) -> Trained | None:
    """Make an inverted file of all vectors that ``read`` yields; about ``count`` are expected.

    The vectors are read twice, a sample of them to train on and then all, and never held at once.
    Returns None where ``should_stop`` said so or no vectors came.
    """
    cells = cells_for(count)
    sample = _sample(read, every=max(1, count // (cells * TRAINING_PER_CELL)))
    if sample is None or should_stop():
        return None
    quantizer = faiss.IndexFlatIP(dimension)
    index = faiss.IndexIVFScalarQuantizer(
        quantizer,
        dimension,
        min(cells, len(sample)),
        faiss.ScalarQuantizer.QT_8bit,
        faiss.METRIC_INNER_PRODUCT,
    )
    index.cp.niter = TRAINING_ROUNDS
    index.cp.min_points_per_centroid = 1  # no warning on the console; there are plenty in life
    index.train(sample)
    del sample
    for keys, vectors in read():
        for start in range(0, len(keys), ADDED_AT_ONCE):
            if should_stop():
                return None
            some = slice(start, start + ADDED_AT_ONCE)
            index.add_with_ids(np.ascontiguousarray(vectors[some], np.float32), keys[some])
    return _trained(index)


def write(trained: Trained, path: Path, *, stamp: str) -> None:
    """Write the file, whole or not at all; ``stamp`` says what its vectors are.

    Raises:
        OSError: it cannot be written.
    """
    new = path.with_name(path.name + ".new")
    try:
        faiss.write_index(trained.index, str(new))
    except RuntimeError as problem:  # FAISS reports a full disk so
        new.unlink(missing_ok=True)
        raise OSError(f"{new} could not be written: {problem}") from problem
    try:
        new.chmod(0o600)  # FAISS leaves it to the umask
        facts = {
            "format": FORMAT,
            "stamp": stamp,
            "count": len(trained.keys),
            "bytes": new.stat().st_size,
            "crc32": _crc32(new, new.stat().st_size),
        }
        trailer = json.dumps(facts).encode().ljust(TRAILER)
        assert len(trailer) == TRAILER, facts
        with new.open("ab") as file:
            file.write(trailer)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def read(path: Path, *, dimension: int, stamp: str) -> Trained | None:
    """Map a file that ``write`` made; None where it is missing, stale, damaged or of another kind.

    FAISS trusts what it reads, so every byte is checked before FAISS sees it.
    """
    try:
        with path.open("rb") as file:
            length = file.seek(0, os.SEEK_END) - TRAILER
            file.seek(max(length, 0))
            facts = json.loads(file.read(TRAILER))
        wanted = {"format": FORMAT, "stamp": stamp, "bytes": length}
        if not isinstance(facts, dict) or facts | wanted != facts:
            return None
        if facts.get("crc32") != _crc32(path, length):
            return None
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)
    except (OSError, ValueError, RuntimeError):
        return None
    if not isinstance(index, faiss.IndexIVF) or index.d != dimension:
        return None
    downcast: Any = faiss.downcast_InvertedLists
    lists = downcast(index.invlists)
    if isinstance(lists, faiss.OnDiskInvertedLists):
        lists.prefetch_nthread = 0  # starting 32 threads takes longer than the search
    return _trained(index)


def _sample(read: Read, *, every: int) -> FloatArray | None:
    """Take every so many-th vector, so that early and late ones have their share."""
    taken, passed = [], 0
    for _, vectors in read():
        taken.append(np.array(vectors[-passed % every :: every], np.float32))
        passed += len(vectors)
    sample = np.concatenate(taken) if taken else np.empty((0, 0), np.float32)
    return sample if len(sample) else None


def _trained(index: Any) -> Trained:
    lists = index.invlists
    keys = [
        np.array(faiss.rev_swig_ptr(lists.get_ids(cell), lists.list_size(cell)), np.int64)
        for cell in range(index.nlist)
        if lists.list_size(cell)
    ]
    all_keys = np.sort(np.concatenate(keys)) if keys else np.empty(0, np.int64)
    return Trained(index, all_keys, np.empty(0, np.int64))


def _crc32(path: Path, length: int) -> int:
    """Checksum the first ``length`` bytes of a file."""
    check = 0
    with path.open("rb") as file:
        while length > 0:
            piece = file.read(min(READ_AT_ONCE, length))
            if not piece:
                break
            check = zlib.crc32(piece, check)
            length -= len(piece)
    return check
