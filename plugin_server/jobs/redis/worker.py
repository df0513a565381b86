"""A worker: an ordinary Celery worker whose processes share the models and do one photo at a time."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from models.progress import Progress, Stopped, unwatched
from plugin_server.broker import Broker
from plugin_server.errors import Elsewhere, status_and_detail
from plugin_server.jobs.queue import on_the_whole
from plugin_server.jobs.redis.celery_app import TASK, TIME_LIMIT, lanes_of, made_with, make_app
from plugin_server.jobs.redis.job_store import JobStore
from plugin_server.jobs.redis.serialization import pack_answer, pack_error, unpack

if TYPE_CHECKING:
    from plugin_server.engine.requests import Answer, Request

log = logging.getLogger("photochrom")
Did = TypeVar("Did")
Do = Callable[["Request", Progress], "Answer"]

BEAT: Final = 5.0  # seconds between two signs of life
STEP: Final = 0.25  # seconds between two looks whether a photo is still wanted
DELIVERY: Final = 600.0  # seconds for which an outcome is offered to a Redis that is away
RETRIES: Final = 3
LOST: Final = (
    "the job was begun {times} times, and each time the worker ended in the middle of it: the photo "
    "may need more memory than a worker has; send a smaller one, or give the workers more"
)
TOO_SLOW: Final = (
    "the photo took longer than the {seconds:g} seconds that a worker gives one; send a smaller one, "
    "or start the workers with a larger --time-limit"
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a worker is started with.

    ``time_limit`` is in seconds for one photo; ``max_memory`` in bytes for each process, above which
    a photo fails, and ``max_resident`` above which a fresh process takes its place after a photo.
    """

    broker: Broker
    processes: int = 1
    threads: int = 1
    weights: Path | None = None
    clip: str = "embedded"
    max_bytes: int = 512 * 1024 * 1024
    max_pixels: int = 100_000_000
    time_limit: float = TIME_LIMIT
    max_memory: int | None = None
    max_resident: int | None = None
    name: str = field(default_factory=lambda: f"{socket.gethostname()}-{secrets.token_hex(4)}")


def load(settings: Settings) -> Do:
    """Load the models; the processes share their memory.

    Nothing is computed and one thread used: what is forked later must have no threads.

    Raises:
        models.networks.checkpoint.WeightsError: a file is missing or damaged.
    """
    import torch

    torch.set_num_threads(1)
    from models.networks.predictor import load_pair
    from plugin_server.engine.engine import Studio
    from plugin_server.engine.file_store import Shelf
    from plugin_server.engine.warm_up import NO_LIBRARY
    from plugin_server.images.codec import Limits

    colorizer, clip = load_pair(settings.weights, settings.clip)
    limits = Limits(max_bytes=settings.max_bytes, max_pixels=settings.max_pixels)
    shelf = Shelf(seconds=0, count=0, size=0)
    studio = Studio(
        colorizer, clip, library=None, library_problem=NO_LIBRARY, limits=limits, photos=shelf
    )
    return studio.do


def warm(settings: Settings, do: Do) -> None:
    """Make a process ready for its first photo."""
    import torch

    from plugin_server.engine.warm_up import warm_request

    torch.set_num_threads(settings.threads)
    do(warm_request(), unwatched)
    limit_memory(settings, do)


def limit_memory(settings: Settings, _do: Do) -> None:
    """Let allocations fail above ``max_memory``: a photo fails, and the worker lives on."""
    import resource

    if settings.max_memory is not None:
        resource.setrlimit(resource.RLIMIT_AS, (settings.max_memory, settings.max_memory))


class Bench:
    """Where a worker's process does jobs, and tells what came of them."""

    def __init__(self, settings: Settings, do: Do, store: JobStore) -> None:
        self._settings = settings
        self._do = do
        self._store = store

    def work(self, id: str) -> None:
        """Do a job, unless nobody wants it any more; nothing but a lost worker is begun again."""
        from celery.exceptions import SoftTimeLimitExceeded

        progress = Watch(self._store, id, self._settings.name)
        try:
            if not self._patiently(lambda: progress.tell("running", 0.0)):
                return
            entry = self._patiently(lambda: self._store.entry(id))
            if entry is None:
                return
            pictures = {
                name: blob
                for name in entry.pictures
                if (blob := self._patiently(lambda name=name: self._store.blob(id, name)))
            }
            answer = self._do(unpack(entry.request.encode(), pictures), progress)
        except Stopped:
            return
        except SoftTimeLimitExceeded:
            self.fail(id, too_slow(self._settings))
        except Exception as error:
            if status_and_detail(error)[0] >= 500:
                log.error("error in the job %s", id, exc_info=error)
            self.fail(id, error)
        else:
            text = pack_answer(answer)
            self._patiently(lambda: self._store.finish(id, "done", text, answer.body))

    def fail(self, id: str, error: Exception) -> None:
        """Say why a job failed."""
        text = pack_error(error)
        self._patiently(lambda: self._store.finish(id, "failed", text))

    def _patiently(self, act: Callable[[], Did]) -> Did:
        """Ask again and again while Redis is away or full."""
        from redis.exceptions import RedisError

        ends, wait = time.monotonic() + DELIVERY, 0.25
        while True:
            try:
                return act()
            except (RedisError, OSError) as problem:
                log.warning("%s", self._settings.broker.explain(problem))
                if time.monotonic() > ends:
                    raise
            time.sleep(wait)
            wait = min(2 * wait, 5.0)


class Watch:
    """Tells how far a job is, now and then, and stops it where nobody wants it."""

    def __init__(self, store: JobStore, id: str, node: str) -> None:
        self._store = store
        self._id = id
        self._node = node
        self._told = ("", 0.0)

    def __call__(self, stage: str, share: float) -> None:
        """See ``models.progress.Progress``; a Redis that is away stops nothing."""
        from redis.exceptions import RedisError

        if stage == self._told[0] and time.monotonic() - self._told[1] < STEP:
            return
        self._told = (stage, time.monotonic())
        try:
            wanted = self.tell(stage, on_the_whole(stage, share))
        except (RedisError, OSError):
            return
        if not wanted:
            raise Stopped

    def tell(self, stage: str, progress: float) -> bool:
        """Say how far it is; False where nobody wants it."""
        return self._store.report(self._id, self._node, stage, progress)


def too_slow(settings: Settings) -> Elsewhere:
    """Word the end of a photo that hung its worker."""
    return Elsewhere(TOO_SLOW.format(seconds=settings.time_limit), status=503)


def run(
    settings: Settings,
    do: Do,
    warm: Callable[[Settings, Do], None] = warm,
) -> int:
    """Work until told to stop; return the exit code."""
    from billiard.exceptions import TimeLimitExceeded
    from celery import bootsteps, signals
    from celery.exceptions import CPendingDeprecationWarning
    from celery.platforms import SecurityWarning
    from celery.worker import state
    from redis.exceptions import RedisError

    from plugin_server.jobs import malloc

    models = made_with(settings.weights, settings.clip)
    store = JobStore(settings.broker)
    bench = Bench(settings, do, store)
    app = make_app(settings.broker, time_limit=settings.time_limit)

    def work(id: str) -> None:
        bench.work(id)
        malloc.trim()

    app.task(work, name=TASK, max_retries=RETRIES, default_retry_delay=0)

    def begin(**_: object) -> None:
        warm(settings, do)
        print("ready", flush=True)

    def lost(task_id: str, exception: BaseException, **_: object) -> None:
        """Say why a job failed whose process cannot: it was killed once more, or hung."""
        hung = isinstance(exception, TimeLimitExceeded)
        problem = LOST.format(times=RETRIES + 1)
        bench.fail(task_id, too_slow(settings) if hung else Elsewhere(problem, status=500))

    class Presence(bootsteps.StartStopStep):  # type: ignore[misc]
        """Shows that the worker is alive."""

        requires = {"celery.worker.components:Timer", "celery.worker.components:Pool"}

        def start(self, parent: Any) -> None:
            self.worker = parent
            self.deaf = 0
            self.timer = parent.timer.call_repeatedly(BEAT, self.beat)
            self.announce()

        def beat(self) -> None:
            """Let Celery connect anew where an acknowledgement was lost with its connection.

            kombu would count that photo as one in hand for ever, and take one less from then on.
            """
            self.announce()
            consumer = self.worker.consumer.task_consumer
            held = len(consumer.channel.qos._delivered) if consumer is not None else 0
            self.deaf = self.deaf + 1 if held > len(state.reserved_requests) else 0
            if self.deaf > 1:
                self.deaf = 0
                raise ConnectionError("an acknowledgement was lost")

        def stop(self, parent: Any) -> None:
            self.timer.cancel()
            try:
                store.leave(settings.name, models, settings.processes)
            except (RedisError, OSError):
                pass  # it is forgotten in time

        def announce(self) -> None:
            try:
                store.announce(settings.name, models, settings.processes)
            except (RedisError, OSError) as problem:
                log.warning("%s", settings.broker.explain(problem))

    app.steps["worker"].add(Presence)
    signals.worker_process_init.connect(begin, weak=False)
    signals.task_failure.connect(lost, weak=False)
    warnings.simplefilter("ignore", SecurityWarning)  # it warns root of pickles; none are read
    warnings.simplefilter("ignore", CPendingDeprecationWarning)  # of what is set on purpose
    worker = app.Worker(
        pool="prefork", concurrency=settings.processes, hostname=settings.name, queues=lanes_of(models),
        optimization="fair", loglevel=logging.WARNING, quiet=True,
        max_memory_per_child=settings.max_resident and max(settings.max_resident // 1024, 1),
        without_gossip=True, without_mingle=True, without_heartbeat=True,
    )  # fmt: skip
    worker.start()
    return int(worker.exitcode or 0)
