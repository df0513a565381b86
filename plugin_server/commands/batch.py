"""``photochrom colorize DIR -o OUT``: folders in, folders out; stopped and resumed at will."""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from models.shown import printable, shown
from plugin_server.batch.backends import cores, sleep_unless_stopped
from plugin_server.commands.bars import bar
from plugin_server.commands.library_session import stoppable
from plugin_server.commands.outputs import check_files

if TYPE_CHECKING:
    from plugin_server.batch.backends import Backend
    from plugin_server.batch.batch import Outcome, Tally
    from plugin_server.batch.batch_settings import BatchSettings
    from plugin_server.batch.manifest import Manifest
    from plugin_server.batch.output import Format
    from plugin_server.batch.report import Report
    from plugin_server.batch.sources import SkippedPhoto, SourcePhoto, Sources

FAILED: Final = 2  # some photos have no result, or there is none
ENDED_EARLY: Final = 3  # the disk is full, the server is gone; the same command goes on
STOPPED: Final = 130  # the exit code of a program that Ctrl-C ended
POLL_INTERVAL: Final = 2.0  # seconds, at a folder that is watched
FORMATS: Final = ("same", "png", "tiff", "jpeg", "webp")

OPTIONS = (
    click.option(
        "-r", "--recursive", is_flag=True,
        help="Colour what is in folders below, too; the output folder gets the same tree.",
    ),
    click.option(
        "--descriptions", type=click.Path(path_type=Path), metavar="FILE.csv",
        help="A table with the columns file and description, regions or both.",
    ),
    click.option(
        "--captions/--no-captions", default=True,
        help="Take descriptions from NAME.txt or NAME.json beside a photo, or from inside it.  "
        "[default: yes]",
    ),
    click.option(
        "--technical-texts", "technical", type=click.Path(path_type=Path), metavar="FILE.txt",
        help="Texts, one a line and * for anything, that stand in or beside your photos and do not "
        "describe them; those of scanners, cameras and programs are known.",
    ),
    click.option(
        "--format", "format_", type=click.Choice(FORMATS), default="same", show_default=True,
        help="What a folder's results are written as. JPEG and WebP stay small but lose a little; "
        "png keeps every lightness exactly.",
    ),
    click.option(
        "--retry-failed", is_flag=True, help="Try photos again that failed in an earlier run."
    ),
    click.option(
        "--watch", is_flag=True,
        help="Stay, and colour what is put into the folder, such as by a scanner.",
    ),
    click.option(
        "--contact-sheet", "sheet", type=click.Path(path_type=Path), metavar="FILE.html",
        help="Show all photos before and after, on pages to look through.",
    ),
    click.option(
        "--jobs", type=click.IntRange(1, 64), metavar="N",
        help="How many photos at a time.  "
        "[default: one more than there are cores; 4 for a --server]",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """The options that only folders have."""

    recursive: bool
    descriptions: Path | None
    captions: bool
    format: Format
    retry_failed: bool
    watch: bool
    sheet: Path | None
    jobs: int | None
    technical: Path | None
    keep_dates: bool = False

    def is_meant(self, photos: Sequence[Path]) -> bool:
        """Tell whether folders are to be coloured, rather than the named photos one by one."""
        asked = (
            self.recursive, self.descriptions, self.retry_failed, self.watch, self.sheet,
            not self.captions, self.format != "same", self.jobs, self.technical,
        )  # fmt: skip
        return any(asked) or all(photo.is_dir() for photo in photos)


def batch_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a batch, as its argument ``batch``."""

    @functools.wraps(command)
    def with_options(
        *args: Any, recursive: bool, descriptions: Path | None, captions: bool, format_: Format,
        retry_failed: bool, watch: bool, sheet: Path | None, jobs: int | None,
        technical: Path | None, **others: Any,
    ) -> Any:  # fmt: skip
        batch = BatchOptions(
            recursive, descriptions, captions, format_, retry_failed, watch, sheet, jobs, technical
        )
        return command(*args, batch=batch, **others)

    for option in reversed(OPTIONS):
        with_options = option(with_options)
    return with_options


@dataclass(frozen=True, slots=True)
class BatchCommand:
    """A batch as the command line asks for it; ``run`` does it and gives the exit code."""

    options: BatchOptions
    photos: Sequence[Path]
    output: Path
    overwrite: bool

    def run(
        self, batch_settings: BatchSettings, begin: Callable[[Callable[[], bool]], Backend]
    ) -> int:
        """Colour everything, write the report and the sheet, say what came of it.

        ``begin`` gets the backend that colour, once nothing else stands in the way; it is told how
        to learn that the user wants to stop.

        Raises:
            click.ClickException: it cannot begin.
        """
        from plugin_server.batch.descriptions import DescriptionsError
        from plugin_server.batch.manifest import Manifest, ManifestError
        from plugin_server.batch.sources import SourceError

        try:
            sources, batch_settings = self._sources(), self._described(batch_settings)
            is_new = not self.output.exists()
            if is_new and not self.options.watch and not any(True for _ in sources):
                self._say_nothing_found()  # and leave no folder behind
                return FAILED
            with Manifest(self.output) as manifest, stopping() as should_stop:
                if is_new:
                    click.echo(f"made the folder {shown(self.output)}", err=True)
                backend = begin(should_stop)
                return self._work(manifest, sources, batch_settings, backend, should_stop)
        except (SourceError, DescriptionsError, ManifestError) as problem:
            raise click.ClickException(str(problem)) from problem

    def _described(self, batch_settings: BatchSettings) -> BatchSettings:
        """Add the descriptions to what all photos share."""
        from plugin_server.batch.descriptions import (
            Descriptions,
            read_list,
            read_places,
            read_table,
        )

        table = self.options.descriptions
        rows = read_table(table) if table is not None else {}
        places = read_places(table) if table is not None else {}
        technical = read_list(self.options.technical) if self.options.technical else ()
        descriptions = Descriptions(
            rows, batch_settings.job.description, self.options.captions, technical, places
        )
        return replace(batch_settings, descriptions=descriptions)

    def _sources(self) -> Sources:
        from plugin_server.batch.sources import SourceError, Sources

        sheet = self.options.sheet
        if sheet is not None and sheet.suffix.lower() not in (".html", ".htm"):
            raise SourceError(
                f"{shown(sheet)} is no name of a page: call it {shown(sheet.stem or 'sheet')}.html"
            )
        check_files([sheet])
        return Sources.parse(self.photos, self.output, recursive=self.options.recursive)

    def _work(
        self,
        manifest: Manifest,
        sources: Sources,
        batch_settings: BatchSettings,
        backend: Backend,
        should_stop: Callable[[], bool],
    ) -> int:
        from plugin_server.batch.batch import Batch
        from plugin_server.batch.output import Output
        from plugin_server.batch.report import Report
        from plugin_server.batch.watch import watch

        options = self.options
        found: Iterable[SourcePhoto | SkippedPhoto | None] = sources
        if options.watch:
            click.echo(f"watching {_named(self.photos)}; Ctrl-C ends it", err=True)
            found = watch(
                sources, wait=lambda: not sleep_unless_stopped(POLL_INTERVAL, should_stop)
            )
        with bar("Colouring", None if options.watch else sources.count()) as advance:

            def tell(outcome: Outcome) -> None:
                if outcome.ending == "failed":
                    name, error = outcome.record.name, outcome.record.error
                    click.echo(f"{shown(name)}: {printable(error)}", err=True)
                elif outcome.ending == "coloured" and options.watch:
                    click.echo(shown(self.output / outcome.record.output))
                advance()

            batch = Batch(
                backend.colour, batch_settings, manifest=manifest, limits=backend.limits,
                output=Output(self.output, options.format), in_flight=backend.in_flight,
                overwrite=self.overwrite, retry_failed=options.retry_failed,
                should_stop=should_stop, on_outcome=tell, keep_dates=options.keep_dates,
                comes_again=options.watch,
            )  # fmt: skip
            tally = batch.run(found)
        report = Report(self.output, tally, cores())
        is_written = self._conclude(manifest, report, batch_settings, should_stop)
        is_done = is_written and (tally.total > 0 or options.watch)
        return _exit_code(tally, watched=options.watch) or (0 if is_done else FAILED)

    def _conclude(
        self,
        manifest: Manifest,
        report: Report,
        batch_settings: BatchSettings,
        should_stop: Callable[[], bool],
    ) -> bool:
        """Write the report and the sheet, and say what came of all; False where one is missing."""

        tally, sheet = report.tally, self.options.sheet
        has_report = has_sheet = True
        try:
            report.write(manifest)
        except OSError as problem:
            has_report = False
            click.echo(f"the report cannot be written: {problem.strerror}", err=True)
        if sheet is not None and (self.options.watch or not tally.stopped):
            try:
                self._draw(sheet, manifest, tally, should_stop)
            except OSError as problem:
                has_sheet = False
                name = shown(sheet)
                click.echo(
                    f"the contact sheet {name} cannot be written: {problem.strerror}", err=True
                )
        unused = [] if tally.stopped else batch_settings.descriptions.unused()
        for line in report.lines(manifest, unused, is_written=has_report):
            click.echo(line)
        if tally.total == 0 and not tally.stopped and not self.options.watch:
            self._say_nothing_found()
        if tally.stopped and not self.options.watch:
            click.echo(f"{tally.stopped}; the same command goes on from here", err=True)
        return has_report and has_sheet

    def _say_nothing_found(self) -> None:
        below = "" if self.options.recursive else "; --recursive looks into folders below, too"
        click.echo(f"there is no photo in {_named(self.photos)}{below}", err=True)

    def _draw(
        self, file: Path, manifest: Manifest, tally: Tally, should_stop: Callable[[], bool]
    ) -> None:
        from plugin_server.batch.contact_sheet import Sheet

        seen = (record for record in manifest if record.name in tally.endings)
        stop = should_stop if not self.options.watch else (lambda: False)
        with bar("Drawing", len(tally.endings)) as advance:
            sheet = Sheet(file, self.output, cores())
            pages = sheet.draw(seen, len(tally.endings), on_photo=advance, should_stop=stop)
        if pages:
            more = f", {pages} pages" if pages > 1 else ""
            click.echo(f"contact sheet: {shown(file)}{more}")


@contextmanager
def stopping() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C, and the system's request to end, finish the photos in hand; twice, at once."""
    with stoppable() as should_stop:
        before = signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
        try:
            yield should_stop
        except KeyboardInterrupt:
            # Threads at work would keep the process; what they leave half done is found again.
            click.echo("stopped", err=True)
            sys.stdout.flush()
            os._exit(STOPPED)
        finally:
            signal.signal(signal.SIGTERM, before)


def _exit_code(tally: Tally, *, watched: bool) -> int:
    if tally.stopped and tally.stopped != "stopped":
        return ENDED_EARLY
    if tally.stopped and not watched:
        return STOPPED
    return FAILED if tally.failures else 0


def _named(photos: Sequence[Path]) -> str:
    return ", ".join(map(shown, photos))
