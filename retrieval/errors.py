"""What can go wrong with the library of exemplars.

::

    Exception
    `- LibraryError              the message names the thing, the limit and the remedy
       |- UnknownExemplar        no exemplar has this id
       |- MissingPhoto           the exemplar's photo was deleted, moved or changed since
       |- PhotoRefused           this photo cannot be an exemplar: grey, broken, too large, ...
       |- BadQuery               there is nothing to look for, or a value makes no sense
       |- BadPath                a path to add does not exist, or it is the library itself
       `- LibraryUnusable        nothing can be done with this library as it is
          |- WrongClip           its vectors come from another CLIP model
          |- CorruptLibrary      the library's file is damaged, or no library at all
          |- NewerLibrary        a newer Photochrom wrote it
          |- LibraryBusy         another program has been writing to it for too long
          |- StorageFull         the disk is full
          `- NoAccess            the folder may not be read or written
"""

from __future__ import annotations


class LibraryError(Exception):
    """Anything the library refuses; the message is meant for the person who uses it."""


class UnknownExemplar(LibraryError):
    """No exemplar has this id."""

    def __init__(self, exemplar_id: str) -> None:
        shown = exemplar_id if len(exemplar_id) <= 40 else exemplar_id[:40] + "..."
        super().__init__(
            f"the library has no exemplar {shown!r}: it may have been removed; "
            "`photochrom library list` shows those it has"
        )


class MissingPhoto(LibraryError):
    """The photo is not where it was, or is another one now."""


class PhotoRefused(LibraryError):
    """A photo that cannot be an exemplar; the message is the reason."""


class BadQuery(LibraryError):
    """A search that makes no sense."""


class BadPath(LibraryError):
    """A path that cannot be added."""


class LibraryUnusable(LibraryError):
    """The library cannot be opened, read or written."""


class WrongClip(LibraryUnusable):
    """The vectors were made by another CLIP model."""


class CorruptLibrary(LibraryUnusable):
    """The library's file is damaged."""


class NewerLibrary(LibraryUnusable):
    """The library's file was written by a newer Photochrom."""


class LibraryBusy(LibraryUnusable):
    """Somebody else writes and does not finish."""


class StorageFull(LibraryUnusable):
    """There is no room left on the disk."""


class NoAccess(LibraryUnusable):
    """The rights do not suffice."""
