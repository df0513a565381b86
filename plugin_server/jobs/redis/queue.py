"""The queue that many machines share, as the service sees it."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from models.progress import Progress, Stopped
from plugin_server.broker import Broker
from plugin_server.engine.file_store import Shelf
from plugin_server.engine.requests import Answer, ColorizeRequest, Request
from plugin_server.errors import Busy, NoBroker, NoSpace, NotDone, NotKept
from plugin_server.jobs.fair_queue import Client
from plugin_server.jobs.local import WAITING_BYTES, EmbeddedJobs
from plugin_server.jobs.queue import Jobs, QueueState, Status
from plugin_server.jobs.redis.celery_app import PREFIX, TASK, lanes_of, made_with, make_app
from plugin_server.jobs.redis.job_store import ALIVE, Entry, JobStore, Keep
from plugin_server.jobs.redis.serialization import Far, pack, pack_error, unpack_answer

LOOK: Final = 1.0  # seconds between looks whether the client is still there
PATIENCE: Final = 15.0  # seconds for which somebody who waits is not told that Redis is away
LOST: Final = 2  # times that a photo is sent again because Redis lost it
NOBODY: Final = 60.0  # seconds for which a photo waits for the first worker to come
SILENCE: Final = 20.0  # seconds after which a job that nobody has any more is sent again


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message in a queue; ``text`` is its bytes."""

    lane: str
    id: str
    client: str
    size: int
    text: bytes


class ClusterJobs:
    """Photos are coloured by workers on any machine; all else is done ``here``, in this process.

    What waits in Redis outlives this process: after a restart, and from any other server with the
    same broker, a job answers under its id. ``gather`` fetches what only this server has. Workers
    must have these ``models`` (``made_with``); None takes those that most workers have. Somebody who
    waits hears after ``patience`` seconds that Redis is away, and after ``nobody`` that no worker
    came.
    """

    def __init__(
        self,
        broker: Broker,
        here: Jobs,
        gather: Callable[[ColorizeRequest], ColorizeRequest],
        *,
        models: str | None = None,
        room: int = 48,
        keep: Keep = Keep(),
        patience: float = PATIENCE,
        nobody: float = NOBODY,
    ) -> None:
        self._broker = broker
        self._store = JobStore(broker, keep)
        self._app = make_app(broker)
        self._here = here
        self._gather = gather
        self._models = models
        self._room = room
        self._patience = patience
        self._nobody_after = nobody
        self._closed = threading.Event()

    def run(self, work: Request, client: Client, *, gone: Callable[[], bool]) -> Answer:
        """See ``Jobs.run``."""
        if not isinstance(work, Far):
            return self._here.run(work, client, gone=gone)
        ready = self._gather(work) if isinstance(work, ColorizeRequest) else work
        for _ in range(LOST):
            try:
                return self._run_once(ready, client, gone)
            except NotKept:
                pass  # Redis came back without it; the photo is still here
        return self._run_once(ready, client, gone)

    def _run_once(self, work: Far, client: Client, gone: Callable[[], bool]) -> Answer:
        id = self._admit(work, client, kept=False)
        try:
            return self._outcome(self._wait(id, gone))
        finally:
            self._tidy(id)

    def submit(self, work: Request, client: Client) -> Status:
        """See ``Jobs.submit``; what cannot be gathered fails as a job does."""
        if not isinstance(work, ColorizeRequest):
            return self._here.submit(work, client)
        try:
            ready = self._gather(work)
        except Exception as problem:
            id = secrets.token_urlsafe(12)
            with self._broker.explained():
                self._store.put(id, client.address, b"", {}, kept=True)
                self._store.finish(id, "failed", pack_error(problem))
            return self.status(id)
        return self.status(self._admit(ready, client, kept=True))

    def status(self, id: str, *, newer_than: int = -1, timeout: float = 0.0) -> Status:
        """See ``Jobs.status``."""
        ends = time.monotonic() + timeout
        while True:
            entry = self._entry(id)
            status, left = entry.status, ends - time.monotonic()
            changed = status.version > newer_than or status.is_finished
            if changed or left <= 0 or self._closed.is_set():
                return status
            with self._broker.explained():
                self._store.wait(entry, min(left, LOOK))

    def result(self, id: str) -> Answer:
        """See ``Jobs.result``."""
        entry = self._entry(id)
        status = entry.status
        if status.state == "cancelled":
            raise NotDone(f"the job {id} was cancelled and has no result; send the photo again")
        if not status.is_finished:
            raise NotDone(
                f"the job {id} is {status.state} ({status.progress:.0%}); ask again when its state "
                f"is done, or follow /v1/jobs/{id}/events"
            )
        return self._outcome(entry)

    def cancel(self, id: str) -> Status:
        """See ``Jobs.cancel``."""
        before = self._entry(id).status
        with self._broker.explained():
            if before.is_finished:
                self._store.forget(id)
                return before
            self._stop(id)
        return self._entry(id).status

    def unfinished(self) -> int:
        """See ``Jobs.unfinished``; the jobs of all servers count, as far as Redis can be asked."""
        state = self.state()
        return state.waiting + state.running + self._here.unfinished()

    def state(self) -> QueueState:
        """See ``Jobs.state``."""
        try:
            with self._broker.explained():
                workers, others = self._workers()
                waiting, running = len(self._waiting()), self._running(workers)
        except (NoBroker, NoSpace) as problem:
            return QueueState("celery", 0, 0, 0, str(problem))
        health = "ok" if workers else self._nobody(others)
        return QueueState("celery", workers, waiting, running, health)

    def close(self) -> None:
        """Stop what this server waits for; jobs that were sent stay in Redis."""
        self._closed.set()
        self._here.close()
        self._app.close()
        self._store.close()

    def _admit(self, work: Far, client: Client, *, kept: bool) -> str:
        if self._closed.is_set():
            raise Stopped
        text, pictures = pack(work)
        id, size = secrets.token_urlsafe(12), sum(map(len, pictures.values()))
        with self._broker.explained():
            self._check_room(client.address, size)
            self._store.put(id, client.address, text, pictures, kept=kept)
            try:
                self._send(id, client.address, size)
            except (NoBroker, NoSpace):
                self._tidy(id)
                raise
        return id

    def _check_room(self, client: str, size: int) -> None:
        """Raise Busy where too much waits; servers that ask at once may each find the last place.

        Asked before the photo travels: a full queue must not be flooded with what it refuses.
        """
        waiting, places = self._waiting(), max(self._workers()[0], 1)
        admitted, limit = len(waiting) + self._running(places), self._room + places
        own = sum(message.client == client for message in waiting)
        held = sum(message.size for message in waiting)
        seconds = min(max(round(admitted / places / 4), 1), 60)
        if admitted >= limit:
            problem = f"{limit} photos are being coloured or waiting, which is the limit"
        elif own and admitted >= limit - self._room // 4:
            problem = f"{own} photos of yours are waiting, and the places that are left are for others"
        elif waiting and held + size > WAITING_BYTES:
            problem = f"{held:,} bytes of photos are waiting and the limit is {WAITING_BYTES:,}"
        else:
            return
        raise Busy(f"{problem}; try again in {seconds} seconds", seconds=seconds)

    def _send(self, id: str, client: str, size: int = 0) -> None:
        """Put a message into its client's lane, or else into the shortest: lanes have turns."""
        from kombu.exceptions import OperationalError

        waiting = self._waiting()
        lanes = lanes_of(self._wanted())
        lengths = [sum(message.lane == lane for message in waiting) for lane in lanes]
        own = [message.lane for message in waiting if message.client == client]
        lane = own[0] if own else lanes[lengths.index(min(lengths))]
        headers = {"client": client, "size": size}
        try:
            self._app.send_task(TASK, (id,), task_id=id, queue=lane, headers=headers, retry=False)
        except OperationalError as problem:
            cause = problem.__cause__
            raise self._broker.explain(cause if isinstance(cause, Exception) else problem) from problem

    def _waiting(self) -> list[Waiting]:
        """List the messages of all lanes, those that are next first."""
        lanes, found = lanes_of(self._wanted()), []
        with self._store.redis.pipeline() as pipe:
            for lane in lanes:
                pipe.lrange(f"{PREFIX}{lane}", 0, -1)
            rows = [list(reversed(row)) for row in pipe.execute()]
        for place in range(max(map(len, rows))):
            for lane, row in zip(lanes, rows, strict=True):
                if place < len(row):
                    try:
                        head = json.loads(row[place])["headers"]
                        message = Waiting(lane, head["id"], head["client"], head["size"], row[place])
                    except (ValueError, KeyError, TypeError):
                        continue  # nothing that a server sent; the worker that takes it says so
                    found.append(message)
        return found

    def _running(self, workers: int) -> int:
        """Count what workers have in hand, or had when they vanished."""
        return min(int(self._store.redis.hlen(f"{PREFIX}unacked")), workers)

    def _wanted(self) -> str:
        """Name the models that workers must have."""
        if self._models is not None:
            return self._models
        counts: dict[str, int] = {}
        for models, processes in self._store.workers().values():
            counts[models] = counts.get(models, 0) + processes
        return max(counts, key=lambda name: counts[name], default=made_with())

    def _workers(self) -> tuple[int, list[str]]:
        """Count the processes that can do the work, and name the models of those that cannot."""
        wanted, found = self._wanted(), self._store.workers().values()
        return (
            sum(processes for models, processes in found if models == wanted),
            sorted({models for models, _ in found if models != wanted}),
        )

    def _wait(self, id: str, gone: Callable[[], bool]) -> Entry:
        """Return the job's end; a short absence of Redis is sat out."""
        away_since: float | None = None
        alone_since: float | None = None
        while True:
            try:
                entry = self._entry(id)
                if entry.status.is_finished:
                    return entry
                alone_since = self._alone_since(entry.status, alone_since)
                with self._broker.explained():
                    self._store.wait(entry, LOOK)
                away_since = None
            except NoBroker as problem:
                if alone_since is not None and problem.seconds == ALIVE:
                    raise
                away_since = away_since or time.monotonic()
                if time.monotonic() - away_since > self._patience:
                    raise
                self._closed.wait(0.1)
            if self._closed.is_set() or gone():
                raise Stopped

    def _alone_since(self, status: Status, since: float | None) -> float | None:
        """Tell since when a photo waits without any worker; give up after a while."""
        if status.state != "queued":
            return None
        workers, others = self._workers()
        if workers:
            return None
        since = since or time.monotonic()
        if time.monotonic() - since > self._nobody_after:
            raise NoBroker(self._nobody(others), seconds=ALIVE)
        return since

    def _nobody(self, others: list[str]) -> str:
        if others:
            return (
                f"the workers of the queue at {self._broker.shown} have another version or other "
                f"weights ({', '.join(others)}) than this server ({self._wanted()}); install the "
                "same everywhere"
            )
        return (
            f"no worker listens to the queue at {self._broker.shown}; start one: "
            "photochrom worker --broker URL"
        )

    def _stop(self, id: str) -> None:
        """Cancel a job and take it out of its queue; a worker that has it stops at its next look."""
        self._store.finish(id, "cancelled", b"")
        for message in self._waiting():
            if message.id == id:
                self._store.redis.lrem(f"{PREFIX}{message.lane}", 1, message.text)

    def _tidy(self, id: str) -> None:
        """Forget a job whose answer was asked for here, or stop it; it expires in any case."""
        try:
            with self._broker.explained():
                entry = self._store.entry(id)
                if entry is not None and not entry.status.is_finished:
                    self._stop(id)
                self._store.forget(id)
        except (NoBroker, NoSpace):
            pass  # Redis is away: what it holds of the job goes by itself in time

    def _entry(self, id: str) -> Entry:
        """Look a job up, with its position; send it again where nobody has it any more.

        That is for the messages that Celery loses (between taking one and noting that), and so that
        a machine that vanished is not waited for as long as for the longest photo.
        """
        with self._broker.explained():
            entry = self._store.entry(id)
            if entry is None:
                raise self._unknown()
            if entry.status.state == "queued":
                ids = [message.id for message in self._waiting()]
                if id in ids:
                    return replace(entry, status=replace(entry.status, position=ids.index(id)))
            elif entry.status.is_finished or entry.node in self._store.workers():
                return entry
            if self._store.now() - entry.seen > SILENCE:
                self._store.sent_again(id)
                self._send(id, entry.client)
        return entry

    def _outcome(self, entry: Entry) -> Answer:
        """Return, or raise, what came of a finished job."""
        if entry.status.error is not None:
            raise entry.status.error
        if entry.status.state == "cancelled":
            raise Stopped
        with self._broker.explained():
            body = self._store.blob(entry.status.id)
        if body is None:
            raise self._unknown()
        return unpack_answer(entry.outcome, body)

    def _unknown(self) -> NotKept:
        return NotKept(
            "there is no such job, or not any more: results are kept for "
            f"{self._store.keep.seconds / 60:g} minutes, and less where they are many; send the "
            "photo again"
        )


def sender(
    broker: Broker,
    gather: Callable[[ColorizeRequest], ColorizeRequest] = lambda request: request,
) -> ClusterJobs:
    """Open a broker's queue for a program that only sends work and does none itself."""

    def refuse(request: Request, progress: Progress) -> Answer:
        raise AssertionError(f"{type(request).__name__} is nothing that workers do")

    here = EmbeddedJobs(refuse, workers=1, waiting=0, shelf=Shelf(seconds=1, count=0, size=0))
    return ClusterJobs(broker, here, gather)
