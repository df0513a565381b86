"""Faults with real processes: killed workers, Redis away, no memory, a full disk, lost clients."""

from __future__ import annotations

import json
import os
import pickle
import random
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from models.job import ColorizeJob
from plugin_server.broker import Broker
from plugin_server.config import Config
from plugin_server.engine.requests import ColorizeRequest
from plugin_server.errors import NoBroker, NoSpace, RemoteProblem
from plugin_server.jobs.queue import Status
from plugin_server.jobs.redis.celery_app import (
    CLOCKS,
    LAST_WORDS,
    PREFIX,
    TIME_LIMIT,
    lanes_of,
    made_with,
    make_app,
)
from plugin_server.jobs.redis.queue import ClusterJobs
from plugin_server.jobs.redis.worker import RETRIES
from plugin_server.service import LOCAL, Service
from tests.support.cluster_worker import CLOCK, UNPICKLED
from tests.support.crews import Crew, environment, wait_until, working
from tests.support.fakes import FakeClip, FakeColorizer
from tests.support.forms import FORM, form
from tests.support.pictures import encoded, grey_picture
from tests.support.redis_server import SOON, RedisServer, needs_redis, running_redis
from tests.support.running_server import running

pytestmark = [needs_redis, pytest.mark.slow]

# All of it, 30 kills among 300 photos, takes minutes: PHOTOCHROM_ALL_KILLS=1 asks for it.
KILLS, PHOTOS = (30, 300) if "PHOTOCHROM_ALL_KILLS" in os.environ else (8, 80)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path / "redis") as server:
        yield server


@contextmanager
def serving(redis: RedisServer, **options: Any) -> Iterator[Service]:
    service = Service(FakeColorizer(), FakeClip(), broker=Broker(redis.url), **options)
    try:
        yield service
    finally:
        service.close()


def ordered(seed: int = 0, **orders: object) -> ColorizeRequest:
    """Ask for an echo of some bytes, with orders for the fake worker."""
    return ColorizeRequest(f"photo {seed}".encode(), ColorizeJob(json.dumps(orders)))


def ended(service: Service, id: str) -> Status:
    status = service.jobs.status(id)
    while not status.is_finished:
        newer = service.jobs.status(id, newer_than=status.version, timeout=2 * SOON)
        assert newer.version > status.version, f"nothing happened to {status}"
        status = newer
    return status


def begun(log: Path) -> int:
    return len(log.read_text("utf-8").splitlines()) if log.exists() else 0


def expected(requests: list[ColorizeRequest]) -> list[bytes]:
    """Say what the fake worker makes of them."""
    return [b"colour of " + bytes(request.image) for request in requests]  # type: ignore[arg-type]


def test_a_worker_killed_in_the_middle_of_a_job_is_made_up_for(
    redis: RedisServer, tmp_path: Path
) -> None:
    """As the system's killer does where memory runs out: one photo may not end all workers."""
    once, always = tmp_path / "once", tmp_path / "always"
    with serving(redis) as service, working(redis.url):
        request = ordered(log=str(once), kill=1)
        saved = service.jobs.submit(request, LOCAL).id
        lost = service.jobs.submit(ordered(log=str(always), kill=99), LOCAL).id
        assert ended(service, saved).state == "done"
        assert service.jobs.result(saved).body == expected([request])[0]
        assert begun(once) == 2
        failed = ended(service, lost)
        assert failed.state == "failed"
        assert isinstance(failed.error, RemoteProblem)
        assert f"begun {RETRIES + 1} times" in str(failed.error)
        assert begun(always) == RETRIES + 1
        assert service.answer(ordered()).body == expected([ordered()])[0], "others go on"


def test_a_machine_that_vanishes_is_made_up_for(redis: RedisServer, tmp_path: Path) -> None:
    """The whole worker is killed, and nobody is left to say so."""
    log = tmp_path / "log"
    with serving(redis) as service, working(redis.url) as crew:
        id = service.jobs.submit(ordered(log=str(log), seconds=0.5), LOCAL).id
        wait_until(lambda: begun(log) == 1, "the job began")
        processes = crew.pids
        os.kill(crew.main, signal.SIGKILL)
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in processes), "the end")
        assert ended(service, id).state == "done"
    assert begun(log) == 2


def test_cancelling_frees_the_worker_and_the_queue(redis: RedisServer, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with serving(redis) as service, working(redis.url) as crew:
        first = service.jobs.submit(ordered(log=str(log), seconds=300), LOCAL).id
        second = service.jobs.submit(ordered(2, log=str(log)), LOCAL).id
        wait_until(lambda: begun(log) == 1, "the first began")
        before = crew.pids
        assert service.jobs.cancel(second).state == "cancelled"
        assert service.jobs.state().waiting == 0
        assert service.jobs.cancel(first).state == "cancelled"
        assert service.answer(ordered(3)).body == expected([ordered(3)])[0]
        assert [service.jobs.status(id).state for id in (first, second)] == ["cancelled"] * 2
        assert crew.pids == before, "no process had to be killed for it"
        assert begun(log) == 1


def test_a_worker_with_other_weights_gets_no_photos(redis: RedisServer, tmp_path: Path) -> None:
    weights = tmp_path / "colorizer.safetensors"
    weights.write_bytes(b"other weights")
    with serving(redis, models=made_with()) as service:
        with working(redis.url, weights=str(weights)):
            wait_until(lambda: "other weights" in service.jobs.state().health, "it was seen")
            jobs = ClusterJobs(Broker(redis.url), models=made_with(), nobody=0)
            with pytest.raises(NoBroker, match="install the same"):
                jobs.run(ordered(), LOCAL, is_disconnected=lambda: False)
            with working(redis.url):
                assert service.answer(ordered()).body == expected([ordered()])[0]
        batch = ClusterJobs(Broker(redis.url))
        with working(redis.url, weights=str(weights)):
            wait_until(lambda: batch.state().workers == 1, "a batch takes what is there")
            assert (
                batch.run(ordered(), LOCAL, is_disconnected=lambda: False).body
                == expected([ordered()])[0]
            )
        batch.close()


@pytest.mark.parametrize("clock", [-300, 300])
def test_a_clock_that_is_off_does_no_harm(redis: RedisServer, tmp_path: Path, clock: int) -> None:
    log = tmp_path / "log"
    off = environment(**{CLOCK: str(clock)})
    with serving(redis) as service, working(redis.url, environ=off), working(redis.url):
        wait_until(lambda: service.jobs.state().workers == 2, "both workers count")
        requests = [ordered(n, log=str(log), seconds=2.0) for n in range(6)]
        ids = [service.jobs.submit(request, LOCAL).id for request in requests]
        assert [ended(service, id).state for id in ids] == ["done"] * 6
        assert [service.jobs.result(id).body for id in ids] == expected(requests)
    assert begun(log) == 6, "nothing was taken for lost"


def test_a_photo_is_not_taken_for_lost_before_it_must_end() -> None:
    """Celery gives a message to another worker after the visibility timeout, by its own clock."""
    options = make_app(Broker("redis://x:1/0")).conf.broker_transport_options
    assert (
        options["visibility_timeout"]
        >= TIME_LIMIT + LAST_WORDS + 2 * 300
        <= TIME_LIMIT + CLOCKS + LAST_WORDS
    )


def test_jobs_that_wait_survive_a_restart_of_redis(redis: RedisServer) -> None:
    requests = [ordered(n) for n in range(8)]
    with serving(redis) as service:
        ids = [service.jobs.submit(request, LOCAL).id for request in requests]
        redis.kill()
        redis.start()
        with working(redis.url):
            assert ended(service, ids[0]).state == "done"
            redis.stop()
            redis.start()
            assert [ended(service, id).state for id in ids] == ["done"] * 8
        assert [service.jobs.result(id).body for id in ids] == expected(requests)


def test_workers_wait_for_a_redis_that_is_not_there_yet(redis: RedisServer) -> None:
    redis.stop()
    with serving(redis) as service, working(redis.url) as crew:
        wait_until(lambda: len(crew.pids) >= 1, "the worker started")
        redis.start()
        assert service.answer(ordered()).body == expected([ordered()])[0]


def test_a_worker_without_memory_says_so_and_goes_on(redis: RedisServer) -> None:
    with serving(redis) as service, working(redis.url, max_memory=3 << 30) as crew:
        with pytest.raises(RemoteProblem, match="not enough memory") as raised:
            service.answer(ordered(megabytes=4000))
        assert raised.value.status == 503
        before = crew.pids
        assert service.answer(ordered()).body == expected([ordered()])[0]
        assert crew.pids == before


def test_a_worker_that_has_grown_makes_room_for_a_fresh_one(redis: RedisServer) -> None:
    with serving(redis) as service, working(redis.url, max_resident=1) as crew:
        bodies, seen = [], set()
        for _ in range(2):
            bodies.append(service.answer(ordered()).body)
            seen |= set(crew.pids)
        wait_until(lambda: bool(set(crew.pids) - seen), "a fresh worker")
        assert bodies == expected([ordered()]) * 2


@pytest.mark.parametrize("how", ["hang", "deaf"])
def test_a_photo_that_hangs_a_worker_fails_and_frees_it(redis: RedisServer, how: str) -> None:
    """It is asked to end, and where it hears nothing its process is killed."""
    with serving(redis) as service, working(redis.url, time_limit=0.5):
        failed = ended(service, service.jobs.submit(ordered(**{how: True}), LOCAL).id)
        assert failed.state == "failed"
        assert "longer than the 0.5 seconds" in str(failed.error)
        assert service.answer(ordered()).body == expected([ordered()])[0]


def test_a_full_disk_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    """Redis may not let its files grow any more, as on a full disk, and then may again.

    With ``appendfsync always`` it would end instead, and be away until somebody makes room.
    """
    options = ("--appendfsync", "everysec")
    with running_redis(tmp_path, *options) as redis, serving(redis) as service:
        before = service.jobs.submit(ordered(), LOCAL).id
        assert redis.process is not None
        size = max(file.stat().st_size for file in redis.folder.rglob("*") if file.is_file())
        limits = (size + 100, resource.RLIM_INFINITY)
        resource.prlimit(redis.process.pid, resource.RLIMIT_FSIZE, limits)

        def is_refused() -> bool:
            try:
                service.jobs.submit(ordered(1), LOCAL)
            except NoSpace as problem:
                return "cannot write to its disk" in str(problem)
            return False

        wait_until(is_refused, "the disk was full")
        infinite = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(redis.process.pid, resource.RLIMIT_FSIZE, infinite)
        wait_until(lambda: not is_refused(), "there was room again")
        with working(redis.url):
            assert ended(service, before).state == "done"


def test_a_redis_without_memory_is_said(tmp_path: Path) -> None:
    with (
        running_redis(tmp_path, "--maxmemory", "2mb") as redis,
        serving(redis) as service,
        pytest.raises(NoSpace, match="maxmemory"),
    ):
        service.jobs.submit(ColorizeRequest(bytes(3_000_000)), LOCAL)


def test_clients_that_vanish_or_are_slow_hold_nobody_up(redis: RedisServer, tmp_path: Path) -> None:
    log = tmp_path / "log"
    slow_orders = json.dumps({"log": str(log), "seconds": 300})
    with serving(redis) as service, working(redis.url), running(service, Config(port=0)) as port:
        vanished = ask(port, form(encoded(grey_picture()), description=slow_orders))
        wait_until(lambda: begun(log) == 1, "the job began")
        vanished.close()
        wait_until(lambda: service.jobs.unfinished() == 0, "nobody waits for it")
        slow = ask(port, form(encoded(grey_picture(600, 800)), description="{}"))
        assert slow.recv(1)
        quick = ask(port, form(encoded(grey_picture()), description="{}"))
        assert quick.recv(12).startswith(b"HTTP/1.1 200")
        body = b""
        while chunk := slow.recv(4096):
            body += chunk
        assert body.endswith(b"colour of " + encoded(grey_picture(600, 800)))
        quick.close()
        slow.close()


def ask(port: int, body: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=SOON)
    head = (
        f"POST /v1/colorize HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Content-Type: {FORM}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    connection.sendall(head.encode() + body)
    return connection


class Trap:
    """Writes a file where anybody unpickles it."""

    def __init__(self, file: str) -> None:
        self._file = file

    def __reduce__(self) -> tuple[object, ...]:
        return (open, (self._file, "w"))


def test_nothing_from_redis_is_ever_unpickled(redis: RedisServer, tmp_path: Path) -> None:
    """Celery's own processes talk in pickles over their pipes; of nothing but plain values."""
    heard, sprung = tmp_path / "unpickled", tmp_path / "sprung"
    poison = pickle.dumps(Trap(str(sprung)))
    with serving(redis) as service:
        client = Broker(redis.url).connect()
        lane = f"{PREFIX}{lanes_of(made_with())[0]}"
        client.lpush(lane, pickled_message(poison), b"\x80\x04 no message at all")
        with working(redis.url, environ=environment(**{UNPICKLED: str(heard)})):
            assert service.answer(ordered()).body == expected([ordered()])[0]
            id = service.jobs.submit(ordered(seconds=300), LOCAL).id
            wait_until(lambda: service.jobs.status(id).state == "running", "it runs")
            waits = service.jobs.submit(ordered(2), LOCAL).id
            client.hset(f"{PREFIX}job:{waits}", "request", poison.decode("latin-1"))
            service.jobs.cancel(id)
            assert ended(service, waits).state == "failed"
            assert service.answer(ordered(3)).body == expected([ordered(3)])[0]
        client.close()
    assert not sprung.exists()
    assert set(heard.read_text("utf-8").splitlines()) <= {"('celery.app.trace', 'fast_trace_task')"}


def pickled_message(body: bytes) -> bytes:
    """Write a message as Celery would if it were told to use pickles."""
    import base64

    return json.dumps(
        {
            "body": base64.b64encode(body).decode(),
            "content-encoding": "binary",
            "content-type": "application/x-python-serialize",
            "headers": {"task": "photochrom.work", "id": "1", "lang": "py"},
            "properties": {
                "correlation_id": "1", "delivery_mode": 2, "priority": 0,
                "delivery_info": {"exchange": "", "routing_key": lanes_of(made_with())[0]},
                "body_encoding": "base64", "delivery_tag": "1",
            },
        }
    ).encode()  # fmt: skip


def test_a_password_is_seen_by_nobody(tmp_path: Path) -> None:
    with running_redis(tmp_path, password="s3cretword") as redis:
        done = subprocess.run(
            [sys.executable, "-m", "plugin_server", "worker", "--broker", "redis://x:y"],
            capture_output=True, text=True, env=environment(),
        )  # fmt: skip
        assert done.returncode == 2
        assert "redis://:PASSWORD@HOST" in done.stderr
        with serving(redis) as service, working(redis.url) as crew:
            assert service.answer(ordered()).body == expected([ordered()])[0]
            for pid in (crew.main, *crew.pids):
                assert b"s3cretword" not in Path(f"/proc/{pid}/cmdline").read_bytes()
            assert "s3cretword" not in json.dumps(service.health())
            assert "s3cretword" not in repr(Config(broker=Broker(redis.url)))


def test_tls_and_its_certificate_are_used(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    from tests.support.redis_server import free_port

    tls = free_port()
    options = ("--tls-port", str(tls), "--tls-cert-file", str(certificate), "--tls-key-file",
               str(key), "--tls-auth-clients", "no")  # fmt: skip
    with running_redis(tmp_path / "redis", *options, password="pw") as redis:
        url = f"rediss://:pw@127.0.0.1:{tls}/0?ssl_ca_certs={certificate}"
        service = Service(FakeColorizer(), FakeClip(), broker=Broker(url))
        with working(url):
            assert service.answer(ordered()).body == expected([ordered()])[0]
        service.close()
        stranger = Service(
            FakeColorizer(), FakeClip(), broker=Broker(f"rediss://:pw@127.0.0.1:{tls}/0")
        )
        assert "cannot be reached" in str(stranger.health()["queue"]), "an unknown certificate"
        stranger.close()
        assert redis.process is not None


def test_no_photo_is_lost_or_doubled_when_workers_are_killed(redis: RedisServer) -> None:
    """Processes and whole workers are killed at random moments, and Redis twice in between.

    No photo is killed more often than it may be: it would have failed, as another test shows.
    """
    dice = random.Random(7)
    requests = [ordered(n, seconds=0.03) for n in range(PHOTOS)]
    results: dict[int, bytes] = {}
    failures: list[BaseException] = []

    def colour(numbers: Iterator[int]) -> None:
        for number in numbers:
            try:
                body = patiently(requests[number])
            except BaseException as problem:
                failures.append(problem)
                raise
            assert number not in results, "delivered twice"
            results[number] = body

    def patiently(request: ColorizeRequest) -> bytes:
        """Ask again where Redis is just away, as a batch does."""
        while True:
            try:
                return jobs.run(request, LOCAL, is_disconnected=lambda: False).body
            except NoBroker:
                time.sleep(0.2)

    def victim(kill: int, crews: list[Crew]) -> int:
        """Choose a process that works, and every fourth time one with all that it started."""
        crew = dice.choice(crews)
        wait_until(lambda: len(crew.pids) == 2, "a victim")
        return crew.main if kill % 4 == 3 else dice.choice(crew.pids)

    with (
        working(redis.url, 2) as one,
        working(redis.url, 2) as other,
    ):
        # A busy machine may take long to start a worker again.
        jobs = ClusterJobs(Broker(redis.url), room=PHOTOS, retry_timeout=600, nobody=600)
        numbers = Numbers(PHOTOS)
        threads = [threading.Thread(target=colour, args=(numbers,)) for _ in range(12)]
        for thread in threads:
            thread.start()
        for kill in range(KILLS):
            due = (kill + dice.random()) * 0.95 * PHOTOS / KILLS
            wait_until(lambda due=due: len(results) >= due or bool(failures), "photos came")  # type: ignore[misc]
            time.sleep(dice.uniform(0, 0.06))  # anywhere in a photo: not to synchronise
            if kill in (KILLS // 3, 2 * KILLS // 3):
                redis.kill()
                redis.start()
            os.kill(victim(kill, [one, other]), signal.SIGKILL)
        for thread in threads:
            thread.join(timeout=2 * SOON)
            assert not thread.is_alive()
        assert jobs.state().waiting == 0, "nothing is left"
        jobs.close()
    assert not failures
    assert [results[n] for n in range(PHOTOS)] == expected(requests)


class Numbers(Iterator[int]):
    """Gives each number to one thread."""

    def __init__(self, count: int) -> None:
        self._numbers = iter(range(count))
        self._lock = threading.Lock()

    def __next__(self) -> int:
        with self._lock:
            return next(self._numbers)
