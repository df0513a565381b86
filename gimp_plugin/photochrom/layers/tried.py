"""What was tried in an image: arguments with small pictures, kept with the image as a note."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass
from typing import Any, ClassVar

import gi
from api.pixels import Pixels
from api.settings import RANGES, is_number, read_object

from layers.parasites import attach, get_note

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp  # noqa: E402

TRIED = "photochrom-tried"  # on an image
MOST = 12  # that are kept
SIDE = 96  # pixels of a picture's long side


@dataclass(frozen=True)
class Tried:
    """Arguments, without those that were left as they are, and a picture of the result."""

    NAMES: ClassVar = ("description", "exemplar", "palette", "saturation", "strength")

    arguments: dict[str, Any]
    picture: Pixels

    @classmethod
    def of(cls, arguments: dict[str, Any], shown: Pixels) -> Tried:
        """Keep a result, (h, w, 3 or 4) uint8, as a small picture."""
        step = max(1, -(-max(shown.width, shown.height) // SIDE))
        data, row = bytes(shown.data), shown.width * shown.channels
        width, height = -(-shown.width // step), -(-shown.height // step)
        small = bytearray(3 * width * height)
        for at in range(height):
            line = data[at * step * row : (at * step + 1) * row]
            for channel in range(3):
                begin = 3 * width * at + channel
                small[begin : begin + 3 * width : 3] = line[channel :: shown.channels * step]
        return cls(arguments, Pixels(bytes(small), (height, width, 3), "uint8"))

    def to_object(self) -> dict[str, Any]:
        """Write it as a JSON object."""
        data = base64.b64encode(zlib.compress(bytes(self.picture.data))).decode("ascii")
        size = {"width": self.picture.width, "height": self.picture.height}
        return {"arguments": self.arguments, "data": data, **size}

    @classmethod
    def from_object(cls, read: Any) -> Tried:
        """Read what ``to_object`` wrote.

        Raises:
            KeyError, TypeError, ValueError, zlib.error: it is something else.
        """
        width, height = int(read["width"]), int(read["height"])
        if not (0 < width <= SIDE and 0 < height <= SIDE):
            raise ValueError(width, height)
        data = zlib.decompressobj().decompress(base64.b64decode(read["data"]), 3 * width * height)
        given = read["arguments"]
        kept: dict[str, Any] = {name: str(given[name]) for name in cls.NAMES[:3] if given.get(name)}
        for name, high in RANGES.items():
            if is_number(given.get(name)) and 0 <= given[name] <= high:
                kept[name] = float(given[name])
        return cls(kept, Pixels(data, (height, width, 3), "uint8"))


def read_tried(image: Gimp.Image) -> list[Tried]:
    """Read what was tried in an image; what is damaged is left out."""
    found = []
    listed = (read_object(get_note(image, TRIED) or b"") or {}).get("tried")
    for one in listed[:MOST] if isinstance(listed, list) else ():
        try:
            found.append(Tried.from_object(one))
        except (KeyError, TypeError, ValueError, AttributeError, zlib.error):
            continue
    return found


def keep_tried(image: Gimp.Image, tried: list[Tried]) -> None:
    """Note what was tried with the image; no step of the undo history."""
    if tried != read_tried(image):
        text = json.dumps({"tried": [one.to_object() for one in tried]})
        attach(image, TRIED, text, Gimp.PARASITE_PERSISTENT)
