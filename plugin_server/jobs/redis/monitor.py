"""The warden: gives the jobs of lost workers to others, and rings where no message is left."""

from __future__ import annotations

import logging
import threading
import time

from plugin_server.broker import Broker
from plugin_server.jobs.redis.celery_app import QUEUE, Bell
from plugin_server.jobs.redis.job_store import PREFIX, Ledger

log = logging.getLogger("photochrom")

ROUND = 1.0  # seconds between two looks


class Warden:
    """Looks after the queue, in a thread; any number of machines may each have one.

    After Redis was away it leaves all leases alone until every living worker had the time to
    renew its own.
    """

    def __init__(self, broker: Broker, ledger: Ledger, bell: Bell) -> None:
        self._broker = broker
        self._ledger = ledger
        self._bell = bell
        self._ending = threading.Event()
        self._hold_until = 0.0
        self._is_away = False
        self._thread = threading.Thread(target=self._run, name="warden", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> None:
        """Look once."""
        if time.monotonic() >= self._hold_until:
            waiting = self._ledger.mend()
        else:
            waiting = self._ledger.counts()[0]
        messages = int(self._ledger.redis.llen(f"{PREFIX}{QUEUE}"))
        for _ in range(waiting - messages):
            self._bell.ring()

    def _run(self) -> None:
        from redis.exceptions import RedisError

        while not self._ending.wait(ROUND):
            try:
                self.look()
                if self._is_away:
                    log.warning("the queue at %s is back", self._broker.shown)
                self._is_away = False
            except (RedisError, OSError) as problem:
                self._hold_until = time.monotonic() + self._ledger.lease
                if not self._is_away:
                    log.warning("%s (%s)", self._broker.explain(problem), problem)
                self._is_away = True
