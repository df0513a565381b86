"""Decoding in processes of their own: a photo may crash, fill or stall one, and nothing else.

So is encoding where it takes the colour profile that came with the photo. What else is encoded is
our own pixels; a photo's metadata go along as the bytes they are, but for its XMP and a TIFF's
EXIF, which are read within bounds.

The processes are kept warm, so an ordinary photo costs the way through a pipe. One that takes too
long for its size, or that nobody waits for any more, is killed, and a fresh one takes its place.
They are started anew and not forked, which is safe beside threads and the same on every system.
"""

from __future__ import annotations

import io
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, Protocol, TypeVar, cast

from models.progress import Stopped
from plugin_server.images import codec, frames
from plugin_server.images.layer import (
    BrokenImage,
    ImageError,
    Layer,
    Limits,
    TooLarge,
    UnsupportedImage,
)
from retrieval.errors import PhotoRefused
from retrieval.ingest.photos import PhotoLimits, SmallPhoto

# How long a photo may take, by the clock of a machine that has other things to do as well.
SECONDS: Final = 15.0
SECONDS_PER_MEGABYTE: Final = 1.0
SECONDS_PER_MEGAPIXEL: Final = 1.0
POLL_INTERVAL: Final = 0.05  # seconds between looks whether anybody still waits
PIPE: Final = 1 << 20  # bytes; what the kernel lets every user have
STARTING: Final = 120.0  # seconds that a process may take to start
PROGRAM: Final = "import sys; sys.path[:] = {path!r}; from {module} import main; main()"
MODULE: Final = "plugin_server.images.decoder_process"
# One thread each: the photos are what is done side by side. What glibc's heap has, it keeps for
# the next photo, which halves the time of an ordinary one.
ENVIRONMENT: Final = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_TRIM_THRESHOLD_": str(64 << 20),
    "MALLOC_MMAP_THRESHOLD_": str(64 << 20),
}
# All that it gets of our own environment, which may hold tokens and passwords.
HANDED_ON: Final = ("PATH", "PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT",
                    "LANG", "LC_ALL", "TMPDIR", "TEMP", "TMP")  # fmt: skip
REFUSALS: Final[dict[str, type[Exception]]] = {
    kind.__name__: kind
    for kind in (BrokenImage, ImageError, TooLarge, UnsupportedImage, PhotoRefused)
}
TOO_MUCH_MEMORY: Final = (
    "reading the picture takes far more memory than one of its size needs; it is damaged or made "
    "to do harm, so save it again"
)

Answer = TypeVar("Answer")
Watch = Callable[[], None]  # asked now and then; raises Stopped where nobody waits any more


def nobody() -> None:
    """Watch over nothing."""


class Decode(Protocol):
    """Reads a picture as ``codec.decode`` does, and raises what ``watch`` raises."""

    def __call__(self, data: bytes, watch: Watch = nobody) -> Layer:
        """Read a picture."""


def encode_here(
    layer: Layer, media_type: str, *, settings: str | None = None, watch: Watch = nobody
) -> bytes:
    """Write a picture in this process, where its profile is one's own."""
    watch()
    return codec.encode(layer, media_type, settings=settings)


def decode_here(limits: Limits) -> Decode:
    """Make what decodes in this process, for pictures that are one's own."""

    def decode(data: bytes, watch: Watch = nobody) -> Layer:
        watch()
        return codec.decode(data, limits=limits)

    return decode


class Decoders:
    """``count`` processes that decode, started when they are needed; safe for threads."""

    def __init__(self, count: int, limits: Limits, *, seconds: float = SECONDS) -> None:
        self._limits = limits
        self._seconds = seconds
        self._idle: queue.LifoQueue[_Decoder | None] = queue.LifoQueue()  # None: not started yet
        for _ in range(count):
            self._idle.put(None)
        self._pipes = ThreadPoolExecutor(count, thread_name_prefix="decoder")
        self._lock = threading.Lock()
        self._alive: set[_Decoder] = set()
        self._is_closed = False

    def decode(self, data: bytes, watch: Watch = nobody) -> Layer:
        """Read a picture.

        Raises:
            ImageError: as ``codec.decode``; BrokenImage too for one that takes too long or too
                much memory, or that crashes its decoder.
            Stopped: ``watch`` says so, or ``close`` was called.
        """
        self._limits.check_bytes(data)
        return self._ask(
            {"task": "decode"}, [data], self._limits, watch,
            lambda header, buffers: frames.unpack_layer(header, buffers, self._limits),
        )  # fmt: skip

    def encode(
        self, layer: Layer, media_type: str, *, settings: str | None = None, watch: Watch = nobody
    ) -> bytes:
        """Write a picture, apart where that takes a colour profile that came from anywhere.

        Raises:
            ImageError: as ``codec.encode``; BrokenImage too for a profile that takes too long or
                too much memory, or that crashes the process.
            Stopped: ``watch`` says so, or ``close`` was called.
        """
        if not codec.takes_own_profile(layer, media_type):
            return encode_here(layer, media_type, settings=settings, watch=watch)
        header, buffers = frames.pack_layer(layer)
        task = {"task": "encode", "layer": header, "to": media_type, "settings": settings}
        return self._ask(task, buffers, self._limits, watch, lambda _, answers: b"".join(answers))

    def decode_small(self, data: bytes, limits: PhotoLimits) -> SmallPhoto:
        """Read a photo as small as serves, as ``retrieval.ingest.photos.decode_small``.

        Raises:
            PhotoRefused: it cannot be read.
        """
        limits.check_bytes(len(data))
        try:
            return self._ask(
                {"task": "small"}, [data], limits, nobody,
                lambda header, buffers: frames.unpack_small(header, buffers, limits),
            )  # fmt: skip
        except BrokenImage as problem:
            raise PhotoRefused(f"broken: {problem}") from problem

    def start(self, most: int | None = None) -> None:
        """Start all processes, or so many, so that the first photo need not wait for one."""
        started: list[_Decoder] = []
        with suppress(queue.Empty):
            while most is None or len(started) < most:
                started.append(self._idle.get_nowait() or self._begin())
        for decoder in started:
            self._idle.put(decoder)

    def close(self) -> None:
        """Kill all processes; whoever waits for one gets Stopped."""
        with self._lock:
            self._is_closed = True
            alive = list(self._alive)
        for decoder in alive:
            self._end(decoder)
        self._pipes.shutdown(wait=False)

    def _ask(
        self,
        task: dict[str, Any],
        buffers: Sequence[frames.Buffer],
        limits: Limits | PhotoLimits,
        watch: Watch,
        unpack: Callable[[dict[str, Any], list[bytearray]], Answer],
    ) -> Answer:
        decoder = self._borrow(watch)
        is_fit = False
        try:
            told = task | {"max_bytes": limits.max_bytes, "max_pixels": limits.max_pixels}
            size = sum(memoryview(buffer).nbytes for buffer in buffers)
            most = frames.BYTES_PER_PIXEL * 2 * limits.max_pixels + 4 * size + (1 << 26)
            answer = self._pipes.submit(decoder.ask, told, buffers, most)
            self._await(answer, decoder, size, watch)
            header, answers = answer.result()
            is_fit = not header.pop("last", False)
            if (kind := header.get("refused")) is not None:
                raise _refusal(kind, str(header.get("detail")))
            return unpack(header, answers)
        except (OSError, EOFError, ValueError, TypeError) as problem:
            is_fit = False
            if self._is_closed:
                raise Stopped from problem
            raise BrokenImage(
                f"the picture cannot be read: its decoder {decoder.exit_reason()}; it is damaged "
                "or made to do harm, so save it again"
            ) from problem
        except (ImageError, PhotoRefused):
            raise
        except BaseException:
            is_fit = False
            raise
        finally:
            self._give_back(decoder, is_fit)

    def _await(self, answer: Future[Any], decoder: _Decoder, size: int, watch: Watch) -> None:
        """Wait for an answer; raise what the watch raises, and BrokenImage after too long."""
        begun = time.monotonic()
        while True:
            try:
                answer.exception(timeout=POLL_INTERVAL)
            except TimeoutError:
                watch()
            else:
                return
            if not decoder.is_ready:
                begun = time.monotonic() if time.monotonic() - begun < STARTING else begun
            allowed = (
                self._seconds
                + (SECONDS_PER_MEGABYTE * size + SECONDS_PER_MEGAPIXEL * decoder.pixels) / 1e6
            )
            if time.monotonic() - begun > allowed:
                raise BrokenImage(
                    f"the picture takes more than {allowed:.0f} seconds to decode or to encode, "
                    "far longer than one of its size should; save it again"
                )

    def _borrow(self, watch: Watch) -> _Decoder:
        """Take an idle process, and start it where it is not running."""
        while True:
            if self._is_closed:
                raise Stopped
            try:
                decoder = self._idle.get(timeout=POLL_INTERVAL)
            except queue.Empty:
                watch()
                continue
            if decoder is not None and not decoder.is_alive():
                self._end(decoder)
                decoder = None
            return decoder or self._begin()

    def _give_back(self, decoder: _Decoder, is_fit: bool) -> None:
        if not is_fit:
            self._end(decoder)
        self._idle.put(decoder if is_fit else None)
        if not is_fit and not self._is_closed:
            # The next photo should not wait for a process either.
            self._pipes.submit(self.start)

    def _begin(self) -> _Decoder:
        decoder = _Decoder()
        with self._lock:
            self._alive.add(decoder)
            is_late = self._is_closed
        if is_late:
            self._end(decoder)
            raise Stopped
        return decoder

    def _end(self, decoder: _Decoder) -> None:
        decoder.kill()
        with self._lock:
            self._alive.discard(decoder)


class _Decoder:
    """One process, and what it said of the photo in hand."""

    def __init__(self) -> None:
        environment = {name: os.environ[name] for name in HANDED_ON if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(path=sys.path, module=MODULE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env=environment | ENVIRONMENT,
        )
        # Without a buffer they are FileIO, whatever the annotations say.
        self._tasks = cast(io.RawIOBase, self._process.stdin)
        self._answers = cast(io.RawIOBase, self._process.stdout)
        _widen(self._tasks, self._answers)
        self._in_use = threading.Lock()
        self.is_ready = False
        self.pixels = 0

    def ask(
        self, header: dict[str, Any], data: Sequence[frames.Buffer], most: int
    ) -> tuple[dict[str, Any], list[bytearray]]:
        """Send a task and wait for its answer; it ends when the process is killed."""
        with self._in_use:
            return self._ask(header, data, most)

    def _ask(
        self, header: dict[str, Any], data: Sequence[frames.Buffer], most: int
    ) -> tuple[dict[str, Any], list[bytearray]]:
        self.pixels = 0
        if not self.is_ready:
            frames.receive(self._answers, most=0)
            self.is_ready = True
        frames.send(self._tasks, header, data)
        while True:
            answer, buffers = frames.receive(self._answers, most=most)
            if "pixels" not in answer:
                return answer, buffers
            self.pixels = max(self.pixels, min(int(answer["pixels"]), header["max_pixels"]))

    def is_alive(self) -> bool:
        """Tell whether the process still runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        with self._in_use:  # whoever reads finds the end, now that nobody writes any more
            self._tasks.close()
            self._answers.close()

    def exit_reason(self) -> str:
        """Say how it ended."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1.0)
        code = self._process.returncode
        return "gave a senseless answer" if code is None else f"crashed ({code})"


def _widen(*pipes: io.RawIOBase) -> None:
    """Give pipes room for a photo, so that each side need not wait for the other so often."""
    if sys.platform == "linux":
        for pipe in pipes:
            with suppress(ImportError, OSError):  # a user may have used up all that is allowed
                import fcntl

                fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE)


def _refusal(kind: str, detail: str) -> Exception:
    if kind == "memory":
        return BrokenImage(TOO_MUCH_MEMORY)
    return REFUSALS.get(kind, BrokenImage)(detail)
