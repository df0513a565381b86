"""Where coloured photos are written, and that nothing is lost there."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.whole_file import write_whole

if TYPE_CHECKING:
    from plugin_server.images.codec import Layer

MEDIA_TYPE_OF = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
    ".npy": "application/x-npy",
    ".ora": "image/openraster",
}


class DestinationError(ValueError):
    """A file that must not or cannot be written; the message names it and the remedy."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A file, a folder, or (both None) the place beside each photo."""

    file: Path | None = None
    folder: Path | None = None
    overwrite: bool = False
    _taken: set[Path] = field(default_factory=set, repr=False)

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
        names_a_photo = output.suffix.lower() in MEDIA_TYPE_OF
        if output.is_dir() or (several and not names_a_photo) or not output.suffix:
            if output.exists() and not output.is_dir():
                remedy = "a folder for several photos" if several else "it a suffix such as .png"
                raise DestinationError(f"{output} is a file: give {remedy}")
            return cls(folder=output, overwrite=overwrite)
        if several:
            raise DestinationError(f"{output} names a file: give a folder for several photos")
        if output.suffix.lower() not in MEDIA_TYPE_OF:
            raise DestinationError(
                f"{output} has the unknown suffix {output.suffix}: use {', '.join(MEDIA_TYPE_OF)}"
            )
        if output.exists() and not overwrite and not numbered:
            raise DestinationError(f"{output} exists already: choose another name or --overwrite")
        return cls(file=output, overwrite=overwrite)

    def place(self, photo: Path, layer: Layer, *, ending: str = "") -> tuple[Path, str]:
        """Choose the file for a photo and the media type it gets.

        ``ending`` comes behind the name, before the suffix: one of several results of a photo.

        Raises:
            DestinationError: the file exists, or another photo of this run went there.
        """
        suffix = self.file.suffix if self.file else _suffix(layer)
        target = self.beside(photo, ending + suffix)
        return target, MEDIA_TYPE_OF[target.suffix.lower()]

    def beside(self, photo: Path, ending: str) -> Path:
        """Name a file that belongs to a photo's result, suffix included in its ``ending``.

        Raises:
            DestinationError: the file exists, or another photo of this run went there.
        """
        usual = (self.folder or photo.parent) / f"{photo.stem}-color"
        target = (
            self.file.with_name(self.file.stem + ending)
            if self.file
            else usual.with_name(usual.name + ending)
        )
        if target in self._taken:
            raise DestinationError(
                f"{target} was just written for another photo of the same name: "
                "colour one of them on its own"
            )
        if target.exists() and not self.overwrite:
            raise DestinationError(f"{target} exists already: move it away or use --overwrite")
        return target

    def write(self, target: Path, data: bytes) -> None:
        """Write the whole file or none of it."""
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, data)
        self._taken.add(target)


def _suffix(layer: Layer) -> str:
    """Keep TIFF where PNG would lose depth, and npy as it is; all others become PNG."""
    match layer.media_type:
        case "application/x-npy":
            return ".npy"
        case "image/tiff" if layer.bits > 8:
            return ".tif"
        case _:
            return ".png"
