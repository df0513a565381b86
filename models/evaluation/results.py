"""What an evaluation has measured, photo by photo, and the figures over many photos."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.evaluation.landing import Landing
from models.evaluation.matched import Curve, Matched, match
from models.evaluation.obedience import Obedience

FloatArray = NDArray[np.float32]
UInt8Array = NDArray[np.uint8]

ORIGINAL = "original"  # the guidance of the originals' own rows


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A photo: its key, its collection, its kind, and what CLIP sees, vectors of unit length."""

    key: str
    source: str
    kind: str
    seen: FloatArray
    seen_grey: FloatArray
    caption: FloatArray | None


@dataclass(slots=True)
class Row:
    """One photo, by its number, under one kind of guidance: measure -> value.

    ``at_hints`` is the CIEDE2000 at each hint itself.
    """

    photo: int
    guidance: str
    values: dict[str, float]
    curve: Curve | None = None
    at_hints: tuple[float, ...] = ()


@dataclass(slots=True)
class Pictures:
    """What the page shows of one photo, and how far its colours are off without guidance."""

    caption: str
    other: str
    pictures: dict[str, UInt8Array]
    key: str = ""
    off: float = 0.0


@dataclass(slots=True)
class Evaluation:
    """Everything measured: rows, pictures to look at, and what words did to photos, by number."""

    subjects: list[Subject] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    obedience: dict[int, Obedience] = field(default_factory=dict)
    landing: dict[int, Landing] = field(default_factory=dict)
    pictures: list[Pictures] = field(default_factory=list)
    worst: list[Pictures] = field(default_factory=list)
    words: list[Pictures] = field(default_factory=list)

    @property
    def guidances(self) -> list[str]:
        """Every guidance that was tried, in the order of the tries, without the originals."""
        return list(dict.fromkeys(r.guidance for r in self.rows if r.guidance != ORIGINAL))

    def photos(self, *, kind: str | None = None, source: str | None = None) -> set[int]:
        """Return the numbers of the photos of a kind or a source, or of all."""
        return {
            number
            for number, subject in enumerate(self.subjects)
            if kind in (None, subject.kind) and source in (None, subject.source)
        }

    def given(self, guidance: str) -> set[int]:
        """Return the numbers of the photos that a guidance was tried on."""
        return {row.photo for row in self.rows if row.guidance == guidance}

    def values(
        self, guidance: str, measure: str, photos: set[int] | None = None
    ) -> dict[int, float]:
        """Return a measure by photo, where it could be measured."""
        return {row.photo: row.values[measure] for row in self._rows(guidance, photos, measure)}

    def mean(self, guidance: str, measure: str, photos: set[int] | None = None) -> float:
        """Mean of a measure over photos; nan without any."""
        return mean(list(self.values(guidance, measure, photos).values()))

    def deviation(self, guidance: str, measure: str, photos: set[int] | None = None) -> float:
        """Return the standard deviation of a measure over photos, as ``deviation``."""
        return deviation(list(self.values(guidance, measure, photos).values()))

    def ratio(self, guidance: str, measure: str, photos: set[int] | None = None) -> float:
        """Mean of a measure over its mean in the originals of the same photos; nan without any."""
        result = self.values(guidance, measure, photos)
        own = self.values(ORIGINAL, measure, set(result))
        whole = mean(list(own.values()))
        return mean([result[photo] for photo in own]) / whole if whole else float("nan")

    def differences(
        self, guidance: str, other: str, measure: str, photos: set[int] | None = None
    ) -> list[float]:
        """Return a measure under one guidance minus another, on each photo that has both."""
        ours, theirs = (self.values(name, measure, photos) for name in (guidance, other))
        return [value - theirs[photo] for photo, value in ours.items() if photo in theirs]

    def curves(self, guidance: str, photos: set[int]) -> dict[int, Curve]:
        """Return the accuracy at every scale of the chroma, by photo."""
        rows = self._rows(guidance, photos)
        return {row.photo: row.curve for row in rows if row.curve is not None}

    def matched(self, guidance: str, photos: set[int]) -> Matched | None:
        """Accuracy at the originals' colourfulness."""
        return match(list(self.curves(guidance, photos).values()))

    def _rows(
        self, guidance: str, photos: set[int] | None, measure: str | None = None
    ) -> Iterator[Row]:
        for row in self.rows:
            wanted = photos is None or row.photo in photos
            if row.guidance == guidance and wanted and (measure is None or measure in row.values):
                yield row


def mean(values: list[float]) -> float:
    """Mean; nan of nothing."""
    return float(np.mean(values)) if values else float("nan")


def deviation(values: list[float]) -> float:
    """Standard deviation; nan for fewer than two values, and where one is infinite."""
    if len(values) < 2 or not np.isfinite(values).all():
        return float("nan")
    return float(np.std(values, ddof=1))


def error_of_mean(values: list[float]) -> float:
    """Standard error of a mean; nan where there is no ``deviation``."""
    return deviation(values) / float(np.sqrt(max(len(values), 1)))
