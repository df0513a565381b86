"""The log of a server that nobody watches: everything that it writes goes into one file."""

from __future__ import annotations

import faulthandler
import os
import sys
from pathlib import Path

# A link that somebody planted under this name is not followed.
FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
MAX_BYTES = 1_000_000  # a longer log is set aside as NAME.1, in the place of an older one


class LogError(OSError):
    """The log cannot be written; the message names it and the remedy."""


def begin(file: Path) -> None:
    """Send this process's output into ``file`` from now on, its libraries' and crashes' too.

    Raises:
        LogError: the file cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        set_aside(file)
        descriptor = os.open(file, FLAGS, 0o600)
    except OSError as problem:
        raise LogError(
            f"the log {file} cannot be written ({problem.strerror}); choose another --log"
        ) from problem
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    for number in (1, 2):
        os.dup2(descriptor, number)
    os.close(descriptor)
    faulthandler.enable(2)


def set_aside(file: Path) -> None:
    """Rename a log that has grown too long."""
    if file.exists() and file.stat().st_size > MAX_BYTES:
        os.replace(file, file.with_name(f"{file.name}.1"))
