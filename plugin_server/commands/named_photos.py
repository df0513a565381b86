"""Photos named one by one on the command line: coloured beside themselves, or where ``-o`` says."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from models.shown import printable, shown
from plugin_server.batch.batch_settings import BatchSettings
from plugin_server.batch.runner import CannotGoOn, Runner, explain
from plugin_server.batch.sources import read_file
from plugin_server.commands.bars import bar
from plugin_server.commands.destination import STREAM

if TYPE_CHECKING:
    from plugin_server.batch.backends import Backend
    from plugin_server.commands.candidates import Candidates
    from plugin_server.commands.destination import Destination

FAILED: Final = 2
ENDED_EARLY: Final = 3


@dataclass(frozen=True, slots=True)
class NamedPhotos:
    """What all photos of one run share."""

    backend: Backend
    batch_settings: BatchSettings
    destination: Destination
    keep_dates: bool = False
    candidates: Candidates | None = None

    def run(self, photos: Sequence[Path]) -> int:
        """Colour each photo, say what was written and what failed, and give the exit code."""
        failed = []
        with bar("Colouring", len(photos) if len(photos) > 1 else None) as advance:

            def tell(problem: str) -> None:
                if problem:
                    failed.append(problem)
                    click.echo(problem, err=True)
                advance()

            runner: Runner[Path, str] = Runner(self._colour, tell)
            ended = runner.run(photos)
        if ended:
            click.echo(ended, err=True)
            return ENDED_EARLY
        return FAILED if failed else 0

    def _colour(self, photo: Path) -> str:
        """Colour one photo and name the files as they are written; say what is wrong with it."""
        try:
            for written in self._written(photo):
                if written != STREAM:  # a name need not be text; it must not fail what is written
                    click.echo(shown(written))
        except CannotGoOn:
            raise
        except Exception as problem:  # one bad photo must not stop the others
            return f"{shown(photo)}: {explain(problem)}"
        return ""

    def _written(self, photo: Path) -> Iterator[Path]:
        from plugin_server.batch.writing import times_of

        data, notices = self.batch_settings.opened(self._read(photo))
        request = self.batch_settings.request(data)
        if self.candidates is not None:
            yield from self.candidates.colour(photo, request)
            return
        self.destination.check_early(photo, data)
        answer = self.backend.colour(replace(request, answer_type=self.destination.type))
        target = self.destination.place(photo, answer.media_type)
        times = times_of(photo) if self.keep_dates and photo != STREAM else None
        self.destination.write(target, answer.body, times)
        if answer.exemplar is not None:
            note(photo, self._lender(answer.exemplar))
        for notice in (*notices, *answer.notices):
            note(photo, notice)
        yield target

    def _lender(self, exemplar: str) -> str:
        """Say which photo lent its colours: ``ID; score=0.83`` and its file."""
        from plugin_server.client import ClientError
        from retrieval.errors import LibraryError

        id, _, score = exemplar.partition("; score=")
        try:
            source = self.backend.source_of(id)
        except (LibraryError, ClientError):  # removed since
            return f"exemplar {exemplar}"
        return f"the colours come from {source} (exemplar {id}{score and f', score {score}'})"

    def _read(self, photo: Path) -> bytes:
        from plugin_server.images.codec import TooLarge

        limit = self.backend.limits.max_bytes
        if photo == STREAM:
            data = sys.stdin.buffer.read(limit + 1)
            size = len(data)
        else:
            if photo.is_dir():
                raise IsADirectoryError("is a folder: colour what is in it with --recursive -o OUT")
            size = photo.stat().st_size
            data = b"" if size > limit else read_file(photo)
        if size > limit:
            raise TooLarge(f"the file has {size:,} bytes and the limit is {limit:,}: scale it down")
        return data


def note(photo: Path, text: str) -> None:
    """Say something about a photo that is no failure."""
    click.echo(f"{shown(photo)}: note: {printable(text)}", err=True)
