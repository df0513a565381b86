"""Photos of a library prepared by workers: for how long a queue that is full or away is asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plugin_server.engine.requests import Answer
from plugin_server.errors import Busy, NoBroker
from plugin_server.jobs.remote_preparer import RemotePreparer
from retrieval.database.exemplar import Prepared
from retrieval.errors import LibraryUnusable
from retrieval.ingest.preparing import Embedded, to_bytes


class Queue:
    """Raises what it is given, one after the other, and then has a photo prepared."""

    def __init__(self, *problems: Exception) -> None:
        self.problems = list(problems)

    def run(self, *_: object, **__: object) -> Answer:
        if self.problems:
            raise self.problems.pop(0)
        photo = Prepared("ab", 4, 4, np.zeros((4, 4, 3), np.uint8), b"jpeg", ("#808080",), 1)
        vector = np.ones(1, np.float32)
        return Answer(to_bytes(Embedded(photo, vector, None, vector)), "application/octet-stream")


def prepared(*problems: Exception, retry_timeout: float) -> tuple[Embedded, float]:
    """Prepare a photo: what comes of it, and for how many seconds it was waited."""
    queue: Any = Queue(*problems)
    now = [1000.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    prepare = RemotePreparer(queue, retry_timeout=retry_timeout, clock=lambda: now[0], sleep=sleep)
    return prepare(b"photo", ()), now[0] - 1000


def test_a_broker_that_is_away_is_asked_again_for_a_while() -> None:
    away = [NoBroker("away") for _ in range(12)]
    embedded, waited = prepared(*away[:9], retry_timeout=10)
    assert embedded.photo.sha256 == "ab"
    assert waited == 9
    with pytest.raises(LibraryUnusable, match="away"):
        prepared(*away, retry_timeout=10)


def test_a_full_queue_shows_that_the_broker_is_there() -> None:
    full = [Busy("later", seconds=30) for _ in range(9)]
    away = [NoBroker("away") for _ in range(9)]
    embedded, waited = prepared(*full, *away, retry_timeout=10)
    assert embedded.photo.sha256 == "ab"
    assert waited == 9 * 30 + 9
