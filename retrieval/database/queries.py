"""The statements on the library's database; each takes a connection that the store lent."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from retrieval.database.exemplar import Exemplar, Place, Prepared, exemplar_id

FloatArray = NDArray[np.float32]
Keys = NDArray[np.int64]

CHUNK: Final = 500  # values in one statement; SQLite's own limit was 999 for long
COLUMNS: Final = "key, id, source, captions, width, height, sha256, colors"
EXEMPLAR: Final = "exemplar"
DUPLICATE: Final = "duplicate"  # the same bytes as the exemplar's
NEAR: Final = "near duplicate"
REFUSED: Final = "refused"
VECTORS: Final = "vectors"  # the table of the photos' embeddings
CAPTION_VECTORS: Final = "caption_vectors"


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file that was looked at; ``verdict`` says what became of it, ``exemplar`` is a key."""

    place: Place
    verdict: str
    reason: str
    exemplar: int | None


def count(connection: sqlite3.Connection) -> int:
    """Count the exemplars."""
    return int(connection.execute("SELECT COUNT(*) FROM exemplars").fetchone()[0])


def revision(connection: sqlite3.Connection) -> int:
    """Return a number that grows with every change of the library."""
    query = "SELECT value FROM state WHERE name = 'revision'"
    return int(connection.execute(query).fetchone()[0])


def identity(connection: sqlite3.Connection) -> int:
    """Return the number that tells this library from all others."""
    query = "SELECT value FROM state WHERE name = 'identity'"
    return int(connection.execute(query).fetchone()[0])


def find(connection: sqlite3.Connection, exemplar_id: str) -> Exemplar | None:
    """Find an exemplar by its id."""
    query = f"SELECT {COLUMNS} FROM exemplars WHERE id = ?"
    row = connection.execute(query, (exemplar_id,)).fetchone()
    return None if row is None else _exemplar(row)


def find_sha256(connection: sqlite3.Connection, sha256: str) -> Exemplar | None:
    """Find the exemplar with these bytes."""
    query = f"SELECT {COLUMNS} FROM exemplars WHERE sha256 = ?"
    row = connection.execute(query, (sha256,)).fetchone()
    return None if row is None else _exemplar(row)


def page(
    connection: sqlite3.Connection, *, offset: int, limit: int, containing: str = ""
) -> list[Exemplar]:
    """List exemplars in the order they came; ``containing`` filters captions and sources."""
    pattern = "%" + containing.translate({ord(c): f"\\{c}" for c in "\\%_"}) + "%"
    query = (
        f"SELECT {COLUMNS} FROM exemplars WHERE captions LIKE ? ESCAPE '\\' "
        "OR source LIKE ? ESCAPE '\\' ORDER BY key LIMIT ? OFFSET ?"
    )
    rows = connection.execute(query, (pattern, pattern, limit, offset))
    return [_exemplar(row) for row in rows]


def by_keys(connection: sqlite3.Connection, keys: Iterable[int]) -> dict[int, Exemplar]:
    """Find exemplars by key; those that are gone are left out."""
    found: dict[int, Exemplar] = {}
    for part in _chunks([int(key) for key in keys]):
        marks = ",".join("?" * len(part))
        query = f"SELECT {COLUMNS} FROM exemplars WHERE key IN ({marks})"
        found |= {row[0]: _exemplar(row) for row in connection.execute(query, part)}
    return found


def under(connection: sqlite3.Connection, folder: str) -> list[Exemplar]:
    """List the exemplars whose photo lies in a folder, or is it, or is in it (a shard)."""
    name = os.fsencode(folder)
    inside = name.rstrip(os.fsencode(os.sep)) + os.fsencode(os.sep)
    query = (
        f"SELECT {COLUMNS} FROM exemplars WHERE key IN (SELECT exemplar FROM files WHERE "
        "verdict = ? AND (path = ? OR (path >= ? AND path < ?))) ORDER BY key"
    )
    after = inside[:-1] + bytes([inside[-1] + 1])
    return [_exemplar(row) for row in connection.execute(query, (EXEMPLAR, name, inside, after))]


def captions(connection: sqlite3.Connection, key: int) -> tuple[str, ...]:
    """Return all captions of an exemplar."""
    query = "SELECT captions FROM exemplars WHERE key = ?"
    row = connection.execute(query, (key,)).fetchone()
    return () if row is None or not row[0] else tuple(row[0].split("\n"))


def all_keys(connection: sqlite3.Connection) -> Keys:
    """Return the keys of all exemplars, ascending."""
    rows = connection.execute("SELECT key FROM exemplars ORDER BY key")
    return np.array([row[0] for row in rows], np.int64)


def insert(
    connection: sqlite3.Connection,
    photo: Prepared,
    place: Place,
    *,
    model: int,
    vector: FloatArray,
    caption_vector: FloatArray | None,
) -> Exemplar:
    """Insert an exemplar with its thumbnail, vectors and file."""
    values = (
        exemplar_id(photo.sha256),
        as_text(place.source),
        "\n".join(photo.captions),
        photo.width,
        photo.height,
        photo.sha256,
        " ".join(photo.colors),
        _signed(photo.dhash),
    )
    key = connection.execute(
        "INSERT INTO exemplars (id, source, captions, width, height, sha256, colors, dhash) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        values,
    ).lastrowid
    assert key is not None
    connection.execute("INSERT INTO thumbnails VALUES (?, ?)", (key, photo.thumbnail))
    put_vector(connection, key, model=model, vector=vector)
    if caption_vector is not None:
        put_vector(connection, key, model=model, vector=caption_vector, table=CAPTION_VECTORS)
    put_file(connection, FileRow(place, EXEMPLAR, "", key))
    found = find(connection, values[0])
    assert found is not None
    return found


def thumbnail(connection: sqlite3.Connection, key: int) -> bytes | None:
    """Return an exemplar's small JPEG."""
    query = "SELECT image FROM thumbnails WHERE key = ?"
    row = connection.execute(query, (key,)).fetchone()
    return None if row is None else bytes(row[0])


def set_captions(connection: sqlite3.Connection, key: int, texts: Sequence[str]) -> None:
    """Replace an exemplar's captions; the vector of the old ones goes."""
    connection.execute("UPDATE exemplars SET captions = ? WHERE key = ?", ("\n".join(texts), key))


def set_source(connection: sqlite3.Connection, key: int, source: str) -> None:
    """Note that an exemplar's photo has another name."""
    connection.execute("UPDATE exemplars SET source = ? WHERE key = ?", (storable(source), key))


def delete(connection: sqlite3.Connection, key: int) -> None:
    """Delete an exemplar and all that hangs on it."""
    connection.execute("DELETE FROM exemplars WHERE key = ?", (key,))


# Vectors


def put_vector(
    connection: sqlite3.Connection,
    key: int,
    *,
    model: int,
    vector: FloatArray,
    table: str = VECTORS,
) -> None:
    """Store the (D,) float32 embedding of an exemplar, or of its caption."""
    blob = vector.astype(np.float16).tobytes()
    connection.execute(f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)", (key, model, blob))


def vectors(
    connection: sqlite3.Connection,
    *,
    after: int = 0,
    limit: int | None = None,
    table: str = VECTORS,
) -> tuple[Keys, FloatArray]:
    """Return the keys above ``after`` (N,) int64 and their unit vectors (N, D) float32."""
    query = f"SELECT key, vector FROM {table} WHERE key > ? ORDER BY key LIMIT ?"
    return _vectors(connection.execute(query, (after, -1 if limit is None else limit)))


def vectors_of(
    connection: sqlite3.Connection, keys: Iterable[int], *, table: str = VECTORS
) -> tuple[Keys, FloatArray]:
    """Return those of the keys that have a vector, (N,) int64 ascending, with it, (N, D)."""
    found: list[tuple[int, bytes]] = []
    for part in _chunks(sorted(int(key) for key in keys)):
        marks = ",".join("?" * len(part))
        query = f"SELECT key, vector FROM {table} WHERE key IN ({marks}) ORDER BY key"
        found += connection.execute(query, part)
    return _vectors(found)


def vector_keys(connection: sqlite3.Connection, *, table: str = VECTORS) -> Keys:
    """Return the keys that have a vector, (N,) int64 ascending."""
    rows = connection.execute(f"SELECT key FROM {table} ORDER BY key").fetchall()
    return np.array([key for (key,) in rows], np.int64)


def count_vectors(connection: sqlite3.Connection, *, table: str = VECTORS) -> tuple[int, int]:
    """Return how many vectors there are and the sum of their keys."""
    query = f"SELECT COUNT(*), COALESCE(SUM(key), 0) FROM {table} INDEXED BY {table}_model"
    count, total = connection.execute(query).fetchone()
    return int(count), int(total)


def newest_model(connection: sqlite3.Connection, *, table: str = VECTORS) -> int:
    """Return the largest number of a model that has vectors, 0 without any."""
    query = f"SELECT COALESCE(MAX(model), 0) FROM {table}"
    return int(connection.execute(query).fetchone()[0])


def vector(connection: sqlite3.Connection, key: int) -> FloatArray | None:
    """Return the unit vector (D,) float32 of one exemplar."""
    row = connection.execute("SELECT vector FROM vectors WHERE key = ?", (key,)).fetchone()
    return None if row is None else _unit(np.frombuffer(row[0], np.float16).astype(np.float32))


def models(connection: sqlite3.Connection) -> Iterator[tuple[int, str, FloatArray]]:
    """Yield the number, name and probe (D,) float32 of every model that was ever used."""
    for number, name, probe in connection.execute("SELECT number, name, probe FROM models"):
        yield number, name, np.frombuffer(probe, np.float32)


def insert_model(connection: sqlite3.Connection, name: str, probe: FloatArray) -> int:
    """Insert a model and return its number."""
    number = connection.execute(
        "INSERT INTO models (name, probe) VALUES (?, ?)", (name, probe.tobytes())
    ).lastrowid
    assert number is not None
    return number


def other_models(connection: sqlite3.Connection, model: int | None) -> list[str]:
    """Name the models, other than this one, that still have vectors."""
    query = (
        "SELECT DISTINCT name FROM models WHERE number IS NOT ? AND ("
        "EXISTS (SELECT 1 FROM vectors WHERE vectors.model = models.number) OR "
        "EXISTS (SELECT 1 FROM caption_vectors WHERE caption_vectors.model = models.number))"
    )
    return [name for (name,) in connection.execute(query, (model,))]


def keys_of_other_models(connection: sqlite3.Connection, model: int) -> list[int]:
    """Return the exemplars whose vector is missing or another model's."""
    query = (
        "SELECT exemplars.key FROM exemplars LEFT JOIN vectors USING (key) "
        "WHERE vectors.model IS NOT ? ORDER BY exemplars.key"
    )
    return [key for (key,) in connection.execute(query, (model,))]


def keys_without_caption_vector(connection: sqlite3.Connection, model: int) -> list[int]:
    """Return the exemplars whose caption has no vector of this model."""
    query = (
        "SELECT exemplars.key FROM exemplars LEFT JOIN caption_vectors USING (key) "
        "WHERE captions <> '' AND caption_vectors.model IS NOT ? ORDER BY exemplars.key"
    )
    return [key for (key,) in connection.execute(query, (model,))]


# Near duplicates


def hashes(connection: sqlite3.Connection) -> tuple[list[int], list[int]]:
    """Return all keys and their difference hashes (64 bits, unsigned)."""
    rows = connection.execute("SELECT key, dhash FROM exemplars ORDER BY key").fetchall()
    return [key for key, _ in rows], [dhash & (2**64 - 1) for _, dhash in rows]


# Files


def find_file(connection: sqlite3.Connection, path: str, member: str) -> FileRow | None:
    """Find what is known of a file."""
    query = f"SELECT {FILE_COLUMNS} FROM files WHERE path = ? AND member = ?"
    row = connection.execute(query, (os.fsencode(path), storable(member))).fetchone()
    return None if row is None else _file(row)


def files_of(connection: sqlite3.Connection, key: int) -> list[FileRow]:
    """List the files with exactly an exemplar's bytes, its own first."""
    query = (
        f"SELECT {FILE_COLUMNS} FROM files WHERE exemplar = ? AND verdict IN (?, ?) "
        "ORDER BY verdict DESC"
    )
    return [_file(row) for row in connection.execute(query, (key, EXEMPLAR, DUPLICATE))]


def put_file(connection: sqlite3.Connection, row: FileRow) -> None:
    """Remember what became of a file, in place of what was known of it."""
    place = row.place
    connection.execute(
        "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            os.fsencode(place.path),
            storable(place.member),
            place.offset,
            place.length,
            place.size,
            place.mtime_ns,
            storable(place.source),
            row.verdict,
            row.reason,
            row.exemplar,
        ),
    )


def delete_file(connection: sqlite3.Connection, place: Place) -> None:
    """Forget a file."""
    connection.execute(
        "DELETE FROM files WHERE path = ? AND member = ?",
        (os.fsencode(place.path), storable(place.member)),
    )


FILE_COLUMNS: Final = (
    "path, member, offset, length, size, mtime_ns, source, verdict, reason, exemplar"
)


def as_text(text: str) -> str:
    """Replace what is no text in a file's name (undecodable bytes), for people and JSON."""
    return os.fsencode(text).decode("utf-8", "replace")


def storable(text: str) -> str:
    """Write undecodable bytes of a name in a way that SQLite takes, without losing them."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _file(row: tuple[bytes, str, int, int, int, int, str, str, str, int | None]) -> FileRow:
    path, member, offset, length, size, mtime_ns, source, verdict, reason, exemplar = row
    place = Place(os.fsdecode(path), source, size, mtime_ns, member, offset, length)
    return FileRow(place, verdict, reason, exemplar)


def _exemplar(row: tuple[int, str, str, str, int, int, str, str]) -> Exemplar:
    key, identifier, source, texts, width, height, sha256, colors = row
    caption = texts.partition("\n")[0]
    return Exemplar(identifier, source, caption, width, height, sha256, tuple(colors.split()), key)


def _signed(bits: int) -> int:
    """Write 64 unsigned bits as SQLite's signed integer."""
    return bits - 2**64 if bits >= 2**63 else bits


def _vectors(found: Iterable[tuple[int, bytes]]) -> tuple[Keys, FloatArray]:
    """Turn rows of key and float16 blob into (N,) int64 and (N, D) float32 of unit length."""
    keys: list[int] = []
    blobs: list[bytes] = []
    for key, blob in found:
        keys.append(key)
        blobs.append(blob)
    if not keys:
        return np.zeros(0, np.int64), np.zeros((0, 0), np.float32)
    halves = np.frombuffer(b"".join(blobs), np.float16).reshape(len(keys), -1)
    return np.array(keys, np.int64), _unit(halves.astype(np.float32))


def _unit(vectors: FloatArray) -> FloatArray:
    """Scale (..., D) to unit length again: float16 has rounded it."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32)


def _chunks(values: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]
