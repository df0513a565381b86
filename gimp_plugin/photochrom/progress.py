"""GIMP's progress bar."""

from __future__ import annotations

import gi

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp  # noqa: E402


class Bar:
    """Shows what happens in GIMP's progress bar; one run has one bar.

    GIMP's own Cancel button ends the plug-in at once, so nothing has to be asked here.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self.span = (0.0, 1.0)
        Gimp.progress_init(text)

    def part(self, low: float, high: float) -> None:
        """From now on fill the bar from ``low`` to ``high``."""
        self.span = (low, high)

    def __call__(self, text: str, fraction: float) -> bool:
        """Show a stage and how far it is (0 to 1 of the part)."""
        if text != self._text:
            self._text = text
            Gimp.progress_set_text(text)
        low, high = self.span
        Gimp.progress_update(low + (high - low) * fraction)
        return True

    def close(self) -> None:
        """Take the bar away."""
        Gimp.progress_end()
