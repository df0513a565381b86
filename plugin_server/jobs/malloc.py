"""How memory is handed out, in a few heaps, which shrink when there is nothing to do; and when
Python looks for what is in use no more.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # of glibc's <malloc.h>
HEAPS = 2
LARGE = 32 << 20  # bytes, glibc's most; what is larger goes back to the system at once
SPARE = 64 << 20  # bytes that are free at a heap's end and stay there


def share_heaps() -> bool:
    """Let all threads of this process share two heaps, which keep what one photo leaves for the
    next; tell whether the C library can.

    glibc gives every thread that allocates a heap of its own, and what one thread frees another
    does not get. A server has dozens of threads that each handle a photo now and then, so without
    this its memory grows with the number of them that ever did. And it takes the arrays of a photo
    from the system and gives them back again and again: 5,000 to 10,000 pages that are cleared for
    each photo, up to a seventh of the time of one of 1 megapixel. Call it before threads start.
    """
    options = ((_ARENA_MAX, HEAPS), (_MMAP_THRESHOLD, LARGE), (_TRIM_THRESHOLD, SPARE))
    return all(_call("mallopt", *option) for option in options)


@contextmanager
def nothing_collected() -> Iterator[None]:
    """Import and load inside the block without looking for cycles, and never among what it left.

    Modules and networks stay as long as the process. Looking through them again and again while
    they come in takes a fifth of the processor time that it takes to import PyTorch.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


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
