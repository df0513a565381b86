"""What the client brings back from a server: a picture, or a list, each with its notices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self, overload
from urllib.parse import unquote

from urllib3 import BaseHTTPResponse


@dataclass(frozen=True, slots=True)
class Result:
    """A picture that the server made.

    ``notices`` are what the user should know; ``exemplar`` is the id of the library's photo that
    was used, with its score where it was searched for; ``seconds`` are those of each stage.
    ``things`` is JSON that says what was found of the description, and where; ``confidence`` is how
    sure the model was, from 0 to 1.
    """

    data: bytes = field(repr=False)
    media_type: str
    notices: tuple[str, ...] = ()
    exemplar: str | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    things: str | None = None
    confidence: float = 0.0

    @classmethod
    def read(cls, answer: BaseHTTPResponse) -> Self:
        """Read it from a server's answer."""
        timings = answer.headers.get("Server-Timing", "")
        pairs = (timing.strip().partition(";dur=") for timing in timings.split(","))
        return cls(
            answer.read(),
            answer.headers.get("Content-Type", "").partition(";")[0].strip(),
            notices_of(answer),
            answer.headers.get("Photochrom-Exemplar"),
            {name: float(duration) / 1000 for name, mark, duration in pairs if mark},
            unquote(answer.headers.get("Photochrom-Things", "")) or None,
            float(answer.headers.get("Photochrom-Confidence", "0")),
        )


@dataclass(frozen=True, slots=True)
class Found(Sequence[dict[str, Any]]):
    """What the server found, in its order: a sequence of ``entries``, each as the JSON has it.

    ``notices`` are what the user should know.
    """

    entries: tuple[dict[str, Any], ...]
    notices: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.entries)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[dict[str, Any], ...]: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | tuple[dict[str, Any], ...]:
        return self.entries[index]


def notices_of(answer: BaseHTTPResponse) -> tuple[str, ...]:
    """Read what the user should know."""
    notices = answer.headers.get("Photochrom-Notice", "")
    return tuple(unquote(notice.strip()) for notice in notices.split(",") if notice.strip())
