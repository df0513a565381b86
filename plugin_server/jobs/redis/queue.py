"""The queue that many machines share, as the service sees it."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable

from models.progress import Progress, Stopped
from plugin_server.broker import Broker
from plugin_server.engine.file_store import Shelf
from plugin_server.engine.requests import Answer, ColorizeRequest, Request
from plugin_server.errors import NoBroker, NoSpace, NotDone, NotKept
from plugin_server.jobs.fair_queue import Client
from plugin_server.jobs.local import EmbeddedJobs
from plugin_server.jobs.queue import Jobs, QueueState, Status
from plugin_server.jobs.redis.celery_app import Bell
from plugin_server.jobs.redis.job_store import ALIVE, PREFIX, Entry, Ledger
from plugin_server.jobs.redis.monitor import Warden
from plugin_server.jobs.redis.serialization import Far, pack, unpack_answer

LOOK = 1.0  # seconds between looks whether the client is still there
PATIENCE = 15.0  # seconds for which somebody who waits is not told that Redis is away
LOST = 2  # times that a photo is sent again because Redis lost it
NOBODY = 60.0  # seconds for which a photo waits for the first worker to come


class ClusterJobs:
    """Photos are coloured by workers on any machine; all else is done ``here``, in this process.

    What waits in Redis outlives this process: after a restart, and from any other server with the
    same broker, a job answers under its id. ``gather`` fetches what only this server has. Somebody
    who waits hears after ``patience`` seconds that Redis is away, and after ``nobody`` that no
    worker came.
    """

    def __init__(
        self,
        broker: Broker,
        ledger: Ledger,
        here: Jobs,
        gather: Callable[[ColorizeRequest], ColorizeRequest],
        *,
        patience: float = PATIENCE,
        nobody: float = NOBODY,
    ) -> None:
        self._broker = broker
        self._ledger = ledger
        self._here = here
        self._gather = gather
        self._patience = patience
        self._nobody_after = nobody
        self._bell = Bell(broker)
        self._news = News(broker)
        self._warden = Warden(broker, ledger, self._bell)
        self._closed = threading.Event()
        self._news.start()
        self._warden.start()

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
        id = self._admit(work, client, keep=False)
        finished = False
        try:
            entry = self._wait(id, gone)
            finished = True
            return self._outcome(entry)
        finally:
            self._tidy(id, finished)

    def submit(self, work: Request, client: Client) -> Status:
        """See ``Jobs.submit``; what cannot be gathered fails as a job does."""
        if not isinstance(work, ColorizeRequest):
            return self._here.submit(work, client)
        try:
            ready = self._gather(work)
        except Exception as problem:
            id = secrets.token_urlsafe(12)
            with self._broker.explained():
                self._ledger.put_failed(id, problem)
            return self.status(id)
        return self.status(self._admit(ready, client, keep=True))

    def status(self, id: str, *, newer_than: int = -1, timeout: float = 0.0) -> Status:
        """See ``Jobs.status``."""
        ends = time.monotonic() + timeout
        while True:
            with self._news.about(id) as heard:
                status = self._entry(id).status
                left = ends - time.monotonic()
                if status.version > newer_than or left <= 0 or self._closed.is_set():
                    return status
                heard.wait(min(left, LOOK))

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
            self._ledger.cancel(id)
        return before if before.is_finished else self._entry(id).status

    def unfinished(self) -> int:
        """See ``Jobs.unfinished``; the jobs of all servers count, as far as Redis can be asked."""
        try:
            with self._broker.explained():
                waiting, running, _ = self._ledger.counts()
        except (NoBroker, NoSpace):
            return self._here.unfinished()
        return waiting + running + self._here.unfinished()

    def state(self) -> QueueState:
        """See ``Jobs.state``."""
        try:
            with self._broker.explained():
                waiting, running, workers = self._ledger.counts()
        except (NoBroker, NoSpace) as problem:
            return QueueState("celery", 0, 0, 0, str(problem))
        health = "ok" if workers else self._nobody()
        return QueueState("celery", workers, waiting, running, health)

    def close(self) -> None:
        """Stop what this server waits for; jobs that were sent stay in Redis."""
        self._closed.set()
        self._warden.close()
        self._news.close()
        self._here.close()
        self._bell.close()
        self._ledger.close()

    def _admit(self, work: Far, client: Client, *, keep: bool) -> str:
        if self._closed.is_set():
            raise Stopped
        text, pictures = pack(work)
        id = secrets.token_urlsafe(12)
        with self._broker.explained():
            self._ledger.submit(id, client.address, text, pictures, keep=keep)
        self._bell.ring()
        return id

    def _wait(self, id: str, gone: Callable[[], bool]) -> Entry:
        """Return the job's end; a short absence of Redis is sat out."""
        away_since: float | None = None
        alone_since: float | None = None
        while True:
            with self._news.about(id) as heard:
                try:
                    entry = self._entry(id)
                    away_since = None
                except NoBroker:
                    away_since = away_since or time.monotonic()
                    if time.monotonic() - away_since > self._patience:
                        raise
                else:
                    if entry.status.is_finished:
                        return entry
                    alone_since = self._alone_since(entry.status, alone_since)
                if self._closed.is_set() or gone():
                    raise Stopped
                heard.wait(LOOK)

    def _alone_since(self, status: Status, since: float | None) -> float | None:
        """Tell since when a photo waits without any worker; give up after a while."""
        if status.state != "queued" or self.state().workers:
            return None
        since = since or time.monotonic()
        if time.monotonic() - since > self._nobody_after:
            raise NoBroker(self._nobody(), seconds=ALIVE)
        return since

    def _nobody(self) -> str:
        return (
            f"no worker listens to the queue at {self._broker.shown}; start one: "
            "photochrom worker --broker URL"
        )

    def _tidy(self, id: str, finished: bool) -> None:
        """Forget a job whose answer was asked for here, or stop it; it expires in any case."""
        try:
            with self._broker.explained():
                if not finished:
                    self._ledger.cancel(id)
                self._ledger.cancel(id)
        except (NoBroker, NoSpace):
            pass  # Redis is away: what it holds of the job goes by itself in time

    def _entry(self, id: str) -> Entry:
        with self._broker.explained():
            entry = self._ledger.entry(id)
        if entry is None:
            raise self._unknown()
        return entry

    def _outcome(self, entry: Entry) -> Answer:
        """Return, or raise, what came of a finished job."""
        if entry.status.error is not None:
            raise entry.status.error
        if entry.status.state == "cancelled":
            raise Stopped
        with self._broker.explained():
            body = self._ledger.blob(entry.body)
        if body is None:
            raise self._unknown()
        return unpack_answer(entry.outcome, body)

    def _unknown(self) -> NotKept:
        return NotKept(
            "there is no such job, or not any more: results are kept for "
            f"{self._ledger.keep.seconds / 60:g} minutes, and less where they are many; send the "
            "photo again"
        )


def sender(broker: Broker) -> ClusterJobs:
    """Open a broker's queue for a program that only sends work and does none itself."""

    def refuse(request: Request, progress: Progress) -> Answer:
        raise AssertionError(f"{type(request).__name__} is nothing that workers do")

    here = EmbeddedJobs(refuse, workers=1, waiting=0, shelf=Shelf(seconds=1, count=0, size=0))
    return ClusterJobs(broker, Ledger(broker), here, lambda request: request)


class News:
    """Hears from Redis which jobs changed, and wakes whoever waits for one, in one thread.

    Those who wait look for themselves now and then, so news that is missed costs time only.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._lock = threading.Lock()
        self._waiting: dict[str, list[threading.Event]] = {}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="news", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def close(self) -> None:
        """End, and wake everybody."""
        self._ending.set()
        with self._lock:
            for events in self._waiting.values():
                for event in events:
                    event.set()
        self._thread.join()

    def about(self, id: str) -> Heard:
        """Listen for a job from now on: ask for its state inside, then wait."""
        return Heard(self, id)

    def add(self, id: str, event: threading.Event) -> None:
        """Set an event when a job changes."""
        with self._lock:
            self._waiting.setdefault(id, []).append(event)

    def remove(self, id: str, event: threading.Event) -> None:
        """Forget an event."""
        with self._lock:
            events = self._waiting[id]
            events.remove(event)
            if not events:
                del self._waiting[id]

    def _run(self) -> None:
        from redis.exceptions import RedisError

        while not self._ending.is_set():
            client = self._broker.connect()
            channel = client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
            try:
                channel.subscribe(f"{PREFIX}changed")
                while not self._ending.is_set():
                    message = channel.get_message(timeout=LOOK)
                    if message is not None:
                        self._tell(message["data"].decode())
            except (RedisError, OSError):
                self._ending.wait(LOOK)  # the warden says that Redis is away
            finally:
                channel.close()
                client.close()

    def _tell(self, id: str) -> None:
        with self._lock:
            for event in self._waiting.get(id, ()):
                event.set()


class Heard:
    """One wait for one job; see ``News.about``."""

    def __init__(self, news: News, id: str) -> None:
        self._news = news
        self._id = id
        self._event = threading.Event()

    def __enter__(self) -> threading.Event:
        self._news.add(self._id, self._event)
        return self._event

    def __exit__(self, *_: object) -> None:
        self._news.remove(self._id, self._event)
