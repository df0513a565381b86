"""The settings that made a result, inside its file: PNG text, or XMP in the other formats."""

from __future__ import annotations

from xml.sax.saxutils import escape

KEYWORD = "photochrom"
NAMESPACE = "urn:photochrom:1"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
# IPTC Photo Metadata Standard 2023.1, Digital Source Type: an algorithm changed a real photo.
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicallyEnhanced"


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
        f"<photochrom:settings>{escape(settings)}</photochrom:settings>"
        f"<Iptc4xmpExt:DigitalSourceType>{SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>"
        "</rdf:Description>"
    ).encode()
