"""Keeping the library and the photos in step: what is wrong, and how it is put right."""

from __future__ import annotations

import hashlib
import io
import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.guidance.condition import Embedder
from models.shown import shown
from retrieval.database import queries
from retrieval.database.clip_model import embed_captions, embed_photos
from retrieval.database.exemplar import Exemplar, Place
from retrieval.database.folder import PHOTOS
from retrieval.database.store import Store
from retrieval.errors import CorruptLibrary, PhotoRefused
from retrieval.ingest.ingest import BATCH, release_file
from retrieval.ingest.moved import find_moved
from retrieval.ingest.photos import DecodeSmall, PhotoLimits, SmallPhoto, decode_small
from retrieval.ingest.report import Progress
from retrieval.ingest.walk import read_place


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with an exemplar; ``now`` is where a moved photo lies."""

    exemplar: Exemplar
    place: Place
    problem: str
    now: Place | None = None


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found.

    ``missing`` photos are gone though their folder is there; ``absent`` ones are gone with their
    folder, which may be a disk that is not mounted; ``moved`` ones have another name or place in
    the folder that they were added from; ``changed`` ones hold another picture now.
    ``without_vector`` and ``without_thumbnail`` count incomplete exemplars, ``orphans`` the rows
    that belong to none and ``strays`` the files in the library's folder that belong to none.
    ``touched`` photos have another date but the same bytes: no fault, the date is noted.
    """

    exemplars: int
    missing: tuple[Fault, ...] = ()
    absent: tuple[Fault, ...] = ()
    moved: tuple[Fault, ...] = ()
    changed: tuple[Fault, ...] = ()
    touched: tuple[Fault, ...] = ()
    without_vector: int = 0
    without_thumbnail: int = 0
    orphans: int = 0
    strays: tuple[Path, ...] = ()
    repaired: bool = False

    @property
    def is_clean(self) -> bool:
        """Tell whether nothing is wrong."""
        return not (
            self.missing or self.absent or self.moved or self.changed or self.strays
            or self.without_vector or self.without_thumbnail or self.orphans
        )  # fmt: skip


def inspect(store: Store, *, on_progress: Callable[[Progress], None] | None = None) -> CheckReport:
    """Compare the library with itself and with the photos; nothing is changed.

    Raises:
        CorruptLibrary: the database is damaged.
    """
    found: dict[str, list[Fault]] = {"missing": [], "absent": [], "changed": [], "touched": []}
    with store.reading() as connection:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise CorruptLibrary(
                f"{store.path} is damaged ({verdict}): move it away and add your photos again; "
                "the photos themselves are not touched"
            )
        total = queries.count(connection)
        for done, (exemplar, place) in enumerate(_places(connection), 1):
            kind, problem = _compare(store.folder, exemplar, place)
            if kind:
                found[kind].append(Fault(exemplar, place, problem))
            if on_progress is not None and done % BATCH == 0:
                on_progress(Progress(done, total, 0))
        kept = {place.path for _, place in _places(connection) if not os.path.isabs(place.path)}
        counts = {name: _count(connection, query) for name, query in COUNTS.items()}
    lost = {fault.place: fault.exemplar.sha256 for fault in (*found["missing"], *found["absent"])}
    now = find_moved(lost, library=store.folder)
    moved = [
        replace(fault, problem=f"it is {now[fault.place].source} now", now=now[fault.place])
        for fault in (*found["missing"], *found["absent"])
        if fault.place in now
    ]
    return CheckReport(
        exemplars=total,
        missing=tuple(fault for fault in found["missing"] if fault.place not in now),
        absent=tuple(fault for fault in found["absent"] if fault.place not in now),
        moved=tuple(moved),
        changed=tuple(found["changed"]),
        touched=tuple(found["touched"]),
        without_vector=counts["without_vector"],
        without_thumbnail=counts["without_thumbnail"],
        orphans=sum(n for name, n in counts.items() if name.startswith("orphan_")),
        strays=tuple(_strays(store.folder, kept)),
    )


COUNTS: Final = {
    "without_vector": "SELECT COUNT(*) FROM exemplars WHERE key NOT IN (SELECT key FROM vectors)",
    "without_thumbnail": (
        "SELECT COUNT(*) FROM exemplars WHERE key NOT IN (SELECT key FROM thumbnails)"
    ),
    "orphan_vectors": "SELECT COUNT(*) FROM vectors WHERE key NOT IN (SELECT key FROM exemplars)",
    "orphan_caption_vectors": (
        "SELECT COUNT(*) FROM caption_vectors WHERE key NOT IN (SELECT key FROM exemplars)"
    ),
    "orphan_thumbnails": (
        "SELECT COUNT(*) FROM thumbnails WHERE key NOT IN (SELECT key FROM exemplars)"
    ),
    "orphan_files": (
        "SELECT COUNT(*) FROM files WHERE exemplar NOT IN (SELECT key FROM exemplars)"
    ),
}
CLEARING: Final = (
    "DELETE FROM vectors WHERE key NOT IN (SELECT key FROM exemplars)",
    "DELETE FROM caption_vectors WHERE key NOT IN (SELECT key FROM exemplars)",
    "DELETE FROM thumbnails WHERE key NOT IN (SELECT key FROM exemplars)",
    "DELETE FROM files WHERE exemplar NOT IN (SELECT key FROM exemplars)",
)


def clear(store: Store, report: CheckReport) -> list[Place]:
    """Put right what needs no photo, and return the places that must be added again.

    Rows and files that belong to nothing go, as do exemplars whose photo was deleted. Those whose
    whole folder is absent stay: the disk may come back.
    """
    again: list[Place] = []
    with store.writing() as connection:
        for statement in CLEARING:
            connection.execute(statement)
        for fault in report.touched:
            row = queries.find_file(connection, fault.place.path, fault.place.member)
            if row is not None:
                place = _stat(store.folder, fault.place)
                queries.put_file(connection, replace(row, place=place))
        for fault in report.moved:
            row = queries.find_file(connection, fault.place.path, fault.place.member)
            if row is not None and fault.now is not None:
                queries.delete_file(connection, fault.place)
                queries.put_file(connection, replace(row, place=fault.now))
                queries.set_source(connection, fault.exemplar.key, fault.now.source)
        for fault in report.missing:
            release_file(connection, fault.place)
        for fault in report.changed:
            release_file(connection, fault.place)
            again.append(fault.place)
    for stray in report.strays:
        stray.unlink(missing_ok=True)
    return again


def re_embed(
    store: Store,
    clip: Embedder,
    *,
    model: Callable[[sqlite3.Connection], int],
    limits: PhotoLimits,
    decode: DecodeSmall = decode_small,
    on_progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> int:
    """Embed every exemplar whose vector is missing or another model's; return how many.

    Each batch is one transaction, so an interrupted run goes on where it stopped. A photo that is
    gone is embedded from its thumbnail.
    """
    with store.writing() as connection:
        number = model(connection)
        keys = queries.keys_of_other_models(connection, number)
    done = 0
    for start in range(0, len(keys), BATCH):
        if should_stop is not None and should_stop():
            break
        part = keys[start : start + BATCH]
        photos: dict[int, NDArray[np.uint8]] = {}
        with store.reading() as connection:
            for key in part:
                pixels = _pixels(connection, store.folder, key, lambda data: decode(data, limits))
                if pixels is not None:
                    photos[key] = pixels
        if photos:
            vectors = embed_photos(clip, list(photos.values()))
            with store.writing() as connection:
                there = queries.by_keys(connection, photos)
                for key, vector in zip(photos, vectors, strict=True):
                    if key in there:
                        queries.put_vector(connection, key, model=number, vector=vector)
        done += len(photos)
        if on_progress is not None:
            on_progress(Progress(start + len(part), len(keys), done))
    _re_embed_captions(store, clip, number, should_stop=should_stop)
    return done


def _re_embed_captions(
    store: Store, clip: Embedder, number: int, *, should_stop: Callable[[], bool] | None
) -> None:
    """Embed every caption whose vector is missing or another model's."""
    with store.reading() as connection:
        keys = queries.keys_without_caption_vector(connection, number)
    for start in range(0, len(keys), BATCH):
        if should_stop is not None and should_stop():
            return
        with store.reading() as connection:
            there = queries.by_keys(connection, keys[start : start + BATCH])
        vectors = embed_captions(clip, [exemplar.caption for exemplar in there.values()])
        with store.writing() as connection:
            still = queries.by_keys(connection, there)
            for exemplar, vector in zip(there.values(), vectors, strict=True):
                if vector is not None and still.get(exemplar.key) == exemplar:
                    queries.put_vector(
                        connection, exemplar.key, model=number, vector=vector,
                        table=queries.CAPTION_VECTORS,
                    )  # fmt: skip


def renew_thumbnails(store: Store, limits: PhotoLimits, decode: DecodeSmall = decode_small) -> None:
    """Make the thumbnails that are missing, where the photos are still there."""
    from retrieval.ingest.photos import encode_thumbnail

    query = "SELECT key FROM exemplars WHERE key NOT IN (SELECT key FROM thumbnails)"
    with store.reading() as connection:
        keys = [key for (key,) in connection.execute(query)]
    for key in keys:
        with store.reading() as connection:
            pixels = _pixels(connection, store.folder, key, lambda data: decode(data, limits))
        if pixels is not None:
            with store.writing() as connection:
                connection.execute(
                    "INSERT OR IGNORE INTO thumbnails SELECT key, ? FROM exemplars WHERE key = ?",
                    (encode_thumbnail(pixels), key),
                )


def _pixels(
    connection: sqlite3.Connection, folder: Path, key: int, decode: Callable[[bytes], SmallPhoto]
) -> NDArray[np.uint8] | None:
    """Read a photo small, from one of its files or from its thumbnail: (h, w, 3) uint8 sRGB."""
    exemplar = queries.by_keys(connection, [key]).get(key)
    if exemplar is None:
        return None
    for file in queries.files_of(connection, key):
        try:
            data = read_place(file.place, folder)
            if hashlib.sha256(data).hexdigest() == exemplar.sha256:
                return decode(data).rgb
        except (OSError, PhotoRefused):
            continue
    thumbnail = queries.thumbnail(connection, key)
    if thumbnail is None:
        return None
    with Image.open(io.BytesIO(thumbnail)) as image:
        return np.asarray(image.convert("RGB"), np.uint8)


def _places(connection: sqlite3.Connection) -> Iterator[tuple[Exemplar, Place]]:
    """Yield every exemplar with each file that has its bytes; one without any has an empty path."""
    keys = queries.all_keys(connection).tolist()
    for start in range(0, len(keys), queries.CHUNK):
        for key, exemplar in queries.by_keys(
            connection, keys[start : start + queries.CHUNK]
        ).items():
            files = queries.files_of(connection, key)
            if not files:
                yield exemplar, Place("", exemplar.source, 0, 0)
            for file in files:
                yield exemplar, file.place


def _compare(folder: Path, exemplar: Exemplar, place: Place) -> tuple[str, str]:
    """Return what kind of fault this file has, and its words; empty where there is none."""
    path = Path(os.path.join(folder, place.path))
    if not place.path:
        return "missing", "no file is known"
    try:
        status = path.stat()
        if (status.st_size, status.st_mtime_ns) == (place.size, place.mtime_ns):
            return "", ""
        same = hashlib.sha256(read_place(place, folder)).hexdigest() == exemplar.sha256
    except FileNotFoundError:
        if path.parent.exists():
            return "missing", "the photo is gone"
        return "absent", f"the folder {shown(path.parent)} is not there"
    except OSError as problem:
        return "absent", f"cannot be read: {problem.strerror}"
    return ("touched", "its date is new") if same else ("changed", "another picture is there now")


def _stat(folder: Path, place: Place) -> Place:
    status = Path(os.path.join(folder, place.path)).stat()
    return replace(place, size=status.st_size, mtime_ns=status.st_mtime_ns)


def _strays(folder: Path, kept: set[str]) -> Iterator[Path]:
    """Yield the files among the library's own photos that no exemplar has."""
    own = folder / PHOTOS
    if own.is_dir():
        for file in sorted(own.iterdir()):
            if f"{PHOTOS}/{file.name}" not in kept:
                yield file


def _count(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])
