"""The book of jobs, in a real Redis: turns, limits, leases, and what becomes of lost workers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from plugin_server.broker import Broker
from plugin_server.errors import Busy, Elsewhere, NotDone, NotKept
from plugin_server.images.codec import BrokenImage
from plugin_server.jobs.redis.job_store import ATTEMPTS, PREFIX, Keep, Ledger, Room, Taken
from tests.support.redis_server import RedisServer, needs_redis, running_redis

pytestmark = needs_redis

MakeLedger = Callable[..., Ledger]


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def make(redis: RedisServer) -> Iterator[MakeLedger]:
    made: list[Ledger] = []

    def build(
        *, lease: int = 20, keep: Keep | None = None, places: int = 48, size: int = 1 << 30
    ) -> Ledger:
        room = Room(places, size)
        made.append(Ledger(Broker(redis.url), room=room, keep=keep or Keep(), lease=lease))
        return made[-1]

    build().redis.flushdb()
    yield build
    for ledger in made:
        ledger.close()


def submit(ledger: Ledger, id: str, client: str = "anna", size: int = 3, keep: bool = True) -> None:
    ledger.submit(id, client, b"{}", {"image": bytes(size)}, keep=keep)


def take(ledger: Ledger, token: str = "w/1") -> Taken:
    taken = ledger.take(token)
    assert taken is not None
    return taken


def state(ledger: Ledger, id: str) -> str:
    entry = ledger.entry(id)
    assert entry is not None
    return entry.status.state


def test_a_job_from_its_beginning_to_its_end(make: MakeLedger) -> None:
    ledger = make()
    ledger.submit("a", "anna", b'{"x":1}', {"image": b"\x00\xff", "mask": b"m"}, keep=True)
    taken = take(ledger)
    assert (taken.id, taken.request, taken.attempts) == ("a", b'{"x":1}', 1)
    assert taken.pictures == {"image": b"\x00\xff", "mask": b"m"}
    assert ledger.take("w/2") is None
    assert ledger.beat(taken, "network", 0.3)
    entry = ledger.entry("a")
    assert entry is not None
    assert (entry.status.state, entry.status.stage, entry.status.progress) == (
        "running", "network", 0.3,
    )  # fmt: skip
    assert ledger.done(taken, b'{"y":2}', b"colour", 0.1)
    entry = ledger.entry("a")
    assert entry is not None
    assert (entry.status.state, entry.status.progress, entry.outcome) == ("done", 1.0, b'{"y":2}')
    assert ledger.blob(entry.body) == b"colour"
    left = {key.decode() for key in ledger.redis.scan_iter(f"{PREFIX}blob:*")}
    assert left == {entry.body}, "what was sent goes as soon as it is not needed any more"


def test_every_change_has_a_version_of_its_own_and_progress_only_grows(make: MakeLedger) -> None:
    ledger = make()
    submit(ledger, "a")
    seen = [ledger.entry("a")]
    taken = take(ledger)
    seen.append(ledger.entry("a"))
    for share in (0.2, 0.1, 0.205, 0.5):
        ledger.beat(taken, "join", share)
        seen.append(ledger.entry("a"))
    statuses = [entry.status for entry in seen if entry is not None]
    assert [s.progress for s in statuses] == [0, 0, 0.2, 0.2, 0.2, 0.5]
    assert [s.version for s in statuses] == [0, 1, 2, 2, 2, 3]


def test_turns_are_fair_and_positions_tell_them(make: MakeLedger) -> None:
    ledger = make()
    for number in range(4):
        submit(ledger, f"a{number}", "anna")
    submit(ledger, "b0", "ben")
    submit(ledger, "b1", "ben")
    expected = ["a0", "b0", "a1", "b1", "a2", "a3"]
    entries = {id: ledger.entry(id) for id in expected}
    assert [e.status.position for e in entries.values() if e] == [0, 1, 2, 3, 4, 5]
    order = [take(ledger, f"w/{n}").id for n in range(3)]
    submit(ledger, "c0", "cleo")  # comes later, and yet before anna's third
    order += [take(ledger, f"w/{n}").id for n in range(3, 7)]
    assert [id for id in order if id != "c0"] == expected
    assert order.index("c0") == 4


def test_a_queue_that_was_empty_owes_nobody_anything(make: MakeLedger) -> None:
    ledger = make()
    for number in range(3):
        submit(ledger, f"a{number}", "anna")
        take(ledger, f"w/{number}")
    submit(ledger, "b", "ben")
    submit(ledger, "a", "anna")
    assert [take(ledger, "w/8").id, take(ledger, "w/9").id] == ["b", "a"]


def test_the_room_is_bounded_and_some_of_it_is_for_others(make: MakeLedger) -> None:
    ledger = make(places=8)
    for worker in ("v", "w"):
        ledger.announce(worker)
    submit(ledger, "running")
    take(ledger)
    for number in range(7):
        submit(ledger, f"a{number}")
    with pytest.raises(Busy, match=r"7 photos of yours .* are for others; try again in"):
        submit(ledger, "more")
    submit(ledger, "b", "ben")
    submit(ledger, "c", "cleo")
    with pytest.raises(Busy, match=r"10 photos .* the limit; try again in") as refused:
        submit(ledger, "d", "dora")
    assert 1 <= refused.value.seconds <= 60
    assert not list(ledger.redis.scan_iter(f"{PREFIX}blob:d:*"))
    ledger.cancel("a0")
    submit(ledger, "d", "dora")


def test_bytes_that_wait_are_bounded(make: MakeLedger) -> None:
    ledger = make(size=100)
    submit(ledger, "a", size=90)
    with pytest.raises(Busy, match=r"90 bytes .* limit is 100"):
        submit(ledger, "b", "ben", size=20)
    take(ledger)
    submit(ledger, "b", "ben", size=2000)  # alone it may be as large as it likes


def test_a_submission_that_is_sent_again_is_one(make: MakeLedger) -> None:
    ledger = make()
    submit(ledger, "a")
    submit(ledger, "a")
    assert ledger.counts() == (1, 0, 0)


def test_a_lost_worker_loses_its_job_once_and_the_job_then_fails(make: MakeLedger) -> None:
    ledger = make(lease=0)
    submit(ledger, "a")
    for attempt in range(1, ATTEMPTS + 1):
        taken = take(ledger, f"w/{attempt}")
        assert taken.attempts == attempt
        assert taken.pictures == {"image": bytes(3)}, "the photo is there for the next attempt"
        waiting = ledger.mend()
        assert waiting == (1 if attempt < ATTEMPTS else 0)
        assert not ledger.beat(taken, "join", 0.9)
        assert not ledger.done(taken, b"{}", b"late", 0.1), "it is not its job any more"
    entry = ledger.entry("a")
    assert entry is not None
    assert entry.status.state == "failed"
    assert isinstance(entry.status.error, Elsewhere)
    assert "begun twice" in str(entry.status.error)
    assert ledger.counts()[:2] == (0, 0)


def test_the_first_answer_is_delivered_and_no_other(make: MakeLedger) -> None:
    ledger = make(lease=0)
    submit(ledger, "a")
    first = take(ledger, "v/1")
    ledger.mend()
    second = take(ledger, "w/1")
    assert ledger.done(second, b'"second"', b"2", 0.1)
    assert not ledger.done(first, b'"first"', b"1", 0.1)
    assert ledger.done(second, b'"second"', b"2", 0.1), "a reply that was lost is given again"
    entry = ledger.entry("a")
    assert entry is not None
    assert (entry.outcome, ledger.blob(entry.body)) == (b'"second"', b"2")


def test_leases_that_are_renewed_do_not_end(make: MakeLedger) -> None:
    ledger, late = make(lease=30), make(lease=0)
    submit(ledger, "a")
    taken = take(late, "w/1")
    assert ledger.beat(taken, "join", 0.5)
    ledger.mend()
    assert state(ledger, "a") == "running"


def test_a_worker_known_to_be_dead_is_not_waited_for(make: MakeLedger) -> None:
    ledger = make(lease=600)
    submit(ledger, "a")
    submit(ledger, "b")
    take(ledger, "worker-1/1")
    take(ledger, "worker-12/1")
    assert ledger.mend("worker-1") == 1
    assert [state(ledger, id) for id in "ab"] == ["queued", "running"]
    assert take(ledger, "w/1").id == "a"


def test_a_job_given_back_is_next(make: MakeLedger) -> None:
    ledger = make(lease=600)
    for id in "abc":
        submit(ledger, id)
    take(ledger, "dead/1")
    ledger.mend("dead")
    assert take(ledger).id == "a"


def test_cancelling_takes_a_job_from_whoever_has_it(make: MakeLedger) -> None:
    ledger = make()
    submit(ledger, "waits")
    submit(ledger, "runs")
    ledger.cancel("waits")
    taken = take(ledger)
    assert taken.id == "runs"
    ledger.cancel("runs")
    assert not ledger.beat(taken, "join", 0.5)
    assert not ledger.done(taken, b"{}", b"x", 0.1)
    assert [state(ledger, id) for id in ("waits", "runs")] == ["cancelled", "cancelled"]
    assert ledger.counts()[:2] == (0, 0)
    ledger.cancel("runs")
    assert ledger.entry("runs") is None, "a finished job is forgotten"


def test_results_are_bounded_in_number_and_bytes(make: MakeLedger) -> None:
    ledger = make(keep=Keep(600, count=3, size=100))
    for number in range(5):
        submit(ledger, str(number))
        ledger.done(take(ledger), b"{}", bytes(10), 0.1)
    assert [ledger.entry(str(n)) is not None for n in range(5)] == [False] * 2 + [True] * 3
    submit(ledger, "large")
    ledger.done(take(ledger), b"{}", bytes(95), 0.1)
    assert [ledger.entry(id) is not None for id in ("2", "3", "4", "large")] == [False] * 3 + [True]
    assert len(list(ledger.redis.scan_iter(f"{PREFIX}blob:*"))) == 1


def test_everything_expires(make: MakeLedger) -> None:
    ledger = make()
    submit(ledger, "waits")
    submit(ledger, "done")
    ledger.cancel("waits")
    ledger.done(take(ledger), b"{}", b"x", 0.1)
    submit(ledger, "waits too")
    ledger.put_failed("failed", NotKept("gone"))
    kinds = {"job", "blob"}
    for key in ledger.redis.scan_iter(f"{PREFIX}*"):
        if key.decode().split(":")[1] in kinds:
            assert ledger.redis.ttl(key) > 0, key


def test_errors_arrive_as_the_problem_that_they_are(make: MakeLedger) -> None:
    ledger = make()
    submit(ledger, "a")
    ledger.failed(take(ledger), BrokenImage("the picture is damaged"))
    ledger.put_failed("b", NotDone("not yet"))
    problems = [entry.status.error for id in "ab" if (entry := ledger.entry(id)) is not None]
    assert [(p.status, str(p)) for p in problems if isinstance(p, Elsewhere)] == [
        (422, "the picture is damaged"), (409, "not yet"),
    ]  # fmt: skip


def test_workers_are_counted_while_they_show_signs_of_life(make: MakeLedger) -> None:
    ledger = make()
    ledger.announce("v")
    ledger.announce("w")
    ledger.announce("w")
    assert ledger.counts() == (0, 0, 2)
    ledger.leave("v")
    assert ledger.counts() == (0, 0, 1)
    ledger.redis.zadd(f"{PREFIX}workers", {"w": 1.0})  # silent since 1970
    assert ledger.counts() == (0, 0, 0)


def test_only_json_and_raw_bytes_lie_in_redis(make: MakeLedger) -> None:
    ledger = make()
    submit(ledger, "a")
    ledger.done(take(ledger), b'{"media_type":"image/png"}', b"x", 0.1)
    assert json.loads(ledger.redis.hget(f"{PREFIX}job:a", "outcome"))
