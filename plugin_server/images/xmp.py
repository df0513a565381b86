"""XMP that a photo came with: kept, and joined by the settings that coloured it."""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree

from plugin_server.images.settings import properties, to_xmp

LARGEST: Final = 4 * 1024 * 1024  # bytes; a larger packet is not carried
_CLOSING: Final = re.compile(rb"</rdf:RDF\s*>")
# What an earlier colouring said, and what is no longer so: the pixels are upright now.
_OURS: Final = re.compile(
    rb"<rdf:Description[^<>]*xmlns:photochrom=.*?</rdf:Description>"
    rb"|<Iptc4xmpExt:DigitalSourceType>[^<]*</Iptc4xmpExt:DigitalSourceType>"
    rb"""|\sIptc4xmpExt:DigitalSourceType=("[^"]*"|'[^']*')""",
    re.DOTALL,
)
_ORIENTATION: Final = re.compile(
    rb"""(<tiff:Orientation>\s*|\stiff:Orientation=["'])[2-8](?=\s*</tiff:Orientation>|["'])"""
)


def readable(packet: bytes | str | None) -> bytes | None:
    """Return a photo's XMP packet (UTF-8) where it can be carried on; damaged ones are none."""
    if isinstance(packet, str):
        packet = packet.encode("utf-8", "replace")
    # A document type could declare entities that grow without end; XMP never has one.
    if not packet or len(packet) > LARGEST or b"<!" in packet:
        return None
    packet = packet.strip(b"\0 \r\n\t")
    try:
        ElementTree.fromstring(packet)
    except (ElementTree.ParseError, ValueError, LookupError):
        return None
    # Our own lines are put in as text, so the names must be the usual ones and the text UTF-8.
    return packet if len(_CLOSING.findall(packet)) == 1 else None


def joined(packet: bytes | None, settings: str | None) -> bytes | None:
    """Join a packet that ``readable`` gave with the settings (JSON); None where there is neither.

    All other properties stay as they are.
    """
    if packet is None:
        return None if settings is None else to_xmp(settings)
    upright = _ORIENTATION.sub(rb"\g<1>1", packet)
    if settings is None:
        return upright
    rest = _OURS.sub(b"", upright)
    end = _CLOSING.search(rest)
    assert end is not None, "the packet was checked when it was read"
    return rest[: end.start()] + properties(settings) + rest[end.start() :]
