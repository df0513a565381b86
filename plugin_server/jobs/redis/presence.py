"""A worker's signs of life, as a step of Celery's worker."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from plugin_server.jobs.redis.job_store import JobStore

log = logging.getLogger("photochrom")
BEAT: Final = 5.0  # seconds between two of them


def presence(store: JobStore, node: str, models: str, processes: int) -> type:
    """Make the step."""
    from celery import bootsteps
    from celery.worker import state
    from redis.exceptions import RedisError

    class Presence(bootsteps.StartStopStep):  # type: ignore[misc]
        requires = ("celery.worker.components:Timer", "celery.worker.components:Pool")
        unheard = 0

        def start(self, worker: Any) -> None:
            self.timer = worker.timer.call_repeatedly(BEAT, self.beat, (worker,))
            self.announce()

        def stop(self, worker: Any) -> None:
            self.timer.cancel()
            with suppress(RedisError, OSError):  # it is forgotten in time
                store.leave(node, models, processes)

        def announce(self) -> None:
            with suppress(RedisError, OSError):  # Celery says that Redis is away
                store.announce(node, models, processes)

        def beat(self, worker: Any) -> None:
            """Let Celery connect anew where an acknowledgement was lost with its connection.

            kombu counts that photo as one in hand for ever, and takes one less from then on: after
            Redis restarted, a worker may be connected and take nothing.
            """
            self.announce()
            consumer = worker.consumer.task_consumer
            held = len(consumer.channel.qos._delivered) if consumer is not None else 0
            self.unheard = self.unheard + 1 if held > len(state.reserved_requests) else 0
            if self.unheard > 1:
                self.unheard = 0
                raise ConnectionError("an acknowledgement was lost")

    return Presence
