"""For how long a queue that is full or away is asked again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from plugin_server.engine.requests import Answer, IndexRequest
from plugin_server.errors import Busy, NoBroker, NoSpace
from plugin_server.jobs.patient_client import PatientClient

DONE = Answer(b"done", "text/plain")


@dataclass(frozen=True)
class Try:
    """What comes of a try: for so many seconds a worker is there, and for so many nobody."""

    problem: Exception | None = None
    worked: float = 0.0
    away: float = 0.0


class Queue:
    """Does what it is told, one try after the other; its time passes by itself."""

    def __init__(self, tries: Iterator[Try]) -> None:
        self._tries = tries
        self.now = self.attended = 1000.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def run(self, *_: object, **__: object) -> Answer:
        one = next(self._tries)
        if one.worked:
            self.now += one.worked
            self.attended = self.now
        self.now += one.away
        if one.problem is not None:
            raise one.problem
        return DONE


def waited(*tries: Try, retry_timeout: float) -> float:
    """Have a request done: for how many seconds it was waited."""
    queue: Any = Queue(iter(tries))
    client = PatientClient(
        queue, "test", retry_timeout=retry_timeout, clock=lambda: queue.now, sleep=queue.sleep
    )
    assert client.run(IndexRequest(b"photo")) == DONE
    return float(queue.now) - 1000


@pytest.mark.parametrize("problem", [NoBroker("away"), NoSpace("full")])
def test_a_broker_that_is_away_is_asked_again_for_a_while(problem: Exception) -> None:
    away = [Try(problem) for _ in range(12)]
    assert waited(*away[:9], Try(), retry_timeout=10) == 9
    with pytest.raises(type(problem)):
        waited(*away, Try(), retry_timeout=10)


def test_a_full_queue_shows_that_the_broker_is_there() -> None:
    full = [Try(Busy("later", seconds=30)) for _ in range(9)]
    away = [Try(NoBroker("away")) for _ in range(9)]
    assert waited(*full, *away, Try(), retry_timeout=10) == 9 * 30 + 9


def test_the_time_in_which_a_worker_was_there_does_not_count() -> None:
    blip = Try(NoBroker("away"), worked=1000, away=3)
    assert waited(blip, blip, Try(worked=1000), retry_timeout=10) == 3000 + 2 * 4
    with pytest.raises(NoBroker):
        waited(blip, blip, blip, Try(), retry_timeout=10)


def test_the_time_in_which_no_worker_comes_counts() -> None:
    nobody = Try(NoBroker("nobody"), away=60)
    assert waited(nobody, Try(), retry_timeout=100) == 61
    with pytest.raises(NoBroker):
        waited(nobody, nobody, Try(), retry_timeout=100)
