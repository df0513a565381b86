"""The store of jobs on a real Redis: the first outcome counts, and nothing stays for ever."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from plugin_server.broker import KEY_VARIABLE, Broker, BrokerError
from plugin_server.engine.requests import ColorizeRequest
from plugin_server.errors import RemoteProblem
from plugin_server.images.codec import BrokenImage
from plugin_server.jobs.redis.celery_app import PREFIX, made_with
from plugin_server.jobs.redis.job_store import (
    ALIVE,
    FINISHED,
    WAITING_SECONDS,
    Entry,
    JobStore,
    Keep,
)
from plugin_server.jobs.redis.seal import SIZE
from plugin_server.jobs.redis.serialization import LENGTH, pack, pack_error, unpack
from tests.support.redis_server import RedisServer, needs_redis, running_redis

pytestmark = needs_redis


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def store(redis: RedisServer) -> Iterator[JobStore]:
    store = JobStore(Broker(redis.url), Keep(seconds=60, count=3, size=1000))
    store.redis.flushall()
    yield store
    store.close()


def put(store: JobStore, id: str, *, kept: bool = True) -> None:
    store.put(id, "anna", pack(ColorizeRequest(b"photo")), kept=kept)


def state(store: JobStore, id: str) -> str:
    entry = store.entry(id)
    assert entry is not None
    return entry.status.state


def test_a_job_from_its_beginning_to_its_end(store: JobStore) -> None:
    put(store, "a")
    assert state(store, "a") == "queued"
    assert store.report("a", "node", "network", 0.3)
    running = store.entry("a")
    assert running is not None
    assert (running.status.state, running.status.stage, running.status.progress) == (
        "running", "network", 0.3,
    )  # fmt: skip
    assert running.node == "node"
    assert unpack(store.request("a")) == ColorizeRequest(b"photo")
    assert store.finish("a", "done", b"{}", b"body")
    done = store.entry("a")
    assert done is not None
    assert (done.status.state, done.status.progress, done.outcome) == ("done", 1.0, b"{}")
    assert store.answer("a") == b"body"
    assert store.request("a") == b"", "the photo is not needed any more"
    store.forget("a")
    assert store.entry("a") is None
    assert store.redis.keys() == []


@pytest.mark.parametrize("first", ["done", "failed", "cancelled"])
def test_the_first_outcome_is_the_jobs_and_no_other(store: JobStore, first: str) -> None:
    put(store, "a")
    outcomes = {"done": b"{}", "failed": pack_error(BrokenImage("damaged")), "cancelled": b""}
    assert store.finish("a", first, outcomes[first], b"body")
    for other in outcomes:
        assert not store.finish("a", other, outcomes[other], b"body")
        assert state(store, "a") == first
    assert not store.report("a", "node", "network", 0.5), "whoever still works on it is told"
    assert state(store, "a") == first


def test_what_was_forgotten_does_not_come_back(store: JobStore) -> None:
    put(store, "a")
    store.forget("a")
    assert not store.report("a", "node", "network", 0.5)
    assert not store.finish("a", "done", b"{}", b"body")
    assert store.entry("a") is None
    assert store.redis.keys() == []


@pytest.fixture
def crossing(
    store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[], object]], None]:
    """Let something else happen right after the next look at a job."""
    look = store.entry

    def cross(other: Callable[[], object]) -> None:
        def entry(id: str) -> Entry | None:
            found = look(id)
            monkeypatch.setattr(store, "entry", look)
            other()
            return found

        monkeypatch.setattr(store, "entry", entry)

    return cross


def test_of_two_outcomes_that_cross_one_is_written(
    store: JobStore, crossing: Callable[[Callable[[], object]], None]
) -> None:
    put(store, "a")
    crossing(lambda: store.finish("a", "cancelled", b""))
    assert not store.finish("a", "done", b"{}", b"body")
    assert state(store, "a") == "cancelled"
    assert store.answer("a") is None
    assert store.redis.lrange(FINISHED, 0, -1) == [b"a"]


def test_an_outcome_does_not_bring_back_a_job_that_is_forgotten_meanwhile(
    store: JobStore, crossing: Callable[[Callable[[], object]], None]
) -> None:
    put(store, "a")
    crossing(lambda: store.forget("a"))
    assert not store.finish("a", "done", b"{}", b"body")
    assert store.redis.keys() == []


def test_every_change_is_a_new_version_and_progress_only_grows(store: JobStore) -> None:
    put(store, "a")
    seen = [store.entry("a")]
    for stage, progress in (("decode", 0.2), ("network", 0.6), ("join", 0.1)):
        store.report("a", "node", stage, progress)
        seen.append(store.entry("a"))
        store.report("a", "node", stage, progress)
        assert store.entry("a").status == seen[-1].status, "what is known is not told again"
    store.finish("a", "done", b"{}", b"body")
    seen.append(store.entry("a"))
    statuses = [entry.status for entry in seen if entry is not None]
    assert len(statuses) == 5
    versions = [status.version for status in statuses]
    assert versions == sorted(set(versions))
    assert [status.progress for status in statuses] == [0.0, 0.2, 0.6, 0.6, 1.0]


def test_a_change_is_not_missed_between_looking_and_waiting(store: JobStore) -> None:
    put(store, "a")
    before = store.entry("a")
    assert before is not None
    store.report("a", "node", "network", 0.1)
    begun = time.monotonic()
    store.wait(before, 5.0)
    assert time.monotonic() - begun < 2.5
    after = store.entry("a")
    assert after is not None
    store.wait(after, 0.05)  # and returns where nothing changes


def test_results_are_bounded_in_number_and_bytes(store: JobStore) -> None:
    for id in "abcd":
        put(store, id)
        store.finish(id, "done", b"{}", b"body")
    assert store.entry("a") is None, "the oldest of too many"
    assert [state(store, id) for id in "bcd"] == ["done"] * 3
    put(store, "large")
    size = 1000 - 4 - 2 * SIZE
    store.finish("large", "done", b"{}", bytes(size))
    assert [store.entry(id) is None for id in "bcd"] == [True, True, False]
    assert store.answer("large") == bytes(size)


def test_everything_expires(store: JobStore) -> None:
    put(store, "a")
    store.report("a", "node", "network", 0.1)
    store.report("b", "node", "network", 0.1)
    for key in store.redis.keys("*"):
        assert 0 < store.redis.ttl(key) <= WAITING_SECONDS, key
    store.finish("a", "done", b"{}", b"body")
    for key in store.redis.keys("*:a*"):
        assert 0 < store.redis.ttl(key) <= 60, key


def test_workers_are_counted_while_they_show_signs_of_life(store: JobStore) -> None:
    store.announce("one", "0.1.0-abc", 4)
    store.announce("two", "0.1.0-def", 1)
    assert store.workers() == {"one": ("0.1.0-abc", 4), "two": ("0.1.0-def", 1)}
    store.redis.zincrby(f"{PREFIX}workers", -ALIVE - 1, "one 0.1.0-abc 4")
    assert store.workers() == {"two": ("0.1.0-def", 1)}
    store.leave("two", "0.1.0-def", 1)
    assert store.workers() == {}


def test_only_json_and_raw_bytes_lie_in_redis(store: JobStore) -> None:
    put(store, "a")
    request = store.redis.hget(f"{PREFIX}job:a", "request")
    text = request[SIZE + LENGTH : -len(b"photo")]
    assert json.loads(text)[0] == "ColorizeRequest"
    assert request.endswith(b"photo")


def test_models_are_told_apart_by_version_and_weights(tmp_path: Path) -> None:
    own = tmp_path / "mine.safetensors"
    own.write_bytes(b"weights")
    first = made_with(own)
    assert len({made_with(), made_with(clip="other"), first}) == 3
    assert made_with(own) == first
    (tmp_path / "grounding.safetensors").write_bytes(b"beside them")
    assert made_with(own) != first
    own.write_bytes(b"other weights")
    assert made_with(own) != first


@pytest.mark.parametrize("place", [0, SIZE, SIZE + LENGTH, -5, -1])
def test_no_worker_takes_what_was_changed_on_its_way(store: JobStore, place: int) -> None:
    """A mask that is only taken away would colour what the client wanted left alone."""
    asked = ColorizeRequest(b"photo", mask=b"mask")
    store.put("a", "anna", pack(asked), kept=True)
    assert unpack(store.request("a")) == asked
    sealed = bytearray(store.redis.hget(f"{PREFIX}job:a", "request"))
    for changed in (sealed[:place], bytes(SIZE) + sealed[SIZE:]):
        store.redis.hset(f"{PREFIX}job:a", "request", bytes(changed))
        with pytest.raises(RemoteProblem, match=KEY_VARIABLE):
            store.request("a")
    sealed[place] ^= 1
    store.redis.hset(f"{PREFIX}job:a", "request", bytes(sealed))
    with pytest.raises(RemoteProblem, match=KEY_VARIABLE):
        store.request("a")


def test_a_request_is_for_one_job_alone(store: JobStore) -> None:
    put(store, "a")
    put(store, "b")
    store.redis.hset(f"{PREFIX}job:a", "request", store.redis.hget(f"{PREFIX}job:b", "request"))
    with pytest.raises(RemoteProblem, match=KEY_VARIABLE):
        store.request("a")


def test_an_outcome_that_was_changed_or_is_another_jobs_is_none(store: JobStore) -> None:
    for id in "ab":
        put(store, id)
        store.finish(id, "done", b"{}", f"colour of {id}".encode())
    other = {key: store.redis.hget(f"{PREFIX}job:{key}", "answer") for key in "ab"}
    store.redis.hset(f"{PREFIX}job:a", "answer", other["b"])
    with pytest.raises(RemoteProblem, match=KEY_VARIABLE):
        store.answer("a")
    store.redis.hset(f"{PREFIX}job:a", "answer", other["a"])
    assert store.answer("a") == b"colour of a"
    end = store.redis.hget(f"{PREFIX}job:b", "outcome")
    for forged in (end, b"done {}", b"", end[:SIZE] + b"failed {}"):
        store.redis.hset(f"{PREFIX}job:a", "outcome", forged)
        entry = store.entry("a")
        assert entry is not None
        assert entry.status.state == "failed"
        assert isinstance(entry.status.error, RemoteProblem)
        assert entry.status.error.status == 502


def test_who_has_another_key_reads_and_writes_nothing(redis: RedisServer, store: JobStore) -> None:
    stranger = JobStore(Broker(redis.url, key="0123456789abcdef"), Keep())
    put(store, "a")
    with pytest.raises(RemoteProblem, match=KEY_VARIABLE):
        stranger.request("a")
    assert stranger.finish("a", "done", b"{}", b"<script>")
    assert state(store, "a") == "failed"
    with pytest.raises(RemoteProblem, match=KEY_VARIABLE):
        store.answer("a")
    stranger.close()


def test_the_key_is_the_brokers_own_or_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "redis://:pass%3Aword@localhost/0"
    assert Broker(url).secret == b"pass:word"
    assert Broker(url, key="0123456789abcdef").secret == b"0123456789abcdef"
    monkeypatch.setenv(KEY_VARIABLE, "of the environment")
    assert Broker(url).secret == b"of the environment"
    assert "environment" not in repr(Broker(url))
    with pytest.raises(BrokerError, match="openssl rand"):
        Broker(url, key="short")
