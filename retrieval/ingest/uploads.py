"""Photos that the library keeps itself, because they came without a place of their own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from models.captions import clean
from retrieval import whole_file
from retrieval.database.exemplar import exemplar_id
from retrieval.database.folder import PHOTOS
from retrieval.database.store import explain_os_error

TYPES: Final = ((b"\xff\xd8", ".jpg"), (b"\x89PNG", ".png"), (b"RIFF", ".webp"), (b"", ".tif"))


def place_of(sha256: str, data: bytes) -> str:
    """Name the file for a photo, relative to the library's folder; nothing of it is the user's."""
    suffix = next(suffix for start, suffix in TYPES if data.startswith(start))
    return f"{PHOTOS}/{exemplar_id(sha256)}{suffix}"


def shown_name(name: str) -> str:
    """Return the last part of a name that came with a photo, for people; it may be empty."""
    return next(iter(clean([Path(name.replace("\\", "/")).name])), "")


def keep_photo(path: Path, data: bytes) -> os.stat_result:
    """Write a photo whole or not at all, for nobody else to read.

    Raises:
        LibraryUnusable: the disk is full or the folder may not be written.
    """
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        whole_file.write_whole(path, data, mode=whole_file.PRIVATE)
        return path.stat()
    except OSError as problem:
        raise explain_os_error(problem, path.parent) from problem
