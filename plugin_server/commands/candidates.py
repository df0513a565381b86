"""``photochrom colorize --candidates``: several results that differ, and a contact sheet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from models.job import AUTO, ColorizeJob, PaletteColor

if TYPE_CHECKING:
    from plugin_server.commands.destination import Destination
    from plugin_server.engine.requests import ColorizeRequest
    from plugin_server.images.codec import Layer
    from plugin_server.service import Service

SCAN: Final = "The photo looks like a scan"  # a notice about the photo, the same each time


@dataclass(frozen=True, slots=True)
class Guess:
    """One way to colour a photo: a word for the sheet, and the job with its changes.

    ``thumbnail`` is a JPEG of the exemplar that lends its colours, ``id`` and ``score`` are its.
    """

    name: str
    job: ColorizeJob
    thumbnail: bytes | None = None
    id: str = ""
    score: float | None = None


# How a photo may have looked, beside the plain guess: the times of day and of print that differ
# most from each other. Whatever the user asks for stands; these are added where it says nothing.
PALETTES: Final = (
    ("warm evening light", ("#b4693c", "#e6c79c", "#6f4a32", "#8a8f5a")),
    ("cool northern light", ("#4f7186", "#b9c8cf", "#5c6d5a", "#8a7d74")),
    ("green and earth", ("#5d7a45", "#c8b78e", "#7b5f45", "#9fb4c0")),
)
STRONG, FAINT = 1.6, 0.5  # saturation


def guesses(job: ColorizeJob) -> Iterator[Guess]:
    """Yield ways to colour a photo that differ, without any library, the plainest first."""
    yield Guess("as it comes", job)
    palettes = [
        Guess(name, replace(job, palette=tuple(map(PaletteColor, colors))))
        for name, colors in PALETTES
        if not job.palette
    ]
    vivid = Guess("vivid", replace(job, saturation=min(STRONG * job.saturation, 2)))
    faint = Guess("faded, as old prints are", replace(job, saturation=FAINT * job.saturation))
    yield from (*palettes[:2], vivid, faint, *palettes[2:])
    for guess in palettes:
        yield Guess(f"{guess.name}, vivid", replace(guess.job, saturation=vivid.job.saturation))
    for guess in palettes:
        yield Guess(f"{guess.name}, faded", replace(guess.job, saturation=faint.job.saturation))


@dataclass(frozen=True, slots=True)
class Candidates:
    """Colours a photo in several ways: from the exemplars that fit it, and by other guesses."""

    service: Service
    destination: Destination
    count: int
    note: Callable[[Path, str], None]

    def colour(self, photo: Path, request: ColorizeRequest) -> Iterator[Path]:
        """Write NAME-1, NAME-2, ... and the sheet NAME-candidates.png; give the files' names.

        ``request`` holds the photo's bytes. An exemplar that cannot be used is said and passed
        over. What is said of each result alike is said once.

        Raises:
            BadValue: nothing could be coloured.
            DestinationError: a file exists already.
            ImageError, JobError: as for any photo.
        """
        from plugin_server.commands.contact_sheet import Candidate, draw_sheet
        from plugin_server.errors import BadValue
        from plugin_server.images.codec import ImageError
        from retrieval.errors import LibraryError

        assert isinstance(request.image, bytes)
        target = self.service.decode(request.image)
        sheet = self.destination.beside(photo, "-candidates.png")
        said: set[str] = set()
        shown: list[Candidate] = []
        for guess in self._guesses(photo, request.job, target):
            if len(shown) == self.count:
                break
            number = f"-{len(shown) + 1}"
            try:
                answer = self.service.answer(
                    replace(request, job=guess.job, answer_type=self.destination.type)
                )
            except (LibraryError, ImageError) as problem:
                self.note(photo, str(problem))
                continue
            place = self.destination.place(photo, answer.media_type, ending=number)
            for notice in answer.notices:
                if notice not in said:
                    said.add(notice)
                    self.note(photo, notice if SCAN in notice else f"{place.name}: {notice}")
            self.destination.write(place, answer.body)
            yield place
            pixels = self.service.decode(answer.body).pixels
            shown.append(Candidate(pixels, guess.thumbnail, guess.id, guess.score, guess.name))
        if not shown:
            raise BadValue("none of the exemplars found could be used: see the notes above")
        if len(shown) < self.count:
            self.note(photo, f"only {len(shown)} of {self.count} candidates differ enough")
        self.destination.write(sheet, draw_sheet(target.pixels, shown))
        yield sheet

    def _guesses(self, photo: Path, job: ColorizeJob, target: Layer) -> Iterator[Guess]:
        """Yield what fits in the library, if anything, and then guesses without it."""
        from retrieval.errors import LibraryError

        library = self.service.library
        if len(library):
            fitting = self.service.references.fitting(target, job, self.count)
            if not fitting:
                self.note(photo, "nothing in the library fits this photo: these are plain guesses")
            for match in fitting:
                exemplar = match.exemplar
                try:
                    thumbnail = library.thumbnail(exemplar.id)
                except LibraryError as problem:
                    self.note(photo, str(problem))
                    continue
                yield Guess(
                    exemplar.caption or exemplar.source, replace(job, exemplar=exemplar.id),
                    thumbnail, exemplar.id, match.score,
                )  # fmt: skip
        # What is searched for is among those above, and its colours would hide all others.
        yield from guesses(replace(job, exemplar=None) if job.exemplar == AUTO else job)
