"""A folder that somebody scans into: photos are taken when they have stopped growing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from plugin_server.batch.sources import SkippedPhoto, SourcePhoto

FileStamp = tuple[int, int]  # a file's size and the time of its last change


@dataclass(slots=True)
class _File:
    """What the last look at a file found; ``given`` once it was yielded so."""

    look: FileStamp
    given: bool = False


def watch(
    sources: Iterable[SourcePhoto | SkippedPhoto],
    *,
    wait: Callable[[], bool],
    quiet: float = 2.0,
    clock: Callable[[], float] = time.time,
) -> Iterator[SourcePhoto | SkippedPhoto | None]:
    """Yield photos as they come, for ever, and None whenever there is nothing more for now.

    The folders are looked through again and again, which works on network drives too. A photo is
    yielded when two looks found the same size and time of change, and that time is ``quiet``
    seconds ago; once more when it changes later. ``wait`` passes the time between two looks and
    says whether to go on.
    """
    files: dict[str, _File] = {}
    while True:
        present = set()
        for one in sources:
            present.add(one.name)
            if _settled(one, files, quiet=quiet, now=clock()):
                yield one
        for name in files.keys() - present:
            del files[name]
        yield None
        if not wait():
            return


def _settled(
    one: SourcePhoto | SkippedPhoto, files: dict[str, _File], *, quiet: float, now: float
) -> bool:
    """Tell whether a file is to be yielded, and remember this look at it."""
    if isinstance(one, SkippedPhoto):
        is_new = one.name not in files
        files[one.name] = _File((0, 0), given=True)
        return is_new
    try:
        status = one.path.stat()
    except OSError:
        return False  # taken away again meanwhile
    look = status.st_size, status.st_mtime_ns
    known = files.get(one.name)
    if known is None or known.look != look:
        files[one.name] = _File(look)
        return False
    # A clock that runs ahead, on the drive's own machine, must not keep a photo for ever.
    age = abs(now - status.st_mtime)
    if known.given or status.st_size == 0 or age < quiet:
        return False
    known.given = True
    return True
