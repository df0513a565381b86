"""The photo whose colors are taken: a file, or a layer of an open image."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from functools import lru_cache

import gi
from api.errors import Failure
from api.pixels import Pixels
from api.request import Picture
from api.texts import _, reason

from layers.photo import MODELS

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
from gi.repository import Gegl, Gimp, Gio, GLib  # noqa: E402

LONGEST = 1024  # pixels of a layer's long side that are sent; the colors do not get better by more
MAX_SENT = 30_000_000  # a larger file goes through GIMP and shrinks
MAX_BYTES = 2_000_000_000
# How the files begin that the server reads itself.
KNOWN = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*")


@dataclass(frozen=True)
class Reference:
    """A picture file's bytes, or the pixels of a reduced copy; ``name`` is for people."""

    picture: Picture
    name: str
    uri: str = ""

    @classmethod
    def from_file(cls, file: Gio.File) -> Reference:
        """Read a local picture file of any kind that the server or GIMP can open.

        Raises:
            Failure: it cannot be read, or is no file on this computer.
        """
        name = file.get_basename() or "reference"
        path = file.get_path()
        if path is None or not file.is_native():
            raise Failure(
                _("the reference '{name}' is not on this computer: save a copy first").format(
                    name=name
                )
            )
        try:
            found = os.stat(path)
            picture = _read_picture(path, file.get_uri(), found.st_mtime_ns, found.st_size)
        except OSError as problem:
            raise Failure(
                _("the reference '{name}' cannot be read: {reason}").format(
                    name=name, reason=reason(problem)
                )
            ) from problem
        return cls(picture, name, file.get_uri())

    @classmethod
    def from_drawable(cls, drawable: Gimp.Drawable) -> Reference:
        """Take a layer, or any other drawable, of an open image."""
        return cls(_reduced(drawable), drawable.get_name())


@lru_cache(maxsize=1)  # the preview asks for it at every change
def _read_picture(path: str, uri: str, _changed: int, _size: int) -> Picture:
    """Read a file of which these were the time of its last change and its size.

    Raises:
        OSError: it cannot be read.
        Failure: GIMP cannot open it.
    """
    data = _read_regular(path)
    if len(data) <= MAX_SENT and (data.startswith(KNOWN) or data[8:12] == b"WEBP"):
        return data
    file = Gio.File.new_for_uri(uri)
    return _through_gimp(file, file.get_basename())


def _read_regular(path: str) -> bytes:
    """Read the beginning of a regular file; a pipe or a device, which may never end, is none.

    Raises:
        OSError: it is something else, too large, or cannot be read.
    """
    # Opening a pipe that nobody writes to would wait for ever.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "rb") as stream:
        found = os.fstat(stream.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OSError(_("it is no regular file"))
        if found.st_size > MAX_BYTES:
            raise OSError(
                _("it has {size:,} bytes, and at most {most:,} are read").format(
                    size=found.st_size, most=MAX_BYTES
                )
            )
        return stream.read(MAX_SENT + 1)


def _through_gimp(file: Gio.File, name: str) -> Pixels:
    try:
        image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, file)
    except GLib.Error as problem:
        raise Failure(
            _("GIMP cannot open the reference '{name}': {reason}").format(
                name=name, reason=problem.message
            )
        ) from problem
    if image is None:
        raise Failure(
            _("GIMP cannot open the reference '{name}': choose a picture file").format(name=name)
        )
    try:
        return _reduced(image.flatten())
    finally:
        image.delete()


def _reduced(drawable: Gimp.Drawable) -> Pixels:
    """Read (h, w, 3) uint8 whose long side has ``LONGEST`` pixels at most."""
    width, height = drawable.get_width(), drawable.get_height()
    scale = min(1.0, LONGEST / max(width, height))
    area = Gegl.Rectangle.new(0, 0, max(1, round(width * scale)), max(1, round(height * scale)))
    form = f"{MODELS[3]} u8"
    data = drawable.get_buffer().get(area, scale, form, Gegl.AbyssPolicy.CLAMP)
    return Pixels(data, (area.height, area.width, 3), "uint8")
