"""Files that come to stand whole where an older one may stand, which keeps what is its own.

The older file's mode and owner stay, a symbolic link stays a link to the same place, and a file of
several names stays one file.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from retrieval import whole_file

Times = tuple[int, int]  # of the last access and the last change, nanoseconds

LONGEST_NAME: Final = 255  # bytes, on nearly every file system


def replace_file(target: Path, data: bytes, times: Times | None = None) -> None:
    """Write the whole file or none of it, on the disk before it gets its name.

    It is written to ``partial_of(target)`` first. ``times`` are what it gets instead of now.
    """
    partial = partial_of(target)
    if target.is_symlink():
        target = target.resolve()
        partial = target.with_name(partial.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    before = _status(target)
    if before is not None and before.st_nlink > 1:
        whole_file.write_whole(partial, data)
        _copy_into(target, partial)
    else:
        with whole_file.writing_whole(target, partial=partial) as file:
            if before is not None:
                _take_over(file.fileno(), before)
            file.write(data)
    if times is not None:
        os.utime(target, ns=times)


def partial_of(target: Path) -> Path:
    """Name the file that is written before it gets the target's name.

    It lies in the same folder, so that renaming is a single step, and is short, because the
    target's name may be as long as a name can be.
    """
    digest = hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]
    return target.with_name(f".photochrom-{digest}.partial")


def times_of(photo: Path) -> Times:
    """Return the times of a photo that its result is to keep."""
    status = photo.stat()
    return status.st_atime_ns, status.st_mtime_ns


def _status(target: Path) -> os.stat_result | None:
    try:
        status = target.stat()
    except OSError:
        return None
    return status if stat.S_ISREG(status.st_mode) else None


def _take_over(file: int, before: os.stat_result) -> None:
    """Give a new file the mode of an older one, and its owner where that is allowed."""
    if not hasattr(os, "fchmod"):
        return
    with suppress(PermissionError):
        os.fchown(file, before.st_uid, before.st_gid)
    os.fchmod(file, stat.S_IMODE(before.st_mode))


def _copy_into(target: Path, partial: Path) -> None:
    """Replace what a file of several names holds; the new content is on the disk already."""
    with open(partial, "rb") as source, open(target, "r+b") as file:
        shutil.copyfileobj(source, file)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
    partial.unlink()
