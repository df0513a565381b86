"""The clock and the Cancel button of one call."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from api.errors import Cancelled, Failure
from api.texts import _

OnProgress = Callable[[str, float], bool | None]

TICK_SECONDS = 0.1  # the longest wait between two looks at the Cancel button
ASK_SECONDS = 0.05  # the shortest; each look may cost GIMP a redraw


class OutOfTime(Failure):
    """The whole took longer than it may."""


class Step(NamedTuple):
    """A part of a call: its text, and the fractions of the whole where it begins and ends."""

    text: str
    begin: float
    end: float

    def at(self, share: float) -> float:
        """Give the fraction of the whole when ``share`` of this step is done."""
        return self.begin + (self.end - self.begin) * share


class Deadline:
    """Ends a call when its time is over or when nobody wants it any more.

    ``on_progress(text, fraction)`` is called with what happens now and how far it is (0 to 1), at
    every new text and ten to twenty times a second; when it returns False, the call ends.
    """

    def __init__(self, timeout: float, on_progress: OnProgress | None = None) -> None:
        self._timeout = timeout
        self._end = time.monotonic() + timeout
        self._on_progress = on_progress
        self._text, self._fraction = _("Asking the server"), 0.0
        self._is_new, self._asked = False, time.monotonic()

    def report(self, text: str, fraction: float) -> None:
        """Tell what happens now; never moves backwards.

        Raises:
            Cancelled, OutOfTime: it is over.
        """
        self._is_new = self._is_new or text != self._text
        self._text, self._fraction = text, max(self._fraction, min(1.0, fraction))
        self.check()

    def check(self, *, firm: bool = False) -> None:
        """Ask whether to go on; a ``firm`` step only minds the time.

        Raises:
            Cancelled, OutOfTime: it is over.
        """
        now = time.monotonic()
        if now >= self._end:
            raise OutOfTime(
                _(
                    "the server did not finish within {seconds:g} seconds; try again, choose a "
                    "smaller layer, or look into the server's log"
                ).format(seconds=self._timeout)
            )
        if firm or self._on_progress is None:
            return
        if self._is_new or now - self._asked >= ASK_SECONDS:
            self._is_new, self._asked = False, now
            if self._on_progress(self._text, self._fraction) is False:
                raise Cancelled(_("cancelled; nothing was changed"))

    @property
    def remaining(self) -> float:
        """Seconds left, 0 at least."""
        return max(0.0, self._end - time.monotonic())

    def sleep(self, seconds: float) -> None:
        """Wait, asking all the while."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, TICK_SECONDS, self.remaining + 0.001))
            self.check()
