"""What is known of each job, in one place under its id, whatever ran once, twice or not at all.

Keys in Redis, all below ``photochrom:``; the queues themselves are Celery's::

    job:ID      hash        request, stage, progress, version, node, seen, outcome, ...
    news:ID     stream      grows with every change, for those who wait for one
    blob:ID:... string      a picture, or the answer
    finished    sorted set  results that are kept -> when they were
    workers     sorted set  node, models and processes -> when it was last heard of

The first outcome that is written is the job's: done, failed or cancelled. Times are those of
Redis, so no other clock matters. Everything expires by itself. Requests, outcomes and blobs are
sealed, each for its own place (``seal.py``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from plugin_server.broker import Broker
from plugin_server.errors import RemoteProblem
from plugin_server.jobs.queue import Status
from plugin_server.jobs.redis.celery_app import PREFIX
from plugin_server.jobs.redis.seal import Seal
from plugin_server.jobs.redis.serialization import unpack_error

JOB, NEWS, BLOB = (f"{PREFIX}{kind}:" for kind in ("job", "news", "blob"))
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
    """A job: its answer as JSON, when it was ``seen`` last by Redis's clock, its ``last`` news."""

    status: Status
    outcome: bytes
    client: str
    node: str
    seen: float
    last: bytes


class JobStore:
    """The jobs of a broker; safe for threads, and for any number of machines.

    Methods raise what redis-py raises; ``Broker.explained`` words it. ``work`` and ``blob`` raise
    RemoteProblem for what was written with another key.
    """

    def __init__(self, broker: Broker, keep: Keep) -> None:
        self.redis: Any = broker.connect()
        self.keep = keep
        self._seal = Seal(broker.secret)

    def put(
        self, id: str, client: str, request: bytes, pictures: dict[str, bytes], *, kept: bool
    ) -> None:
        """Keep what a job needs."""
        names = json.dumps([*pictures])
        sealed = self._seal.sealed(f"{JOB}{id} request with {names}", request)
        values = {"client": client, "request": sealed, "pictures": names,
                  "kept": int(kept), "version": 0, "seen": self.now()}  # fmt: skip
        with self.redis.pipeline() as pipe:
            for name, picture in pictures.items():
                self._write(pipe, f"{BLOB}{id}:{name}", picture, WAITING_SECONDS)
            pipe.hset(JOB + id, mapping=values)
            pipe.expire(JOB + id, WAITING_SECONDS)
            pipe.execute()

    def work(self, id: str) -> tuple[bytes, dict[str, bytes]]:
        """Fetch what a job needs; nothing where it has ended or a picture has expired."""
        text, names = self.redis.hmget(JOB + id, "request", "pictures")
        if text is None:
            return b"", {}
        text = self._seal.opened(f"{JOB}{id} request with {names.decode()}", text)
        found = {name: self._read(f"{BLOB}{id}:{name}") for name in json.loads(names)}
        pictures = {name: blob for name, blob in found.items() if blob is not None}
        return (text, pictures) if len(pictures) == len(found) else (b"", {})

    def report(self, id: str, node: str, stage: str, progress: float) -> bool:
        """Say how far a job is; False where nobody wants it any more."""
        client, outcome, before = self.redis.hmget(JOB + id, "client", "outcome", "progress")
        if client is None or outcome is not None:
            return False
        self.change(id, node=node, stage=stage, progress=max(progress, float(before or 0)))
        return True

    def change(self, id: str, **values: str | float) -> None:
        """Write that a job stands elsewhere now; without a ``node`` it waits."""
        now = self.now()
        with self.redis.pipeline() as pipe:
            _tell(pipe, id, WAITING_SECONDS, seen=now, **values)
            pipe.execute()

    def finish(self, id: str, state: str, outcome: bytes, body: bytes | None = None) -> bool:
        """Write how a job ended; False where that is known already, or nobody asks any more."""
        kept, pictures, before = self.redis.hmget(JOB + id, "kept", "pictures", "outcome")
        if kept is None or before is not None:
            return False
        end = self._seal.sealed(f"{JOB}{id} outcome", state.encode() + b" " + outcome)
        now = self.now()
        with self.redis.pipeline() as pipe:
            pipe.hsetnx(JOB + id, "outcome", end)
            pipe.hdel(JOB + id, "request")
            for name in json.loads(pictures):
                pipe.delete(f"{BLOB}{id}:{name}")
            if body is not None:
                self._write(pipe, f"{BLOB}{id}:answer", body, self.keep.seconds)
            if kept == b"1":
                pipe.zadd(FINISHED, {id: now}, nx=True)
            _tell(pipe, id, self.keep.seconds, seen=now)
            is_first = bool(pipe.execute()[0])
        if is_first and kept == b"1":
            self._forget_old()
        return is_first

    def forget(self, id: str) -> None:
        """Drop a job and all that belongs to it."""
        names = json.loads(self.redis.hget(JOB + id, "pictures") or b"[]")
        blobs = (f"{BLOB}{id}:{name}" for name in (*names, "answer"))
        self.redis.delete(JOB + id, NEWS + id, *blobs)
        self.redis.zrem(FINISHED, id)

    def entry(self, id: str) -> Entry | None:
        """Look a job up; None where it is unknown or forgotten."""
        with self.redis.pipeline() as pipe:
            pipe.hgetall(JOB + id)
            pipe.xrevrange(NEWS + id, count=1)
            found, news = pipe.execute()
        if b"client" not in found:
            return None
        ended, outcome, error = self._end(id, found.get(b"outcome"))
        node = found.get(b"node", b"").decode()
        state: Any = ended or ("running" if node else "queued")
        status = Status(
            id, state, found[b"stage"].decode() if state == "running" else state,
            1.0 if state == "done" else float(found.get(b"progress", 0)),
            error=error,
            version=int(found[b"version"]),
        )  # fmt: skip
        last = news[0][0] if news else b"0"
        return Entry(status, outcome, found[b"client"].decode(), node, float(found[b"seen"]), last)

    def wait(self, entry: Entry, seconds: float) -> None:
        """Return when a job has changed since it was looked up, or the seconds are over."""
        self.redis.xread({NEWS + entry.status.id: entry.last}, block=max(round(seconds * 1000), 1))

    def blob(self, id: str) -> bytes | None:
        """Fetch what came of a job."""
        return self._read(f"{BLOB}{id}:answer")

    def now(self) -> float:
        """Read Redis's clock, in seconds."""
        seconds, micros = self.redis.time()
        return float(seconds + micros / 1e6)

    def announce(self, node: str, models: str, processes: int) -> None:
        """Say that a worker is alive."""
        now = self.now()
        self.redis.zadd(WORKERS, {f"{node} {models} {processes}": now})
        self.redis.zremrangebyscore(WORKERS, "-inf", now - 10 * ALIVE)

    def leave(self, node: str, models: str, processes: int) -> None:
        """Say that a worker has ended."""
        self.redis.zrem(WORKERS, f"{node} {models} {processes}")

    def workers(self) -> dict[str, tuple[str, int]]:
        """List the workers that are alive: node -> its models, and how many processes it has."""
        found = self.redis.zrangebyscore(WORKERS, self.now() - ALIVE, "+inf")
        parts = (member.decode().split(" ") for member in found)
        return {node: (models, int(processes)) for node, models, processes in parts}

    def close(self) -> None:
        """Close the connections."""
        self.redis.close()

    def _end(self, id: str, sealed: bytes | None) -> tuple[str, bytes, RemoteProblem | None]:
        """Read how a job ended: its state, or "" where it has not; its answer; why it failed."""
        if sealed is None:
            return "", b"", None
        try:
            state, _, outcome = self._seal.opened(f"{JOB}{id} outcome", sealed).partition(b" ")
        except RemoteProblem as problem:
            return "failed", b"", problem
        return state.decode(), outcome, unpack_error(outcome) if state == b"failed" else None

    def _write(self, pipe: Any, place: str, data: bytes, seconds: int) -> None:
        pipe.set(place, self._seal.sealed(place, data), ex=seconds)

    def _read(self, place: str) -> bytes | None:
        found = self.redis.get(place)
        return None if found is None else self._seal.opened(place, found)

    def _forget_old(self) -> None:
        """Forget results that are too many or too large together, the oldest first."""
        ids = [id.decode() for id in self.redis.zrange(FINISHED, 0, -1)]
        with self.redis.pipeline() as pipe:
            for id in ids:
                pipe.strlen(f"{BLOB}{id}:answer")
            sizes = pipe.execute()
        while ids and (len(ids) > self.keep.count or sum(sizes) > self.keep.size):
            self.forget(ids.pop(0))
            sizes.pop(0)


def _tell(pipe: Any, id: str, seconds: int, **values: str | float) -> None:
    """Change a job, and tell those who wait for it."""
    pipe.hset(JOB + id, mapping=values)
    pipe.hincrby(JOB + id, "version", 1)
    pipe.xadd(NEWS + id, {"": ""}, maxlen=1)
    for key in (JOB + id, NEWS + id):
        pipe.expire(key, seconds)
