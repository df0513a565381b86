"""The queue on many machines as the service sees it: real Redis, workers in threads."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from flask.testing import FlaskClient
from redis.exceptions import RedisError

from models.progress import Progress, Stopped
from plugin_server.app import create_app
from plugin_server.broker import KEY_VARIABLE, Broker
from plugin_server.config import Config
from plugin_server.engine.engine import Engine
from plugin_server.engine.file_store import FileStore
from plugin_server.engine.library import UnusableLibrary
from plugin_server.engine.requests import Answer, KeepRequest, Request
from plugin_server.errors import Busy, NoBroker, NotDone, RemoteProblem
from plugin_server.images.codec import Limits
from plugin_server.jobs.local import EmbeddedJobs
from plugin_server.jobs.queue import Client
from plugin_server.jobs.redis.celery_app import PREFIX, lanes_of, made_with
from plugin_server.jobs.redis.job_store import JobStore, Keep
from plugin_server.jobs.redis.queue import ClusterJobs
from plugin_server.jobs.redis.worker import Bench, Settings
from plugin_server.service import Service
from retrieval.library import ExemplarLibrary
from tests.support.command import run as command
from tests.support.fakes import FakeClip, FakeColorizer
from tests.support.forms import post, refusal
from tests.support.held_work import (
    ANNA,
    BEN,
    HeldWork,
    check_that_a_job_is_queued_then_runs_then_is_done,
    check_that_progress_only_grows_and_versions_too,
    ended,
    never,
    photo,
)
from tests.support.pictures import encoded, grey_picture
from tests.support.redis_server import SOON, RedisServer, needs_redis, running_redis

pytestmark = needs_redis

Do = Callable[[Request, Progress], Answer]


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def broker(redis: RedisServer) -> Iterator[Broker]:
    broker = Broker(redis.url)
    client = broker.connect()
    client.flushall()
    yield broker
    client.close()


@pytest.fixture
def work() -> Iterator[HeldWork]:
    work = HeldWork()
    yield work
    work.release.set()


@contextmanager
def cluster(broker: Broker, *, places: int = 48, **options: float) -> Iterator[ClusterJobs]:
    def echo(request: Request, progress: Progress) -> Answer:
        return Answer(b"done here", "text/plain")

    here = EmbeddedJobs(
        echo, workers=1, waiting=1, file_store=FileStore(seconds=60, count=9, size=9999)
    )
    jobs = ClusterJobs(broker, here, lambda request: request, room=places, **options)
    try:
        yield jobs
    finally:
        jobs.close()


@contextmanager
def worker(broker: Broker, do: Do, *, name: str = "w") -> Iterator[Bench]:
    """Take and do jobs in a thread, as a Celery worker would, so that tests may hold the work."""
    store = JobStore(broker, Keep())
    bench = Bench(Settings(broker, name=name), do, store)
    ending = threading.Event()
    lanes = [f"{PREFIX}{lane}" for lane in lanes_of(made_with())]

    def run() -> None:
        while not ending.is_set():
            try:
                found = store.redis.brpop(lanes, timeout=0.05)
            except RedisError:
                ending.wait(0.05)
                continue
            if found is not None:
                lanes.append(lanes.pop(lanes.index(found[0].decode())))  # its turn is over
                bench.work(json.loads(found[1])["headers"]["id"])

    thread = threading.Thread(target=run)
    store.announce(name, made_with(), 1)
    thread.start()
    try:
        yield bench
    finally:
        ending.set()
        thread.join(timeout=SOON)
        assert not thread.is_alive()
        store.close()


def test_a_job_is_queued_then_runs_then_is_done(broker: Broker, work: HeldWork) -> None:
    with cluster(broker) as jobs, worker(broker, work):
        check_that_a_job_is_queued_then_runs_then_is_done(jobs, work)


def test_progress_only_grows_and_versions_too(broker: Broker, work: HeldWork) -> None:
    with cluster(broker) as jobs, worker(broker, work):
        check_that_progress_only_grows_and_versions_too(jobs, work)


def test_another_server_and_one_that_was_restarted_know_the_job(
    broker: Broker, work: HeldWork
) -> None:
    with worker(broker, work):
        with cluster(broker) as jobs:
            id = jobs.submit(photo("a"), ANNA).id
            work.wait_for(1)
        work.release.set()
        with cluster(broker) as other:
            assert ended(other, id).state == "done"
            assert other.result(id).body == b"colour of a"


def test_what_is_no_photo_to_colour_is_done_here(broker: Broker) -> None:
    with cluster(broker) as jobs:
        assert jobs.run(KeepRequest(b"x"), ANNA, is_disconnected=never).body == b"done here"


def test_turns_are_fair_and_positions_tell_them(broker: Broker, work: HeldWork) -> None:
    with cluster(broker) as jobs, worker(broker, work):
        jobs.submit(photo("running"), ANNA)
        work.wait_for(1)
        ids = [jobs.submit(photo(n), ANNA).id for n in range(3)]
        guest = jobs.submit(photo("guest"), BEN).id
        before = [jobs.status(id).position for id in (*ids, guest)]
        assert before[:3] == sorted(before[:3])
        assert before[3] <= 1, "one photo of Ben's does not wait for three of Anna's"
        jobs.cancel(ids[2])
        assert sorted(jobs.status(id).position for id in (*ids[:2], guest)) == [0, 1, 2]
        work.release.set()
        for id in (*ids[:2], guest):
            assert ended(jobs, id).state == "done"


def test_cancelling_frees_the_worker(broker: Broker, work: HeldWork) -> None:
    with cluster(broker) as jobs, worker(broker, work):
        first, second = (jobs.submit(photo(n), ANNA).id for n in "ab")
        third = jobs.submit(photo("c"), ANNA).id
        work.wait_for(1)
        assert jobs.cancel(second).state == "cancelled"
        assert jobs.cancel(first).state == "cancelled"
        work.wait_for(1)  # another begins though nobody released the first
        assert work.begun == [b"a", b"c"]
        assert jobs.status(third).state == "running"
        with pytest.raises(NotDone, match="cancelled"):
            jobs.result(first)
        work.release.set()


def test_a_failure_is_told(broker: Broker, work: HeldWork) -> None:
    work.release.set()
    with cluster(broker) as jobs, worker(broker, work):
        failed = ended(jobs, jobs.submit(photo("broken"), ANNA).id)
        assert failed.state == "failed"
        for ask in (
            lambda: jobs.result(failed.id),
            lambda: jobs.run(photo("broken"), ANNA, is_disconnected=never),
        ):
            with pytest.raises(RemoteProblem, match="damaged") as raised:
                ask()
            assert raised.value.status == 422
        assert jobs.run(photo("a"), ANNA, is_disconnected=never).body == b"colour of a"


def test_a_client_that_vanishes_stops_its_work(broker: Broker, work: HeldWork) -> None:
    vanished = threading.Event()
    raised: list[BaseException] = []
    with cluster(broker) as jobs, worker(broker, work):

        def ask() -> None:
            try:
                jobs.run(photo("a"), ANNA, is_disconnected=vanished.is_set)
            except Stopped as problem:
                raised.append(problem)

        thread = threading.Thread(target=ask)
        thread.start()
        work.wait_for(1)
        vanished.set()
        thread.join(timeout=SOON)
        assert len(raised) == 1
        work.wait_for_end()
        assert jobs.unfinished() == 0


def test_nothing_is_left_of_a_run(broker: Broker, work: HeldWork) -> None:
    work.release.set()
    with cluster(broker) as jobs, worker(broker, work):
        assert jobs.run(photo("a"), ANNA, is_disconnected=never).body == b"colour of a"
        client = broker.connect()
        for kind in ("job", "news"):
            assert not list(client.scan_iter(f"{PREFIX}{kind}:*"))
        client.close()


def test_many_clients_at_once_get_their_own(broker: Broker, work: HeldWork) -> None:
    work.release.set()
    wrong: list[object] = []

    def ask(number: int) -> None:
        client = Client(f"10.0.0.{number}")
        for turn in range(6):
            name = f"{number} {turn}"
            if turn % 2:
                body = jobs.run(photo(name), client, is_disconnected=never).body
            else:
                id = jobs.submit(photo(name), client).id
                ended(jobs, id)
                body = jobs.result(id).body
            if body != f"colour of {name}".encode():
                wrong.append((name, body))

    with cluster(broker) as jobs, worker(broker, work, name="v"), worker(broker, work):
        threads = [threading.Thread(target=ask, args=(n,)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=2 * SOON)
            assert not thread.is_alive()
    assert not wrong
    assert sorted(work.begun) == sorted(f"{n} {t}".encode() for n in range(6) for t in range(6))


def test_a_photo_that_waits_without_any_worker_is_not_waited_for_forever(broker: Broker) -> None:
    with cluster(broker, nobody=0.0) as jobs:
        assert "photochrom worker" in jobs.state().health
        with pytest.raises(NoBroker, match="start one"):
            jobs.run(photo("a"), ANNA, is_disconnected=never)
        assert jobs.unfinished() == 0


def test_a_worker_with_another_key_is_told_apart(redis: RedisServer, broker: Broker) -> None:
    """Neither does it colour what it may not trust, nor is it believed."""
    stranger = Broker(redis.url, key="the key of others")
    done: list[Request] = []

    def forge(request: Request, progress: Progress) -> Answer:
        done.append(request)
        return Answer(b"<script>", "text/html")

    with cluster(broker) as jobs, worker(stranger, forge):
        with pytest.raises(RemoteProblem, match=KEY_VARIABLE) as raised:
            jobs.run(photo("a"), ANNA, is_disconnected=never)
        assert (raised.value.status, raised.value.headers) == (502, {})
    assert done == []


# The same HTTP interface, the same bytes


@contextmanager
def twins(broker: Broker, folder: Path) -> Iterator[tuple[FlaskClient, FlaskClient]]:
    """Give clients of two servers with one library: the embedded queue, and workers elsewhere."""
    library = ExemplarLibrary.open(folder, clip=FakeClip())
    library.add_photo(encoded(skimage.data.coffee()[::4, ::4]), name="coffee.png")
    library.add_photo(encoded(skimage.data.chelsea()[::4, ::4]), name="cat.png")
    here = Service(FakeColorizer(), FakeClip(), library=library)
    there = Service(FakeColorizer(), FakeClip(), library=library, broker=broker)
    engine = Engine(
        FakeColorizer(), FakeClip(), library=UnusableLibrary(), limits=Limits(),
        photos=FileStore(seconds=0, count=0, size=0),
    )  # fmt: skip
    with worker(broker, engine.do):
        yield tuple(create_app(Config(), service).test_client() for service in (here, there))
    there.close()
    here.close()


def file(data: bytes) -> tuple[io.BytesIO, str]:
    return io.BytesIO(data), "photo"


def test_the_same_requests_give_the_same_bytes(broker: Broker, tmp_path: Path) -> None:
    grey16 = (grey_picture().astype(np.uint16) * 257).reshape(24, 32, 1)
    asked: list[dict[str, object]] = [
        {},
        {"description": "a red tram", "saturation": "1.5"},
        {"hints": '[{"x":3,"y":4,"color":"#c04030"}]', "strength": "0.5"},
        {"image": encoded(grey_picture(), "JPEG")},
        {"image": encoded(grey16, "npy"), "accept": "image/tiff"},
        {"palette": '["#c04030","#4060a0"]'},
        {"mask": encoded(grey_picture(seed=3))},
        {"exemplar": "auto"},
        {"image": b"no picture"},
        {"saturation": "9"},
        {"exemplar": "nobody"},
        {"hints": '[{"x":3000,"y":4,"color":"#c04030"}]'},
        {"mask": encoded(grey_picture(8, 8))},
        {"accept": "text/html"},
    ]
    reference = encoded(skimage.data.coffee()[::4, ::4])
    with twins(broker, tmp_path / "library") as (here, there):
        for fields in asked:
            one, other = post(here, **fields), post(there, **fields)  # type: ignore[arg-type]
            assert one.status_code == other.status_code, (fields, one.text, other.text)
            assert one.data == other.data, fields
            assert without_timing(one.headers) == without_timing(other.headers), fields
        one, other = (post(client, reference=file(reference)) for client in (here, there))
        assert one.status_code == 200
        assert one.data == other.data
        kept = [
            client.post("/v1/images", data={"image": file(encoded(grey_picture()))}).get_json()
            for client in (here, there)
        ]
        one, other = (
            client.post("/v1/colorize", data={"image_id": answer["id"]})
            for client, answer in zip((here, there), kept, strict=True)
        )
        assert one.status_code == 200
        assert one.data == other.data


def without_timing(headers: object) -> dict[str, str]:
    return {name: value for name, value in headers if name != "Server-Timing"}  # type: ignore[attr-defined]


def test_jobs_over_http_are_the_same(broker: Broker, tmp_path: Path) -> None:
    with twins(broker, tmp_path / "library") as (here, there):
        for fields in ({}, {"exemplar": "auto"}, {"exemplar": "nobody"}, {"image_id": "nothing"}):
            results = []
            for client in (here, there):
                data = dict(fields)
                if "image_id" not in data:
                    data["image"] = file(encoded(grey_picture()))  # type: ignore[assignment]
                made = client.post("/v1/jobs", data=data)
                assert made.status_code == 202
                events = client.get(f"{made.headers['Location']}/events").text
                assert '"progress": 1' in events or '"failed"' in events
                result = client.get(f"{made.headers['Location']}/result")
                results.append((result.status_code, result.data))
            assert results[0] == results[1], fields


# Redis away


def test_redis_that_is_away_is_a_clear_problem_and_comes_back(tmp_path: Path) -> None:
    with running_redis(tmp_path, password="s3cret") as redis:
        redis.stop()
        service = Service(FakeColorizer(), FakeClip(), broker=Broker(redis.url))
        client = create_app(Config(), service).test_client()
        for answer in (
            post(client),
            client.post("/v1/jobs", data={"image": file(encoded(grey_picture()))}),
            client.get("/v1/jobs/abc"),
        ):
            detail = refusal(answer, 503)
            assert "start redis-server" in detail
            assert "s3cret" not in detail
            assert int(answer.headers["Retry-After"]) >= 1
        health = client.get("/v1/health").get_json()
        assert health["workers"] == 0
        assert "cannot be reached" in health["queue"]
        redis.start()
        made = client.post("/v1/jobs", data={"image": file(encoded(grey_picture()))})
        assert made.status_code == 202
        work = HeldWork()
        work.release.set()
        with worker(Broker(redis.url), work):
            assert ended(service.jobs, made.get_json()["id"]).state == "done"  # type: ignore[arg-type]
        service.close()


def test_an_answer_waits_for_a_redis_that_restarts(tmp_path: Path, work: HeldWork) -> None:
    with running_redis(tmp_path) as redis:
        broker = Broker(redis.url)
        with cluster(broker) as jobs, worker(broker, work):
            waiting = [jobs.submit(photo(n), ANNA).id for n in range(4)]
            work.wait_for(1)
            redis.kill()
            work.release.set()
            work.wait_for_end()
            redis.start()
            assert [ended(jobs, id).state for id in waiting] == ["done"] * 4
            assert sorted(jobs.result(id).body for id in waiting) == [
                f"colour of {n}".encode() for n in range(4)
            ]
        assert sorted(work.begun) == [b"0", b"1", b"2", b"3"], "nothing was done twice"


def test_it_is_known_when_somebody_who_waits_last_had_a_worker(
    broker: Broker, work: HeldWork
) -> None:
    with cluster(broker) as jobs, ThreadPoolExecutor(1) as pool:
        began = jobs.attended
        waiting = pool.submit(jobs.run, photo("a"), ANNA, is_disconnected=never)
        time.sleep(1.5)
        assert jobs.attended == began, "no worker has come"
        with worker(broker, work):
            work.wait_for(1)
            time.sleep(2.5)
            assert time.monotonic() - jobs.attended < 2
            work.release.set()
            assert waiting.result(SOON).body == b"colour of a"


def test_a_wrong_password_is_said(tmp_path: Path) -> None:
    with running_redis(tmp_path, password="right") as redis:
        for login in ("", ":wrong@"):
            broker = Broker(f"redis://{login}127.0.0.1:{redis.port}/0")
            with cluster(broker) as jobs:
                with pytest.raises(NoBroker, match="password") as raised:
                    jobs.submit(photo("a"), ANNA)
                assert "wrong" not in str(raised.value)


def test_a_full_queue_is_429_with_a_time(broker: Broker) -> None:
    service = Service(FakeColorizer(), FakeClip(), waiting=0, broker=broker)
    client = create_app(Config(), service).test_client()
    picture = encoded(grey_picture())
    assert client.post("/v1/jobs", data={"image": file(picture)}).status_code == 202
    refused = client.post("/v1/jobs", data={"image": file(picture)})
    assert "try again in" in refusal(refused, Busy.status)
    assert int(refused.headers["Retry-After"]) >= 1
    service.close()


# A batch


def test_a_batch_of_workers_writes_what_this_process_would(broker: Broker, tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    (scans / "box").mkdir(parents=True)
    for number, name in enumerate(("a.png", "box/b.jpg", "box/c.tif")):
        kind = {"png": "PNG", "jpg": "JPEG", "tif": "TIFF"}[name[-3:]]
        (scans / name).write_bytes(encoded(grey_picture(seed=number), kind))
    (scans / "broken.png").write_bytes(b"no picture")
    local, remote = tmp_path / "local", tmp_path / "far"
    engine = Engine(
        FakeColorizer(), FakeClip(), library=UnusableLibrary(), limits=Limits(),
        photos=FileStore(seconds=0, count=0, size=0),
    )  # fmt: skip
    with worker(broker, engine.do):
        here = command("colorize", scans, "-o", local, "-r", "-d", "a red tram")
        there = command(
            "colorize", scans, "-o", remote, "-r", "-d", "a red tram", "--broker", broker.url
        )
    assert here.exit_code == there.exit_code == 2
    assert "broken.png" in there.stderr
    for name in ("a.png", "box/b.jpg", "box/c.tif"):
        assert (remote / name).read_bytes() == (local / name).read_bytes(), name


def test_a_batch_may_ask_for_exemplars_that_only_it_has(broker: Broker, tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "a.png").write_bytes(encoded(grey_picture()))
    folder = tmp_path / "library"
    library = ExemplarLibrary.open(folder, clip=FakeClip())
    library.add_photo(encoded(skimage.data.coffee()[::4, ::4]), name="coffee.png")
    library.close()

    def load(config: Config) -> Service:
        library = ExemplarLibrary.open(folder, clip=FakeClip())
        return Service(FakeColorizer(), FakeClip(), library=library, broker=config.broker)

    engine = Engine(
        FakeColorizer(), FakeClip(), library=UnusableLibrary(), limits=Limits(),
        photos=FileStore(seconds=0, count=0, size=0),
    )  # fmt: skip
    with worker(broker, engine.do):
        asked = ("colorize", tmp_path / "scans", "--exemplar", "auto", "--library", folder, "-o")
        assert command(*asked, tmp_path / "local", load=load).exit_code == 0
        asked_far = (*asked, tmp_path / "far", "--broker", broker.url)
        assert command(*asked_far, load=load).exit_code == 0
    results = [(tmp_path / name / "a.png").read_bytes() for name in ("local", "far")]
    assert results[0] == results[1]


def test_a_broker_is_for_folders(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(grey_picture()))
    for more in ((tmp_path / "a.png",), (tmp_path, "-o", tmp_path / "o", "--server", "http://x")):
        refused = command("colorize", *more, "--broker", "redis://127.0.0.1:1/0")
        assert refused.exit_code == 2
        assert "whole folders" in refused.stderr
    refused = command("colorize", tmp_path, "-o", tmp_path / "o", "--broker", "http://x")
    assert "redis://HOST:PORT/0" in refused.stderr


# A library


def test_workers_prepare_a_library_as_this_process_would(broker: Broker, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for name, pixels in (("coffee", skimage.data.coffee()), ("cat", skimage.data.chelsea())):
        (photos / f"{name}.png").write_bytes(encoded(pixels[::3, ::3]))
    (photos / "coffee.txt").write_text("a cup of coffee", "utf-8")
    (photos / "grey.png").write_bytes(encoded(grey_picture(64, 64)))
    (photos / "broken.png").write_bytes(b"no picture")
    engine = Engine(
        FakeColorizer(), FakeClip(), library=UnusableLibrary(), limits=Limits(),
        photos=FileStore(seconds=0, count=0, size=0),
    )  # fmt: skip
    here, there = tmp_path / "here", tmp_path / "there"
    command("library", "add", photos, "--library", here, "-v")
    with worker(broker, engine.do):
        said = command("library", "add", photos, "--library", there, "-v", "--broker", broker.url)
    assert "grey: it has no colours to lend" in said.stderr
    assert "broken: " in said.stderr
    one, other = (ExemplarLibrary.open(folder, clip=FakeClip()) for folder in (here, there))
    assert one.list() == other.list()
    assert len(one) == 2
    assert np.allclose(one.vectors()[1], other.vectors()[1], atol=1e-6)
    assert [other.thumbnail(e.id) for e in other.list()] == [
        one.thumbnail(e.id) for e in one.list()
    ]
    one.close()
    other.close()
