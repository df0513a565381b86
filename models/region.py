"""Regions, and changes to the things that a description names, as a person gives them."""

from __future__ import annotations

import math
import re
from dataclasses import astuple, dataclass
from typing import Any

from models.job_error import JobError, checked_color, checked_text, read_list

MAX_REGIONS = 32
MAX_THINGS = 32
MAX_PHRASE = 200
_PART = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in the upright image, in pixels: its left upper corner and its size."""

    x: float
    y: float
    width: float
    height: float

    def __post_init__(self) -> None:
        for name in ("x", "y", "width", "height"):
            value = getattr(self, name)
            if not math.isfinite(value):
                raise JobError(f"the box has {name}={value}: give a finite number of pixels")
        if self.width <= 0 or self.height <= 0:
            raise JobError(
                f"the box is {self.width:g} x {self.height:g} pixels: give it some width and height"
            )


@dataclass(frozen=True, slots=True)
class Region:
    """A place that a person gives, and what is there: words, a colour, or both.

    The place is a ``mask``, the name of a picture that comes with the request, or a ``box``. A
    colour beside words is that of the first thing that they name.

    Raises:
        JobError: it has no place or two, or says nothing.
    """

    mask: str | None = None
    box: Box | None = None
    description: str = ""
    color: str | None = None

    def __post_init__(self) -> None:
        if (self.mask is None) == (self.box is None):
            raise JobError("a region has one place: give it a mask or a box")
        object.__setattr__(self, "description", checked_text(self.description, "a region"))
        if self.color is not None:
            object.__setattr__(self, "color", checked_color(self.color, "a region's"))
        if not self.description and self.color is None:
            raise JobError("a region says nothing: give it a description or a color")

    def members(self) -> dict[str, object]:
        """Return what ``parse_regions`` reads."""
        box = None if self.box is None else list(astuple(self.box))
        given = {
            "mask": self.mask,
            "box": box,
            "description": self.description or None,
            "color": self.color,
        }
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True, slots=True)
class ThingChange:
    """What becomes of a thing that a description names, found by its phrase: "green dress".

    ``color`` takes the place of the colour named, ``mask`` (the name of a picture that comes with
    the request) that of the place found; without ``use`` the thing is not coloured.
    """

    phrase: str
    color: str | None = None
    mask: str | None = None
    use: bool = True

    def __post_init__(self) -> None:
        phrase = " ".join(checked_text(self.phrase, "the phrase of a thing").split())
        if not 0 < len(phrase) <= MAX_PHRASE:
            raise JobError(
                f"the phrase of a thing has {len(phrase)} letters: give 1 to {MAX_PHRASE}, as "
                "the answer of POST /v1/things has it"
            )
        object.__setattr__(self, "phrase", phrase)
        if self.color is not None:
            object.__setattr__(self, "color", checked_color(self.color, "a thing's"))

    def members(self) -> dict[str, object]:
        """Return what ``parse_things`` reads."""
        given = {"phrase": self.phrase, "color": self.color, "mask": self.mask}
        members: dict[str, object] = {k: v for k, v in given.items() if v is not None}
        return members if self.use else {**members, "use": False}

    def is_about(self, phrase: str) -> bool:
        """Tell whether a thing has this phrase, in whatever letters."""
        return self.phrase.casefold() == " ".join(phrase.split()).casefold()


def parse_regions(text: str) -> tuple[Region, ...]:
    """Read regions from JSON: ``[{"mask":PART or "box":[x,y,w,h],"description":..,"color":..}]``.

    Raises:
        JobError: no JSON, not a list of such objects, too many, or a value out of range.
    """
    example = '[{"mask": "region-0", "description": "a green shawl"}]'
    entries = read_list(text, "regions", example, MAX_REGIONS)
    return tuple(_parse_region(f"region {number}", entry) for number, entry in enumerate(entries))


def parse_things(text: str) -> tuple[ThingChange, ...]:
    """Read changes of things from JSON: ``[{"phrase":..,"color":..,"mask":PART,"use":false}]``.

    Raises:
        JobError: no JSON, not a list of such objects, too many, or a value out of range.
    """
    example = '[{"phrase": "green dress", "color": "#8a2030"}]'
    entries = read_list(text, "things", example, MAX_THINGS)
    return tuple(_parse_thing(f"thing {number}", entry) for number, entry in enumerate(entries))


def _parse_region(where: str, entry: Any) -> Region:
    _check_keys(where, entry, {"mask", "box", "description", "color"})
    try:
        return Region(
            _part(where, entry.get("mask")),
            _box(where, entry.get("box")),
            _text(where, "description", entry.get("description")) or "",
            _text(where, "color", entry.get("color")),
        )
    except JobError as problem:
        raise _of(where, problem) from problem


def _parse_thing(where: str, entry: Any) -> ThingChange:
    _check_keys(where, entry, {"phrase", "color", "mask", "use"})
    use = entry.get("use", True)
    if not isinstance(use, bool):
        raise JobError(f"{where} has use={str(use)[:40]!r}: give true or false")
    try:
        return ThingChange(
            _text(where, "phrase", entry.get("phrase")) or "",
            _text(where, "color", entry.get("color")),
            _part(where, entry.get("mask")),
            use,
        )
    except JobError as problem:
        raise _of(where, problem) from problem


def _of(where: str, problem: JobError) -> JobError:
    text = str(problem)
    return problem if text.startswith(where) else JobError(f"{where}: {text}")


def _check_keys(where: str, entry: Any, known: set[str]) -> None:
    if not isinstance(entry, dict):
        raise JobError(f"{where} is not an object: give it {', '.join(sorted(known))}")
    if unknown := sorted(entry.keys() - known):
        raise JobError(
            f"{where} has the unknown key {unknown[0][:40]!r}: use {', '.join(sorted(known))}"
        )


def _text(where: str, name: str, value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise JobError(f"{where} has {name}={str(value)[:40]!r}: give a text")


def _part(where: str, value: Any) -> str | None:
    name = _text(where, "mask", value)
    if name is not None and not _PART.fullmatch(name):
        raise JobError(
            f"{where} has mask={name[:40]!r}: give the name of a file part of the form (letters, "
            "digits, _ and -, at most 64)"
        )
    return name


def _box(where: str, value: Any) -> Box | None:
    if value is None:
        return None
    numbers = value if isinstance(value, list) else []
    if len(numbers) != 4 or any(
        isinstance(number, bool) or not isinstance(number, int | float) for number in numbers
    ):
        raise JobError(f"{where} has box={str(value)[:40]!r}: give [x, y, width, height] in pixels")
    try:
        return Box(*(float(number) for number in numbers))
    except OverflowError as problem:
        raise JobError(f"{where} has a number too large to be a pixel") from problem
