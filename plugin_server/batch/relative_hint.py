"""A dab of colour whose place is given in shares of a photo."""

from __future__ import annotations

from dataclasses import dataclass

from models.job import Hint


@dataclass(frozen=True, slots=True)
class RelativeHint:
    """A dab of colour whose place is a share of the photo's width and height.

    ``radius`` is a share of its short side; None as for ``Hint``.
    """

    x: float
    y: float
    color: str
    radius: float | None = None

    def __post_init__(self) -> None:
        for name, value in (("X", self.x), ("Y", self.y), ("RADIUS", self.radius)):
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"{name} is {value:.0%}: give 0% to 100%")

    def on(self, width: int, height: int) -> Hint:
        """Place it on a photo of this size."""
        radius = None if self.radius is None else self.radius * min(width, height)
        return Hint(self.x * (width - 1), self.y * (height - 1), self.color, radius)
