"""Jobs, kept photos, suggestions and confidence over a real socket."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import numpy as np
import pytest

from plugin_server.config import Config
from plugin_server.engine.file_store import FileStore
from plugin_server.jobs.local import EmbeddedJobs
from plugin_server.service import Service
from tests.support.fakes import FakeClip, FakeColorizer, HeldColorizer
from tests.support.forms import FORM, form
from tests.support.held_work import HeldWork
from tests.support.pictures import decoded, encoded, grey_picture
from tests.support.running_server import running

SOON = 20.0


class Caller:
    """A program that uses the server."""

    def __init__(self, port: int, name: str = "test", address: str = "127.0.0.1") -> None:
        self._connection = HTTPConnection(
            "127.0.0.1", port, timeout=SOON, source_address=(address, 0)
        )
        self._headers = {"User-Agent": name}

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> HTTPResponse:
        self.send(method, path, body, **headers)
        return self._connection.getresponse()

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> None:
        kind = {} if body is None else {"Content-Type": FORM}
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, path, body, {**self._headers, **kind, **names})

    def json(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Any:
        return json.load(self.ask(method, path, body, **headers))

    def submit(self, image: bytes, **fields: str) -> str:
        answer = self.ask("POST", "/v1/jobs", form(image, **fields))
        state = json.load(answer)
        assert answer.status == 202, state
        assert answer.headers["Location"] == f"/v1/jobs/{state['id']}"
        return answer.headers["Location"]

    def follow(self, path: str, **headers: str) -> Iterator[dict[str, Any]]:
        answer = self.ask("GET", f"{path}/events", **headers)
        while answer.status == 429:  # those who have vanished are still being noticed
            answer.read()
            answer = self.ask("GET", f"{path}/events", **headers)
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        for line in answer:
            if line.startswith(b"data: "):
                yield json.loads(line[6:])

    def hang_up(self) -> None:
        self._connection.close()


Connect = Callable[..., Caller]


@pytest.fixture
def callers() -> Iterator[list[Caller]]:
    """Hang up after the test, before the server stops."""
    made: list[Caller] = []
    yield made
    for caller in made:
        caller.hang_up()


@pytest.fixture
def held() -> HeldColorizer:
    return HeldColorizer()


def connecting(port: int, callers: list[Caller]) -> Connect:
    def connect(name: str = "test", address: str = "127.0.0.1") -> Caller:
        callers.append(Caller(port, name, address))
        return callers[-1]

    return connect


@pytest.fixture
def to_held(held: HeldColorizer, callers: list[Caller]) -> Iterator[Connect]:
    """Connect to a server with one worker, which the test holds."""
    service = Service(held, FakeClip(), workers=1, waiting=60)
    with running(service, Config(port=0, workers=1, waiting=60)) as port:
        yield connecting(port, callers)
        held.release.set()
    service.close()


@pytest.fixture
def to_free(callers: list[Caller]) -> Iterator[Connect]:
    """Connect to a server that works as it comes."""
    service = Service(FakeColorizer(), FakeClip())
    with running(service, Config(port=0)) as port:
        yield connecting(port, callers)
    service.close()


def arrive(held: HeldColorizer) -> None:
    assert held.arrived.acquire(timeout=SOON), "nobody took the job"


def test_events_tell_all_states_in_order_and_end(to_held: Connect, held: HeldColorizer) -> None:
    caller, second = to_held(), to_held()
    running_job = caller.submit(encoded(grey_picture()))
    arrive(held)
    waiting_job = caller.submit(encoded(grey_picture(seed=1)), description="a red tram")
    events = second.follow(waiting_job)
    first = next(events)
    assert (first["state"], first["position"], first["error"]) == ("queued", 0, None)
    held.release.set()
    states = [first, *events]
    order = {"queued": 0, "running": 1, "done": 2}
    found = [order[state["state"]] for state in states]
    assert found == sorted(found)
    assert states[-1]["state"] == "done"
    progress = [state["progress"] for state in states]
    assert progress == sorted(progress)
    assert progress[-1] == 1
    result = caller.ask("GET", f"{waiting_job}/result")
    assert result.status == 200
    assert result.headers["Server-Timing"]
    assert decoded(result.read()).shape == (24, 32, 3)
    assert caller.json("GET", running_job)["state"] == "done"


def test_an_event_source_that_comes_back_is_sent_away(to_free: Connect) -> None:
    caller = to_free()
    job = caller.submit(encoded(grey_picture()))
    answer = caller.ask("GET", f"{job}/events")
    last = [line for line in answer if line.startswith(b"id: ")][-1][4:].strip().decode()
    again = caller.ask("GET", f"{job}/events", Last_Event_ID=last)
    assert again.status == 204
    again.read()
    assert [state["state"] for state in caller.follow(job, Last_Event_ID="0")][-1] == "done"


def test_the_result_is_what_colorize_answers(to_free: Connect) -> None:
    caller = to_free()
    body = form(encoded(grey_picture(), "JPEG"), description="a red tram, grün " + "weit " * 20)
    direct = caller.ask("POST", "/v1/colorize", body, Accept="image/tiff")
    expected = direct.read()
    answer = caller.ask("POST", "/v1/jobs", body, Accept="image/tiff")
    job = answer.headers["Location"]
    answer.read()
    assert list(caller.follow(job))[-1]["state"] == "done"
    result = caller.ask("GET", f"{job}/result", Accept="image/tiff")
    assert result.headers["Content-Type"] == direct.headers["Content-Type"] == "image/tiff"
    assert result.headers["Photochrom-Notice"] == direct.headers["Photochrom-Notice"]
    assert result.read() == expected
    refused = caller.ask("GET", f"{job}/result", Accept="image/webp")
    assert refused.status == 406
    assert "image/tiff" in json.load(refused)["detail"]


def test_a_job_that_fails_says_why(to_free: Connect) -> None:
    caller = to_free()
    job = caller.submit(b"hello, I am no picture")
    state = list(caller.follow(job))[-1]
    assert state["state"] == "failed"
    assert state["error"]["status"] == 415
    assert "no kind of picture" in state["error"]["detail"]
    result = caller.ask("GET", f"{job}/result")
    assert result.status == 415
    assert json.load(result)["detail"] == state["error"]["detail"]


def test_a_form_that_makes_no_sense_makes_no_job(to_free: Connect) -> None:
    caller = to_free()
    answer = caller.ask("POST", "/v1/jobs", form(encoded(grey_picture()), saturation="9"))
    assert answer.status == 422
    assert "0 to 2" in json.load(answer)["detail"]


def test_results_before_the_end_and_of_nothing(to_held: Connect, held: HeldColorizer) -> None:
    caller = to_held()
    job = caller.submit(encoded(grey_picture()))
    arrive(held)
    early = caller.ask("GET", f"{job}/result")
    assert early.status == 409
    assert "running" in json.load(early)["detail"]
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/result"), ("GET", "/events")):
        unknown = caller.ask(method, f"/v1/jobs/unknown{path}")
        assert unknown.status == 404
        assert "send the photo again" in json.load(unknown)["detail"]


def test_cancel_while_queued_and_while_running(to_held: Connect, held: HeldColorizer) -> None:
    caller, other = to_held(), to_held()
    first = caller.submit(encoded(grey_picture()))
    arrive(held)
    second = caller.submit(encoded(grey_picture()))
    events = other.follow(second)
    assert next(events)["state"] == "queued"
    assert caller.json("DELETE", second)["state"] == "cancelled"
    assert [state["state"] for state in events] == ["cancelled"]
    assert caller.json("DELETE", first)["state"] == "cancelled"
    third = caller.submit(encoded(grey_picture(), "npy"))
    held.release.set()
    assert list(caller.follow(third))[-1]["state"] == "done"
    assert caller.json("GET", first)["state"] == "cancelled"
    is_disconnected = caller.ask("GET", f"{first}/result")
    assert is_disconnected.status == 409
    assert "cancelled" in json.load(is_disconnected)["detail"]


@pytest.mark.skipif(sys.platform != "linux", reason="this machine has one loopback address")
def test_fifty_jobs_of_one_machine_do_not_starve_another(
    to_held: Connect, held: HeldColorizer
) -> None:
    busy, guest = to_held(), to_held(address="127.0.0.2")
    first = busy.submit(encoded(grey_picture()))
    arrive(held)
    others = [busy.submit(encoded(grey_picture(seed=n))) for n in range(40)]
    mine = guest.submit(encoded(grey_picture()))
    assert guest.json("GET", mine)["position"] <= 1
    assert guest.json("GET", others[-1])["position"] == 40
    held.release.set()
    assert list(guest.follow(mine))[-1]["state"] == "done"
    assert busy.json("GET", first)["state"] == "done"


def test_a_program_beside_another_on_one_machine_has_its_turn(
    to_held: Connect, held: HeldColorizer
) -> None:
    busy, guest = to_held("batch"), to_held("GIMP")
    busy.submit(encoded(grey_picture()))
    arrive(held)
    for number in range(20):
        busy.submit(encoded(grey_picture(seed=number)))
    assert guest.json("GET", guest.submit(encoded(grey_picture())))["position"] <= 1


def test_too_many_are_told_when_to_come_again(to_held: Connect, held: HeldColorizer) -> None:
    caller = to_held()
    body = form(encoded(grey_picture()))
    taken = 0
    while (answer := caller.ask("POST", "/v1/jobs", body)).status == 202:
        answer.read()
        taken += 1
        assert taken < 61
    answer.read()
    assert answer.status == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    direct = caller.ask("POST", "/v1/colorize", body)
    assert direct.status == 429
    assert direct.headers["Retry-After"]
    assert "try again" in json.load(direct)["detail"]
    assert taken >= 40


def test_a_client_that_hangs_up_frees_its_worker(callers: list[Caller]) -> None:
    work = HeldWork()
    service = Service(FakeColorizer(), FakeClip())
    service.jobs = EmbeddedJobs(
        work, workers=1, waiting=5, file_store=FileStore(seconds=60, count=5, size=10_000)
    )
    with running(service, Config(port=0)) as port:
        connect = connecting(port, callers)
        leaver, stayer = connect(), connect()
        leaver.send("POST", "/v1/colorize", form(b"leaver"))
        work.wait_for(1)
        job = stayer.submit(b"stayer")
        leaver.hang_up()
        work.wait_for(1)  # the worker is free though nobody released it
        work.wait_for_end()
        assert work.ended == [b"leaver"]
        assert stayer.json("GET", job)["state"] == "running"
        work.release.set()
        assert list(stayer.follow(job))[-1]["state"] == "done"
    service.close()


def test_a_follower_that_vanishes_harms_nobody(to_held: Connect, held: HeldColorizer) -> None:
    caller = to_held()
    job = caller.submit(encoded(grey_picture()))
    arrive(held)
    for _ in range(40):  # more than may follow at once
        follower = to_held()
        answer = follower.ask("GET", f"{job}/events")
        while answer.status == 429:
            answer.read()
            answer = follower.ask("GET", f"{job}/events")
        assert answer.status == 200
        answer.readline()
        answer.close()
        follower.hang_up()
    held.release.set()
    assert list(caller.follow(job))[-1]["state"] == "done"


def test_a_photo_sent_once_serves_many_requests(to_free: Connect) -> None:
    caller = to_free()
    grey = grey_picture(40, 50)
    kept = caller.json("POST", "/v1/images", form(encoded(grey)))
    assert (kept["width"], kept["height"]) == (50, 40)
    assert kept["seconds"] > 0
    by_id = form(None, image_id=kept["id"], description="a red tram")
    whole = form(encoded(grey), description="a red tram")
    assert (
        caller.ask("POST", "/v1/colorize", by_id).read()
        == caller.ask("POST", "/v1/colorize", whole).read()
    )
    job = caller.ask("POST", "/v1/jobs", by_id)
    assert job.status == 202
    job.read()
    assert list(caller.follow(job.headers["Location"]))[-1]["state"] == "done"
    fields = {"image_id": kept["id"], "x": "10", "y": "20"}
    first = caller.json("POST", "/v1/suggestions", form(None, **fields))
    assert first == caller.json("POST", "/v1/suggestions", form(encoded(grey), x="10", y="20"))
    sure = caller.ask("POST", "/v1/confidence", form(None, image_id=kept["id"]))
    assert sure.headers["Content-Type"] == "image/png"
    levels = decoded(sure.read())
    assert levels.shape == (40, 50)
    assert (levels == 128).all(), "the fake is half sure everywhere"
    placed = caller.ask("POST", "/v1/confidence", form(None, **fields))
    np.testing.assert_array_equal(decoded(placed.read()), levels)


def test_suggestions_are_colours_with_weights(to_free: Connect) -> None:
    caller = to_free()
    grey = np.full((32, 32), 119, np.uint8)
    found = caller.json("POST", "/v1/suggestions", form(encoded(grey), x="5", y="6", k="2"))
    colors = found["suggestions"]
    assert sum(color["weight"] for color in colors) == pytest.approx(1)
    assert colors[0]["weight"] > colors[1]["weight"]
    place = {"x": "5", "y": "6", "k": "2"}
    told = form(encoded(grey), **place, description="a red car")
    assert caller.json("POST", "/v1/suggestions", told)["suggestions"] != colors
    dabs = json.dumps([{"x": 5, "y": 6, "color": "#4060c0", "radius": 3}])
    dabbed = form(encoded(grey), **place, hints=dabs)
    assert caller.json("POST", "/v1/suggestions", dabbed)["suggestions"] == colors


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"x": "50", "y": "0"}, 422, ["x=50", "0 to 31"]),
        ({"x": "-1", "y": "0"}, 422, ["x is '-1'"]),
        ({"x": "nan", "y": "0"}, 422, ["x is 'nan'"]),
        ({"x": "1"}, 400, ["'y'", "missing"]),
        ({"x": "1", "y": "1", "k": "99"}, 422, ["k is '99'", "1 to 12"]),
        ({"x": "1", "y": "1", "image_id": "x"}, 400, ["image_id", "both"]),
        ({"x": "1", "y": "1", "mask": "x"}, 400, ["'mask'", "unknown"]),
    ],
)
def test_suggestions_refuse_what_makes_no_sense(
    to_free: Connect, fields: dict[str, str], status: int, words: list[str]
) -> None:
    answer = to_free().ask("POST", "/v1/suggestions", form(encoded(grey_picture()), **fields))
    detail = json.load(answer)["detail"]
    assert answer.status == status, detail
    assert all(word in detail for word in words), detail


@pytest.mark.parametrize("path", ["colorize", "jobs", "suggestions", "confidence"])
def test_a_photo_that_is_not_kept_is_said(to_free: Connect, path: str) -> None:
    caller = to_free()
    place = {"x": "1", "y": "1"} if path == "suggestions" else {}
    answer = caller.ask("POST", f"/v1/{path}", form(None, image_id="../../etc/passwd", **place))
    if path == "jobs":
        assert answer.status == 202
        answer.read()
        state = list(caller.follow(answer.headers["Location"]))[-1]
        assert state["error"]["status"] == 404
    else:
        assert answer.status == 404
        assert "send it again" in json.load(answer)["detail"]
