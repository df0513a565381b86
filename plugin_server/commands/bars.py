"""How far work is, on stderr: a bar for people, lines now and then for logs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import click

TICK: Final = 60.0  # seconds between lines where there is no terminal to draw a bar on


@contextmanager
def bar(title: str, total: int | None) -> Iterator[Callable[[], None]]:
    """Show a bar with rate and time left on stderr; lines now and then where it is no terminal.

    None where nobody knows how much there will be, and nothing is shown.
    """
    if total is None:
        yield lambda: None
        return
    if not sys.stderr.isatty():
        yield _ticker(title, total)
        return
    done = 0

    def advance() -> None:
        nonlocal done
        done += 1
        show(done, total)

    with counted(title) as show:
        show(done, total)
        yield advance


@contextmanager
def counted(
    title: str, unit: str = "", *, stays: bool = True
) -> Iterator[Callable[[int, int], None]]:
    """Show on stderr how many of how many are done, how many ``unit`` a second, and the time left.

    Nothing where it is no terminal. The bar ``stays`` when all is done, or goes.
    """
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            rate = f"{task.speed:.0f} {unit}" if unit and task.speed else f"{task.speed or 0:.1f}"
            return Text(f"{rate}/s" if task.speed else "")

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(),
        TimeRemainingColumn(compact=not stays),
    )  # fmt: skip
    with Progress(
        *columns, console=Console(stderr=True), redirect_stdout=sys.stdout.isatty(),
        speed_estimate_period=120, transient=not stays,
    ) as shown:  # fmt: skip
        task = shown.add_task(title, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)


def _ticker(title: str, total: int) -> Callable[[], None]:
    from plugin_server.batch.report import duration

    began = said = time.monotonic()
    done = 0

    def advance() -> None:
        nonlocal done, said
        done += 1
        now = time.monotonic()
        if now - said >= TICK:
            said = now
            rate = done / (now - began)
            left = duration(max(total - done, 0) / rate)
            click.echo(
                f"{title}: {done:,} of {total:,}, {rate:.1f} a second, {left} left", err=True
            )

    return advance


@contextmanager
def photo_bar(show: bool) -> Iterator[Callable[[str, float], None]]:
    """Show on stderr how far one photo is."""
    if not show or not sys.stderr.isatty():
        yield lambda stage, share: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(
        *columns, console=Console(stderr=True), redirect_stdout=sys.stdout.isatty()
    ) as bar:
        task = bar.add_task("sending", total=1.0)
        yield lambda stage, share: bar.update(task, description=stage, completed=share)
