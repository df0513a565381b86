"""What an ``add`` did: how far it is, what became of each photo, and the report of all."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from retrieval.database.exemplar import Exemplar


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ``add`` is: ``done`` of ``total`` photos, ``added`` of them new."""

    done: int
    total: int
    added: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A photo that did not become an exemplar, and why."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class AddReport:
    """What an ``add`` did.

    ``unchanged`` photos were there already; ``duplicates`` have the same bytes as another photo
    and ``near_duplicates`` show the same picture; ``moved`` ones lay somewhere else, where they are
    no more. ``seconds`` passed meanwhile. ``cpu_seconds`` is
    the processor time of everything and ``decode_seconds`` that of reading and decoding alone;
    unlike ``seconds`` they do not depend on what else the machine did.
    """

    added: tuple[Exemplar, ...] = ()
    unchanged: int = 0
    duplicates: tuple[Refusal, ...] = ()
    near_duplicates: tuple[Refusal, ...] = ()
    refused: tuple[Refusal, ...] = ()
    recaptioned: int = 0
    stopped: bool = False
    photos: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    decode_seconds: float = 0.0
    moved: tuple[Refusal, ...] = ()


@dataclass(slots=True)
class AddTally:
    """The report as it grows."""

    added: list[Exemplar] = field(default_factory=list)
    duplicates: list[Refusal] = field(default_factory=list)
    near_duplicates: list[Refusal] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    unchanged: int = 0
    recaptioned: int = 0
    photos: int = 0
    decode_seconds: float = 0.0
    moved: list[Refusal] = field(default_factory=list)
    started: float = field(default_factory=time.perf_counter)
    cpu_started: float = field(default_factory=time.process_time)

    def report(self, *, stopped: bool) -> AddReport:
        """Report what has been done until now."""
        return AddReport(
            tuple(self.added), self.unchanged, tuple(self.duplicates), tuple(self.near_duplicates),
            tuple(self.refused), self.recaptioned, stopped, self.photos,
            time.perf_counter() - self.started, time.process_time() - self.cpu_started,
            self.decode_seconds, tuple(self.moved),
        )  # fmt: skip
