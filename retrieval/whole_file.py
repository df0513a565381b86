"""Files that are written whole or not at all, wherever somebody else may write, too."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

PRIVATE: Final = 0o600
USUAL: Final = 0o666  # less what the user's umask takes away
_FLAGS: Final = (
    os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
)


def write_whole(
    target: Path, data: bytes, *, partial: Path | None = None, mode: int = USUAL
) -> None:
    """Write a file whole or not at all; see ``writing_whole``."""
    with writing_whole(target, partial=partial, mode=mode) as file:
        file.write(data)


@contextmanager
def writing_whole(
    target: Path, *, partial: Path | None = None, mode: int = USUAL
) -> Iterator[BinaryIO]:
    """Open a file beside its place, and put it there when it is on the disk and nothing was wrong.

    A link or a file that lies in the way is not followed and not written to. ``partial`` names the
    file beside it where it is to be found again; what lies there goes. Raises OSError.
    """
    if partial is None:
        partial = target.with_name(f".{secrets.token_hex(8)}.partial")
    else:
        partial.unlink(missing_ok=True)
    descriptor = os.open(partial, _FLAGS, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Have a folder's list of names on the disk, where the system has a way to ask for it."""
    if sys.platform == "win32":
        return
    with suppress(OSError):  # some network file systems refuse, and there is nothing to be done
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
