"""The queue of jobs inside this process, with its threads."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from models.progress import Progress, Stopped
from plugin_server.engine.file_store import FileStore
from plugin_server.engine.requests import Answer, Request
from plugin_server.errors import as_answered, status_and_detail
from plugin_server.jobs import malloc
from plugin_server.jobs.queue import (
    Client,
    FairQueue,
    QueueState,
    State,
    Status,
    no_room,
    not_done,
    not_kept,
    on_the_whole,
)

log = logging.getLogger("photochrom")

STEP = 0.01  # progress is told in steps no smaller than this
REMEMBERED = 1000  # finished jobs whose state can be asked for
WAITING_BYTES = 1 << 30
IDLE = 2.0  # seconds without work until free memory goes back to the system
LAST = 2.0  # seconds for which closing waits for work that is stopping
USUAL = 1.0  # seconds for a job, before any was done
LATELY = 0.1  # the share of the last job in what is usual


@dataclass(eq=False, slots=True)
class _Job:
    """One piece of work; what changes is changed under the queue's lock."""

    request: Request | None  # None once it is over, because it holds the photo
    client: Client
    status: Status
    changed: threading.Condition  # on the queue's lock
    keep: bool
    answer: Answer | None = None  # without its body where that is in the file store
    kept: str = ""  # the body's name in the file store
    finished_at: float = 0.0
    has_place: bool = False
    stop: threading.Event = field(default_factory=threading.Event)


class EmbeddedJobs:
    """The queue of this process: places for ``workers`` jobs, and room for ``waiting`` more.

    A job that is cancelled leaves its place at once, and its thread stops at the next look: within
    a block of pixels, but only after a file that it is just reading or writing.

    The last quarter of the room is for machines that have nothing in it yet, so that one which
    sends many photos does not shut out another; ``waiting_bytes`` bounds what waits, too. Results
    are kept in the file store, and what the file store forgets, the queue forgets.
    """

    def __init__(
        self,
        do: Callable[[Request, Progress], Answer],
        *,
        workers: int,
        waiting: int,
        file_store: FileStore,
        waiting_bytes: int = WAITING_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._do = do
        self._workers = workers
        self._room = waiting
        self._waiting_bytes = waiting_bytes
        self._file_store = file_store
        self._clock = clock
        self._lock = threading.RLock()
        self._queue: FairQueue[_Job] = FairQueue()
        self._held = 0  # bytes of the work that waits
        self._running = 0  # jobs that have a place
        self._usual = USUAL  # seconds that a job takes, lately
        self._unfinished: set[_Job] = set()
        self._is_closed = False
        self.has_ended = False  # whether closing found nothing that is still being done
        self._jobs: OrderedDict[str, _Job] = OrderedDict()
        # Threads of their own, not the web server's many: PyTorch and malloc keep pools for every
        # thread that ever worked.
        # Twice as many as places, for those that are still stopping.
        self._trimming = threading.Timer(0, malloc.trim)  # not started
        self._threads = ThreadPoolExecutor(2 * workers, thread_name_prefix="colorize")

    def run(
        self, request: Request, client: Client, *, is_disconnected: Callable[[], bool]
    ) -> Answer:
        """See ``Jobs.run``."""
        job = self._admit(request, client, keep=False)
        while True:
            with self._lock:
                job.changed.wait_for(lambda: job.status.is_finished, timeout=1.0)
            if job.status.is_finished:
                break
            if is_disconnected():
                self._stop(job)
        if job.status.error is not None:
            raise job.status.error
        if job.answer is None:
            raise Stopped
        return job.answer

    def submit(self, request: Request, client: Client) -> Status:
        """See ``Jobs.submit``."""
        job = self._admit(request, client, keep=True)
        return self._seen(job)

    def status(self, id: str, *, newer_than: int = -1, timeout: float = 0.0) -> Status:
        """See ``Jobs.status``; a position in the queue that changes makes no new version."""
        job = self._find(id)
        with self._lock:
            job.changed.wait_for(lambda: job.status.version > newer_than, timeout=timeout)
        return self._seen(job)

    def result(self, id: str) -> Answer:
        """See ``Jobs.result``."""
        job = self._find(id)
        status = job.status
        if status.error is not None:
            raise as_answered(status.error)  # raised again and again, one exception would grow
        if status.state == "cancelled" or job.answer is None:
            raise not_done(status)
        body = self._file_store.get(job.kept)
        if body is None:
            raise not_kept(self._file_store.seconds)
        return replace(job.answer, body=body)

    def cancel(self, id: str) -> Status:
        """See ``Jobs.cancel``."""
        job = self._find(id)
        if job.status.is_finished:
            with self._lock:
                self._jobs.pop(id, None)
            self._file_store.drop(job.kept)
        else:
            self._stop(job)
        return self._seen(job)

    def unfinished(self) -> int:
        """See ``Jobs.unfinished``."""
        with self._lock:
            return len(self._unfinished)

    def state(self) -> QueueState:
        """See ``Jobs.state``."""
        with self._lock:
            return QueueState("embedded", self._workers, len(self._queue), self._running)

    def close(self) -> None:
        """See ``Jobs.close``."""
        with self._lock:
            self._is_closed = True
            unfinished = list(self._unfinished)
        for job in unfinished:
            self._stop(job)
        # Networks stop at their next block, but nobody waits for one that does not.
        ending = threading.Thread(target=self._threads.shutdown, name="ending", daemon=True)
        ending.start()
        ending.join(timeout=LAST)
        self.has_ended = not ending.is_alive()
        self._trimming.cancel()
        self._file_store.close()

    def _admit(self, request: Request, client: Client, *, keep: bool) -> _Job:
        name, changed = secrets.token_urlsafe(12), threading.Condition(self._lock)
        job = _Job(request, client, Status(name), changed, keep)
        with self._lock:
            if self._is_closed:
                raise Stopped
            self._check_room(request, client)
            self._unfinished.add(job)
            self._queue.add(client, job)
            self._held += request.size
            if keep:
                self._jobs[job.status.id] = job
            self._fill_places()
        return job

    def _check_room(self, request: Request, client: Client) -> None:
        """Raise Busy where the work has no place; the lock is held."""
        admitted = len(self._unfinished)
        problem = no_room(
            own=self._queue.count_of(client.address), admitted=admitted,
            limit=self._workers + self._room, kept_free=self._room // 4,
            held=self._held, size=request.size, most=self._waiting_bytes,
            seconds=self._seconds_until_room(admitted), anybody=bool(self._queue),
        )  # fmt: skip
        if problem is not None:
            raise problem

    def _seconds_until_room(self, admitted: int) -> int:
        """Guess when a quarter of those who are here now are served, from 1 to 60 seconds."""
        return min(max(round(self._usual * admitted / self._workers / 4), 1), 60)

    def _fill_places(self) -> None:
        """Begin the jobs whose turn it is, as far as there are places; the lock is held."""
        if self._is_closed:
            return
        while self._running < self._workers and (job := self._queue.take()) is not None:
            request = job.request
            assert request is not None
            self._held -= request.size
            self._running += 1
            job.has_place = True
            self._set(job, state="running", stage="running")
            self._threads.submit(self._perform, job, request)

    def _leave_place(self, job: _Job) -> None:
        """Give a job's place to the next one; the lock is held."""
        if job.has_place:
            job.has_place = False
            self._running -= 1
            self._fill_places()

    def _perform(self, job: _Job, request: Request) -> None:
        """Do a job; in a thread of the pool."""
        begun = self._clock()
        try:
            answer = self._do(request, self._watching(job))
            kept = self._file_store.put(answer.body) if job.keep else ""
        except Stopped:
            self._finish(job, "cancelled")
        except Exception as error:
            if job.keep and status_and_detail(error)[0] >= 500:
                log.error("error in the job %s", job.status.id, exc_info=error)
            self._finish(job, "failed", error=error)
        else:
            with self._lock:
                self._usual += LATELY * (self._clock() - begun - self._usual)
            self._finish(job, "done", answer=answer, kept=kept)
        if self._running == 0:
            self._trim_later()

    def _trim_later(self) -> None:
        """Give memory back when there is nothing to do for a while; the next photo may be near."""

        def trim() -> None:
            if self._running == 0:
                malloc.trim()

        self._trimming.cancel()
        self._trimming = threading.Timer(IDLE, trim)
        self._trimming.daemon = True
        self._trimming.start()

    def _watching(self, job: _Job) -> Progress:
        """Make the callback that the work tells how far it is, and that stops it."""

        def progress(stage: str, share: float) -> None:
            if job.stop.is_set():
                raise Stopped
            with self._lock:
                if job.status.is_finished:
                    raise Stopped
                done = max(on_the_whole(stage, share), job.status.progress)
                if stage != job.status.stage or done >= job.status.progress + STEP:
                    self._set(job, stage=stage, progress=done)

        return progress

    def _stop(self, job: _Job) -> None:
        """Cancel a job that is not finished; a running one ends its work a little later."""
        job.stop.set()
        # Under one lock: nobody may see a job that is queued and has no turn any more.
        with self._lock:
            if job.status.is_finished:
                return
            request = job.request
            if self._queue.remove(job.client, job):
                assert request is not None
                self._held -= request.size
            self._finish(job, "cancelled")

    def _finish(
        self,
        job: _Job,
        state: State,
        *,
        answer: Answer | None = None,
        kept: str = "",
        error: Exception | None = None,
    ) -> None:
        """Say how a job ended, unless it was cancelled before."""
        with self._lock:
            if job.status.is_finished:
                if kept:
                    self._file_store.drop(kept)
                return
            self._unfinished.discard(job)
            job.request = None
            if error is not None and job.keep:
                error = as_answered(error)
            job.kept = kept
            job.answer = replace(answer, body=b"") if answer is not None and kept else answer
            job.finished_at = self._clock()
            share = 1.0 if state == "done" else job.status.progress
            self._set(job, state=state, stage=state, progress=share, error=error)
            self._leave_place(job)
            self._forget_old()

    def _set(self, job: _Job, **changes: Any) -> None:
        """Change the status and tell everybody who waits for it; the lock is held."""
        version = job.status.version + 1
        job.status = replace(job.status, **changes, version=version)
        job.changed.notify_all()

    def _forget_old(self) -> None:
        """Forget finished jobs that are too old, too many, or out of the file store; the lock is
        held."""
        oldest = self._clock() - self._file_store.seconds
        finished = [job for job in self._jobs.values() if job.status.is_finished]
        for number, job in enumerate(finished):
            too_many = len(finished) - number > REMEMBERED
            if (
                too_many
                or job.finished_at <= oldest
                or (job.kept and job.kept not in self._file_store)
            ):
                del self._jobs[job.status.id]
                self._file_store.drop(job.kept)

    def _find(self, id: str) -> _Job:
        with self._lock:
            self._forget_old()
            job = self._jobs.get(id)
        if job is None:
            raise not_kept(self._file_store.seconds)
        return job

    def _seen(self, job: _Job) -> Status:
        """Return the status with the present position in the queue."""
        with self._lock:
            if job.status.state != "queued":
                return job.status
            return replace(job.status, position=self._queue.order().index(job))
