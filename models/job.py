"""One request to colour a layer, and its parts, validated once; nothing below checks it again."""

from __future__ import annotations

import math
import re
from dataclasses import astuple, dataclass

MAX_HINTS = 10_000
MAX_PALETTE = 6
MAX_WEIGHT = 1000
MAX_ID = 64
MAX_REGIONS = 32
MAX_THINGS = 32
MAX_PHRASE = 200
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
_HEX = re.compile(r"#[0-9a-f]{6}")


class JobError(ValueError):
    """A request that makes no sense; the message names the value, the limit and the remedy."""


def checked_color(color: str, where: str) -> str:
    """Return #rrggbb in small letters.

    Raises:
        JobError: it is none.
    """
    small = color.lower()
    if not _HEX.fullmatch(small):
        raise JobError(f"{where} color is {color[:40]!r}: write it as #rrggbb, such as #c04030")
    return small


def checked_text(text: str, where: str) -> str:
    """Return a text without the space around it.

    Raises:
        JobError: it holds what no text holds.
    """
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise JobError(f"{where} holds bytes that are no text: write it in UTF-8")
    return text.strip()


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
                f"the phrase of a thing has {len(phrase)} letters: give 1 to {MAX_PHRASE}, such "
                "as 'green dress', as the description has it"
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


def _checked_language(tag: str) -> str:
    """Return the code of a language's tag: "de" of "de-AT", "pt" of "pt_BR"."""
    code = tag.strip().lower().replace("_", "-").partition("-")[0]
    if code not in LANGUAGES:
        raise JobError(
            f"language is {tag[:40]!r}: give one of {', '.join(LANGUAGES)}, or none, and it is "
            "recognised"
        )
    return code
