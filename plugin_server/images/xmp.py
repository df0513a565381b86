"""XMP that a photo came with: kept, and joined by the settings that coloured it.

The settings that made a result travel inside its file: in PNG's text, in XMP elsewhere.

A packet is a stranger's text. It is parsed once, in bounded time, and changed only at places that
the parser found; nothing is searched for in it.
"""

from __future__ import annotations

from html import escape
from typing import Final

from retrieval.containers.xml import Element, XmlError, attribute_places, elements

KEYWORD = "photochrom"
NAMESPACE = "urn:photochrom:1"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
# IPTC Photo Metadata Standard 2023.1, Digital Source Type: an algorithm changed a real photo.
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicallyEnhanced"

LARGEST: Final = 4 * 1024 * 1024  # bytes; a larger packet is not carried
ROOT, DESCRIPTION, ABOUT = (RDF, "RDF"), (RDF, "Description"), (RDF, "about")
TIFF: Final = "http://ns.adobe.com/tiff/1.0/"
ORIENTATION: Final = (TIFF, "Orientation")
SOURCE: Final = (IPTC, "DigitalSourceType")
SETTINGS: Final = (NAMESPACE, "settings")
TURNED: Final = frozenset("2345678")

Edit = tuple[int, int, bytes]  # what stands from the first place to the second becomes the bytes


def readable(packet: bytes | str | None) -> bytes | None:
    """Return a photo's XMP packet (UTF-8) where it can be carried on; damaged ones are none."""
    if isinstance(packet, str):
        packet = packet.encode("utf-8", "replace")
    if not packet or len(packet) > LARGEST:
        return None
    packet = packet.strip(b"\0 \r\n\t")
    try:
        found = elements(packet)
    except XmlError:
        return None
    roots = [element for element in found if element.name == ROOT]
    return packet if len(roots) == 1 and not roots[0].is_one_tag else None


def joined(packet: bytes | None, settings: str | None) -> bytes | None:
    """Join a packet that ``readable`` gave with the settings (JSON); None where there is neither.

    All other properties stay as they are, save the orientation: the pixels are upright now. What
    an earlier colouring said goes.
    """
    if packet is None:
        return None if settings is None else to_xmp(settings)
    found = elements(packet)
    edits = [edit for element in found for edit in _uprighted(packet, element)]
    if settings is not None:
        edits += _without_ours(packet, found)
        (root,) = (element for element in found if element.name == ROOT)
        edits.append((root.outside, root.outside, properties(settings)))
    return _edited(packet, edits)


def settings_in(packet: bytes) -> str | None:
    """Find the settings that ``joined`` or ``to_xmp`` wrote."""
    try:
        found = elements(packet.strip(b"\0 \r\n\t"))
    except XmlError:
        return None
    return next((element.text for element in found if element.name == SETTINGS), None)


def _uprighted(packet: bytes, element: Element) -> list[Edit]:
    """Set an orientation to upright, as an element or as an attribute."""
    if element.name == ORIENTATION and element.text.strip() in TURNED and not element.children:
        return [(element.inside, element.outside, b"1")]
    if element.attributes.get(ORIENTATION, "") not in TURNED:
        return []
    places = attribute_places(packet, element)
    return [(inside, end, b"1") for name, _, inside, end in places if name == ORIENTATION]


def _without_ours(packet: bytes, found: list[Element]) -> list[Edit]:
    """Take out what an earlier colouring wrote, and descriptions that held nothing else."""
    edits: list[Edit] = []
    for element in found:
        if element.name in (SOURCE, SETTINGS) or _is_only_ours(element):
            edits.append((element.start, element.end, b""))
        elif SOURCE in element.attributes:
            places = attribute_places(packet, element)
            edits += [(start, end + 1, b"") for name, start, _, end in places if name == SOURCE]
    return edits


def _is_only_ours(element: Element) -> bool:
    return (
        element.name == DESCRIPTION
        and any(child.name == SETTINGS for child in element.children)
        and all(child.name in (SOURCE, SETTINGS) for child in element.children)
        and element.attributes.keys() <= {ABOUT, SOURCE}
    )


def _edited(packet: bytes, edits: list[Edit]) -> bytes:
    """Apply edits; one inside another has no effect."""
    parts, at = [], 0
    for start, end, text in sorted(edits):
        if start >= at:
            parts += [packet[at:start], text]
            at = end
    return b"".join([*parts, packet[at:]])


def to_xmp(settings: str) -> bytes:
    """Wrap the settings (JSON) in an XMP packet (ISO 16684-1).

    It also says that the colours are an algorithm's, in the words that IPTC has for this.
    """
    return b"".join(
        [
            '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'.encode(),
            b'<x:xmpmeta xmlns:x="adobe:ns:meta/">',
            f'<rdf:RDF xmlns:rdf="{RDF}">'.encode(),
            properties(settings),
            b"</rdf:RDF></x:xmpmeta>",
            b'<?xpacket end="r"?>',
        ]
    )


def properties(settings: str) -> bytes:
    """Write the settings as a description, which goes between others of an XMP packet."""
    return (
        f'<rdf:Description xmlns:rdf="{RDF}" rdf:about="" xmlns:photochrom="{NAMESPACE}" '
        f'xmlns:Iptc4xmpExt="{IPTC}">'
        f"<photochrom:settings>{escape(settings, quote=False)}</photochrom:settings>"
        f"<Iptc4xmpExt:DigitalSourceType>{SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>"
        "</rdf:Description>"
    ).encode()
