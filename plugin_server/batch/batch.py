"""Many photos, one after the other and a few at a time, so that it can stop and go on anywhere.

Threads read, colour and write; what colours is a function from a request to an answer, so it may
be this process, a server or a queue of workers. Nothing about a photo is held longer than it is
worked on.
"""

from __future__ import annotations

import errno
import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, get_args

from models.progress import Stopped
from models.shown import shown
from plugin_server.batch.batch_settings import BatchSettings
from plugin_server.batch.descriptions import Described
from plugin_server.batch.manifest import Manifest, Record
from plugin_server.batch.output import Output
from plugin_server.batch.runner import CannotGoOn, Runner, explain
from plugin_server.batch.sources import SkippedPhoto, SourcePhoto, read_file
from plugin_server.batch.writing import Times, replace_file
from plugin_server.engine.requests import Answer, ColorizeRequest
from plugin_server.images.codec import Limits, TooLarge

Colour = Callable[[ColorizeRequest], Answer]
Ending = Literal["coloured", "unchanged", "failed", "failed before"]

# What no other photo would escape either.
FATAL: Final = {
    errno.ENOSPC: "the disk is full: make room",
    errno.EDQUOT: "the disk quota is used up: make room",
    errno.EROFS: "the disk cannot be written to: make it writable",
}


class _Refused(Exception):
    """A photo whose result cannot be placed; the message names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one photo."""

    ending: Ending
    record: Record


@dataclass(slots=True)
class Tally:
    """What became of them all, by name: how each ended, never the outcomes themselves.

    ``cpu_seconds`` is the processor time of the whole process meanwhile. ``stopped`` says why it
    ended early, "" where it did not.
    """

    endings: dict[str, Ending] = field(default_factory=dict, repr=False)
    noted: set[str] = field(default_factory=set, repr=False)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    stopped: str = ""

    @property
    def counts(self) -> dict[Ending, int]:
        """Count the photos by how they ended."""
        found = Counter(self.endings.values())
        return {ending: found[ending] for ending in get_args(Ending)}

    @property
    def total(self) -> int:
        """Count the photos that were looked at."""
        return len(self.endings)

    @property
    def failures(self) -> int:
        """Count the photos that have no result, now or from before."""
        counts = self.counts
        return counts["failed"] + counts["failed before"]

    def add(self, outcome: Outcome) -> None:
        """Note how a photo ended; one that is worked on again, as in a watched folder, anew."""
        name = outcome.record.name
        self.endings[name] = outcome.ending
        (self.noted.add if outcome.record.notices else self.noted.discard)(name)


class Batch:
    """One run over photos into an output folder.

    ``colour`` is called by ``in_flight`` threads at once. ``retry_failed`` tries photos again that
    failed before; ``overwrite`` replaces files that this folder's batches did not write;
    ``keep_dates`` gives a result the times of its photo. A photo that changes while it is worked on
    is no failure where it ``comes_again``.
    """

    def __init__(
        self,
        colour: Colour,
        batch_settings: BatchSettings,
        *,
        manifest: Manifest,
        output: Output,
        in_flight: int,
        limits: Limits | None = None,
        overwrite: bool = False,
        retry_failed: bool = False,
        should_stop: Callable[[], bool] = lambda: False,
        on_outcome: Callable[[Outcome], None] = lambda outcome: None,
        keep_dates: bool = False,
        comes_again: bool = False,
        write: Callable[[Path, bytes, Times | None], None] = replace_file,
    ) -> None:
        self._colour = colour
        self._settings = batch_settings
        self._manifest = manifest
        self._output = output
        self._in_flight = in_flight
        self._limits = limits or Limits()
        self._overwrite = overwrite
        self._retry_failed = retry_failed
        self._should_stop = should_stop
        self._on_outcome = on_outcome
        self._keep_dates = keep_dates
        self._comes_again = comes_again
        self._write = write
        self._tally = Tally()

    def run(self, found: Iterable[SourcePhoto | SkippedPhoto | None]) -> Tally:
        """Work on all that is found, until the end, a stop, or what no photo would escape.

        ``found`` may wait for photos; None is a moment in which there are none.
        """
        began, cpu_began = time.perf_counter(), time.process_time()
        for record in self._manifest.interrupted:
            with suppress(OSError):
                self._output.partial(record.output).unlink()
        runner: Runner[SourcePhoto | SkippedPhoto, Outcome] = Runner(
            lambda one: self._pass(one) if isinstance(one, SkippedPhoto) else self._take(one),
            self._add,
            in_flight=self._in_flight,
            should_stop=self._should_stop,
        )
        tally = self._tally
        tally.stopped = runner.run(found)
        tally.seconds = time.perf_counter() - began
        tally.cpu_seconds = time.process_time() - cpu_began
        return tally

    def _add(self, outcome: Outcome) -> None:
        self._tally.add(outcome)
        self._on_outcome(outcome)

    def _pass(self, passed: SkippedPhoto) -> Outcome:
        record = Record(name=passed.name, state="failed", error=passed.reason, at=_now())
        known = self._manifest.get(passed.name)
        if known is None or (known.state, known.error) != ("failed", passed.reason):
            self._remember(record)
        return Outcome("failed", record)

    def _take(self, photo: SourcePhoto) -> Outcome | None:
        """Colour a photo unless that was done, or tried, before."""
        known = self._manifest.get(photo.name)
        output, answer_type = self._output.place(photo.name)
        task = Record(
            name=photo.name, state="begun", path=str(photo.path.absolute()), at=_now(),
            output=known.output if known else "",
        )  # fmt: skip
        began = time.perf_counter()
        try:
            status = photo.path.stat()
            given = self._settings.descriptions.given(photo.name, photo.path)
            said = given or Described("", "")
            task = replace(
                task, size=status.st_size, mtime_ns=status.st_mtime_ns, description=said.text,
                described_by=said.by,
                settings=self._settings.digest(given, answer_type),
            )  # fmt: skip
            if known is not None and (ended := self._ended_before(known, task, output)):
                return Outcome(ended, known)
            self._check_room_for(output, photo, task)
            if status.st_size > self._limits.max_bytes:
                raise TooLarge(
                    f"the file has {status.st_size:,} bytes and the limit is "
                    f"{self._limits.max_bytes:,}: scale it down"
                )
            data = read_file(photo.path)
            described = self._settings.descriptions.completed(given, data)
            task = replace(
                task, sha256=hashlib.sha256(data).hexdigest(),
                description=described.text, described_by=described.by,
            )  # fmt: skip
            data, mended = self._settings.opened(data)
            request = self._settings.request(data, described)
            answer = self._colour(replace(request, answer_type=answer_type))
            times = (status.st_atime_ns, status.st_mtime_ns) if self._keep_dates else None
            self._keep(task, output, answer.body, times)
        except (Stopped, CannotGoOn):
            raise
        except Exception as problem:  # one bad photo must not stop the others
            if self._comes_again and _has_changed(photo, task):
                return None  # somebody is still writing it
            record = replace(task, state="failed", error=explain(problem))
            self._remember(record)
            return Outcome("failed", record)
        record = replace(
            task, state="done", output=output, output_size=len(answer.body),
            notices=described.notes + mended + answer.notices, exemplar=answer.exemplar or "",
            confidence=round(answer.confidence, 3),
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

    def _check_room_for(self, output: str, photo: SourcePhoto, task: Record) -> None:
        """Refuse to replace what is not a result of this folder's batches."""
        target = self._output.folder / output
        if not os.path.lexists(target):
            return
        if target.exists() and target.samefile(photo.path):
            raise _Refused(f"{shown(target)} is the photo itself: give another folder with -o")
        if target.is_dir():
            raise _Refused(f"{shown(target)} is a folder: move it away")
        if task.output != output and not self._overwrite:
            raise _Refused(
                f"{shown(target)} exists already and is no result of a batch: move it away or use "
                "--overwrite"
            )

    def _keep(self, task: Record, output: str, body: bytes, times: Times | None) -> None:
        """Write the result. The manifest first says that the file is ours, whatever comes next."""
        try:
            self._manifest.add(replace(task, state="begun", output=output))
            self._manifest.sync()
            self._write(self._output.folder / output, body, times)
        except OSError as problem:
            _raise_if_fatal(problem)
            raise

    def _remember(self, record: Record) -> None:
        """Write a record; what the manifest cannot hold stops the batch."""
        try:
            self._manifest.add(record)
        except OSError as problem:
            _raise_if_fatal(problem)
            raise CannotGoOn(f"{shown(self._manifest.path)}: {problem.strerror}") from problem


def _has_changed(photo: SourcePhoto, task: Record) -> bool:
    try:
        status = photo.path.stat()
    except OSError:
        return True
    return (status.st_size, status.st_mtime_ns) != (task.size, task.mtime_ns)


def _raise_if_fatal(problem: OSError) -> None:
    if (remedy := FATAL.get(problem.errno or 0)) is not None:
        where = f" ({shown(problem.filename)})" if problem.filename else ""
        raise CannotGoOn(f"{remedy}{where}") from problem


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _sha256_of(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
