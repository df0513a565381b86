"""What is wrong with a request, and the checks that its parts share."""

from __future__ import annotations

import json
import re
from typing import Any

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
        raise JobError(f"{name} is JSON but a {type(entries).__name__}: send a list, {example}")
    if len(entries) > most:
        raise JobError(f"{len(entries)} {noun or name} were given: send at most {most}")
    return entries
