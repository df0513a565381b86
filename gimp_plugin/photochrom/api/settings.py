"""The settings of a result: one JSON object, kept with the layer as `photochrom-settings`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, TypeGuard

PARASITE = "photochrom-settings"
MAX_BYTES = 4_000_000  # ten thousand hints have about 800 kB; more is not ours
RANGES = {"saturation": 2.0, "strength": 1.0}


@dataclass(frozen=True)
class Settings:
    """What made a result; enough to make it again.

    The names are those that the server writes into PNG text and XMP. ``reference``, ``mask`` and
    ``hint_image`` are SHA-256 sums of what was sent; ``regions`` holds {"description", "mask"}
    objects, ``hints`` {"x", "y", "color", "radius"} objects, ``palette`` colors. That is all that
    GIMP asks for: what the server may write besides, such as weights of a palette's colors, regions
    that are boxes or have a color, and things, no layer of ours was made with.
    """

    version: str = ""
    model: str = ""
    description: str = ""
    reference: str | None = None
    mask: str | None = None
    exemplar: str | None = None
    hints: tuple[dict[str, Any], ...] = ()
    hint_image: str | None = None
    regions: tuple[dict[str, Any], ...] = ()
    palette: tuple[str, ...] = ()
    saturation: float = 1.0
    strength: float = 1.0

    def to_json(self) -> str:
        """Write one JSON object in ASCII, which is all that a parasite can hold."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Settings | None:
        """Read what ``to_json`` wrote; None where it is something else.

        A layer may come from anywhere, so every value is checked; what ``to_json`` never writes
        is left out.
        """
        read = read_object(text)
        if read is None:
            return None
        kept: dict[str, Any] = {}
        for name in ("version", "model", "description"):
            if isinstance(read.get(name), str):
                kept[name] = read[name]
        for name in ("reference", "mask", "exemplar", "hint_image"):
            if isinstance(read.get(name), str) and read[name]:
                kept[name] = read[name]
        for name, high in RANGES.items():
            value = read.get(name)
            if is_number(value) and 0 <= value <= high:  # which a nan is not
                kept[name] = float(value)
        for name, check in (("hints", is_hint), ("regions", is_region), ("palette", is_color)):
            if isinstance(read.get(name), list):
                kept[name] = tuple(value for value in read[name] if check(value))
        return cls(**kept)


def read_object(text: str | bytes) -> dict[str, Any] | None:
    """Read a JSON object from a stranger; None where it is something else, too deep or too long."""
    if len(text) > MAX_BYTES:
        return None
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


def is_hint(value: object) -> bool:
    """Tell whether ``value`` is a dab of color as the server takes it."""
    if not isinstance(value, dict) or set(value) - {"x", "y", "color", "radius"}:
        return False
    numbers = [value.get("x"), value.get("y"), value.get("radius") or 0]
    return isinstance(value.get("color"), str) and all(map(is_number, numbers))


def is_region(value: object) -> bool:
    """Tell whether ``value`` is a region with its words."""
    return (
        isinstance(value, dict)
        and set(value) == {"description", "mask"}
        and all(isinstance(member, str) for member in value.values())
    )


def is_color(value: object) -> bool:
    """Tell whether ``value`` is a color as the server writes it: ``#rrggbb``."""
    return (
        isinstance(value, str)
        and len(value) == 7
        and value[0] == "#"
        and all(digit in "0123456789abcdefABCDEF" for digit in value[1:])
    )


def is_number(value: object) -> TypeGuard[float]:
    """Tell whether ``value`` is a number, which for Python True would be."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)
