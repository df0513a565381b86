"""A layered answer: OpenRaster, a zip archive with a PNG for each layer and their order as XML."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from xml.etree import ElementTree

from api.errors import Failure
from api.pixels import Buffer
from api.texts import _

OPENRASTER = "image/openraster"
PNG = b"\x89PNG\r\n\x1a\n"
MAX_LIST = 1_000_000  # bytes of the list of layers
BASE = "base guess"


@dataclass(frozen=True)
class Part:
    """A layer: what it shows, its PNG, and where its left upper corner lies on the photo."""

    phrase: str
    png: bytes
    left: int
    top: int

    @property
    def is_base(self) -> bool:
        """Whether it is what the network guesses where nothing was named."""
        return self.phrase == BASE


def read_parts(body: Buffer, size: tuple[int, int]) -> tuple[Part, ...]:
    """Read the layers above the photo, the lowest first.

    Args:
        size: width and height of the photo; no layer is larger.

    Raises:
        Failure: it is no such file.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(bytes(body))) as archive:
            listed = archive.getinfo("stack.xml")
            if listed.file_size > MAX_LIST:
                raise ValueError("the list is too long")
            text = archive.read(listed)
            if b"<!" in text:
                raise ValueError("the list declares entities")
            entries = ElementTree.fromstring(text).findall("stack/layer")
            # The first one is on top; the last is the photo itself.
            return tuple(_read_part(archive, entry, size) for entry in reversed(entries[:-1]))
    except (ValueError, KeyError, zipfile.BadZipFile, ElementTree.ParseError, OSError) as problem:
        raise Failure(
            _("the server's layers cannot be read ({reason})").format(reason=problem)
        ) from problem


def _read_part(archive: zipfile.ZipFile, entry: ElementTree.Element, size: tuple[int, int]) -> Part:
    info = archive.getinfo(entry.attrib["src"])
    if info.compress_type != zipfile.ZIP_STORED:
        raise ValueError("a layer is packed twice")
    data = archive.read(info)
    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    left, top = int(entry.attrib["x"]), int(entry.attrib["y"])
    inside = 0 <= left <= size[0] - width and 0 <= top <= size[1] - height
    if data[:8] != PNG or min(width, height) < 1 or not inside:
        raise ValueError("a layer does not fit the photo")
    return Part(entry.attrib["name"], data, left, top)
