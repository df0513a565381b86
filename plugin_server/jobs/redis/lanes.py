"""The messages that wait in Celery's queues: one queue a lane, and lanes have turns."""

from __future__ import annotations

import json
from collections import Counter
from itertools import chain, zip_longest
from typing import NamedTuple

from celery import Celery

from plugin_server.jobs.redis.celery_app import PREFIX, TASK, lanes_of, made_with
from plugin_server.jobs.redis.job_store import JobStore


class Waiting(NamedTuple):
    """A message; ``text`` is its bytes, and ``size`` how many its job's pictures have."""

    lane: str
    id: str
    client: str
    size: int
    text: bytes


class Lanes:
    """The queues of the workers with these ``models``; None takes those that most workers have."""

    def __init__(self, app: Celery, store: JobStore, models: str | None) -> None:
        self._app = app
        self._store = store
        self._models = models

    def models(self) -> str:
        """Name what workers must have."""
        if self._models is not None:
            return self._models
        counts: Counter[str] = Counter()
        for models, processes in self._store.workers().values():
            counts[models] += processes
        return max(counts, key=counts.__getitem__) if counts else made_with()

    def workers(self) -> tuple[int, list[str]]:
        """Count the processes that can do the work, and name the models of those that cannot."""
        wanted, found = self.models(), self._store.workers().values()
        fitting = sum(processes for models, processes in found if models == wanted)
        return fitting, sorted({models for models, _ in found if models != wanted})

    def look(self) -> tuple[list[Waiting], int]:
        """List what waits, what is next first, and count what workers have in hand."""
        lanes = lanes_of(self.models())
        with self._store.redis.pipeline() as pipe:
            for lane in lanes:
                pipe.lrange(f"{PREFIX}{lane}", 0, -1)
            pipe.hlen(f"{PREFIX}unacked")
            *rows, in_hand = pipe.execute()
        read = (
            [_read(lane, text) for text in reversed(row)]
            for lane, row in zip(lanes, rows, strict=True)
        )
        waiting = [message for message in chain(*zip_longest(*read)) if message is not None]
        return waiting, int(in_hand)

    def send(self, id: str, client: str, waiting: list[Waiting], size: int = 0) -> None:
        """Let a job wait behind its client's others, or else in the shortest lane.

        Raises:
            kombu.exceptions.OperationalError: caused by what Redis said.
        """
        own = [message.lane for message in waiting if message.client == client]
        length = Counter(message.lane for message in waiting)
        lane = own[0] if own else min(lanes_of(self.models()), key=length.__getitem__)
        headers = {"client": client, "size": size}
        self._app.send_task(TASK, (id,), task_id=id, queue=lane, headers=headers, retry=False)

    def withdraw(self, id: str) -> None:
        """Take a job's message out of its lane."""
        for message in self.look()[0]:
            if message.id == id:
                self._store.redis.lrem(f"{PREFIX}{message.lane}", 1, message.text)


def _read(lane: str, text: bytes) -> Waiting | None:
    """Read a message; None where no server sent it, which the worker that takes it will say."""
    try:
        head = json.loads(text)["headers"]
        return Waiting(lane, head["id"], head["client"], head["size"], text)
    except (ValueError, KeyError, TypeError):
        return None
