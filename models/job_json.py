"""The parts of a job as JSON, which forms, files and the command line write."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from models.job import (
    MAX_HINTS,
    MAX_PALETTE,
    MAX_REGIONS,
    MAX_THINGS,
    MAX_WEIGHT,
    Box,
    Hint,
    JobError,
    PaletteColor,
    Region,
    ThingChange,
)

_PART = re.compile(r"[A-Za-z0-9_-]{1,64}")


def read_list(text: str, name: str, example: str, most: int, noun: str = "") -> list[Any]:
    """Read a field that is a JSON list of at most ``most`` members; ``noun`` says what they are.

    Raises:
        JobError: it is no JSON, no list, or too long.
    """
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise JobError(f"{name} is not JSON ({problem}): send {example}") from problem
    if not isinstance(entries, list):
        raise JobError(f"{name} is JSON but {_kind_of(entries)}: send a list, {example}")
    if len(entries) > most:
        raise JobError(f"{len(entries)} {noun or name} were given: send at most {most}")
    return entries


def _kind_of(value: Any) -> str:
    """Say what a JSON value that is no list is, in the words of JSON."""
    match value:
        case dict():
            return "an object"
        case str():
            return "a string"
        case None | True | False:
            return json.dumps(value)
        case _:
            return "a number"


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


def parse_regions(text: str) -> tuple[Region, ...]:
    """Read regions from JSON: ``[{"mask":PART or "box":[x,y,w,h],"description":..,"color":..}]``.

    Raises:
        JobError: no JSON, not a list of such objects, too many, or a value out of range.
    """
    example = '[{"mask": "region-0", "description": "a green shawl"}]'
    return regions_of(read_list(text, "regions", example, MAX_REGIONS))


def regions_of(entries: Sequence[Any]) -> tuple[Region, ...]:
    """Read regions from the members of a JSON list; JobError as ``parse_regions``."""
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
