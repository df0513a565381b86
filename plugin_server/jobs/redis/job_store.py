"""The book of all jobs in Redis: who waits, who works on what, and what came of it.

Every change is one Lua script, which Redis runs as a whole or not at all (lua/*.lua), so it does
not matter which machine dies between two of them. Keys, all below ``photochrom:``::

    waiting    sorted set   job -> its turn; the smallest is next
    running    sorted set   job -> when its worker's lease ends
    job:ID     hash         state, stage, progress, version, request and outcome as JSON, ...
    blob:...   string       a picture; it expires by itself
    finished   sorted set   results that are kept, and ``kept``: their sizes
    workers    sorted set   worker -> when it was last heard of
    clients, sizes, turn, turns, number, usual: what fairness and limits are reckoned with
    changed    channel      ids of jobs that changed
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from plugin_server.broker import Broker
from plugin_server.errors import Busy, Elsewhere
from plugin_server.jobs.queue import State, Status
from plugin_server.jobs.redis.serialization import pack_error, unpack_error

if TYPE_CHECKING:
    from redis.commands.core import Script

PREFIX = "photochrom:"
LUA = Path(__file__).parent / "lua"
SCRIPTS = ("submit", "take", "beat", "finish", "cancel", "mend")

ATTEMPTS = 2  # times that a job may be begun
LEASE = 20  # seconds without a sign of life after which a worker's job is another's
ALIVE = 30  # seconds without a sign of life after which a worker is not counted
WAITING_SECONDS = 24 * 3600  # a photo that waits longer is forgotten
LOST_TWICE = (
    "the job was begun twice, and both times the worker ended in the middle of it: the photo may "
    "need more memory than a worker has; send a smaller one, or give the workers more"
)


@dataclass(frozen=True, slots=True)
class Keep:
    """How many results are kept, and for how long."""

    seconds: int = 15 * 60
    count: int = 200
    size: int = 2 << 30


@dataclass(frozen=True, slots=True)
class Room:
    """How many jobs may wait, and how many bytes of photos."""

    places: int = 48
    size: int = 1 << 30


@dataclass(frozen=True, slots=True)
class Taken:
    """A job that a worker has: ``token`` proves it."""

    id: str
    token: str
    request: bytes
    pictures: dict[str, bytes]
    attempts: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A job as the book has it; ``outcome`` is the answer as JSON and ``body`` its blob's key."""

    status: Status
    outcome: bytes
    body: str


class Ledger:
    """The book; every method is safe for threads, and for any number of machines.

    Methods raise what redis-py raises; ``Broker.explained`` words it.
    """

    def __init__(
        self, broker: Broker, *, room: Room = Room(), keep: Keep = Keep(), lease: int = LEASE
    ) -> None:
        self.redis = broker.connect()
        self.room = room
        self.keep = keep
        self.lease = lease
        self._scripts: dict[str, Script] = {
            name: self.redis.register_script((LUA / f"{name}.lua").read_text("utf-8"))
            for name in SCRIPTS
        }

    def submit(
        self, id: str, client: str, request: bytes, pictures: dict[str, bytes], *, keep: bool
    ) -> None:
        """Let a job wait for its turn.

        Raises:
            Busy: too much waits already.
        """
        size = sum(map(len, pictures.values()))
        names = {name: f"{PREFIX}blob:{id}:{name}" for name in pictures}
        arguments = (
            id, client, size, request, " ".join(names.values()), int(keep),
            self.room.places, self.room.size,
        )  # fmt: skip
        # Asked before the photo travels: a full queue must not be flooded with what it refuses.
        self._check(self._run("submit", *arguments, "ask", ALIVE, WAITING_SECONDS))
        for name, key in names.items():
            self.redis.set(key, pictures[name], ex=WAITING_SECONDS)
        try:
            self._check(self._run("submit", *arguments, "put", ALIVE, WAITING_SECONDS))
        except Busy:
            self.redis.delete(*names.values())
            raise

    def put_failed(self, id: str, error: Exception) -> None:
        """Enter a job that failed before it could wait."""
        outcome = pack_error(error)
        with self.redis.pipeline() as pipe:
            pipe.hset(_job(id), mapping={"state": "failed", "stage": "failed", "outcome": outcome})
            pipe.hset(_job(id), mapping={"progress": 0, "version": 1, "body": ""})
            pipe.expire(_job(id), self.keep.seconds)
            pipe.execute()

    def take(self, token: str) -> Taken | None:
        """Take the job whose turn it is."""
        reply = self._run("take", token, self.lease)
        if not reply:
            return None
        keys = reply[2].decode().split()
        blobs = self.redis.mget(keys) if keys else []
        pictures = {
            key.rpartition(":")[2]: blob
            for key, blob in zip(keys, blobs, strict=True)
            if isinstance(blob, bytes)  # and not expired
        }
        return Taken(reply[0].decode(), token, reply[1], pictures, int(reply[3]))

    def beat(self, taken: Taken, stage: str, progress: float) -> bool:
        """Renew the lease and say how far the work is; False where it is not wanted any more."""
        return bool(self._run("beat", taken.id, taken.token, self.lease, stage, f"{progress:.4f}"))

    def done(self, taken: Taken, answer: bytes, body: bytes, seconds: float) -> bool:
        """Hand in an answer; False where nobody wants it any more."""
        key = f"{PREFIX}blob:{taken.id}:answer:{taken.attempts}"
        self.redis.set(key, body, ex=self.keep.seconds)
        return self._finish(taken, "done", answer, key, len(body), seconds)

    def failed(self, taken: Taken, error: Exception) -> bool:
        """Say why a job failed; False where nobody wants to know."""
        return self._finish(taken, "failed", pack_error(error), "", 0, 0.0)

    def cancel(self, id: str) -> None:
        """Stop a job that waits or runs; forget one that is finished."""
        self._run("cancel", id, self.keep.seconds)

    def forget(self, id: str, entry: Entry) -> None:
        """Drop a finished job whose result was fetched."""
        self.redis.delete(_job(id), *filter(None, [entry.body]))

    def mend(self, lost_worker: str = "") -> int:
        """Give jobs of workers that are gone to others; return how many jobs wait.

        A job whose second worker is gone has failed. ``lost_worker`` is one that ended for certain,
        so that the end of its lease need not be awaited.
        """
        problem = pack_error(Elsewhere(LOST_TWICE, status=500))
        prefix = f"{lost_worker}/" if lost_worker else ""
        return int(self._run("mend", ATTEMPTS, problem, self.keep.seconds, prefix))

    def entry(self, id: str) -> Entry | None:
        """Look a job up; None where it is unknown or forgotten."""
        names = ("state", "stage", "progress", "version", "outcome", "body")
        with self.redis.pipeline(transaction=False) as pipe:
            pipe.hmget(_job(id), names)
            pipe.zrank(f"{PREFIX}waiting", id)
            values, rank = pipe.execute()
        if values[0] is None:
            return None
        state: State = values[0].decode()
        outcome = values[4] or b""
        status = Status(
            id,
            state,
            values[1].decode(),
            float(values[2]),
            position=rank or 0,
            error=unpack_error(outcome) if state == "failed" else None,
            version=int(values[3]),
        )
        return Entry(status, outcome, (values[5] or b"").decode())

    def blob(self, key: str) -> bytes | None:
        """Fetch a picture."""
        found = self.redis.get(key)
        assert found is None or isinstance(found, bytes), "the client decodes nothing"
        return found

    def announce(self, worker: str) -> None:
        """Say that a worker is alive."""
        seconds, _ = self.redis.time()
        with self.redis.pipeline(transaction=False) as pipe:
            pipe.zadd(f"{PREFIX}workers", {worker: seconds})
            pipe.zremrangebyscore(f"{PREFIX}workers", "-inf", seconds - 10 * ALIVE)
            pipe.execute()

    def leave(self, worker: str) -> None:
        """Say that a worker has ended."""
        self.redis.zrem(f"{PREFIX}workers", worker)

    def counts(self) -> tuple[int, int, int]:
        """Count the jobs that wait, those that run, and the workers."""
        seconds, _ = self.redis.time()
        with self.redis.pipeline(transaction=False) as pipe:
            pipe.zcard(f"{PREFIX}waiting")
            pipe.zcard(f"{PREFIX}running")
            pipe.zcount(f"{PREFIX}workers", seconds - ALIVE, "+inf")
            waiting, running, workers = pipe.execute()
        return waiting, running, workers

    def close(self) -> None:
        """Close the connections."""
        self.redis.close()

    def _finish(
        self,
        taken: Taken,
        state: Literal["done", "failed"],
        outcome: bytes,
        key: str,
        size: int,
        seconds: float,
    ) -> bool:
        keep = self.keep
        return bool(
            self._run(
                "finish", taken.id, taken.token, state, outcome, key, size, f"{seconds:.3f}",
                keep.seconds, keep.count, keep.size,
            )
        )  # fmt: skip

    def _run(self, name: str, *arguments: bytes | str | float) -> Any:
        return self._scripts[name](keys=[PREFIX], args=list(arguments))

    def _check(self, reply: list[Any]) -> None:
        """Raise Busy where a script said that there is no room."""
        said, number, limit, seconds = reply[0].decode(), *map(int, reply[1:])
        later = f"try again in {seconds} seconds"
        match said:
            case "full":
                raise Busy(
                    f"{limit} photos are being coloured or waiting, which is the limit; {later}",
                    seconds=seconds,
                )
            case "own":
                raise Busy(
                    f"{number} photos of yours are waiting, and the places that are left are for "
                    f"others; {later}",
                    seconds=seconds,
                )
            case "bytes":
                raise Busy(
                    f"{number:,} bytes of photos are waiting and the limit is {limit:,}; {later}",
                    seconds=seconds,
                )


def _job(id: str) -> str:
    return f"{PREFIX}job:{id}"
