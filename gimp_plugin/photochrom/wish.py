"""What one run asks for: the arguments of a procedure, read once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from client import Client, Result
from failures import Failure
from origin import COLOR_LAYER
from pixels import Pixels
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

    def send(
        self,
        client: Client,
        pixels: Pixels,
        on_progress: Callable[[str, float], bool],
        exemplar: str | None = None,
    ) -> Result:
        """Have pixels coloured, after one of the exemplars (the first where none is named).

        Raises:
            Failure: see ``Client.colorize``.
        """
        if exemplar is None and self.exemplars:
            exemplar = self.exemplars[0]
        return client.colorize(
            pixels,
            description=self.description,
            reference=self.reference.picture if self.reference else None,
            exemplar=exemplar,
            hints=self.hints,
            saturation=self.saturation,
            strength=self.strength,
            on_progress=on_progress,
        )


def split_exemplars(text: str) -> tuple[str, ...]:
    """Read ids that commas or spaces separate; nothing means ``auto``."""
    ids = tuple(dict.fromkeys(text.replace(",", " ").split()))
    return ids or (AUTO,)
