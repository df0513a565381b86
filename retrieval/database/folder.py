"""What lies in a library's folder, and whose eyes it is for: its owner's alone.

Also where an older Photochrom made it for all.
"""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

DATABASE: Final = "library.sqlite"
PHOTOS: Final = "photos"  # those that came without a place of their own
INDEX: Final = ".index"
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def make_private(folder: Path) -> None:
    """Take what is a library's in a folder of this user's from everybody else.

    The folder itself is closed where nothing else lies in it: a folder that is shared on purpose
    stays so, and only the library in it is closed. File systems without modes are left alone.
    """
    if sys.platform == "win32":
        return
    with suppress(OSError):
        if folder.stat().st_uid != os.geteuid() or not (folder / DATABASE).exists():
            return
        inside = list(folder.iterdir())
        ours = [path for path in inside if _is_a_librarys(path.name)]
        if len(ours) == len(inside):
            _close(folder)
        if folder.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return  # others could lay a link in the way of what is closed next
        for path in ours:
            if not path.is_symlink():
                _close(path)


def _is_a_librarys(name: str) -> bool:
    """Tell whether a file in a library's folder was made by us, by its name."""
    return name.startswith(DATABASE) or name == PHOTOS or name.endswith((INDEX, ".partial"))


def _close(path: Path) -> None:
    """Take a file or folder from everybody but its owner. It is not opened.

    To open and close the database would take away the locks that SQLite holds on it.
    """
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & OTHERS:
        path.chmod(mode & ~OTHERS)
