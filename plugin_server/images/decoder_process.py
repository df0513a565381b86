"""A process that reads and writes photos for another one, so that it may be killed or be too large.

It is told what to do on its standard input and answers on its standard output (``frames``). It has
no secrets, writes no files, and may take memory in proportion to the photo only.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from plugin_server.images import frames
from plugin_server.images.codec import decode, encode
from plugin_server.images.layer import ImageError, Limits
from retrieval.errors import PhotoRefused
from retrieval.ingest.photos import PhotoLimits, decode_small

# What a photo may take beside the process itself: in all, and for each byte and pixel of it.
ROOM: Final = 512 * 1024 * 1024
ROOM_PER_BYTE: Final = 8
ROOM_PER_PIXEL: Final = 100
LARGE: Final = 512 * 1024 * 1024  # bytes of a process that makes room for a fresh one


class Job:
    """One photo in hand: tells its size as soon as it is known, and takes memory for it."""

    def __init__(self, answers: io.RawIOBase, size: int) -> None:
        self._answers = answers
        self._room = ROOM + ROOM_PER_BYTE * size
        self._before = _in_use("VmSize")
        limit_memory(self._before + self._room)

    def announce(self, pixels: int) -> None:
        """Say how many pixels the photo has, which its decoder is about to read."""
        limit_memory(self._before + self._room + ROOM_PER_PIXEL * pixels)
        frames.send(self._answers, {"pixels": pixels})


@dataclass(frozen=True)
class AnnouncingLimits(Limits):
    """Limits that tell the job what they let through."""

    job: Job | None = None

    def check_size(self, width: int, height: int) -> None:
        super().check_size(width, height)
        assert self.job is not None
        self.job.announce(width * height)


@dataclass(frozen=True)
class AnnouncingPhotoLimits(PhotoLimits):
    """The same for photos of a library."""

    job: Job | None = None

    def check_size(self, width: int, height: int) -> None:
        super().check_size(width, height)
        assert self.job is not None
        self.job.announce(width * height)


def main() -> None:
    """Decode what comes until nothing comes any more."""
    confine()
    # Whatever a library prints must not stand between the answers.
    answers = io.FileIO(os.dup(1), "wb")
    os.dup2(2, 1)
    tasks = io.FileIO(os.dup(0), "rb")
    frames.send(answers, {"ready": True})
    with suppress(EOFError, BrokenPipeError):
        while True:
            header, given = frames.receive(tasks, most=1 << 40)
            answer, buffers = perform(header, given, answers)
            del given
            answer["last"] = _in_use("VmRSS") > LARGE
            frames.send(answers, answer, buffers)
            del buffers


def perform(
    header: dict[str, Any], given: list[bytearray], answers: io.RawIOBase
) -> tuple[dict[str, Any], list[frames.Buffer]]:
    """Do one task; whatever goes wrong is an answer, too."""
    job = Job(answers, sum(map(len, given)))
    max_bytes, max_pixels = header["max_bytes"], header["max_pixels"]
    try:
        match header["task"]:
            case "decode":
                layer = decode(bytes(given[0]), limits=AnnouncingLimits(max_bytes, max_pixels, job))
                return frames.pack_layer(layer)
            case "encode":
                limits = AnnouncingLimits(max_bytes, max_pixels, job)
                layer = frames.unpack_layer(header["layer"], given, limits)
                height, width = layer.pixels.shape[:2]
                limits.check_size(width, height)
                return {}, [encode(layer, header["to"], settings=header["settings"])]
            case _:  # "small"
                small = AnnouncingPhotoLimits(max_bytes, max_pixels, job)
                return frames.pack_small(decode_small(bytes(given[0]), small))
    except (ImageError, PhotoRefused) as problem:
        return {"refused": type(problem).__name__, "detail": str(problem)}, []
    except MemoryError:
        return {"refused": "memory", "detail": ""}, []


def confine() -> None:
    """Give up what decoding does not need, where the system has limits."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the process that asks
    try:
        import resource
    except ImportError:  # Windows has none
        return
    for limit in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE):
        resource.setrlimit(limit, (0, 0))


def limit_memory(size: int) -> None:
    """Let allocations fail above so many bytes of address space, where the system does that."""
    if sys.platform == "linux":
        try:
            import resource
        except ImportError:  # a Python that was built without it
            return
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (size, hard))


def _in_use(name: str) -> int:
    """Read a size of this process in bytes; 0 where the system does not tell."""
    try:
        with open("/proc/self/status", "rb") as file:
            line = next(line for line in file if line.startswith(name.encode()))
    except (OSError, StopIteration):
        return 0
    return int(line.split()[1]) * 1024
