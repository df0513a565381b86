"""Crews of real worker processes with fake models."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from plugin_server.jobs.redis.supervisor import Crew
from plugin_server.jobs.redis.worker import Settings
from tests.support.repository import ROOT

PROGRAM = (sys.executable, "-m", "tests.support.cluster_worker")
SOON = 120.0  # seconds after which a test has failed; the machine may be busy


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **more}


@contextmanager
def working(url: str, count: int = 1, *, environ: dict[str, str] | None = None,
            **settings: Any) -> Iterator[Crew]:  # fmt: skip
    """Let a crew work in a thread of this process; its workers are processes."""
    crew = Crew(
        Settings(url, "", 0, **settings), count, program=PROGRAM, environ=environ or environment()
    )
    thread = threading.Thread(target=crew.run)
    thread.start()
    try:
        yield crew
    finally:
        crew.stop()
        thread.join(timeout=SOON)
        assert not thread.is_alive()


def wait_until(is_true: Callable[[], bool], what: str) -> None:
    """Look again and again; the processes that are looked at cannot be waited for otherwise."""
    ends = time.monotonic() + SOON
    while not is_true():
        assert time.monotonic() < ends, f"never came: {what}"
        time.sleep(0.02)
