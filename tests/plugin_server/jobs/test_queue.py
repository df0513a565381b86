"""The queue inside the process, with real threads and work that waits for the test."""

from __future__ import annotations

import gc
import threading
import traceback
import weakref
from collections.abc import Callable, Iterator

import pytest

from models.progress import Progress, Stopped
from plugin_server.engine.file_store import FileStore
from plugin_server.engine.requests import Answer, ColorizeRequest, Request
from plugin_server.errors import Busy, NotDone, NotKept, RemoteProblem
from plugin_server.images.codec import BrokenImage
from plugin_server.jobs.local import EmbeddedJobs
from plugin_server.jobs.queue import Client
from tests.support.held_work import (
    ANNA,
    BEN,
    SOON,
    HeldWork,
    check_that_a_job_is_queued_then_runs_then_is_done,
    check_that_progress_only_grows_and_versions_too,
    ended,
    never,
    photo,
)

MakeJobs = Callable[..., EmbeddedJobs]


@pytest.fixture
def work() -> HeldWork:
    return HeldWork()


@pytest.fixture
def make(work: HeldWork) -> Iterator[MakeJobs]:
    made: list[EmbeddedJobs] = []

    def build(*, workers: int = 1, waiting: int = 8, count: int = 100, **options: int) -> object:
        file_store = FileStore(seconds=600, count=count, size=10_000)
        jobs = EmbeddedJobs(
            work, workers=workers, waiting=waiting, file_store=file_store, **options
        )
        made.append(jobs)
        return jobs

    yield build
    for jobs in made:
        jobs.close()


def test_a_job_is_queued_then_runs_then_is_done(make: MakeJobs, work: HeldWork) -> None:
    check_that_a_job_is_queued_then_runs_then_is_done(make(), work)


def test_progress_only_grows_and_versions_too(make: MakeJobs, work: HeldWork) -> None:
    check_that_progress_only_grows_and_versions_too(make(), work)


def test_positions_count_what_comes_before(make: MakeJobs, work: HeldWork) -> None:
    jobs = make()
    jobs.submit(photo("running"), ANNA)
    work.wait_for(1)
    ids = [jobs.submit(photo(n), ANNA).id for n in range(3)]
    guest = jobs.submit(photo("guest"), BEN).id
    assert [jobs.status(id).position for id in (*ids, guest)] == [0, 2, 3, 1]
    jobs.cancel(ids[0])
    assert jobs.status(guest).position == 1
    assert jobs.status(ids[1]).position == 0


def test_fifty_jobs_of_one_client_do_not_starve_another(make: MakeJobs, work: HeldWork) -> None:
    jobs = make(waiting=80)
    for number in range(50):
        jobs.submit(photo(f"a{number}"), ANNA)
    work.wait_for(1)
    mine = jobs.submit(photo("b"), BEN).id
    work.release.set()
    assert ended(jobs, mine).state == "done"
    assert work.begun.index(b"b") <= 2


def test_the_queue_is_bounded_and_a_place_is_left_for_others(
    make: MakeJobs, work: HeldWork
) -> None:
    jobs = make(workers=1, waiting=8)
    ids = [jobs.submit(photo(0), ANNA).id]
    work.wait_for(1)
    ids += [jobs.submit(photo(n), ANNA).id for n in range(1, 7)]
    with pytest.raises(Busy, match="are for others"):
        jobs.submit(photo(7), ANNA)
    with pytest.raises(Busy, match="try again"):
        jobs.run(photo("more"), ANNA, is_disconnected=never)
    jobs.submit(photo("b"), BEN)
    with pytest.raises(Busy, match="are for others"):
        jobs.submit(photo("b"), BEN)
    jobs.submit(photo("c"), Client("10.0.0.3"))
    with pytest.raises(Busy, match="limit"):
        jobs.submit(photo("d"), Client("10.0.0.4"))
    assert Busy.status == 429
    jobs.cancel(ids[-1])
    jobs.submit(photo("d"), Client("10.0.0.4"))


def test_bytes_that_wait_are_bounded(make: MakeJobs, work: HeldWork) -> None:
    jobs = make(waiting_bytes=100)
    jobs.submit(photo("running"), ANNA)
    work.wait_for(1)
    first = jobs.submit(ColorizeRequest(bytes(90)), ANNA)
    with pytest.raises(Busy, match="90 bytes"):
        jobs.submit(ColorizeRequest(bytes(20)), BEN)
    jobs.cancel(first.id)
    jobs.submit(ColorizeRequest(bytes(20)), BEN)


def test_a_waiting_job_is_cancelled_at_once_and_never_begins(
    make: MakeJobs, work: HeldWork
) -> None:
    jobs = make()
    first, second = jobs.submit(photo("a"), ANNA).id, jobs.submit(photo("b"), ANNA).id
    work.wait_for(1)
    assert jobs.cancel(second).state == "cancelled"
    with pytest.raises(NotDone, match="cancelled"):
        jobs.result(second)
    work.release.set()
    assert ended(jobs, first).state == "done"
    assert work.begun == [b"a"]


def test_cancelling_a_running_job_frees_its_worker(make: MakeJobs, work: HeldWork) -> None:
    jobs = make()
    first, second = jobs.submit(photo("a"), ANNA).id, jobs.submit(photo("b"), ANNA).id
    work.wait_for(1)
    assert jobs.cancel(first).state == "cancelled"
    work.wait_for(1)  # the other one begins though nobody released the first
    work.wait_for_end()
    assert work.ended == [b"a"]
    assert jobs.status(second).state == "running"
    assert jobs.status(first).error is None
    assert jobs.cancel(first).state == "cancelled", "cancelling twice does no harm"


def test_a_failure_is_told_and_frees_its_worker(make: MakeJobs, work: HeldWork) -> None:
    jobs = make()
    work.release.set()
    failed = ended(jobs, jobs.submit(photo("broken"), ANNA).id)
    assert failed.state == "failed"
    assert isinstance(failed.error, RemoteProblem)
    for _ in range(2):
        with pytest.raises(RemoteProblem, match="damaged") as refused:
            jobs.result(failed.id)
        assert refused.value.status == 422
        assert len(traceback.extract_tb(refused.value.__traceback__)) < 5
    with pytest.raises(BrokenImage, match="damaged"):
        jobs.run(photo("broken"), ANNA, is_disconnected=never)
    assert jobs.run(photo("a"), ANNA, is_disconnected=never).body == b"colour of a"


class Photo:
    """What a job has in hand."""


def test_a_failed_job_holds_nothing_of_its_photo() -> None:
    seen: list[weakref.ref[Photo]] = []

    def work(_request: Request, _progress: Progress) -> Answer:
        decoded = Photo()
        seen.append(weakref.ref(decoded))
        raise BrokenImage("the picture is damaged") from ValueError(decoded)

    file_store = FileStore(seconds=600, count=9, size=10_000)
    jobs = EmbeddedJobs(work, workers=1, waiting=8, file_store=file_store)
    id = jobs.submit(photo("broken"), ANNA).id
    assert ended(jobs, id).state == "failed"
    for _ in range(3):
        with pytest.raises(RemoteProblem):
            jobs.result(id)
    jobs.close()
    gc.collect()
    assert seen[0]() is None


def test_a_result_before_its_time_is_refused(make: MakeJobs, work: HeldWork) -> None:
    jobs = make()
    first, second = jobs.submit(photo("a"), ANNA).id, jobs.submit(photo("b"), ANNA).id
    work.wait_for(1)
    for id, word in ((first, "running"), (second, "queued")):
        with pytest.raises(NotDone, match=word):
            jobs.result(id)


def test_what_is_unknown_is_said(make: MakeJobs) -> None:
    jobs = make()
    for ask in (jobs.status, jobs.result, jobs.cancel):
        with pytest.raises(NotKept, match="no such job"):
            ask("nothing")


def test_a_finished_job_is_forgotten_when_it_is_deleted(make: MakeJobs, work: HeldWork) -> None:
    jobs = make()
    work.release.set()
    id = jobs.submit(photo("a"), ANNA).id
    ended(jobs, id)
    assert jobs.cancel(id).state == "done"
    with pytest.raises(NotKept):
        jobs.status(id)


def test_results_are_evicted_the_oldest_first(make: MakeJobs, work: HeldWork) -> None:
    jobs = make(count=3, waiting=20)
    work.release.set()
    ids = [jobs.submit(photo(n), ANNA).id for n in range(5)]
    for id in ids[2:]:
        ended(jobs, id)
    assert [jobs.result(id).body for id in ids[2:]] == [
        f"colour of {n}".encode() for n in (2, 3, 4)
    ]
    for id in ids[:2]:
        with pytest.raises(NotKept):
            jobs.result(id)


def test_jobs_are_forgotten_in_time() -> None:
    now = [0.0]
    work = HeldWork()
    work.release.set()
    file_store = FileStore(seconds=60, count=10, size=1000, clock=lambda: now[0])
    jobs = EmbeddedJobs(work, workers=1, waiting=5, file_store=file_store, clock=lambda: now[0])
    done, failed = jobs.submit(photo("a"), ANNA).id, jobs.submit(photo("broken"), ANNA).id
    ended(jobs, done)
    ended(jobs, failed)
    now[0] = 59
    assert jobs.status(failed).state == "failed"
    now[0] = 61
    for id in (done, failed):
        with pytest.raises(NotKept):
            jobs.status(id)
    jobs.close()


def test_a_client_that_vanishes_stops_its_work(make: MakeJobs, work: HeldWork) -> None:
    jobs = make()
    vanished = threading.Event()
    raised: list[BaseException] = []

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
    assert not thread.is_alive()
    assert len(raised) == 1
    jobs.submit(photo("b"), ANNA)
    work.wait_for(1)
    work.wait_for_end()
    assert work.ended == [b"a"]


def test_closing_stops_all_that_waits_and_runs(make: MakeJobs, work: HeldWork) -> None:
    jobs = make(workers=2)
    ids = [jobs.submit(photo(n), ANNA).id for n in range(4)]
    work.wait_for(2)
    asker = threading.Thread(target=lambda: ask_in_vain(jobs, raised))
    raised: list[BaseException] = []
    asker.start()
    while jobs.unfinished() < 5:
        assert asker.is_alive()
    jobs.close()
    asker.join(timeout=SOON)
    assert [jobs.status(id).state for id in ids] == ["cancelled"] * 4
    assert len(work.begun) == len(work.ended) == 2
    assert [type(problem) for problem in raised] == [Stopped]
    with pytest.raises(Stopped):
        jobs.submit(photo("late"), ANNA)


def ask_in_vain(jobs: EmbeddedJobs, raised: list[BaseException]) -> None:
    try:
        jobs.run(photo("more"), BEN, is_disconnected=never)
    except Stopped as problem:
        raised.append(problem)


def test_many_clients_at_once_get_their_own(make: MakeJobs, work: HeldWork) -> None:
    jobs = make(workers=3, waiting=400)
    work.release.set()
    wrong: list[object] = []

    def ask(number: int) -> None:
        client = Client(f"10.0.0.{number}")
        for turn in range(20):
            name = f"{number} {turn}"
            if turn % 2:
                body = jobs.run(photo(name), client, is_disconnected=never).body
            else:
                id = jobs.submit(photo(name), client).id
                ended(jobs, id)
                body = jobs.result(id).body
            if body != f"colour of {name}".encode():
                wrong.append((name, body))

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive()
    assert not wrong
    assert sorted(work.begun) == sorted(f"{n} {t}".encode() for n in range(10) for t in range(20))


def test_whoever_is_refused_is_told_when_there_may_be_room() -> None:
    now = [0.0]

    def do(request: Request, progress: Progress) -> Answer:
        now[0] += 8
        return Answer(b"x", "image/png")

    file_store = FileStore(seconds=600, count=10, size=1000)
    jobs = EmbeddedJobs(do, workers=1, waiting=15, file_store=file_store, clock=lambda: now[0])
    for _ in range(60):
        jobs.run(photo("a"), ANNA, is_disconnected=never)
    assert jobs._seconds_until_room(16) == pytest.approx(8 * 16 / 4, abs=1)
    assert jobs._seconds_until_room(1000) == 60
    assert jobs._seconds_until_room(0) == 1
    jobs.close()
