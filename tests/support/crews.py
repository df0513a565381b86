"""Workers as real processes with fake models, and somebody who starts them again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.repository import ROOT

PROGRAM = (sys.executable, "-m", "tests.support.cluster_worker")
SETTINGS = "PHOTOCHROM_TEST_WORKER"
SOON = 120.0  # seconds after which a test has failed; the machine may be busy


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **more}


class Crew:
    """One worker with some processes; it is started again where it was killed, as systemd would."""

    def __init__(self, url: str, processes: int, environ: dict[str, str], settings: dict[str, Any]):
        text = json.dumps({"broker": url, "processes": processes, **settings})
        self._environ = {**environ, SETTINGS: text}
        self._stopped = threading.Event()
        self.process = self._start()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    @property
    def main(self) -> int:
        return self.process.pid

    @property
    def pids(self) -> list[int]:
        """List the processes that do the work."""
        try:
            text = Path(f"/proc/{self.main}/task/{self.main}/children").read_text("ascii")
        except OSError:
            return []
        return [int(part) for part in text.split()]

    def stop(self) -> int:
        """Let the photos in hand be finished."""
        self._stopped.set()
        self._thread.join(timeout=SOON)
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=SOON)

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(PROGRAM, env=self._environ, stdin=subprocess.DEVNULL)

    def _watch(self) -> None:
        while not self._stopped.wait(0.05):
            if self.process.poll() is not None:
                self.process = self._start()


@contextmanager
def working(url: str, processes: int = 1, *, environ: dict[str, str] | None = None,
            **settings: Any) -> Iterator[Crew]:  # fmt: skip
    """Let a worker work for a broker."""
    crew = Crew(url, processes, environ or environment(), settings)
    try:
        yield crew
    finally:
        assert crew.stop() in (0, -signal.SIGTERM)  # the latter before it was ready


def wait_until(is_true: Callable[[], bool], what: str, seconds: float = SOON) -> None:
    """Look again and again; the processes that are looked at cannot be waited for otherwise."""
    ends = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < ends, f"never came: {what}"
        time.sleep(0.02)
