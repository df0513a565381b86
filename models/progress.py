"""How far a long piece of work is, and the way to stop it."""

from __future__ import annotations

from typing import Protocol


class Stopped(Exception):
    """The work was told to stop; a ``Progress`` raises it, and nothing on the way catches it."""


class Progress(Protocol):
    """Hears how far the work is, from any thread; raises ``Stopped`` to end it.

    It is called between stages and between blocks of a stage, so it must be cheap. ``share`` is
    the part of the stage that is done, in [0, 1]; where blocks are done in several threads it may
    go back by a block.
    """

    def __call__(self, stage: str, share: float) -> None: ...


def unwatched(stage: str, share: float) -> None:
    """Let the work go on: nobody watches it."""
