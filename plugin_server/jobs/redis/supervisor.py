"""The crew: the workers of one machine, each its own process, and who starts them again."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from plugin_server.broker import Broker
from plugin_server.jobs.redis.celery_app import Bell
from plugin_server.jobs.redis.job_store import Ledger
from plugin_server.jobs.redis.monitor import Warden
from plugin_server.jobs.redis.worker import DEAF, FULL, SETTINGS, STUCK, Settings, fresh_name

log = logging.getLogger("photochrom")

ROUND: Final = 0.2  # seconds between two looks
LEAST: Final = 2.0  # seconds between two starts in one place
LONGEST: Final = 60.0  # where the starts fail one after the other
BROKEN: Final = 2  # exit code: the models cannot be loaded
PROGRAM: Final = (sys.executable, "-m", "plugin_server.jobs.redis.worker")


@dataclass(slots=True)
class _Place:
    """Room for one worker."""

    number: int
    process: subprocess.Popen[bytes] | None = None
    name: str = ""
    started: float = 0.0
    failures: int = 0


class Crew:
    """Keeps ``count`` workers alive until it is told to stop.

    A worker that dies is replaced, and its job given to another at once.
    """

    def __init__(
        self,
        settings: Settings,
        count: int,
        *,
        program: tuple[str, ...] = PROGRAM,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._settings = settings
        self._program = program
        self._environ = environ
        self._broker = Broker(settings.broker)
        self._ledger = Ledger(self._broker)
        self._bell = Bell(self._broker)
        self._warden = Warden(self._broker, self._ledger, self._bell)
        self._places = [_Place(number) for number in range(count)]
        self._stopping = threading.Event()

    def run(self) -> int:
        """Work until ``stop``; return the exit code: 2 where a worker's models are broken."""
        code = 0
        self._warden.start()
        try:
            while not self._stopping.is_set():
                for place in self._places:
                    if self._look_at(place) == BROKEN:
                        code = BROKEN
                        self._stopping.set()
                self._stopping.wait(ROUND)
        finally:
            self._dismiss()
            self._warden.close()
            self._bell.close()
            self._ledger.close()
        return code

    def stop(self) -> None:
        """End: the photos in hand are finished first."""
        self._stopping.set()

    @property
    def pids(self) -> list[int]:
        """The processes of the workers that live now."""
        return [place.process.pid for place in self._places if place.process is not None]

    def _look_at(self, place: _Place) -> int | None:
        """Start a worker where there is none; return the exit code of one that has ended."""
        if place.process is None:
            wait = min(LEAST * 2**place.failures, LONGEST) if place.failures else 0.0
            if time.monotonic() - place.started >= wait:
                self._start(place)
            return None
        code = place.process.poll()
        if code is None:
            return None
        place.process = None
        lived = time.monotonic() - place.started
        place.failures = (
            0 if lived > LEAST or code in (0, FULL, STUCK, DEAF) else place.failures + 1
        )
        if code not in (0, FULL, BROKEN):
            log.warning("the worker %s ended (%s); another one begins", place.name, _ending(code))
        self._bury(place.name)
        return code

    def _start(self, place: _Place) -> None:
        place.name = fresh_name()
        settings = replace(self._settings, name=place.name, parent=os.getpid())
        place.process = subprocess.Popen(
            self._program,
            env={**self._environ, SETTINGS: settings.as_text()},
            stdin=subprocess.DEVNULL,
        )
        place.started = time.monotonic()

    def _bury(self, name: str) -> None:
        """Give a dead worker's job to another; where Redis is away its lease ends by itself."""
        from redis.exceptions import RedisError

        try:
            self._ledger.leave(name)
            for _ in range(self._ledger.mend(name)):
                self._bell.ring()
        except (RedisError, OSError) as problem:
            log.warning("%s", self._broker.explain(problem))

    def _dismiss(self) -> None:
        """Tell all workers to stop, and wait until they have."""
        workers = [place.process for place in self._places if place.process is not None]
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
        for worker in workers:
            worker.wait()


def _ending(code: int) -> str:
    """Say how a process ended."""
    if code == STUCK:
        return "a photo took too long"
    if code == DEAF:
        return "the broker's messages did not reach it"
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"
