"""``photochrom colorize --candidates``: several results to choose from, and a contact sheet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from plugin_server.engine.requests import ColorizeRequest

if TYPE_CHECKING:
    from plugin_server.commands.destination import Destination
    from plugin_server.images.codec import Layer
    from plugin_server.service import Service


@dataclass(frozen=True, slots=True)
class Candidates:
    """Colours a photo from each of the exemplars that fit it best."""

    service: Service
    destination: Destination
    count: int
    note: Callable[[Path, str], None]

    def colour(self, photo: Path, request: ColorizeRequest) -> Iterator[Path]:
        """Write NAME-1, NAME-2, ... and the sheet NAME-candidates.png; give the files' names.

        ``request`` holds the photo's bytes. An exemplar that cannot be used is said and passed
        over.

        Raises:
            BadValue: the library is empty, or no exemplar could be used.
            NoLibrary: the library cannot be opened.
            DestinationError: a file exists already.
            ImageError, JobError: as for any photo.
        """
        from plugin_server.commands.contact_sheet import Candidate, draw_sheet
        from plugin_server.errors import BadValue
        from plugin_server.images.codec import ImageError
        from retrieval.errors import LibraryError

        assert isinstance(request.image, bytes)
        target = self.service.decode(request.image)
        library = self.service.require_library()
        found = self.service.references.candidates(target, request.job, self.count)
        sheet = self.destination.beside(photo, "-candidates.png")
        shown: list[Candidate] = []
        for match in found:
            exemplar = match.exemplar
            place, choose_type = self._place(photo, f"-{len(shown) + 1}")
            job = replace(request.job, exemplar=exemplar.id)
            try:
                answer = self.service.colorize(replace(request, job=job, choose_type=choose_type))
                thumbnail = library.thumbnail(exemplar.id)
            except (LibraryError, ImageError) as problem:
                self.note(photo, str(problem))
                continue
            for notice in answer.notices:
                self.note(photo, f"{place().name}: {notice}")
            self.destination.write(place(), answer.body)
            yield place()
            pixels = self.service.decode(answer.body).pixels
            caption = exemplar.caption or exemplar.source
            shown.append(Candidate(pixels, thumbnail, exemplar.id, match.score, caption))
        if not shown:
            raise BadValue("none of the exemplars found could be used: see the notes above")
        if len(shown) < self.count:
            self.note(photo, f"only {len(shown)} of {self.count} candidates: the library is small")
        self.destination.write(sheet, draw_sheet(target.pixels, shown))
        yield sheet

    def _place(self, photo: Path, ending: str) -> tuple[Callable[[], Path], Callable[[Layer], str]]:
        """Return where the next result goes, once its type has been chosen, and that choice."""
        target = photo

        def choose_type(layer: Layer) -> str:
            nonlocal target
            target, media_type = self.destination.place(photo, layer, ending=ending)
            return media_type

        return lambda: target, choose_type
