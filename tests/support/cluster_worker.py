"""A worker process with fake models, for tests with real processes.

A photo whose description is a JSON object is echoed, and the object says how to misbehave::

    {"seconds": 1.5}     takes so long, telling how far it is
    {"log": "FILE"}      appends a line to FILE when the photo is begun
    {"kill": 2}          kills its own process the first two times (needs "log")
    {"megabytes": 4000}  allocates so much
    {"hang": true}       hangs and tells nothing, until the worker's time limit ends it
    {"deaf": true}       hangs, and cannot be asked to end
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path

from models.progress import Progress, unwatched
from plugin_server.engine.library import UnusableLibrary
from plugin_server.engine.requests import Answer, ColorizeRequest, Request
from tests.support.crews import SETTINGS

UNPICKLED = "PHOTOCHROM_TEST_UNPICKLED"  # a file that hears of everything that is unpickled
CLOCK = "PHOTOCHROM_TEST_CLOCK"  # seconds by which the worker's clock is off


def do(request: Request, progress: Progress = unwatched) -> Answer:
    assert isinstance(request, ColorizeRequest)
    if request.job.description.startswith("{"):
        obey(json.loads(request.job.description), progress)
        assert isinstance(request.image, bytes)
        return Answer(b"colour of " + request.image, "image/png")
    # Only where they are needed: a worker that is killed again and again must start fast.
    from plugin_server.engine.engine import Engine
    from plugin_server.engine.file_store import FileStore
    from plugin_server.images.codec import Limits
    from tests.support.fakes import FakeClip, FakeColorizer

    engine = Engine(
        FakeColorizer(), FakeClip(), library=UnusableLibrary(), limits=Limits(),
        photos=FileStore(seconds=0, count=0, size=0),
    )  # fmt: skip
    return engine.do(request, progress)


def obey(orders: dict[str, object], progress: Progress) -> None:
    begun = 0
    if isinstance(log := orders.get("log"), str):
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(f"{os.getpid()}\n")
        begun = len(Path(log).read_text("utf-8").splitlines())
    if begun <= int(str(orders.get("kill", 0))) and "kill" in orders:
        os.kill(os.getpid(), signal.SIGKILL)
    if "megabytes" in orders:
        bytearray(int(str(orders["megabytes"])) << 20)
    if "deaf" in orders:
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # by which Celery asks a task to end
    if "hang" in orders or "deaf" in orders:
        threading.Event().wait()
    seconds = float(str(orders.get("seconds", 0)))
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0:
        progress("network", 1 - left / seconds)
        time.sleep(min(left, 0.02))


def listen_for_pickles(file: str) -> None:
    """Note every class that anything is unpickled into; CPython tells its auditors."""

    def note(event: str, arguments: tuple[object, ...]) -> None:
        if event == "pickle.find_class":
            with open(file, "a", encoding="utf-8") as out:
                out.write(f"{arguments}\n")

    sys.addaudithook(note)


def main() -> int:
    if clock := float(os.environ.get(CLOCK, 0)):
        right = time.time
        time.time = lambda: right() + clock
    # Only now: whoever imported the clock before would have the right one.
    from plugin_server.broker import Broker
    from plugin_server.jobs.redis.worker import Settings, run

    values = json.loads(os.environ.pop(SETTINGS))
    if weights := values.pop("weights", None):
        values["weights"] = Path(weights)
    settings = Settings(Broker(values.pop("broker")), **values)
    logging.basicConfig(level=logging.WARNING, format=f"{settings.name}: %(message)s")
    if file := os.environ.get(UNPICKLED):
        listen_for_pickles(file)
    return run(settings, do, lambda *_: None)


if __name__ == "__main__":
    sys.exit(main())
