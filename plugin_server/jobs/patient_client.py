"""Somebody who has much done by a broker's workers, and sits out that it is full or away."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from plugin_server.engine.requests import Answer, Request
from plugin_server.errors import Busy, NoBroker, NoSpace
from plugin_server.jobs.queue import Client

if TYPE_CHECKING:
    from plugin_server.jobs.redis.queue import ClusterJobs

BROKER_TIMEOUT: Final = 600.0  # seconds for which a broker that is away or full is asked again
PAUSE: Final = 1.0  # seconds between two tries


class PatientClient:
    """Asks a queue again that is full, as it says, and for ``retry_timeout`` seconds one that is
    away or has no room.

    Only the time counts in which it was: a photo may take as long as it takes. ``name`` says on the
    queue who asks. Safe for threads.
    """

    def __init__(
        self,
        jobs: ClusterJobs,
        name: str,
        *,
        retry_timeout: float = BROKER_TIMEOUT,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._jobs = jobs
        self._client = Client(f"{name} {socket.gethostname()} {os.getpid()}")
        self._retry_timeout = retry_timeout
        self._clock = clock
        self._sleep = sleep

    def run(self, request: Request) -> Answer:
        """Have a request done.

        Raises:
            NoBroker: the broker is away, or no worker is there.
            NoSpace: the broker is full.
        """
        away = 0.0
        while True:
            began = self._clock()
            try:
                return self._jobs.run(request, self._client, is_disconnected=lambda: False)
            except Busy as problem:
                self._sleep(problem.seconds)
                away = 0.0
            except (NoBroker, NoSpace):
                away += self._clock() - max(began, self._jobs.attended)
                if away > self._retry_timeout:
                    raise
                self._sleep(PAUSE)
                away += PAUSE
