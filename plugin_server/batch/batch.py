"""Many photos, one after the other and a few at a time, so that it can stop and go on anywhere.

Threads read, colour and write; what colours is a function from a request to an answer, so it may
be this process, a server or a queue of workers. Nothing about a photo is held longer than it is
worked on.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from models.job import ColorizeJob
from models.progress import Stopped
from plugin_server.batch.descriptions import Described, Descriptions, embedded
from plugin_server.batch.manifest import Manifest, Record
from plugin_server.batch.output import Output, write_whole
from plugin_server.batch.places import Places
from plugin_server.batch.sources import Passed, Photo
from plugin_server.engine.answer_types import OutputType
from plugin_server.engine.requests import Answer, ColorizeRequest
from plugin_server.errors import is_out_of_memory
from plugin_server.images.codec import Limits, TooLarge

Colour = Callable[[ColorizeRequest], Answer]
Ending = Literal["coloured", "unchanged", "failed", "failed before"]

# What no other photo would escape either.
FATAL: Final = {
    errno.ENOSPC: "the disk is full: make room",
    errno.EDQUOT: "the disk quota is used up: make room",
    errno.EROFS: "the disk cannot be written to: make it writable",
}


class CannotGoOn(Exception):
    """No photo can be coloured any more; the message says why. The batch stops, and may go on."""


class _Refused(Exception):
    """A photo whose result cannot be placed; the message names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What all photos of a batch share.

    ``model`` names what colours, as far as the user chose it: with another one all is done again.
    """

    job: ColorizeJob = field(default_factory=ColorizeJob)
    descriptions: Descriptions = field(default_factory=Descriptions)
    mask: bytes | None = field(default=None, repr=False)
    reference: bytes | None = field(default=None, repr=False)
    model: str = ""
    places: Places = field(default_factory=Places)

    def request(self, data: bytes, described: Described) -> ColorizeRequest:
        """Ask for one photo; JobError where its description is no text."""
        job = replace(self.job, description=described.text)
        request = ColorizeRequest(data, job, mask=self.mask, reference=self.reference)
        return described.places.on(self.places.on(request))

    def digest(self, described: Described | None, type: OutputType) -> str:
        """Tell settings and the result's type apart; only what differs from the defaults counts.

        A caption inside the photo is not among them: the photo's own identity covers it.
        """
        usual = asdict(ColorizeJob())
        asked: dict[str, object] = {
            name: value for name, value in asdict(self.job).items() if value != usual[name]
        }
        asked["description"] = None if described is None else described.text
        asked |= {"mask": _sha256(self.mask), "reference": _sha256(self.reference)}
        asked |= {"model": self.model, "type": asdict(type)}
        own = None if described is None else described.places.digest()
        if own or self.places:
            asked["places"] = [self.places.digest(), own]
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one photo."""

    ending: Ending
    record: Record


@dataclass(slots=True)
class Tally:
    """What became of them all: counts, never the outcomes themselves.

    ``cpu_seconds`` is the processor time of the whole process meanwhile. ``stopped`` says why it
    ended early, "" where it did not.
    """

    counts: dict[Ending, int] = field(
        default_factory=lambda: {"coloured": 0, "unchanged": 0, "failed": 0, "failed before": 0}
    )
    noted: int = 0
    seen: set[str] = field(default_factory=set, repr=False)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    stopped: str = ""

    @property
    def total(self) -> int:
        """Count the photos that were looked at."""
        return sum(self.counts.values())

    @property
    def failures(self) -> int:
        """Count the photos that have no result, now or from before."""
        return self.counts["failed"] + self.counts["failed before"]

    def add(self, outcome: Outcome) -> None:
        """Count one more."""
        self.counts[outcome.ending] += 1
        self.noted += bool(outcome.record.notices)
        self.seen.add(outcome.record.name)


class Batch:
    """One run over photos into an output folder.

    ``colour`` is called by ``in_flight`` threads at once. ``retry_failed`` tries photos again that
    failed before; ``overwrite`` replaces files that this folder's batches did not write.
    """

    def __init__(
        self,
        colour: Colour,
        recipe: Recipe,
        *,
        manifest: Manifest,
        output: Output,
        in_flight: int,
        limits: Limits | None = None,
        overwrite: bool = False,
        retry_failed: bool = False,
        should_stop: Callable[[], bool] = lambda: False,
        on_outcome: Callable[[Outcome], None] = lambda outcome: None,
        write: Callable[[Path, Path, bytes], None] = write_whole,
    ) -> None:
        self._colour = colour
        self._recipe = recipe
        self._manifest = manifest
        self._output = output
        self._in_flight = in_flight
        self._limits = limits or Limits()
        self._overwrite = overwrite
        self._retry_failed = retry_failed
        self._should_stop = should_stop
        self._on_outcome = on_outcome
        self._write = write
        self._lock = threading.Lock()
        self._tally = Tally()
        self._fatal = ""

    def run(self, found: Iterable[Photo | Passed | None]) -> Tally:
        """Work on all that is found, until the end, a stop, or what no photo would escape.

        ``found`` may wait for photos; None is a moment in which there are none.
        """
        began, cpu_began = time.perf_counter(), time.process_time()
        for record in self._manifest.interrupted:
            with suppress(OSError):
                self._output.partial(record.output).unlink()
        free = threading.BoundedSemaphore(2 * self._in_flight)

        def work(one: Photo | Passed) -> None:
            try:
                self._settle(one)
            finally:
                free.release()

        pool = ThreadPoolExecutor(self._in_flight, thread_name_prefix="batch")
        try:
            for one in found:
                if self._is_over():
                    break
                if one is not None:
                    free.acquire()
                    pool.submit(work, one)
            pool.shutdown()  # what is in hand is finished, even after a stop
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        tally = self._tally
        tally.seconds = time.perf_counter() - began
        tally.cpu_seconds = time.process_time() - cpu_began
        tally.stopped = self._fatal or ("stopped" if self._should_stop() else "")
        return tally

    def _is_over(self) -> bool:
        return bool(self._fatal) or self._should_stop()

    def _settle(self, one: Photo | Passed) -> None:
        """Do what is to be done about one photo, and tell; in a thread of the pool."""
        if self._is_over():
            return
        try:
            outcome = self._pass(one) if isinstance(one, Passed) else self._take(one)
        except Stopped:
            return
        except CannotGoOn as problem:
            self._fatal = self._fatal or str(problem)
            return
        except BaseException as problem:  # a mistake of ours: it must not vanish with its thread
            self._fatal = self._fatal or f"{type(problem).__name__}: {problem}"
            raise
        with self._lock:
            self._tally.add(outcome)
            self._on_outcome(outcome)

    def _pass(self, passed: Passed) -> Outcome:
        record = Record(name=passed.name, state="failed", error=passed.reason, at=_now())
        known = self._manifest.get(passed.name)
        if known is None or (known.state, known.error) != ("failed", passed.reason):
            self._remember(record)
        return Outcome("failed", record)

    def _take(self, photo: Photo) -> Outcome:
        """Colour a photo unless that was done, or tried, before."""
        known = self._manifest.get(photo.name)
        output, choose_type = self._output.place(photo.name)
        task = Record(
            name=photo.name, state="begun", path=str(photo.path.absolute()), at=_now(),
            output=known.output if known else "",
        )  # fmt: skip
        began = time.perf_counter()
        try:
            status = photo.path.stat()
            given = self._recipe.descriptions.given(photo.name, photo.path)
            said = given or Described("", "")
            task = replace(
                task, size=status.st_size, mtime_ns=status.st_mtime_ns, description=said.text,
                described_by=said.by,
                settings=self._recipe.digest(given, choose_type),
            )  # fmt: skip
            if known is not None and (ended := self._ended_before(known, task, output)):
                return Outcome(ended, known)
            self._check_room_for(output, photo, task)
            if status.st_size > self._limits.max_bytes:
                raise TooLarge(
                    f"the file has {status.st_size:,} bytes and the limit is "
                    f"{self._limits.max_bytes:,}: scale it down"
                )
            data = photo.path.read_bytes()
            described = given or embedded(data)
            task = replace(
                task, sha256=hashlib.sha256(data).hexdigest(),
                description=described.text, described_by=described.by,
            )  # fmt: skip
            request = self._recipe.request(data, described)
            answer = self._colour(replace(request, choose_type=choose_type))
            self._keep(task, output, answer.body)
        except (Stopped, CannotGoOn):
            raise
        except Exception as problem:  # one bad photo must not stop the others
            record = replace(task, state="failed", error=explain(problem))
            self._remember(record)
            return Outcome("failed", record)
        record = replace(
            task, state="done", output=output, output_size=len(answer.body),
            notices=answer.notices, exemplar=answer.exemplar or "",
            seconds=round(time.perf_counter() - began, 3),
        )  # fmt: skip
        self._remember(record)
        return Outcome("coloured", record)

    def _ended_before(self, known: Record, task: Record, output: str) -> Ending | None:
        """Tell how it ended the last time, where nothing has changed since."""
        if known.state == "begun" or known.settings != task.settings or known.size != task.size:
            return None
        if known.state == "failed" and self._retry_failed:
            return None
        if known.state == "done" and not self._stands(known, output):
            return None
        if known.mtime_ns != task.mtime_ns:
            # Copying a folder changes its times; the content decides.
            if not known.sha256 or known.sha256 != _sha256_of(Path(task.path)):
                return None
            self._remember(replace(known, mtime_ns=task.mtime_ns))
        return "unchanged" if known.state == "done" else "failed before"

    def _stands(self, known: Record, output: str) -> bool:
        """Tell whether the result is still there, as long as it was written."""
        try:
            size = (self._output.folder / output).stat().st_size
        except OSError:
            return False
        return known.output == output and size == known.output_size

    def _check_room_for(self, output: str, photo: Photo, task: Record) -> None:
        """Refuse to replace what is not a result of this folder's batches."""
        target = self._output.folder / output
        if not os.path.lexists(target):
            return
        if target.exists() and target.samefile(photo.path):
            raise _Refused(f"{target} is the photo itself: give another folder with -o")
        if target.is_dir():
            raise _Refused(f"{target} is a folder: move it away")
        if task.output != output and not self._overwrite:
            raise _Refused(
                f"{target} exists already and is no result of a batch: move it away or use "
                "--overwrite"
            )

    def _keep(self, task: Record, output: str, body: bytes) -> None:
        """Write the result. The manifest first says that the file is ours, whatever comes next."""
        try:
            self._manifest.add(replace(task, state="begun", output=output))
            self._manifest.sync()
            self._write(self._output.folder / output, self._output.partial(output), body)
        except OSError as problem:
            _raise_if_fatal(problem)
            raise

    def _remember(self, record: Record) -> None:
        """Write a record; what the manifest cannot hold stops the batch."""
        try:
            self._manifest.add(record)
        except OSError as problem:
            _raise_if_fatal(problem)
            raise CannotGoOn(f"{self._manifest.path}: {problem.strerror}") from problem


def explain(problem: Exception) -> str:
    """Say in one line what is wrong with a photo."""
    if is_out_of_memory(problem):
        return "there is not enough memory for this photo: scale it down or close other programs"
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror
    return " ".join(str(problem).split()) or type(problem).__name__


def _raise_if_fatal(problem: OSError) -> None:
    if (remedy := FATAL.get(problem.errno or 0)) is not None:
        where = f" ({problem.filename})" if problem.filename else ""
        raise CannotGoOn(f"{remedy}{where}") from problem


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _sha256(data: bytes | None) -> str | None:
    return None if data is None else hashlib.sha256(data).hexdigest()


def _sha256_of(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
