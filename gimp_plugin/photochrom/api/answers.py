"""What the server's answers say: health, jobs, results and exemplars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from api.connection import Answer
from api.errors import Failure, Refused
from api.layered import Part
from api.pixels import Pixels
from api.settings import Settings, is_number
from api.texts import _

# A stage of the server's work -> what the progress bar says.
STAGES = {
    "decode": _("Reading the layer"),
    "lightness": _("Reading the layer"),
    "guidance": _("Reading what you asked for"),
    "network": _("Choosing colors"),
    "join": _("Joining color and lightness"),
    "encode": _("Writing the result"),
}
WORKING = _("Coloring")


@dataclass(frozen=True)
class Health:
    """What the server says about itself; ``models`` maps "colorizer" and "clip" to names."""

    version: str
    device: str
    models: dict[str, str]
    exemplars: int


@dataclass(frozen=True)
class Result:
    """A colored layer.

    Attributes:
        pixels: RGB, or RGBA where alpha was sent, of the sent size and dtype; None where ``parts``
            were asked for: the base guess and a layer for each thing, the lowest first.
        notices: what the person should know, such as that the description was cut.
        exemplar: the id of the exemplar whose colors were used; its ``score`` is in [0, 1], and a
            person knows it by its ``exemplar_name``.
        settings: all that made the result, for the layer's parasite.
        timings: the server's own stages, in seconds; "total" among them.
    """

    pixels: Pixels | None
    notices: tuple[str, ...]
    exemplar: str | None
    score: float | None
    settings: Settings
    timings: dict[str, float]
    parts: tuple[Part, ...] = ()
    exemplar_name: str = ""


@dataclass(frozen=True)
class Found:
    """An exemplar of the library that fits; ``source`` says where it came from."""

    id: str
    score: float
    caption: str
    width: int
    height: int
    source: str

    @property
    def name(self) -> str:
        """What a person knows it by: its file's name, without folders."""
        return self.source.replace("\\", "/").rpartition("/")[2] or self.caption or self.id


@dataclass(frozen=True)
class Named:
    """What a description names; ``mask`` is white where it is, None where it was not found."""

    phrase: str
    mask: Pixels | None


def read_health(answer: Answer) -> Health:
    """Read the answer of ``/v1/health``.

    Raises:
        Failure, KeyError, AttributeError: it is something else.
    """
    read = answer.json()
    if read["status"] != "ok":
        raise Failure("no health")
    return Health(
        str(read["version"]),
        str(read.get("device", "")),
        {str(name): str(model) for name, model in read["models"].items()},
        integer(read.get("exemplars")),
    )


def job_id(created: Answer) -> str:
    """Read the id of a job that was taken, for its path."""
    name = created.json().get("id")
    if not isinstance(name, str) or not name:
        raise Failure(_("the server took the work and did not say its number"))
    return quote(name, safe="")


def failed(state: dict[str, Any]) -> Failure:
    """Make the exception of a job that failed; ``error`` is a problem object, or its detail."""
    error = state.get("error")
    if isinstance(error, dict):
        status, detail = integer(error.get("status")), str(error.get("detail") or "")
    else:
        status, detail = 0, str(error or "")
    detail = detail or _("the server could not color the layer; see its log")
    return Refused(status or 500, detail)


def wording(state: dict[str, Any]) -> str:
    """Say what a job is at."""
    if state.get("state") == "queued":
        before = integer(state.get("position"))
        if before > 0:
            return _("Waiting; photos before yours: {count}").format(count=before)
        return _("Waiting")
    stage = str(state.get("stage") or "")
    return STAGES.get(stage, stage.capitalize() or WORKING)


def share(state: dict[str, Any]) -> float:
    """Say how far a job is, 0 to 1."""
    progress = state.get("progress")
    return float(progress) if is_number(progress) and 0 <= progress <= 1 else 0.0


def read_notices(answer: Answer) -> tuple[str, ...]:
    """Read ``Photochrom-Notice``: percent-encoded, separated by commas."""
    header = ",".join(answer.headers.get_all("Photochrom-Notice") or ())
    return tuple(unquote(notice.strip()) for notice in header.split(",") if notice.strip())


def read_exemplar(answer: Answer) -> tuple[str | None, float | None]:
    """Read ``Photochrom-Exemplar: ID; score=0.83``."""
    name, _semicolon, rest = (answer.headers.get("Photochrom-Exemplar") or "").partition(";")
    key, _equals, value = rest.strip().partition("=")
    try:
        score = float(value) if key == "score" else None
    except ValueError:
        score = None
    return (name.strip() or None), score


def read_timings(answer: Answer) -> dict[str, float]:
    """Read ``Server-Timing: stage;dur=MILLISECONDS, ...`` as stage -> seconds."""
    timings = {}
    for entry in (answer.headers.get("Server-Timing") or "").split(","):
        name, _separator, duration = entry.strip().partition(";dur=")
        try:
            timings[name] = float(duration) / 1000
        except ValueError:
            continue
    return timings


def read_found(entry: object) -> Found:
    """Read an entry of the library.

    Raises:
        Failure: it is none.
    """
    if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
        raise Failure(_("the server found something that is no exemplar"))
    score = entry.get("score")
    return Found(
        entry["id"],
        float(score) if is_number(score) else 0.0,
        str(entry.get("caption") or ""),
        integer(entry.get("width")),
        integer(entry.get("height")),
        str(entry.get("source") or ""),
    )


def integer(value: object) -> int:
    """Read a count; 0 where it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
