"""Where the reference of a request comes from: a file that was sent, or an exemplar."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from cachetools import LRUCache, cachedmethod

from models.guidance.reference import Reference
from models.job import AUTO, ColorizeJob
from models.progress import Progress, unwatched
from plugin_server.engine.requests import FoundExemplar
from plugin_server.errors import BadValue
from plugin_server.images.codec import ImageError
from plugin_server.images.sandbox import Decode
from retrieval.search.scoring import FITS

if TYPE_CHECKING:
    from plugin_server.engine.library import Library
    from plugin_server.images.codec import Layer
    from retrieval.search.search import Match

# The id where nothing in the library fits; the job's exemplar is settled all the same.
NOTHING_FITS = ""
NONE_USED = (
    "Nothing in the library fits this photo, so no exemplar was used. Name one by its id to use it "
    "all the same."
)
NONE_LEFT = "Nothing else in the library fits this photo, so no exemplar was used."
SPARE = 8  # photos that are tried, the best first, until one is where it was
REMEMBERED = 64 * 1024 * 1024  # bytes of references that previews need again


@dataclass(frozen=True, slots=True)
class Chosen:
    """A reference or None, and which exemplar it is: its id, and with its score as a header."""

    reference: Reference | None = None
    exemplar: str | None = None
    header: str | None = None
    notices: tuple[str, ...] = ()


NO_REFERENCE = Chosen()


class References:
    """Finds the reference that a request asks for, and remembers the last ones, shrunk."""

    def __init__(self, library: Library, *, decode: Decode) -> None:
        self._library = library
        self._decode = decode
        self.least_score = FITS  # below it no exemplar is used that nobody named
        self._lock = threading.Lock()
        self._seen: LRUCache[tuple[str, bytes], Reference] = LRUCache(
            REMEMBERED, lambda seen: seen.rgb.nbytes
        )

    def choose(
        self,
        target: Layer,
        job: ColorizeJob,
        sent: bytes | None,
        found: FoundExemplar | None = None,
        progress: Progress = unwatched,
    ) -> Chosen:
        """Return the reference for a target, or that none is asked for.

        ``sent`` is the file of a reference, ``found`` the job's exemplar if it is known already.

        Raises:
            ImageError: the reference or the exemplar cannot be read or is too large.
            NoLibrary: an exemplar is asked for and there is no library; the message says why.
            BadValue: the library is empty.
            retrieval.errors.LibraryError: there is no such exemplar, or its photo is gone.
        """
        if sent is not None:
            return Chosen(self._read(sent, "reference", progress))
        if job.exemplar is None:
            return NO_REFERENCE
        found = found or self.find(lambda: target, job)
        if found.id == NOTHING_FITS:
            return Chosen(notices=found.notices)
        reference = self._read(found.photo, f"exemplar {found.id}", progress)
        score = "" if found.score is None else f"; score={found.score:.2f}"
        return Chosen(reference, found.id, found.id + score, found.notices)

    def find(self, target: Callable[[], Layer], job: ColorizeJob) -> FoundExemplar:
        """Fetch the exemplar that a job asks for.

        ``auto`` is what fits the target's lightness and the description best of those whose photo
        is where it was, or ``NOTHING_FITS``; only then the target is asked for.

        Raises:
            NoLibrary: there is no library; the message says why.
            BadValue: the library is empty.
            retrieval.errors.LibraryError: there is no exemplar of the id that the job names, or
                its photo is gone.
        """
        from retrieval.errors import MissingPhoto, UnknownExemplar

        assert job.exemplar is not None, "the job asks for no exemplar"
        if job.exemplar != AUTO:
            return FoundExemplar(job.exemplar, self._library.image(job.exemplar))
        lost = []
        for match in self.fitting(target(), job, SPARE):
            try:
                photo = self._library.image(match.exemplar.id)
            except (
                MissingPhoto,
                UnknownExemplar,
            ) as problem:  # moved, deleted, or removed just now
                lost.append(str(problem))
                continue
            return FoundExemplar(match.exemplar.id, photo, match.score, tuple(lost))
        return FoundExemplar(NOTHING_FITS, b"", notices=(*lost, NONE_LEFT if lost else NONE_USED))

    def fitting(self, target: Layer, job: ColorizeJob, count: int) -> list[Match]:
        """Find the exemplars that fit, the best first, and that differ from each other.

        Raises:
            NoLibrary: there is no library.
            BadValue: the library is empty.
        """
        from retrieval.search.search import Query

        query = Query(description=job.description, image=target.pixels)
        found = self._library.search(query, k=count)
        if not found:
            raise BadValue(
                f"exemplar is {AUTO!r} and the library is empty: add colour photos with "
                "`photochrom library add DIR`, or give a reference"
            )
        return [match for match in found if match.score >= self.least_score]

    @cachedmethod(
        lambda self: self._seen,
        lambda _self, data, name, _progress: (name, hashlib.sha256(data).digest()),
        lambda self: self._lock,
    )
    def _read(self, data: bytes, name: str, progress: Progress) -> Reference:
        try:
            layer = self._decode(data, partial(progress, "decode", 0.0))
        except ImageError as problem:
            raise type(problem)(f"{name}: {problem}") from problem
        reference = Reference.of(layer.pixels, name)
        reference.rgb.flags.writeable = False  # several requests may share it
        return reference
