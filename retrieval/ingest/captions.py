"""What people wrote about a photo: beside it, inside it, or in its shard.

The first of these that says anything counts: a JSON or text file beside the photo (Google Takeout's
``photo.jpg.json`` too), XMP's ``dc:description``, IPTC's caption, EXIF's image description.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from PIL import ExifTags, ImageFile, IptcImagePlugin

from retrieval.containers.xml import XmlError, elements

MOST_CAPTIONS: Final = 16
LONGEST_CAPTION: Final = 1000  # letters
LARGEST_SIDECAR: Final = 1 << 20  # bytes; a larger file is no caption
JSON_KEYS: Final = ("captions", "caption", "description", "title")
DESCRIPTION: Final = ("http://purl.org/dc/elements/1.1/", "description")
ENTRY: Final = ("http://www.w3.org/1999/02/22-rdf-syntax-ns#", "li")
IPTC_CAPTION: Final = (2, 120)
# What cameras write into every photo.
JUNK: Final = frozenset({"olympus digital camera", "digital camera", "dcim", "sony dsc", "default"})


def captions_beside(photo: Path) -> tuple[str, ...]:
    """Read the sidecar of a photo: ``NAME.json``, ``NAME.jpg.json``, or the same in ``.txt``.

    A sidecar that cannot be read is passed over: it must not keep the photo out.
    """
    for suffix in (".json", ".txt"):
        for sidecar in (photo.with_suffix(suffix), photo.with_name(photo.name + suffix)):
            try:
                if sidecar.stat().st_size > LARGEST_SIDECAR:
                    continue
                data = sidecar.read_bytes()
            except OSError:
                continue
            if found := (captions_in_json(data) if suffix == ".json" else captions_in_text(data)):
                return found
    return ()


def captions_in_json(data: bytes) -> tuple[str, ...]:
    """Read ``captions`` (a list), ``caption``, ``description`` or ``title`` of a JSON object."""
    try:
        record: Any = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return ()
    if not isinstance(record, dict):
        return ()
    for key in JSON_KEYS:
        value = record.get(key)
        texts = value if isinstance(value, list) else [value]
        if found := clean(text for text in texts if isinstance(text, str)):
            return found
    return ()


def captions_in_text(data: bytes) -> tuple[str, ...]:
    """Read one caption a line of UTF-8, or of Latin-1 where it is no UTF-8."""
    return clean(_decode(data.removeprefix(b"\xef\xbb\xbf")).splitlines())


def captions_inside(image: ImageFile.ImageFile) -> tuple[str, ...]:
    """Read the captions in an opened photo's XMP, IPTC or EXIF; damaged ones count as none."""
    if found := captions_in_xmp(image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")):
        return found
    try:
        iptc = (IptcImagePlugin.getiptcinfo(image) or {}).get(IPTC_CAPTION, b"")
        exif = image.getexif().get(ExifTags.Base.ImageDescription, "")
    except (OSError, SyntaxError, ValueError, KeyError, IndexError):
        return ()
    entries = iptc if isinstance(iptc, list) else [iptc]
    if found := clean(_decode(entry) for entry in entries):
        return found
    text = _decode(exif) if isinstance(exif, bytes) else str(exif)
    return () if text.strip("\0 ").lower() in JUNK else clean([text])


def captions_in_xmp(packet: bytes | str | None) -> tuple[str, ...]:
    """Read ``dc:description`` of an XMP packet."""
    if isinstance(packet, str):
        packet = packet.encode("utf-8", "replace")
    if not packet or len(packet) > LARGEST_SIDECAR:
        return ()
    try:
        found = elements(packet.strip(b"\0 \r\n\t"))
    except XmlError:
        return ()
    inside: set[int] = set()  # elements within a description, by identity
    texts = []
    for element in found:  # parents come before their children
        if element.name == DESCRIPTION or id(element.parent) in inside:
            inside.add(id(element))
            if element.name == ENTRY:
                texts.append(element.text)
    texts += [element.attributes.get(DESCRIPTION, "") for element in found]
    return clean(texts)


def clean(texts: Iterable[str]) -> tuple[str, ...]:
    """Put each caption on one line, drop empty and repeated ones, cut what is too long."""
    lines = ("".join(c if c.isprintable() else " " for c in text) for text in texts)
    lines = (" ".join(line.split())[:LONGEST_CAPTION] for line in lines)
    return tuple(dict.fromkeys(line for line in lines if line))[:MOST_CAPTIONS]


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
