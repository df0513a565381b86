"""What one run asks for: the arguments of a procedure, read once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from failures import Failure
from layers import COLOR_LAYER
from reference import Reference

AUTO = "auto"


@dataclass(frozen=True)
class Wish:
    """What a person asks for, besides the layer; ``exemplars`` are ids, or ``auto`` alone."""

    description: str = ""
    reference: Reference | None = None
    exemplars: tuple[str, ...] = ()
    hints: tuple[dict[str, Any], ...] = ()
    saturation: float = 1.0
    strength: float = 1.0
    output: str = COLOR_LAYER

    def __post_init__(self) -> None:
        if self.reference is not None and self.exemplars:
            raise Failure("a reference and an exemplar were given: give one of them")


def split_exemplars(text: str) -> tuple[str, ...]:
    """Read ids that commas or spaces separate; nothing means ``auto``."""
    ids = tuple(dict.fromkeys(text.replace(",", " ").split()))
    return ids or (AUTO,)
