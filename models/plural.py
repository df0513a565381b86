"""Numbers of things in words."""

from __future__ import annotations


def plural(count: int, noun: str) -> str:
    """Write a noun as it stands behind a number."""
    return noun if count == 1 else f"{noun}s"


def number_of(count: int, noun: str) -> str:
    """Write a number with its noun: ``1 photo``, ``2,100 photos``."""
    return f"{count:,} {plural(count, noun)}"
