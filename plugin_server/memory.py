"""How the C library hands out memory: in a few heaps that shrink, not one for each thread."""

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
    if sys.platform != "linux":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library, such as musl, has one heap anyway
        return False
    return bool(mallopt(_ARENA_MAX, HEAPS))
