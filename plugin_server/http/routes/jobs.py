"""``/v1/jobs``: photos coloured in the background."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator

from flask import Blueprint, Response, request, url_for
from pydantic import BaseModel, Field

from plugin_server.config import EVENT_STREAMS
from plugin_server.engine.requests import Accept
from plugin_server.errors import Busy, NoBroker, status_and_detail
from plugin_server.http.forms import read_form
from plugin_server.http.messages import client_of, is_disconnected, picture_response
from plugin_server.http.openapi import Operation, Problem, Success, documented, json_success
from plugin_server.http.photo_forms import ColorizeForm
from plugin_server.http.problems import problem_members
from plugin_server.http.routes.colorize import PICTURE
from plugin_server.jobs.queue import Jobs, Status
from plugin_server.service import Service

HEARTBEAT = 10.0  # seconds between comments that keep the connection open
POLL_INTERVAL = 1.0  # seconds between looks whether the client is still there


class JobState(BaseModel):
    """How a job stands."""

    id: str
    state: str = Field(description="queued, running, done, failed or cancelled.")
    stage: str = Field(
        description="What is being done: decode, lightness, guidance, network, join or encode; "
        "else the state."
    )
    progress: float = Field(ge=0, le=1, description="The part of the work that is done.")
    position: int = Field(ge=0, description="How many photos come before it in the queue.")
    error: Problem | None = Field(description="Why it failed.")


EVENTS = {"text/event-stream": {"schema": {"type": "string"}}}


def blueprint(service: Service) -> Blueprint:
    """Make the calls about jobs."""
    routes = Blueprint("jobs", __name__)
    streams = threading.BoundedSemaphore(EVENT_STREAMS)

    @routes.post("/v1/jobs")
    @documented(
        Operation(
            "Colour a photo in the background",
            json_success(202, "The job", JobState, {"Location": "Where the job is asked about."}),
            form=ColorizeForm,
            schemas=(JobState,),
            problems=(400, 401, 413, 415, 422, 429, 501, 503, 507),
            tag="jobs",
        )
    )
    def submit() -> tuple[dict[str, object], int, dict[str, str]]:
        types = Accept.of_a_later_answer(request.accept_mimetypes)
        form = read_form(request, ColorizeForm)
        status = service.jobs.submit(form.request(types), client_of(request))
        return state_of(status), 202, {"Location": url_for("jobs.show", id=status.id)}

    @routes.get("/v1/jobs/<id>")
    @documented(
        Operation("Say how far a job is", json_success(200, "The job", JobState),
                  problems=(401, 404, 503), tag="jobs")
    )  # fmt: skip
    def show(id: str) -> dict[str, object]:
        return state_of(service.jobs.status(id))

    @routes.delete("/v1/jobs/<id>")
    @documented(
        Operation("Stop a job, or forget the result of one that is finished",
                  json_success(200, "The job as it is now", JobState),
                  problems=(401, 404, 503), tag="jobs")
    )  # fmt: skip
    def cancel(id: str) -> dict[str, object]:
        return state_of(service.jobs.cancel(id))

    @routes.get("/v1/jobs/<id>/result")
    @documented(
        Operation("Fetch a job's picture", PICTURE,
                  problems=(401, 404, 406, 409, 413, 415, 422, 503), tag="jobs")
    )  # fmt: skip
    def result(id: str) -> Response:
        types = Accept.parse(request.accept_mimetypes)
        answer = service.jobs.result(id)
        types.check(answer.media_type)
        return picture_response(answer)

    @routes.get("/v1/jobs/<id>/events")
    @documented(
        Operation(
            "Follow a job as server-sent events",
            Success(200, "The job, each time it changes; the data of each event is its JSON. The "
                         "stream ends with the job.", EVENTS),
            problems=(401, 404, 429, 503),
            tag="jobs",
        )
    )  # fmt: skip
    def events(id: str) -> Response:
        last = request.headers.get("Last-Event-ID", "")
        seen = int(last) if last.isascii() and last.isdigit() and len(last) < 10 else -1
        status = service.jobs.status(id)
        if status.is_finished and seen >= status.version:
            return Response(status=204)  # which tells an EventSource not to come again
        if not streams.acquire(blocking=False):
            raise Busy(
                f"{EVENT_STREAMS} programs follow jobs already, which is the limit; ask for "
                f"/v1/jobs/{id} now and then instead"
            )
        stream = follow(service.jobs, id, seen, is_disconnected(request))
        response = Response(stream, content_type="text/event-stream; charset=utf-8")
        response.call_on_close(streams.release)
        return response

    return routes


def state_of(status: Status) -> dict[str, object]:
    """Write a status as JSON's members."""
    return {
        "id": status.id,
        "state": status.state,
        "stage": status.stage,
        "progress": round(status.progress, 3),
        "position": status.position,
        "error": status.error and problem_members(*status_and_detail(status.error)),
    }


def follow(jobs: Jobs, id: str, seen: int, is_disconnected: Callable[[], bool]) -> Iterator[str]:
    """Write the job's state as server-sent events until it is finished or nobody listens."""
    silent, position = 0.0, -1
    while not is_disconnected():
        try:
            status = jobs.status(id, newer_than=seen, timeout=POLL_INTERVAL)
        except NoBroker as problem:  # it comes back, and the job with it
            yield f": {problem}\n\n"
            time.sleep(POLL_INTERVAL)
            continue
        if status.version > seen or status.position != position:
            yield f"id: {status.version}\ndata: {json.dumps(state_of(status))}\n\n"
            seen, position, silent = status.version, status.position, 0.0
            if status.is_finished:
                return
        elif (silent := silent + POLL_INTERVAL) >= HEARTBEAT:
            yield ": still here\n\n"
            silent = 0.0
