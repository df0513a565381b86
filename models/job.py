"""One request to colour a layer, validated once; nothing below checks it again."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from models.job_error import JobError, checked_color, checked_text, read_list
from models.region import MAX_REGIONS, MAX_THINGS, Region, ThingChange

__all__ = [
    "AUTO",
    "ColorizeJob",
    "Hint",
    "JobError",
    "PaletteColor",
    "parse_hints",
    "parse_palette",
]

MAX_HINTS = 10_000
MAX_PALETTE = 6
MAX_WEIGHT = 1000
MAX_ID = 64
# Descriptions are read in these; all but English have a file in models/guidance/languages.
LANGUAGES = {
    "en": "English",
    "de": "German",
    "es": "Spanish",
    "fr": "French",
    "it": "Italian",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "ru": "Russian",
}
AUTO = "auto"  # the exemplar that fits best
_ID = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_ID}}}")


@dataclass(frozen=True, slots=True)
class Hint:
    """A dab of colour: every pixel no farther than ``radius`` from the centre is ``color``.

    ``x`` and ``y`` are column and row in the upright image, in pixels; ``radius`` None means 1 % of
    the short side.
    """

    x: float
    y: float
    color: str
    radius: float | None = None

    def __post_init__(self) -> None:
        for name, value in (("x", self.x), ("y", self.y), ("radius", self.radius)):
            if value is not None and not math.isfinite(value):
                raise JobError(f"hint {name} is {value}: give a finite number of pixels")
        if self.radius is not None and self.radius < 0:
            raise JobError(f"hint radius is {self.radius:g}: give 0 or more pixels")
        object.__setattr__(self, "color", checked_color(self.color, "hint"))


@dataclass(frozen=True, slots=True)
class PaletteColor:
    """A colour that the whole picture should have; ``weight`` is its share beside the others'."""

    color: str
    weight: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "color", checked_color(self.color, "palette"))
        if not 0 < self.weight <= MAX_WEIGHT:
            raise JobError(
                f"the palette's weight of {self.color} is {self.weight:g}: give a number above 0 "
                f"and at most {MAX_WEIGHT}"
            )


@dataclass(frozen=True, slots=True)
class ColorizeJob:
    """What a person asks for, besides the layer itself.

    ``saturation`` scales the chroma (0 to 2); ``strength`` is how far the guidance outweighs the
    network's own guess (0 to 1). ``exemplar`` is the id of a photo in the library whose colours are
    wanted, or ``auto`` for the one that fits best. ``palette`` holds up to six colours that the
    whole picture should have. ``regions`` are places with words or colours of their own, later
    ones on top; ``things`` change what the description names.

    Raises:
        JobError: a value is out of its range.
    """

    description: str = ""
    hints: tuple[Hint, ...] = ()
    saturation: float = 1.0
    strength: float = 1.0
    exemplar: str | None = None
    palette: tuple[PaletteColor, ...] = ()
    regions: tuple[Region, ...] = ()
    things: tuple[ThingChange, ...] = ()
    language: str | None = None

    def __post_init__(self) -> None:
        described = checked_text(self.description, "the description")
        object.__setattr__(self, "description", described)
        if self.language is not None:
            object.__setattr__(self, "language", _checked_language(self.language))
        for name, value, limit in (
            ("saturation", self.saturation, 2),
            ("strength", self.strength, 1),
        ):
            if not 0 <= value <= limit:
                raise JobError(f"{name} is {value:g}: give a number from 0 to {limit}")
        if self.exemplar is not None and not _ID.fullmatch(self.exemplar):
            raise JobError(
                f"exemplar is {self.exemplar[:80]!r}: give an id of the library (letters, digits, "
                f"_ and -, at most {MAX_ID}), or {AUTO}"
            )
        for name, given, most in (
            ("hints", self.hints, MAX_HINTS),
            ("regions", self.regions, MAX_REGIONS),
            ("things", self.things, MAX_THINGS),
        ):
            if len(given) > most:
                raise JobError(f"{len(given)} {name} were given: send at most {most}")
        if len(self.palette) > MAX_PALETTE:
            raise JobError(
                f"the palette has {len(self.palette)} colours: give at most {MAX_PALETTE}"
            )

    @property
    def masks(self) -> frozenset[str]:
        """Name the pictures that regions and things take their places from."""
        named = [region.mask for region in self.regions] + [thing.mask for thing in self.things]
        return frozenset(filter(None, named))

    def check_against(self, width: int, height: int) -> None:
        """Refuse hints whose centre and boxes that wholly lie outside a layer of this size."""
        for hint in self.hints:
            if not (0 <= hint.x <= width - 1 and 0 <= hint.y <= height - 1):
                raise JobError(
                    f"hint at x={hint.x:g}, y={hint.y:g} is outside the image: x must be from 0 to "
                    f"{width - 1} and y from 0 to {height - 1} (the upright image, in pixels)"
                )
        for number, box in enumerate(region.box for region in self.regions):
            if box is not None and not (
                box.x < width
                and box.y < height
                and box.x + box.width > 0
                and box.y + box.height > 0
            ):
                raise JobError(
                    f"region {number}: the box at x={box.x:g}, y={box.y:g} of {box.width:g} x "
                    f"{box.height:g} pixels lies outside the image, which is {width} x {height}"
                )


def parse_hints(text: str) -> tuple[Hint, ...]:
    """Read hints from their JSON form, ``[{"x":..,"y":..,"color":"#rrggbb","radius":..}]``.

    Raises:
        JobError: no JSON, not a list of such objects, or a value out of range.
    """
    example = '[{"x": 1, "y": 1, "color": "#a03020"}]'
    entries = read_list(text, "hints", example, MAX_HINTS)
    return tuple(_parse_hint(number, entry) for number, entry in enumerate(entries))


def _parse_hint(number: int, entry: Any) -> Hint:
    if not isinstance(entry, dict):
        raise JobError(f"hint {number} is not an object: give it x, y and color")
    if unknown := sorted(entry.keys() - {"x", "y", "color", "radius"}):
        raise JobError(f"hint {number} has the unknown key {unknown[0]!r}: use x, y, color, radius")
    if missing := sorted({"x", "y", "color"} - entry.keys()):
        raise JobError(f"hint {number} lacks {missing[0]!r}: give it x, y and color")
    for name in ("x", "y", "radius"):
        value = entry.get(name)
        if name == "radius" and value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise JobError(f"hint {number} has {name}={value!r}: give a number of pixels")
    if not isinstance(entry["color"], str):
        raise JobError(f"hint {number} has color={entry['color']!r}: write it as #rrggbb")
    radius = entry.get("radius")
    try:
        x, y = float(entry["x"]), float(entry["y"])
        return Hint(x, y, entry["color"], None if radius is None else float(radius))
    except OverflowError as problem:
        raise JobError(f"hint {number} has a number too large to be a pixel") from problem


def parse_palette(text: str) -> tuple[PaletteColor, ...]:
    """Read a palette from its JSON form, ``["#rrggbb", {"color":"#rrggbb","weight":2}]``.

    Raises:
        JobError: no JSON, not a list of colours, or a value out of range.
    """
    entries = read_list(text, "palette", '["#rrggbb", ..]', MAX_PALETTE, "colours")
    return tuple(_parse_color(number, entry) for number, entry in enumerate(entries))


def _parse_color(number: int, entry: Any) -> PaletteColor:
    match entry:
        case str():
            return PaletteColor(entry)
        case {"color": str(color), **others} if others.keys() <= {"weight"}:
            weight = others.get("weight", 1)
            if isinstance(weight, bool) or not isinstance(weight, int | float):
                raise JobError(f"palette colour {number} has weight={weight!r}: give a number")
            return PaletteColor(color, float(max(min(weight, 2 * MAX_WEIGHT), -1)))
        case _:
            raise JobError(
                f'palette colour {number} is not understood: write it as "#rrggbb" or as '
                '{"color": "#rrggbb", "weight": 2}'
            )


def _checked_language(tag: str) -> str:
    """Return the code of a language's tag: "de" of "de-AT", "pt" of "pt_BR"."""
    code = tag.strip().lower().replace("_", "-").partition("-")[0]
    if code not in LANGUAGES:
        raise JobError(
            f"language is {tag[:40]!r}: give one of {', '.join(LANGUAGES)}, or none, and it is "
            "recognised"
        )
    return code
