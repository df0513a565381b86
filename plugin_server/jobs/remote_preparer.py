"""Photos of a library prepared by workers: the library's side."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from plugin_server.engine.requests import IndexRequest
from plugin_server.errors import Busy, NoBroker, NoSpace, RemoteProblem
from plugin_server.jobs.queue import Client
from retrieval.errors import LibraryUnusable, PhotoRefused
from retrieval.ingest.preparing import Embedded, from_bytes

if TYPE_CHECKING:
    from plugin_server.jobs.queue import Jobs

IN_FLIGHT: Final = 16
BROKER_TIMEOUT: Final = 600.0  # seconds for which a broker that is away or full is asked again


class RemotePreparer:
    """Lets workers prepare photos; see ``retrieval.ingest.preparing.Preparer``."""

    in_flight = IN_FLIGHT

    def __init__(
        self,
        jobs: Jobs,
        *,
        retry_timeout: float = BROKER_TIMEOUT,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._jobs = jobs
        self._retry_timeout = retry_timeout
        self._clock = clock
        self._sleep = sleep
        self._client = Client(f"library {socket.gethostname()} {os.getpid()}")

    def __call__(self, data: bytes, captions: tuple[str, ...]) -> Embedded:
        """Prepare a photo.

        Raises:
            PhotoRefused: it cannot be an exemplar.
            LibraryUnusable: no worker could be had.
        """
        request = IndexRequest(data, captions)
        ends = self._clock() + self._retry_timeout
        while True:
            try:
                return from_bytes(
                    self._jobs.run(request, self._client, is_disconnected=lambda: False).body
                )
            except Busy as problem:
                self._sleep(problem.seconds)
                ends = self._clock() + self._retry_timeout
            except RemoteProblem as problem:
                raise PhotoRefused(str(problem)) from problem
            except (NoBroker, NoSpace) as problem:
                if self._clock() > ends:
                    raise LibraryUnusable(str(problem)) from problem
                self._sleep(1.0)
