"""How the C library hands out memory: in a few heaps, which shrink when there is nothing to do."""

from __future__ import annotations

import ctypes
import sys

_ARENA_MAX = -8  # M_ARENA_MAX of glibc's <malloc.h>
HEAPS = 2


def share_heaps() -> bool:
    """Let all threads of this process share two heaps; tell whether the C library can.

    glibc gives every thread that allocates a heap of its own, and what one thread frees another
    does not get. A server has dozens of threads that each handle a photo now and then, so without
    this its memory grows with the number of them that ever did. Call it before threads start.
    """
    return _call("mallopt", _ARENA_MAX, HEAPS)


def trim() -> bool:
    """Give free memory inside the heaps back to the system; tell whether there was any.

    glibc gives back only what is free at a heap's end, which one small block there prevents.
    """
    return _call("malloc_trim", 0)


def _call(name: str, *arguments: int) -> bool:
    if sys.platform != "linux":
        return False
    try:
        function = getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError):  # another C library, such as musl, has no such heaps
        return False
    return bool(function(*arguments))
