"""What colours the photos of a batch: this process, a server, or the workers of a broker."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from models.progress import Stopped

if TYPE_CHECKING:
    from plugin_server.batch.batch import Colour
    from plugin_server.broker import Broker
    from plugin_server.engine.requests import Answer, ColorizeRequest
    from plugin_server.images.codec import Limits
    from plugin_server.service import Service

REMOTE_JOBS: Final = 4  # photos on their way to a server, coloured there, or on their way back
SERVER_TIMEOUT: Final = 120.0  # seconds for which a server that is gone is looked for
AROUND: Final = 2  # photos that are read or written while others are coloured
LEAST_IN_FLIGHT: Final = 8  # photos on their way to workers, even where none has come yet
IN_FLIGHT_PER_WORKER: Final = 2  # one that it works on and one that waits for it
POLL_INTERVAL: Final = 0.2  # seconds in which Ctrl-C is noticed


@dataclass(frozen=True, slots=True)
class Backend:
    """``colour`` does a photo; it may be called by ``in_flight`` threads at once.

    ``source_of`` names the file of an exemplar by its id. ``service`` is this process's, where
    there is one.
    """

    colour: Colour
    limits: Limits
    in_flight: int
    source_of: Callable[[str], str]
    service: Service | None = None


def local_backend(load: Callable[[int], Service], jobs: int | None) -> Backend:
    """Colour in this process, ``jobs`` photos at a time.

    By default that is one more than there are cores, so that none of them waits for a decoder or
    for Python's lock; and two more photos are read, or written until they are on the disk. Each
    keeps to its share of the cores: more threads inside the network would only wait for each other.
    """
    from plugin_server.jobs.malloc import share_heaps

    workers = jobs or cores() + 1
    share_heaps()
    service = load(workers)
    if workers > 1:
        import torch

        torch.set_num_threads(max(cores() // workers, 1))

    def source_of(exemplar: str) -> str:
        return service.library.get(exemplar).source

    in_flight = workers + AROUND if workers > 1 else 1
    return Backend(service.answer, service.limits, in_flight, source_of, service)


def remote_backend(
    address: str,
    token: str | None,
    jobs: int | None,
    should_stop: Callable[[], bool],
    *,
    retry_timeout: float | None = SERVER_TIMEOUT,
    on_state: Callable[[str, float], None] = lambda stage, share: None,
) -> Backend:
    """Let a server colour, with several requests on their way.

    A server that says how long it is busy is asked again then; one that cannot be reached, for
    ``retry_timeout`` seconds, before the batch ends. What it worked on the photo meanwhile does not
    count. With None it fails that photo at once.

    Raises:
        click.ClickException: the address is none.
    """
    from plugin_server.batch.runner import CannotGoOn
    from plugin_server.client import Client, ClientError, Unreachable
    from plugin_server.engine.requests import Answer, media_type_for
    from plugin_server.images.codec import Limits, decode

    def sleep(seconds: float) -> None:
        if sleep_unless_stopped(seconds, should_stop):
            raise Stopped

    limits = Limits()  # the server has its own
    try:
        client = Client(address, token, sleep=sleep, on_state=on_state)
    except ClientError as problem:
        raise click.ClickException(str(problem)) from problem

    def ask(request: ColorizeRequest) -> Answer:
        # The photo is read here too: its depth and type decide the file that is written.
        assert isinstance(request.image, bytes)
        media_type = media_type_for(request.answer_type, decode(request.image, limits=limits))
        files = {
            "image": request.image, "mask": request.mask, "reference": request.reference,
            "hint_image": request.hint_image, **request.parts,
        }  # fmt: skip
        result = client.run(request.job, files, media_type)
        return Answer(
            result.data,
            result.media_type,
            result.notices,
            result.seconds,
            result.exemplar,
            result.things,
            result.confidence,
        )

    def colour(request: ColorizeRequest) -> Answer:
        pause, away = 1.0, 0.0
        while True:
            began = time.monotonic()
            try:
                return ask(request)
            except Unreachable as problem:
                if retry_timeout is None:
                    raise
                away += time.monotonic() - max(began, client.heard) + pause
                if away > retry_timeout:
                    raise CannotGoOn(str(problem)) from problem
            sleep(pause)
            pause = min(2 * pause, 15.0)

    def source_of(exemplar: str) -> str:
        return str(client.exemplar(exemplar)["source"])

    return Backend(colour, limits, jobs or REMOTE_JOBS, source_of)


def broker_backend(
    broker: Broker,
    load: Callable[[], Service] | None,
    jobs: int | None,
    should_stop: Callable[[], bool],
) -> Backend:
    """Let workers on any machine colour.

    ``load`` gives a service with the broker where exemplars are asked for, because the library is
    here; without them this process needs no models. A full queue is asked again as it says, and a
    broker that is away for ten minutes, before the batch ends.
    """
    from plugin_server.batch.runner import CannotGoOn
    from plugin_server.errors import NoBroker, NoSpace
    from plugin_server.images.codec import Limits
    from plugin_server.jobs.patient_client import PatientClient
    from plugin_server.jobs.redis.queue import ClusterJobs

    service = load() if load is not None else None
    queue = ClusterJobs(broker) if service is None else ClusterJobs(broker, None, service.gathered)
    limits = Limits() if service is None else service.limits

    def sleep(seconds: float) -> None:
        if sleep_unless_stopped(seconds, should_stop):
            raise Stopped

    client = PatientClient(queue, "batch", sleep=sleep)

    def colour(request: ColorizeRequest) -> Answer:
        try:
            return client.run(request)
        except (NoBroker, NoSpace) as problem:
            raise CannotGoOn(str(problem)) from problem

    def source_of(exemplar: str) -> str:
        assert service is not None, "the library is here"
        return service.library.get(exemplar).source

    in_flight = jobs or max(LEAST_IN_FLIGHT, IN_FLIGHT_PER_WORKER * queue.state().workers)
    return Backend(colour, limits, in_flight, source_of)


def sleep_unless_stopped(seconds: float, should_stop: Callable[[], bool]) -> bool:
    """Wait; return at once, and True, when asked to stop."""
    end = time.monotonic() + seconds
    while not should_stop() and (left := end - time.monotonic()) > 0:
        time.sleep(min(left, POLL_INTERVAL))
    return should_stop()


def cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
