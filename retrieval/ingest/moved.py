"""Photos renamed or moved inside the folder they were added from, found again by their bytes."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from retrieval.database import queries
from retrieval.database.exemplar import Place
from retrieval.database.queries import FileRow
from retrieval.ingest.walk import Found, find_photos


def find_moved(lost: Mapping[Place, str], *, library: Path) -> dict[Place, Place]:
    """Return where lost photos lie now: old place -> new place.

    ``lost`` maps places to the SHA-256 of what was there. The folder that each was added from is
    walked; only files of the very size are read.
    """
    wanted: dict[tuple[Path, int], list[Place]] = {}
    for place in lost:
        root = added_from(place)
        if root is not None and root.is_dir():
            wanted.setdefault((root, place.size), []).append(place)
    moved: dict[Place, Place] = {}
    for root in sorted({root for root, _ in wanted}):
        for now in _photos(root, library):
            for place in wanted.get((root, now.size), ()):
                if place not in moved and _digest(now) == lost[place]:
                    moved[place] = now
                    break  # of two copies that are lost, one file is one
    return moved


def is_gone(place: Place) -> bool:
    """Tell whether a photo was deleted, renamed or moved: its folder is there and it is not."""
    root = added_from(place)
    return root is not None and root.is_dir() and not os.path.lexists(place.path)


def gone_file(connection: sqlite3.Connection, key: int) -> FileRow | None:
    """Return the file that an exemplar was made of, if it was deleted or has another name now."""
    for row in queries.files_of(connection, key):
        if row.verdict == queries.EXEMPLAR and is_gone(row.place):
            return row
    return None


def added_from(place: Place) -> Path | None:
    """Return the folder that a photo was added from; None for shards and the library's own."""
    if place.member or not os.path.isabs(place.path):
        return None
    parts = PurePosixPath(place.source).parts
    path = Path(place.path)
    return path.parents[len(parts) - 1] if path.parts[-len(parts) :] == parts else None


def _photos(root: Path, library: Path) -> Iterator[Place]:
    found: Iterable[object] = find_photos([root], library=library)
    for item in found:
        if isinstance(item, Found) and not item.place.member:
            yield item.place


def _digest(place: Place) -> str:
    """Return the SHA-256 of a file, of none where it cannot be read."""
    try:
        with open(place.path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
