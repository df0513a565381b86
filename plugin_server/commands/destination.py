"""Where coloured photos are written, and that nothing is lost there."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from models.shown import shown
from plugin_server.batch.writing import LONGEST_NAME, Times, replace_file
from plugin_server.engine.requests import Exact, Lossless
from plugin_server.images.codec import media_type_of
from plugin_server.images.layer import SUFFIX_OF, TYPE_OF
from plugin_server.images.openraster import OPENRASTER

STREAM: Final = Path("-")  # stdin among the photos, stdout as the output
STDIN: Final = Path("stdin")  # what results are named after then
WRITTEN: Final = TYPE_OF | {".ora": OPENRASTER}


class DestinationError(ValueError):
    """A file that must not or cannot be written; the message names it and the remedy."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A file, a folder, stdout, or (all None) the place beside each photo."""

    file: Path | None = None
    folder: Path | None = None
    overwrite: bool = False
    to_stdout: bool = False
    _taken: set[Path] = field(default_factory=set, repr=False)
    _made: list[Path] = field(default_factory=list, repr=False)

    @classmethod
    def parse(
        cls, output: Path | None, *, several: bool, overwrite: bool, numbered: bool = False
    ) -> Destination:
        """Understand ``--output``; ``numbered`` names will be made from it, so it may exist.

        Raises:
            DestinationError: several photos would go to one file, or the file's type is unknown.
        """
        if output is None:
            return cls(overwrite=overwrite)
        if output == STREAM:
            if several or numbered:
                raise DestinationError("-o - takes one result: give a folder for several")
            return cls(to_stdout=True)
        if output.is_dir() or (several and not names_a_photo(output)) or not output.suffix:
            if output.exists() and not output.is_dir():
                remedy = "a folder for several photos" if several else "it a suffix such as .png"
                raise DestinationError(f"{shown(output)} is a file: give {remedy}")
            return cls(folder=output, overwrite=overwrite)
        if several:
            raise DestinationError(
                f"{shown(output)} names a file: give a folder for several photos"
            )
        if not names_a_photo(output):
            raise DestinationError(
                f"{shown(output)} has the unknown suffix {shown(output.suffix)}: use "
                f"{', '.join(WRITTEN)}"
            )
        if output.exists() and not overwrite and not numbered:
            raise DestinationError(
                f"{shown(output)} exists already: choose another name or --overwrite"
            )
        return cls(file=output, overwrite=overwrite)

    @property
    def type(self) -> Exact | Lossless:
        """How results are encoded."""
        if self.file is None:
            return Lossless()
        return Exact(WRITTEN[self.file.suffix.lower()], asked=True)

    def check_early(self, photo: Path, data: bytes) -> None:
        """Refuse a photo before it is coloured where it is plain already what its result is called.

        Raises:
            DestinationError, UnsupportedImage: as ``place``, or it is no picture.
        """
        media_type = media_type_of(data)
        if media_type != "image/tiff":
            lossless = media_type if media_type == "application/x-npy" else "image/png"
            self.place(photo, lossless)

    def place(self, photo: Path, media_type: str, *, ending: str = "") -> Path:
        """Choose the file for a photo's result of this type.

        ``ending`` comes behind the name, before the suffix: one of several results of a photo.

        Raises:
            DestinationError: the file exists, or another photo of this run went there.
        """
        return self.beside(
            photo, ending + (self.file.suffix if self.file else SUFFIX_OF[media_type])
        )

    def beside(self, photo: Path, ending: str) -> Path:
        """Name a file that belongs to a photo's result, suffix included in its ``ending``.

        Raises:
            DestinationError: the file exists, its name is too long, or another photo of this run
                went there.
        """
        if self.to_stdout or (photo == STREAM and self.file is self.folder is None):
            return STREAM
        named_after = STDIN if photo == STREAM else photo
        usual = (self.folder or photo.parent) / f"{named_after.stem}-color"
        target = (
            self.file.with_name(self.file.stem + ending)
            if self.file
            else usual.with_name(usual.name + ending)
        )
        if (length := len(os.fsencode(target.name))) > LONGEST_NAME:
            raise DestinationError(
                f"the result's name would have {length} bytes, and {LONGEST_NAME} are possible: "
                "name it with -o"
            )
        if target in self._taken:
            raise DestinationError(
                f"{shown(target)} was just written for another photo of the same name: "
                "colour one of them on its own"
            )
        if target.exists() and not self.overwrite:
            raise DestinationError(
                f"{shown(target)} exists already: move it away or use --overwrite"
            )
        return target

    def write(self, target: Path, data: bytes, times: Times | None = None) -> None:
        """Write the whole file or none of it; ``times`` are what it gets instead of now.

        Raises:
            OSError: it cannot be written; the message names the file, which is not the photo.
        """
        if target == STREAM:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            return
        is_new = not target.parent.exists()
        try:
            replace_file(target, data, times)
        except OSError as problem:
            reason = f"cannot write {shown(target)}: {problem.strerror or problem}"
            raise OSError(problem.errno, reason) from problem
        if is_new:
            self._made.append(target.parent)
        self._taken.add(target)

    def made_folders(self) -> list[Path]:
        """List the folders that were made for results, once."""
        made, self._made[:] = list(self._made), []
        return made


def names_a_photo(output: Path) -> bool:
    """Tell whether a name is one of a coloured photo, by its suffix."""
    return output.suffix.lower() in WRITTEN
