"""The photo whose colours are taken: a file, or a layer of an open image."""

from __future__ import annotations

from dataclasses import dataclass

import gi
from api.errors import Failure
from layers.layers import read_small
from api.pixels import Pixels

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp, Gio, GLib  # noqa: E402

LONGEST = 1024  # pixels of a layer's long side that are sent; the colours do not get better by more
MAX_BYTES = 30_000_000  # a larger file goes through GIMP and shrinks
# How the files begin that the server reads itself.
KNOWN = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*")


@dataclass(frozen=True)
class Reference:
    """A picture file's bytes, or the pixels of a reduced copy; ``name`` is for people."""

    picture: bytes | Pixels
    name: str
    uri: str | None = None

    @classmethod
    def from_file(cls, file: Gio.File) -> Reference:
        """Read a picture file of any kind that the server or GIMP can open.

        Raises:
            Failure: it cannot be read.
        """
        name = file.get_basename() or "reference"
        try:
            _, data, _ = file.load_contents(None)
        except GLib.Error as problem:
            raise Failure(f"the reference {name} cannot be read: {problem.message}") from problem
        if len(data) <= MAX_BYTES and (data.startswith(KNOWN) or data[8:12] == b"WEBP"):
            return cls(bytes(data), name, file.get_uri())
        return cls(_through_gimp(file, name), name, file.get_uri())

    @classmethod
    def from_drawable(cls, drawable: Gimp.Drawable) -> Reference:
        """Take a layer, or any other drawable, of an open image."""
        return cls(read_small(drawable, LONGEST, colour=True), drawable.get_name())


def _through_gimp(file: Gio.File, name: str) -> Pixels:
    try:
        image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, file)
    except GLib.Error as problem:
        raise Failure(f"GIMP cannot open the reference {name}: {problem.message}") from problem
    if image is None:
        raise Failure(f"GIMP cannot open the reference {name}: choose a picture file")
    try:
        return read_small(image.flatten(), LONGEST, colour=True)
    finally:
        image.delete()
