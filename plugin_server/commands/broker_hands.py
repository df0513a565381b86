"""What colours the photos of a batch on many machines: the workers of a broker."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from models.progress import Stopped
from plugin_server.commands.batch_hands import Hands, nap

if TYPE_CHECKING:
    from plugin_server.cluster.broker import Broker
    from plugin_server.request import Answer, ColorizeRequest
    from plugin_server.service import Service

PATIENCE: Final = 600.0  # seconds for which a broker that is away or full is asked again
LEAST: Final = 8  # photos on their way, even where no worker has come yet
PER_WORKER: Final = 2  # one that it works on and one that waits for it


def broker_hands(
    broker: Broker,
    load: Callable[[], Service] | None,
    jobs: int | None,
    should_stop: Callable[[], bool],
    *,
    patience: float = PATIENCE,
) -> Hands:
    """Let workers on any machine colour.

    ``load`` gives a service with the broker where exemplars are asked for, because the library is
    here; without them this process needs no models. A full queue is asked again as it says, and a
    broker that is away for ``patience`` seconds, before the batch ends.
    """
    from plugin_server.batch import CannotGoOn
    from plugin_server.cluster.jobs import sender
    from plugin_server.errors import Busy, NoBroker, NoSpace
    from plugin_server.images import Limits
    from plugin_server.turns import Client

    service = load() if load is not None else None
    queue = sender(broker) if service is None else service.jobs
    limits = Limits() if service is None else service.limits
    client = Client(f"batch {socket.gethostname()} {os.getpid()}")

    def sleep(seconds: float) -> None:
        if nap(seconds, should_stop):
            raise Stopped

    def colour(request: ColorizeRequest) -> Answer:
        end = time.monotonic() + patience
        while True:
            try:
                return queue.run(request, client, gone=lambda: False)
            except Busy as problem:
                sleep(problem.seconds)
                end = time.monotonic() + patience
            except (NoBroker, NoSpace) as problem:
                if time.monotonic() > end:
                    raise CannotGoOn(str(problem)) from problem
                sleep(1.0)

    return Hands(colour, limits, jobs or max(LEAST, PER_WORKER * queue.state().workers))
