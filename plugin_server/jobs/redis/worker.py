"""One worker: a process that loads the models once and colours one photo after the other.

Started by ``plugin_server.jobs.redis.supervisor``; its settings travel in the environment, because
every user of a machine can read the arguments of a process, and the broker's URL may hold a
password.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from models.progress import Progress, Stopped
from plugin_server.broker import Broker
from plugin_server.errors import status_and_detail
from plugin_server.jobs.queue import on_the_whole
from plugin_server.jobs.redis.job_store import Ledger, Taken
from plugin_server.jobs.redis.serialization import pack_answer, unpack

if TYPE_CHECKING:
    from plugin_server.engine.requests import Answer, Request

log = logging.getLogger("photochrom")

SETTINGS: Final = "PHOTOCHROM_WORKER"  # the environment's variable that holds them
BEAT: Final = 0.25  # seconds between two signs of life while a job runs
IDLE_BEAT: Final = 5.0  # and while none does
DELIVERY: Final = 600.0  # seconds for which an answer is offered to a Redis that is away
STUCK: Final = 70  # exit code of a worker whose job took too long
FULL: Final = 71  # and of one that has grown too large
DEAF: Final = 72  # and of one that the bell does not reach any more
HEARING: Final = 15.0  # seconds for which a worker may be idle while photos wait


@dataclass(frozen=True, slots=True)
class Settings:
    """What a worker is started with; ``name`` is unique among all machines.

    ``time_limit`` is in seconds for one photo; ``max_memory`` in bytes for the process, above which
    a photo fails, and ``max_resident`` above which it makes room for a fresh process after a photo.
    """

    broker: str
    name: str
    parent: int
    max_bytes: int = 512 * 1024 * 1024
    max_pixels: int = 100_000_000
    clip: str = "embedded"
    weights: str | None = None
    threads: int | None = None
    time_limit: float = 900.0
    max_memory: int | None = None
    max_resident: int | None = None

    def __repr__(self) -> str:
        return f"Settings(name={self.name!r})"  # the broker's URL may hold a password

    def as_text(self) -> str:
        """Write them for the environment."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Settings:
        """Read them again."""
        return cls(**json.loads(text))


def fresh_name() -> str:
    """Make a name that no other worker has."""
    import secrets

    return f"{socket.gethostname()}-{secrets.token_hex(4)}"


class Bench:
    """Where a worker takes jobs and hands in what came of them."""

    def __init__(
        self,
        broker: Broker,
        ledger: Ledger,
        do: Callable[[Request, Progress], Answer],
        *,
        name: str,
        time_limit: float = 900.0,
        delivery: float = DELIVERY,
        give_up: Callable[[int], None] = os._exit,
    ) -> None:
        self._broker = broker
        self._ledger = ledger
        self._do = do
        self._name = name
        self._delivery = delivery
        self._count = 0
        self.pulse = Pulse(broker, ledger, name, time_limit=time_limit, give_up=give_up)

    def work(self) -> bool:
        """Take the job whose turn it is and do it; False where none waits.

        Where Redis is away nothing is taken: the warden rings again.
        """
        from redis.exceptions import RedisError

        self._count += 1
        try:
            taken = self._ledger.take(f"{self._name}/{self._count}")
        except (RedisError, OSError) as problem:
            log.warning("%s", self._broker.explain(problem))
            return False
        if taken is None:
            return False
        self._perform(taken)
        return True

    def _perform(self, taken: Taken) -> None:
        begun = time.monotonic()
        progress = self.pulse.begin(taken)
        try:
            answer = self._do(unpack(taken.request, taken.pictures), progress)
        except Stopped:
            return  # cancelled, or another worker's by now
        except Exception as error:
            if status_and_detail(error)[0] >= 500:
                log.error("error in the job %s", taken.id, exc_info=error)
            failure = error
            self._deliver(lambda: self._ledger.failed(taken, failure))
        else:
            text, seconds = pack_answer(answer), time.monotonic() - begun
            self._deliver(lambda: self._ledger.done(taken, text, answer.body, seconds))
        finally:
            self.pulse.end()

    def _deliver(self, hand_in: Callable[[], bool]) -> None:
        """Hand in an outcome, again and again while Redis is away or full."""
        from redis.exceptions import RedisError

        ends = time.monotonic() + self._delivery
        wait = 0.25
        while True:
            try:
                hand_in()
                return
            except (RedisError, OSError) as problem:
                if time.monotonic() > ends:
                    log.error("a photo was coloured in vain: %s", self._broker.explain(problem))
                    return
                log.warning("%s", self._broker.explain(problem))
            time.sleep(wait)
            wait = min(2 * wait, 5.0)


class Pulse:
    """Tells the ledger, from a thread of its own, that the worker lives and how far it is.

    A job that takes longer than ``time_limit`` ends the process: whatever it hangs in, nothing else
    can. Its lease then ends too, and another worker tries. The process also ends where it is idle
    though photos have waited for ``hearing`` seconds: a connection to Redis may break in such a way
    that Celery goes on to wait for messages and none will come.
    """

    def __init__(
        self,
        broker: Broker,
        ledger: Ledger,
        name: str,
        *,
        time_limit: float,
        give_up: Callable[[int], None],
        hearing: float = HEARING,
    ) -> None:
        self._broker = broker
        self._ledger = ledger
        self._name = name
        self._time_limit = time_limit
        self._hearing = hearing
        self._heard = time.monotonic()
        self._give_up = give_up
        self._lock = threading.Lock()
        self._taken: Taken | None = None
        self._begun = 0.0
        self._at = ("", 0.0)
        self._unwanted = False
        self._changed = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End, and say that the worker is gone."""
        from redis.exceptions import RedisError

        self._ending.set()
        self._changed.set()
        self._thread.join()
        with suppress(RedisError, OSError):
            self._ledger.leave(self._name)

    def begin(self, taken: Taken) -> Progress:
        """Watch over a job; the callback tells how far it is, and stops it when unwanted."""
        with self._lock:
            self._taken, self._begun = taken, time.monotonic()
            self._at, self._unwanted = ("", 0.0), False
        self._changed.set()

        def progress(stage: str, share: float) -> None:
            if self._unwanted:
                raise Stopped
            self._at = (stage, max(self._at[1], on_the_whole(stage, share)))

        return progress

    def end(self) -> None:
        """Watch no more."""
        with self._lock:
            self._taken = None
            self._heard = time.monotonic()

    def beat(self) -> None:
        """Give one sign of life."""
        with self._lock:
            taken, begun = self._taken, self._begun
        if taken is None:
            self._listen()
            return
        if time.monotonic() - begun > self._time_limit:
            log.error("the job %s takes longer than %g s", taken.id, self._time_limit)
            self._give_up(STUCK)
        if not self._ledger.beat(taken, *self._at):
            with self._lock:
                if self._taken is taken:
                    self._unwanted = True

    def _listen(self) -> None:
        waiting, _, _ = self._ledger.counts()
        now = time.monotonic()
        if not waiting:
            self._heard = now
        elif now - self._heard > self._hearing:
            log.error("photos wait and the bell does not ring here: a fresh worker begins")
            self._give_up(DEAF)

    def _run(self) -> None:
        from redis.exceptions import RedisError

        announced = -IDLE_BEAT
        while not self._ending.is_set():
            try:
                if time.monotonic() - announced >= IDLE_BEAT:
                    self._ledger.announce(self._name)
                    announced = time.monotonic()
                self.beat()
            except (RedisError, OSError):  # the warden and the deliveries say so
                self._heard = time.monotonic()
            self._changed.clear()
            self._changed.wait(BEAT if self._taken is not None else IDLE_BEAT)


def limit_memory(size: int) -> None:
    """Let allocations fail above so many bytes: a photo fails, and the worker lives on."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (size, size))


def resident() -> int:
    """Return how much memory this process has now, in bytes; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def load(settings: Settings) -> Callable[[Request, Progress], Answer]:
    """Load the models and colour a small picture; return what does requests.

    Raises:
        models.networks.checkpoint.WeightsError: a file is missing or damaged.
    """
    import torch

    from models.networks.predictor import load_pair
    from plugin_server.engine.engine import Studio
    from plugin_server.engine.file_store import Shelf
    from plugin_server.engine.warm_up import NO_LIBRARY, warm_request
    from plugin_server.images.codec import Limits

    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    weights = None if settings.weights is None else Path(settings.weights)
    colorizer, clip = load_pair(weights, settings.clip)
    studio = Studio(
        colorizer,
        clip,
        library=None,
        library_problem=NO_LIBRARY,
        limits=Limits(max_bytes=settings.max_bytes, max_pixels=settings.max_pixels),
        photos=Shelf(seconds=0, count=0, size=0),
    )
    studio.do(warm_request())
    return studio.do


def work(settings: Settings, do: Callable[[Request, Progress], Answer]) -> int:
    """Work until told to stop; return the exit code."""
    from plugin_server.jobs import malloc
    from plugin_server.jobs.redis.celery_app import TASK, listen, make_app

    broker = Broker(settings.broker)
    ledger = Ledger(broker)
    bench = Bench(broker, ledger, do, name=settings.name, time_limit=settings.time_limit)
    app = make_app(broker)
    code = 0

    def answer_the_bell() -> None:
        nonlocal code
        if bench.work():
            malloc.trim()
        if settings.max_resident is not None and resident() > settings.max_resident:
            from celery.worker import state

            log.warning("the worker has grown to %s bytes: a fresh one begins", f"{resident():,}")
            code = FULL
            state.should_stop = FULL

    app.task(answer_the_bell, name=TASK, ignore_result=True)
    bench.pulse.start()
    watch_parent(settings.parent)
    try:
        return listen(app, settings.name) or code
    finally:
        bench.pulse.close()
        ledger.close()


def watch_parent(parent: int) -> None:
    """End this process, after the photo in hand, when the one that started it has ended."""

    def watch() -> None:
        import signal

        while os.getppid() == parent:
            time.sleep(1.0)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def main() -> int:
    """Start a worker with the settings of the environment."""
    from plugin_server.jobs import malloc

    malloc.share_heaps()
    settings = Settings.from_text(os.environ.pop(SETTINGS))
    logging.basicConfig(
        format=f"%(asctime)s %(levelname)s {settings.name}: %(message)s", level=logging.WARNING
    )
    from models.networks.checkpoint import WeightsError

    try:
        do = load(settings)
    except WeightsError as problem:
        log.error("%s", problem)
        return 2
    if settings.max_memory is not None:
        limit_memory(settings.max_memory)
    print("ready", flush=True)
    return work(settings, do)


if __name__ == "__main__":
    sys.exit(main())
