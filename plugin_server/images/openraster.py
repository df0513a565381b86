"""OpenRaster: a picture as layers, for Krita, GIMP and MyPaint.

A zip archive with ``mimetype`` first and not compressed, ``stack.xml``, a PNG for each layer, the
picture as it looks and a thumbnail (https://www.openraster.org/baseline/file-layout-spec.html).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.etree import ElementTree

OPENRASTER = "image/openraster"
THUMBNAIL = 256  # the longest side, in pixels
MADE = (1980, 1, 1, 0, 0, 0)  # of all files inside: the same request gives the same bytes


@dataclass(frozen=True, slots=True)
class RasterLayer:
    """A layer: its PNG, where its left upper corner lies, and how it is laid on what is below."""

    name: str
    png: bytes = field(repr=False)
    left: int = 0
    top: int = 0
    composite: str = "svg:src-over"


def write(
    layers: Iterable[RasterLayer],
    *,
    width: int,
    height: int,
    merged: bytes,
    thumbnail: bytes,
    dpi: tuple[float, float] | None = None,
) -> bytes:
    """Write layers, the lowest first, and the PNGs of the whole and of its thumbnail."""
    root = ElementTree.Element("image", {"version": "0.0.3", "w": f"{width}", "h": f"{height}"})
    if dpi is not None:
        root.set("xres", f"{max(round(dpi[0]), 1)}")
        root.set("yres", f"{max(round(dpi[1]), 1)}")
    stack = ElementTree.SubElement(root, "stack")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:

        def add(name: str, data: bytes) -> None:
            # Stored: PNGs are compressed already, and the mimetype must not be.
            archive.writestr(zipfile.ZipInfo(name, MADE), data, zipfile.ZIP_STORED)

        add("mimetype", OPENRASTER.encode())
        for number, layer in enumerate(layers):
            source = f"data/layer{number}.png"
            add(source, layer.png)
            entry = ElementTree.Element(
                "layer",
                {
                    "name": "".join(letter for letter in layer.name if letter.isprintable()),
                    "src": source,
                    "x": f"{layer.left}",
                    "y": f"{layer.top}",
                    "opacity": "1.0",
                    "visibility": "visible",
                    "composite-op": layer.composite,
                },
            )
            stack.insert(0, entry)  # the first one is on top
        add("stack.xml", ElementTree.tostring(root, "utf-8", xml_declaration=True))
        add("mergedimage.png", merged)
        add("Thumbnails/thumbnail.png", thumbnail)
    return file.getvalue()
