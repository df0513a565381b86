"""Work that waits for the test, and what every queue of jobs promises of it."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest

from models.progress import Progress
from plugin_server.engine.requests import Answer, ColorizeRequest, Request
from plugin_server.errors import NotDone, NotKept
from plugin_server.images.codec import BrokenImage
from plugin_server.jobs.queue import STAGES, Client, Jobs, Status

SOON = 10.0  # seconds after which a test has failed
ANNA, BEN = Client("10.0.0.1"), Client("10.0.0.2")


class HeldWork:
    """Echoes the photo's bytes once ``release`` is set, and says in which order it began."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.begun: list[bytes] = []
        self.ended: list[bytes] = []
        self.left = threading.Semaphore(0)
        self.arrived = threading.Semaphore(0)

    def __call__(self, request: Request, progress: Progress) -> Answer:
        assert isinstance(request, ColorizeRequest)
        assert isinstance(request.image, bytes)
        self.begun.append(request.image)
        self.arrived.release()
        try:
            progress("decode", 0.0)
            while not self.release.wait(0.01):
                progress("join", 0.5)
            if request.image == b"broken":
                raise BrokenImage("the picture is damaged")
        finally:
            self.ended.append(request.image)
            self.left.release()
        return Answer(b"colour of " + request.image, "image/png", ("a notice",), {"total": 1.0})

    def wait_for(self, count: int) -> None:
        for _ in range(count):
            assert self.arrived.acquire(timeout=SOON), "nobody took the job"

    def wait_for_end(self) -> None:
        assert self.left.acquire(timeout=SOON), "nothing ended"


def photo(name: object) -> ColorizeRequest:
    return ColorizeRequest(str(name).encode())


def never() -> bool:
    return False


def ended(jobs: Jobs, id: str) -> Status:
    """Wait for the end of a job as a follower does: from version to version."""
    status = jobs.status(id)
    while not status.is_finished:
        newer = jobs.status(id, newer_than=status.version, timeout=2 * SOON)
        assert newer.version > status.version, f"nothing happened to {status}"
        status = newer
    return status


def check_that_a_job_is_queued_then_runs_then_is_done(jobs: Jobs, work: HeldWork) -> None:
    """Follow two jobs through a queue with one worker that does ``work``."""
    first, second = jobs.submit(photo("a"), ANNA), jobs.submit(photo("b"), ANNA)
    work.wait_for(1)
    running, queued = jobs.status(first.id), jobs.status(second.id)
    assert running.state == "running"
    assert running.stage in STAGES | {"running": 0}
    assert (queued.state, queued.stage, queued.progress) == ("queued", "queued", 0.0)
    for id, word in ((first.id, "running"), (second.id, "queued")):
        with pytest.raises(NotDone, match=word):
            jobs.result(id)
    work.release.set()
    for id, body in ((first.id, b"colour of a"), (second.id, b"colour of b")):
        done = ended(jobs, id)
        assert (done.state, done.stage, done.progress) == ("done", "done", 1.0)
        answer = jobs.result(id)
        assert answer == Answer(body, "image/png", ("a notice",), {"total": 1.0})
        assert jobs.result(id) == answer, "a result may be fetched again"
    assert jobs.cancel(first.id).state == "done"
    with pytest.raises(NotKept, match="no such job"):
        jobs.status(first.id)


def check_that_progress_only_grows_and_versions_too(jobs: Jobs, work: HeldWork) -> None:
    """Follow a job from version to version."""
    id = jobs.submit(photo("a"), ANNA).id
    work.wait_for(1)
    seen = [jobs.status(id)]
    while seen[-1].progress < STAGES["join"]:
        seen.append(jobs.status(id, newer_than=seen[-1].version, timeout=SOON))
    work.release.set()
    while not seen[-1].is_finished:
        seen.append(jobs.status(id, newer_than=seen[-1].version, timeout=SOON))
    assert [s.progress for s in seen] == sorted(s.progress for s in seen)
    assert all(a.version < b.version for a, b in pairwise(seen))
    assert seen[-1].progress == 1.0
