"""Celery: the bell that wakes a worker on some machine when there is something to do.

A message says only *that* a job waits. Which one is decided by the ledger when the worker comes to
take it, so a message that is lost, comes twice or comes late does no harm: nothing is coloured
twice for it, and ``Warden`` rings again where there are fewer messages than jobs.
"""

from __future__ import annotations

import logging
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from plugin_server.broker import PATIENCE, Broker
from plugin_server.jobs.redis.job_store import PREFIX

if TYPE_CHECKING:
    from celery import Celery

log = logging.getLogger("photochrom")

TASK = "photochrom.work"
QUEUE = "bell"


def make_app(broker: Broker) -> Celery:
    """Configure Celery for one broker; nothing is sent before it is used."""
    from celery import Celery

    app = Celery("photochrom", broker=broker.url, set_as_current=False)
    app.conf.update(
        # Nothing but JSON is read, whatever somebody else may write into Redis.
        accept_content=["json"],
        task_serializer="json",
        result_serializer="json",
        event_serializer="json",
        # The ledger has the results; a second copy would only be one to go stale.
        task_ignore_result=True,
        task_default_queue=QUEUE,
        # A worker holds exactly the message that it works on, so no job waits in the pocket of a
        # busy worker while another is idle.
        task_acks_late=True,
        worker_prefetch_multiplier=1,
        # Workers take no orders over the network, and need not know each other.
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_hijack_root_logger=False,
        # Redis away is an everyday fault: keep trying, at the start too.
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_use_ssl=broker.tls,
        broker_transport_options={
            "global_keyprefix": PREFIX,
            "priority_steps": [0],
            "socket_connect_timeout": PATIENCE,
            "socket_timeout": PATIENCE,
            "socket_keepalive": True,
            # When a dead worker's message comes back, its job was long given to another.
            "visibility_timeout": 600,
        },
    )
    return app


class Bell:
    """Wakes workers."""

    def __init__(self, broker: Broker) -> None:
        self._app = make_app(broker)

    def ring(self) -> None:
        """Wake one worker; where Redis is away, the warden rings again later."""
        from kombu.exceptions import OperationalError
        from redis.exceptions import RedisError

        with suppress(OperationalError, RedisError, OSError):
            self._app.send_task(TASK, retry=False, ignore_result=True)

    def close(self) -> None:
        """Close the connections."""
        self._app.close()


def listen(app: Celery, name: str, **options: Any) -> int:
    """Work for a Celery app in this very thread until told to stop; return the exit code.

    The solo pool runs a task where the message is read. Forking pools are out of the question: a
    fork of a process whose PyTorch has started threads may hang in the child, and their parent and
    children talk to each other in pickles.
    """
    from celery.platforms import SecurityWarning

    # It warns root of pickles, and none are read here.
    warnings.simplefilter("ignore", SecurityWarning)
    worker = app.Worker(
        pool="solo", concurrency=1, hostname=name, loglevel=logging.WARNING,
        without_gossip=True, without_mingle=True, without_heartbeat=True, quiet=True, **options,
    )  # fmt: skip
    worker.start()
    return int(worker.exitcode or 0)
