"""The settings that made a result, inside its file: PNG text, or XMP in the other formats."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, unescape

KEYWORD = "photochrom"
NAMESPACE = "urn:photochrom:1"
_IN_XMP = re.compile(rb"<photochrom:settings>(.*?)</photochrom:settings>", re.DOTALL)


def to_xmp(settings: str) -> bytes:
    """Wrap the settings (JSON) in an XMP packet (ISO 16684-1)."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:photochrom="{NAMESPACE}">'
        f"<photochrom:settings>{escape(settings)}</photochrom:settings>"
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
        '<?xpacket end="r"?>'
    ).encode()


def from_xmp(data: bytes) -> str | None:
    """Find the settings in an XMP packet, or in a file that holds one uncompressed."""
    found = _IN_XMP.search(data)
    return unescape(found[1].decode("utf-8", "replace")) if found else None
