"""What is known of each job, in one place under its id, whatever ran once, twice or not at all.

Keys in Redis, all below ``photochrom:``; the queues themselves are Celery's::

    job:ID      hash        client, request, kept, outcome, answer
    news:ID     stream      the last thing heard of it, for those who wait for one
    finished    list        results that are kept, the oldest first
    workers     sorted set  node, models and processes -> when it was last heard of

The first outcome that is written is the job's: done, failed or cancelled. Times are those of
Redis, so no other clock matters. Everything expires by itself. Requests, outcomes and answers are
sealed, each for its own place (``seal.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from plugin_server.broker import Broker
from plugin_server.errors import RemoteProblem
from plugin_server.jobs.queue import Status
from plugin_server.jobs.redis.celery_app import PREFIX
from plugin_server.jobs.redis.seal import Seal
from plugin_server.jobs.redis.serialization import unpack_error

JOB, NEWS = f"{PREFIX}job:", f"{PREFIX}news:"
FINISHED, WORKERS = f"{PREFIX}finished", f"{PREFIX}workers"
ALIVE: Final = 30  # seconds without a sign of life after which a worker is not counted
WAITING_SECONDS: Final = 24 * 3600  # a photo that waits longer is forgotten


@dataclass(frozen=True, slots=True)
class Keep:
    """How many results are kept, and for how long."""

    seconds: int = 15 * 60
    count: int = 200
    size: int = 2 << 30


@dataclass(frozen=True, slots=True)
class Entry:
    """A job: its answer as JSON, the worker that has it, and for how many seconds nothing was
    heard; ``last`` names the last news."""

    status: Status
    outcome: bytes
    client: str
    kept: bool
    node: str
    silent: float
    last: bytes


class JobStore:
    """The jobs of a broker; safe for threads, and for any number of machines.

    Methods raise what redis-py raises; ``Broker.explained`` words it. ``request`` and ``answer``
    raise RemoteProblem for what was written with another key.
    """

    def __init__(self, broker: Broker, keep: Keep) -> None:
        self.redis: Any = broker.connect()
        self.keep = keep
        self._seal = Seal(broker.secret)

    def put(self, id: str, client: str, request: list[bytes], *, kept: bool) -> None:
        """Keep what a job needs."""
        sealed = self._seal.sealed(f"{JOB}{id} request", *request)
        with self.redis.pipeline() as pipe:
            pipe.hset(JOB + id, mapping={"client": client, "request": sealed, "kept": int(kept)})
            pipe.xadd(NEWS + id, _news())
            _expire(pipe, id, WAITING_SECONDS)
            pipe.execute()

    def request(self, id: str) -> memoryview:
        """Fetch what a job needs; nothing where it has ended."""
        return self._field(id, "request") or memoryview(b"")

    def report(self, id: str, node: str, stage: str, progress: float) -> bool:
        """Say how far a job is; False where nobody wants it any more."""
        entry = self.entry(id)
        if entry is None or entry.status.is_finished:
            return False
        before = entry.status
        progress = max(progress, before.progress)
        if (node, stage, progress) != (entry.node, before.stage, before.progress):
            self.tell(id, node=node, stage=stage, progress=progress)
        return True

    def tell(self, id: str, *, node: str = "", stage: str = "", progress: float = 0.0) -> None:
        """Write where a job stands; without a ``node`` it waits."""
        news = _news(node, stage, progress)
        self.redis.xadd(NEWS + id, news, maxlen=1, approximate=False, nomkstream=True)

    def finish(self, id: str, state: str, outcome: bytes, body: bytes | None = None) -> bool:
        """Write how a job ended; False where that is known already, or nobody asks any more."""
        end = self._seal.sealed(f"{JOB}{id} outcome", state.encode(), b" ", outcome)
        answer = None if body is None else self._seal.sealed(f"{JOB}{id} answer", body)

        def write(pipe: Any) -> Entry | None:
            # The job is watched: where another one ends or forgets it after this look, nothing of
            # what follows is done, and it is looked at again.
            entry = self.entry(id)
            if entry is None or entry.status.is_finished:
                return None
            pipe.multi()
            pipe.hset(JOB + id, "outcome", end)
            pipe.hdel(JOB + id, "request")
            if answer is not None:
                pipe.hset(JOB + id, "answer", answer)
            if entry.kept:
                pipe.rpush(FINISHED, id)
            pipe.xadd(NEWS + id, _news(progress=entry.status.progress), maxlen=1, approximate=False)
            _expire(pipe, id, self.keep.seconds)
            return entry

        ended = self.redis.transaction(write, JOB + id, value_from_callable=True)
        if ended is not None and ended.kept:
            self._forget_old()
        return ended is not None

    def forget(self, id: str) -> None:
        """Drop a job and all that belongs to it."""
        with self.redis.pipeline() as pipe:
            pipe.delete(JOB + id, NEWS + id)
            pipe.lrem(FINISHED, 0, id)
            pipe.execute()

    def entry(self, id: str) -> Entry | None:
        """Look a job up; None where it is unknown or forgotten."""
        with self.redis.pipeline() as pipe:
            pipe.hmget(JOB + id, "client", "kept", "outcome")
            pipe.xrevrange(NEWS + id, count=1)
            pipe.time()
            (client, kept, sealed), news, (seconds, micros) = pipe.execute()
        if client is None or not news:
            return None
        last, told = news[0]
        when, _, number = last.partition(b"-")
        ended, outcome, error = self._end(id, sealed)
        node = told[b"node"].decode()
        state: Any = ended or ("running" if node else "queued")
        status = Status(
            id, state, told[b"stage"].decode() if state == "running" else state,
            1.0 if state == "done" else float(told[b"progress"]),
            error=error,
            version=int(when) * 1000 + int(number),
        )  # fmt: skip
        silent = seconds + micros / 1e6 - int(when) / 1e3
        return Entry(status, outcome, client.decode(), kept == b"1", node, silent, last)

    def wait(self, entry: Entry, seconds: float) -> None:
        """Return when a job has changed since it was looked up, or the seconds are over."""
        self.redis.xread({NEWS + entry.status.id: entry.last}, block=max(round(seconds * 1000), 1))

    def answer(self, id: str) -> bytes | None:
        """Fetch what came of a job."""
        found = self._field(id, "answer")
        return None if found is None else bytes(found)

    def announce(self, node: str, models: str, processes: int) -> None:
        """Say that a worker is alive."""
        now = self.redis.time()[0]
        self.redis.zadd(WORKERS, {f"{node} {models} {processes}": now})
        self.redis.zremrangebyscore(WORKERS, "-inf", now - 10 * ALIVE)

    def leave(self, node: str, models: str, processes: int) -> None:
        """Say that a worker has ended."""
        self.redis.zrem(WORKERS, f"{node} {models} {processes}")

    def workers(self) -> dict[str, tuple[str, int]]:
        """List the workers that are alive: node -> its models, and how many processes it has."""
        with self.redis.pipeline() as pipe:
            pipe.time()
            pipe.zrange(WORKERS, 0, -1, withscores=True)
            (now, _), found = pipe.execute()
        parts = (member.decode().split(" ") for member, heard in found if heard >= now - ALIVE)
        return {node: (models, int(processes)) for node, models, processes in parts}

    def close(self) -> None:
        """Close the connections."""
        self.redis.close()

    def _end(self, id: str, sealed: bytes | None) -> tuple[str, bytes, RemoteProblem | None]:
        """Read how a job ended: its state, or "" where it has not; its answer; why it failed."""
        if sealed is None:
            return "", b"", None
        try:
            opened = bytes(self._seal.opened(f"{JOB}{id} outcome", sealed))
        except RemoteProblem as problem:
            return "failed", b"", problem
        state, _, outcome = opened.partition(b" ")
        return state.decode(), outcome, unpack_error(outcome) if state == b"failed" else None

    def _field(self, id: str, name: str) -> memoryview | None:
        found = self.redis.hget(JOB + id, name)
        return None if found is None else self._seal.opened(f"{JOB}{id} {name}", found)

    def _forget_old(self) -> None:
        """Forget results that are too many or too large together, the oldest first."""
        ids = [id.decode() for id in self.redis.lrange(FINISHED, 0, -1)]
        with self.redis.pipeline() as pipe:
            for id in ids:
                pipe.hstrlen(JOB + id, "answer")
            sizes = pipe.execute()
        while ids and (len(ids) > self.keep.count or sum(sizes) > self.keep.size):
            self.forget(ids.pop(0))
            sizes.pop(0)


def _news(node: str = "", stage: str = "", progress: float = 0.0) -> dict[str, str | float]:
    return {"node": node, "stage": stage, "progress": progress}


def _expire(pipe: Any, id: str, seconds: int) -> None:
    for key in (JOB + id, NEWS + id):
        pipe.expire(key, seconds)
