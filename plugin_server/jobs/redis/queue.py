"""The queue that many machines share, as the service sees it."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

from redis.backoff import NoBackoff
from redis.retry import Retry

from models.progress import Stopped
from plugin_server.broker import Broker
from plugin_server.engine.requests import Answer, ColorizeRequest, Request
from plugin_server.errors import NoBroker, NoSpace, NotKept
from plugin_server.jobs.local import WAITING_BYTES
from plugin_server.jobs.queue import Client, Jobs, QueueState, Status, no_room, not_done, not_kept
from plugin_server.jobs.redis.celery_app import make_app
from plugin_server.jobs.redis.job_store import ALIVE, Entry, JobStore, Keep
from plugin_server.jobs.redis.lanes import Lanes
from plugin_server.jobs.redis.serialization import Sendable, pack, pack_error, unpack_answer

KEEP: Final = Keep()
POLL_INTERVAL: Final = 1.0  # seconds between looks whether the client is still there
OUTAGE_TIMEOUT: Final = 15.0  # seconds for which somebody who waits is not told that Redis is away
LOST: Final = 2  # times that a photo is sent again because Redis lost it
NOBODY: Final = 60.0  # seconds for which a photo waits for the first worker to come
SILENCE: Final = 20.0  # seconds after which a job that nobody has any more is sent again


class ClusterJobs:
    """Photos are coloured by workers on any machine; all else is done ``here``, in this process.

    What waits in Redis outlives this process: after a restart, and from any other server with the
    same broker, a job answers under its id. ``gather`` fetches what only this server has; workers
    must have these ``models`` (see ``Lanes``). Somebody who waits hears after ``retry_timeout``
    seconds that Redis is away, and after ``nobody`` that no worker came; ``attended`` is when, by
    ``time.monotonic``, it was last known that somebody who waits has a worker. Without ``here``
    only photos can be sent.
    """

    def __init__(
        self,
        broker: Broker,
        here: Jobs | None = None,
        gather: Callable[[ColorizeRequest], ColorizeRequest] = lambda request: request,
        *,
        models: str | None = None,
        room: int = 48,
        keep: Keep = KEEP,
        retry_timeout: float = OUTAGE_TIMEOUT,
        nobody: float = NOBODY,
    ) -> None:
        self._broker = broker
        self._store = JobStore(broker, keep)
        self._app = make_app(broker)
        self._lanes = Lanes(self._app, self._store, models)
        self._here = here
        self._gather = gather
        self._room = room
        self._retry_timeout = retry_timeout
        self._nobody_after = nobody
        self._closed = threading.Event()
        self.attended = time.monotonic()

    def run(self, work: Request, client: Client, *, is_disconnected: Callable[[], bool]) -> Answer:
        """See ``Jobs.run``."""
        if not isinstance(work, Sendable):
            assert self._here is not None, f"{type(work).__name__} is nothing that workers do"
            return self._here.run(work, client, is_disconnected=is_disconnected)
        ready = self._gather(work) if isinstance(work, ColorizeRequest) else work

        def once() -> Answer:
            id = self._admit(ready, client, kept=False)
            try:
                return self._outcome(self._wait(id, is_disconnected))
            finally:
                self._tidy(id)

        # Where Redis came back without it, the photo is still here.
        again = Retry(NoBackoff(), LOST, (NotKept,))
        return again.call_with_retry(once, lambda _: None)

    def submit(self, work: Request, client: Client) -> Status:
        """See ``Jobs.submit``; what cannot be gathered fails as a job does."""
        if not isinstance(work, ColorizeRequest):
            assert self._here is not None, f"{type(work).__name__} is nothing that workers do"
            return self._here.submit(work, client)
        try:
            ready = self._gather(work)
        except Exception as problem:
            id = secrets.token_urlsafe(12)
            with self._broker.explained():
                self._store.put(id, client.address, [], kept=True)
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
                return self._placed(status)
            with self._broker.explained():
                self._store.wait(entry, min(left, POLL_INTERVAL))

    def result(self, id: str) -> Answer:
        """See ``Jobs.result``."""
        entry = self._entry(id)
        if entry.status.state == "cancelled" or not entry.status.is_finished:
            raise not_done(entry.status)
        return self._outcome(entry)

    def cancel(self, id: str) -> Status:
        """See ``Jobs.cancel``; a worker that has the job stops when it looks the next time."""
        before = self._entry(id).status
        with self._broker.explained():
            if before.is_finished:
                self._store.forget(id)
                return before
            self._store.finish(id, "cancelled", b"")
            self._lanes.withdraw(id)
        return self._entry(id).status

    def unfinished(self) -> int:
        """See ``Jobs.unfinished``; the jobs of all servers count, as far as Redis can be asked."""
        state = self.state()
        return state.waiting + state.running + (self._here.unfinished() if self._here else 0)

    def state(self) -> QueueState:
        """See ``Jobs.state``."""
        try:
            with self._broker.explained():
                workers, others = self._lanes.workers()
                waiting, in_hand = self._lanes.look()
        except (NoBroker, NoSpace) as problem:
            return QueueState("celery", 0, 0, 0, str(problem))
        health = "ok" if workers else self._nobody(others)
        # What vanished with a worker is in nobody's hand, and stands there for a while.
        return QueueState("celery", workers, len(waiting), min(in_hand, workers), health)

    def close(self) -> None:
        """Stop what this server waits for; jobs that were sent stay in Redis."""
        self._closed.set()
        if self._here is not None:
            self._here.close()
        self._app.close()
        self._store.close()

    def _admit(self, work: Sendable, client: Client, *, kept: bool) -> str:
        """Let a job wait; servers that ask at the same time may each find the last place free."""
        if self._closed.is_set():
            raise Stopped
        packed = pack(work)
        id, size = secrets.token_urlsafe(12), sum(map(len, packed))
        with self._broker.explained():
            # Asked before the photo travels: a full queue must not be flooded.
            (waiting, in_hand), workers = self._lanes.look(), max(self._lanes.workers()[0], 1)
            admitted = len(waiting) + min(in_hand, workers)
            problem = no_room(
                own=sum(message.client == client.address for message in waiting),
                admitted=admitted, limit=self._room + workers, kept_free=self._room // 4,
                held=sum(message.size for message in waiting), size=size, most=WAITING_BYTES,
                seconds=min(max(round(admitted / workers / 4), 1), 60), anybody=bool(waiting),
            )  # fmt: skip
            if problem is not None:
                raise problem
            try:
                self._store.put(id, client.address, packed, kept=kept)
                self._lanes.send(id, client.address, waiting, size)
            except Exception:
                self._tidy(id)
                raise
        return id

    def _wait(self, id: str, is_disconnected: Callable[[], bool]) -> Entry:
        """Return the job's end; a short absence of Redis is sat out."""
        heard = attended = time.monotonic()
        while not (self._closed.is_set() or is_disconnected()):
            try:
                entry = self._entry(id)
                if entry.status.is_finished:
                    return entry
                with self._broker.explained():
                    workers, others = self._lanes.workers()
                    heard = time.monotonic()
                    if workers or entry.status.state != "queued":
                        self.attended = attended = heard
                    elif heard - attended > self._nobody_after:
                        break
                    self._store.wait(entry, POLL_INTERVAL)
            except NoBroker:
                if time.monotonic() - heard > self._retry_timeout:
                    raise
                self._closed.wait(0.1)
        else:
            raise Stopped
        raise NoBroker(self._nobody(others), seconds=ALIVE)

    def _nobody(self, others: list[str]) -> str:
        at = f"the queue at {self._broker.shown}"
        if others:
            return (
                f"the workers of {at} have another version or other weights ({', '.join(others)}) "
                f"than this server ({self._lanes.models()}); install the same everywhere"
            )
        return f"no worker listens to {at}; start one: photochrom worker --broker URL"

    def _tidy(self, id: str) -> None:
        """Forget a job whose answer was asked for here, or stop it; it expires in any case."""
        with suppress(NoBroker, NoSpace), self._broker.explained():
            if self._store.finish(id, "cancelled", b""):
                self._lanes.withdraw(id)
            self._store.forget(id)

    def _entry(self, id: str) -> Entry:
        """Look a job up; send it again where nobody has it any more.

        That is for the messages that Celery loses (between taking one and noting that), and so that
        a machine that vanished is not waited for as long as for the longest photo.
        """
        with self._broker.explained():
            entry = self._store.entry(id)
            if entry is None:
                raise not_kept(self._store.keep.seconds)
            if entry.silent > SILENCE and not entry.status.is_finished:
                waiting, _ = self._lanes.look()
                ids = [message.id for message in waiting]
                if id not in ids and entry.node not in self._store.workers():
                    self._store.tell(id, progress=entry.status.progress)
                    self._lanes.send(id, entry.client, waiting)
        return entry

    def _placed(self, status: Status) -> Status:
        """Say how many jobs are before one that waits."""
        if status.state != "queued":
            return status
        with self._broker.explained():
            ids = [message.id for message in self._lanes.look()[0]]
        return replace(status, position=ids.index(status.id) if status.id in ids else 0)

    def _outcome(self, entry: Entry) -> Answer:
        """Return, or raise, what came of a finished job."""
        if entry.status.error is not None:
            raise entry.status.error
        if entry.status.state == "cancelled":
            raise Stopped
        with self._broker.explained():
            body = self._store.answer(entry.status.id)
        if body is None:
            raise not_kept(self._store.keep.seconds)
        return unpack_answer(entry.outcome, body)
