"""A worker: Celery's own, whose processes share the models and do one photo at a time."""

from __future__ import annotations

import logging
import secrets
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from celery import signals
from celery.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded
from celery.platforms import SecurityWarning
from redis.backoff import ExponentialBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from models.progress import Progress, Stopped, unwatched
from plugin_server.broker import Broker
from plugin_server.engine.requests import Answer, Request
from plugin_server.errors import RemoteProblem, status_and_detail
from plugin_server.images.layer import Limits
from plugin_server.jobs.queue import on_the_whole
from plugin_server.jobs.redis.celery_app import TASK, TIME_LIMIT, lanes_of, made_with, make_app
from plugin_server.jobs.redis.job_store import JobStore, Keep
from plugin_server.jobs.redis.serialization import pack_answer, pack_error, unpack

log = logging.getLogger("photochrom")
Did = TypeVar("Did")
Do = Callable[[Request, Progress], Answer]

STEP: Final = 0.25  # seconds between two looks whether a photo is still wanted
PAUSE: Final = 5.0  # seconds between two tries to reach a Redis that is away, after shorter ones
TRIES: Final = 120  # to deliver an outcome: ten minutes
RETRIES: Final = 3
LOST: Final = (
    f"the job was begun {RETRIES + 1} times, and each time the worker ended in the middle of it: "
    "the photo may need more memory than a worker has; send a smaller one, or give the workers more"
)
TOO_SLOW: Final = (
    "the photo took longer than the {:g} seconds that a worker gives one; send a smaller one, or "
    "start the workers with a larger --time-limit"
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a worker is started with.

    ``time_limit`` is in seconds for one photo; ``max_memory`` in bytes for a process, above which
    a photo fails, and ``max_resident`` above which a fresh process takes its place after a photo.
    """

    broker: Broker
    processes: int = 1
    threads: int = 1
    weights: Path | None = None
    clip: str = "embedded"
    limits: Limits = field(default_factory=Limits)
    time_limit: float = TIME_LIMIT
    max_memory: int | None = None
    max_resident: int | None = None
    name: str = field(default_factory=lambda: f"{socket.gethostname()}-{secrets.token_hex(4)}")


def load(settings: Settings) -> Do:
    """Load the models once for all processes, which are forked later and share their memory.

    So nothing is computed here, and no thread begun: a fork has none of its parent's.

    Raises:
        models.networks.checkpoint.WeightsError: a file is missing or damaged.
    """
    import torch

    torch.set_num_threads(1)
    from models.networks.loading import load_pair
    from plugin_server.engine.engine import Engine
    from plugin_server.engine.file_store import FileStore
    from plugin_server.engine.library import UnusableLibrary

    colorizer, clip = load_pair(settings.weights, settings.clip)
    return Engine(
        colorizer, clip, library=UnusableLibrary(), limits=settings.limits,
        photos=FileStore(seconds=0, count=0, size=0),
    ).do  # fmt: skip


def warm(settings: Settings, do: Do) -> None:
    """Make a process ready for its first photo."""
    import torch

    from plugin_server.engine.engine import warm_request

    torch.set_num_threads(settings.threads)
    do(warm_request(), unwatched)


class Bench:
    """Where jobs are done, and where it is told what came of them."""

    def __init__(self, settings: Settings, do: Do, store: JobStore) -> None:
        self._settings = settings
        self._do = do
        self._store = store

    def work(self, id: str) -> None:
        """Do a job, unless nobody wants it any more; what it raises is its outcome."""
        store, name = self._store, self._settings.name
        if not self._patiently(lambda: store.report(id, name, "running", 0.0)):
            return
        try:
            request = self._patiently(lambda: store.request(id))
            with self._watching(id) as progress:
                answer = self._do(unpack(request), progress)
        except Stopped:
            return
        except SoftTimeLimitExceeded:
            self.fail(id, self.too_slow())
        except Exception as error:
            if status_and_detail(error)[0] >= 500:
                log.error("error in the job %s", id, exc_info=error)
            self.fail(id, error)
        else:
            outcome = pack_answer(answer)
            self._patiently(lambda: store.finish(id, "done", outcome, answer.body))

    def fail(self, id: str, error: Exception) -> None:
        """Say why a job failed."""
        self._patiently(lambda: self._store.finish(id, "failed", pack_error(error)))

    def too_slow(self) -> RemoteProblem:
        """Word the end of a photo that hung its worker."""
        return RemoteProblem(TOO_SLOW.format(self._settings.time_limit), status=503)

    @contextmanager
    def _watching(self, id: str) -> Iterator[Progress]:
        """Tell now and then how far a job is, and stop it where nobody wants it.

        A thread does it: to be told costs a Redis that writes to its disk milliseconds.
        """
        at, unwanted, over = ("running", 0.0), threading.Event(), threading.Event()

        def tell() -> None:
            while not over.wait(STEP):
                with suppress(RedisError, OSError):  # a Redis that is away stops no photo
                    if not self._store.report(id, self._settings.name, *at):
                        unwanted.set()

        def progress(stage: str, share: float) -> None:
            nonlocal at
            if unwanted.is_set():
                raise Stopped
            at = (stage, on_the_whole(stage, share))

        threading.Thread(target=tell, daemon=True).start()
        try:
            yield progress
        finally:
            over.set()

    def _patiently(self, act: Callable[[], Did]) -> Did:
        """Ask again and again while Redis is away or full."""

        def say(problem: Exception) -> None:
            log.warning("%s", self._settings.broker.explain(problem))

        retry = Retry(ExponentialBackoff(PAUSE, 0.25), TRIES, (RedisError, OSError))
        return retry.call_with_retry(act, say)


def run(settings: Settings, do: Do, prepare: Callable[[Settings, Do], None] = warm) -> int:
    """Work until told to stop; return the exit code. ``prepare`` makes each process ready."""
    models = made_with(settings.weights, settings.clip)
    store = JobStore(settings.broker, Keep())
    bench = Bench(settings, do, store)
    app = make_app(settings.broker, time_limit=settings.time_limit)
    here = (settings.name, models, settings.processes)

    def work(id: str) -> None:  # Celery sends no method again: it counts ``self`` as an argument
        bench.work(id)

    def begin(**_: object) -> None:
        prepare(settings, do)
        if settings.max_memory is not None and sys.platform != "win32":
            import resource  # allocations fail above it, and the process lives on

            resource.setrlimit(resource.RLIMIT_AS, (settings.max_memory, settings.max_memory))
        print("ready", flush=True)

    def lost(task_id: str, exception: BaseException, **_: object) -> None:
        """Say why a job failed whose process cannot: it was killed once more, or hung."""
        hung = isinstance(exception, TimeLimitExceeded)
        bench.fail(task_id, bench.too_slow() if hung else RemoteProblem(LOST, status=500))

    def alive(**_: object) -> None:
        with suppress(RedisError, OSError):  # Celery says that Redis is away
            store.announce(*here)

    app.task(work, name=TASK, max_retries=RETRIES, default_retry_delay=0)
    signals.worker_process_init.connect(begin, weak=False)
    signals.task_failure.connect(lost, weak=False)
    signals.heartbeat_sent.connect(alive, weak=False)
    warnings.simplefilter("ignore", SecurityWarning)  # it names an option that is Celery's own
    resident = settings.max_resident
    worker = app.Worker(
        pool="prefork", concurrency=settings.processes, hostname=settings.name,
        queues=lanes_of(models), optimization="fair", loglevel=logging.WARNING, quiet=True,
        max_memory_per_child=None if resident is None else max(resident // 1024, 1),
        without_gossip=True, without_mingle=True,
    )  # fmt: skip
    worker.start()
    with suppress(RedisError, OSError):  # it is forgotten in time
        store.leave(*here)
    return int(worker.exitcode or 0)
