"""The library of a server: open, or an object that says why it cannot be used."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Never, TypeAlias

from plugin_server.errors import NoLibrary
from retrieval.errors import LibraryError
from retrieval.ingest.photos import DecodeSmall, decode_small

if TYPE_CHECKING:
    from pathlib import Path

    from models.guidance.condition import Embedder
    from retrieval.library import ExemplarLibrary

log = logging.getLogger("photochrom")

NO_LIBRARY: Final = (
    "this server has no library of exemplars; start it with `photochrom serve --library DIR`"
)


class UnusableLibrary:
    """Stands where a library should: it has no exemplars, and asked for one it raises its reason.

    Photos can be coloured without a library, so nothing that is wrong with it stops the server.
    """

    def __init__(self, reason: str = NO_LIBRARY) -> None:
        self.reason = reason

    def __len__(self) -> int:
        return 0

    def __getattr__(self, name: str) -> Never:
        """Raise NoLibrary, whatever is asked for."""
        raise NoLibrary(self.reason)

    def close(self) -> None:
        """Close nothing."""


Library: TypeAlias = "ExemplarLibrary | UnusableLibrary"


def open_library(
    folder: Path | None, clip: Embedder, decode: DecodeSmall = decode_small
) -> Library:
    """Open the library, making an empty one where there is none; it may turn out unusable."""
    if folder is None:
        return UnusableLibrary()
    from retrieval.library import ExemplarLibrary

    try:
        return ExemplarLibrary.open(folder, clip=clip, decode=decode)
    except (LibraryError, OSError) as error:
        reason = f"the library cannot be opened: {one_line(error)}"
    except Exception as error:
        log.error("the library %s cannot be opened", folder, exc_info=error)
        reason = "the library cannot be opened; the server's log says more"
    log.warning("%s (%s)", reason, folder)
    return UnusableLibrary(reason)


def state_of(library: Library) -> tuple[int, str]:
    """Count the exemplars and say whether the library can be used now."""
    if isinstance(library, UnusableLibrary):
        return 0, library.reason
    try:
        return len(library), "ok"
    except LibraryError as problem:
        return 0, one_line(problem)


def one_line(problem: Exception) -> str:
    """Write an error's message in one line."""
    return " ".join(str(problem).split()) or type(problem).__name__
