"""Work that waits for its turn: whose turn it is, how far it is, what came of it, how to stop it.

``Jobs`` is what the service asks of a queue. ``plugin_server.jobs.local`` has the one inside
this process, ``plugin_server.jobs.redis.queue`` the one whose workers are on any machine.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

from models.plural import number_of
from plugin_server.engine.requests import Answer, Request
from plugin_server.errors import Busy, NotDone, NotKept

Item = TypeVar("Item")
State = Literal["queued", "running", "done", "failed", "cancelled"]
FINISHED = frozenset({"done", "failed", "cancelled"})

# Where each stage begins on the way from 0 to 1: what it usually takes for a large photo.
STAGES = {
    "decode": 0.0,
    "lightness": 0.15,
    "guidance": 0.18,
    "network": 0.25,
    "join": 0.4,
    "encode": 0.8,
}


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks: the machine, and the program on it."""

    address: str
    program: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """How a job stands; ``version`` grows with every change.

    ``stage`` is one of STAGES, or the state where no work is being done; ``position`` counts the
    jobs before it in the queue. ``error`` is why it failed.
    """

    id: str
    state: State = "queued"
    stage: str = "queued"
    progress: float = 0.0
    position: int = 0
    error: Exception | None = None
    version: int = 0

    @property
    def is_finished(self) -> bool:
        """Tell whether nothing will change any more."""
        return self.state in FINISHED


@dataclass(frozen=True, slots=True)
class QueueState:
    """How a queue is: its ``kind``, who works for it, how much waits and runs.

    ``health`` is ``ok``, or what is wrong with it and the remedy.
    """

    kind: Literal["embedded", "celery"]
    workers: int
    waiting: int
    running: int
    health: str = "ok"


class Jobs(Protocol):
    """A queue of work, bounded, and fair between clients; every method is safe for threads.

    ``run`` and ``submit`` raise Busy where too much waits already; the others raise NotKept for an
    id that is unknown or forgotten.
    """

    def run(
        self, request: Request, client: Client, *, is_disconnected: Callable[[], bool]
    ) -> Answer:
        """Do the work in its turn and return, or raise, what came of it.

        ``is_disconnected`` is asked about once a second; where it says that nobody waits any more,
        the work is stopped and Stopped raised.
        """

    def submit(self, request: Request, client: Client) -> Status:
        """Let the work wait for its turn."""

    def status(self, id: str, *, newer_than: int = -1, timeout: float = 0.0) -> Status:
        """Return the status, as soon as its version is newer or the seconds are over."""

    def result(self, id: str) -> Answer:
        """Return, or raise, what came of it; NotDone before it is finished and when cancelled."""

    def cancel(self, id: str) -> Status:
        """Stop a job that waits or runs; forget the result of one that is finished."""

    def unfinished(self) -> int:
        """Count the jobs that wait or run."""

    def state(self) -> QueueState:
        """Say how the queue is."""

    def close(self) -> None:
        """Stop everything, and return when nothing is being done any more, or after seconds."""


class FairQueue(Generic[Item]):
    """Items that wait, taken in turn from each machine, and on it from each program.

    So fifty photos of one client do not stand before the one of another, and a client that gives
    itself many names only shares its own machine's turns. Not safe for threads by itself.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, dict[str, deque[Item]]] = {}  # address -> program -> items

    def add(self, client: Client, item: Item) -> None:
        """Let an item wait behind the client's own."""
        programs = self._waiting.setdefault(client.address, {})
        programs.setdefault(client.program, deque()).append(item)

    def take(self) -> Item | None:
        """Take the item whose turn it is; its client goes to the end of the row."""
        if not self._waiting:
            return None
        address = next(iter(self._waiting))
        programs = self._waiting.pop(address)
        program = next(iter(programs))
        items = programs.pop(program)
        item = items.popleft()
        if items:
            programs[program] = items
        if programs:
            self._waiting[address] = programs
        return item

    def remove(self, client: Client, item: Item) -> bool:
        """Take an item out of the row; False where it does not wait."""
        programs = self._waiting.get(client.address, {})
        items = programs.get(client.program)
        if items is None or item not in items:
            return False
        items.remove(item)
        if not items:
            del programs[client.program]
        if not programs:
            del self._waiting[client.address]
        return True

    def order(self) -> list[Item]:
        """List all items in the order in which they would be taken now."""
        machines = (_in_turn(programs.values()) for programs in self._waiting.values())
        return list(_in_turn(machines))

    def count_of(self, address: str) -> int:
        """Count what waits for a machine."""
        return sum(map(len, self._waiting.get(address, {}).values()))

    def __len__(self) -> int:
        return sum(map(self.count_of, self._waiting))


def _in_turn(rows: Iterable[Iterable[Item]]) -> Iterator[Item]:
    """Take one item of each row, again and again."""
    ahead = deque(iter(row) for row in rows)
    while ahead:
        row = ahead.popleft()
        for item in row:
            yield item
            ahead.append(row)
            break


def no_room(
    *, own: int, admitted: int, limit: int, kept_free: int, held: int, size: int, most: int,
    seconds: int, anybody: bool,
) -> Busy | None:  # fmt: skip
    """Say why a job has no place among so many jobs and so many bytes; None where it has one.

    Of the ``limit`` places ``kept_free`` are for clients that have nothing there yet.
    """
    if admitted >= limit:
        are = "is" if limit == 1 else "are"
        problem = f"{number_of(limit, 'photo')} {are} being coloured or waiting, which is the limit"
    elif own and admitted >= limit - kept_free:
        are = "is" if own == 1 else "are"
        problem = (
            f"{number_of(own, 'photo')} of yours {are} waiting, and the places that are left are "
            "for others"
        )
    elif anybody and held + size > most:
        problem = f"{held:,} bytes of photos are waiting and the limit is {most:,}"
    else:
        return None
    return Busy(f"{problem}; try again in {seconds} seconds", seconds=seconds)


def not_done(status: Status) -> NotDone:
    """Say why a job has no result."""
    if status.state == "cancelled":
        return NotDone(f"the job {status.id} was cancelled and has no result; send the photo again")
    return NotDone(
        f"the job {status.id} is {status.state} ({status.progress:.0%}); ask again when its state "
        f"is done, or follow /v1/jobs/{status.id}/events"
    )


def not_kept(seconds: float) -> NotKept:
    """Say that a job is unknown."""
    return NotKept(
        f"there is no such job, or not any more: results are kept for {seconds / 60:g} minutes, "
        "and less where they are many; send the photo again"
    )


def on_the_whole(stage: str, share: float) -> float:
    """Place a part of a stage on the way from 0 to 1."""
    begins = STAGES.get(stage, 0.0)
    ends = min((start for start in STAGES.values() if start > begins), default=1.0)
    return begins + (ends - begins) * min(max(share, 0.0), 1.0)
