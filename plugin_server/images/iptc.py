"""IPTC's older records (IIM), as archives and press agencies write them: carried on as they are."""

from __future__ import annotations

import re
import struct
from typing import Final

RESOURCE: Final = 0x0404  # Adobe Photoshop file formats specification, image resource IDs
MARK: Final = b"Photoshop 3.0\x00"
MAX_SEGMENT: Final = 65_000  # bytes: a JPEG segment holds 65,533
LARGEST: Final = 1 << 20
_HEX: Final = re.compile(rb"[0-9a-fA-F\s]*")


def readable(records: bytes | None) -> bytes | None:
    """Return IIM records where they begin as such; TIFF may have them in swapped groups of four."""
    if not records or len(records) > LARGEST:
        return None
    if records[0] != 0x1C and len(records) % 4 == 0:
        records = struct.pack(
            f"<{len(records) // 4}I", *struct.unpack(f">{len(records) // 4}I", records)
        )
    return records if records[0] == 0x1C else None


def to_resource(records: bytes) -> bytes:
    """Wrap records as the image resource that Photoshop made of them."""
    head = struct.pack(">4sHHI", b"8BIM", RESOURCE, 0, len(records))
    return head + records + b"\x00" * (len(records) % 2)


def from_resources(data: bytes) -> bytes | None:
    """Find the records among Photoshop's image resources, or take bare ones."""
    at = data.find(b"8BIM" + struct.pack(">H", RESOURCE))
    if at < 0:
        return readable(data)
    name = data[at + 6] if at + 6 < len(data) else 0  # a Pascal string of even length
    start = at + 6 + (name + 2) // 2 * 2
    if start + 4 > len(data):
        return None
    (length,) = struct.unpack_from(">I", data, start)
    return readable(data[start + 4 : start + 4 + length])


def to_segment(records: bytes) -> bytes:
    """Write a JPEG's APP13 segment; nothing where the records are too long for one."""
    content = MARK + to_resource(records)
    if len(content) > MAX_SEGMENT:
        return b""
    return b"\xff\xed" + struct.pack(">H", len(content) + 2) + content


def to_text(records: bytes) -> bytes:
    """Write the text that PNG programs keep them in, under ``Raw profile type iptc``."""
    resource = to_resource(records)
    digits = resource.hex()
    lines = "\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    return f"\niptc\n{len(resource):8}\n{lines}\n".encode("ascii")


def from_text(text: bytes) -> bytes | None:
    """Read what ``to_text`` and ImageMagick write."""
    parts = text.split(b"\n", 3)
    if len(parts) < 4 or not _HEX.fullmatch(parts[3]):
        return None
    digits = b"".join(parts[3].split())
    return from_resources(bytes.fromhex(digits[: len(digits) // 2 * 2].decode("ascii")))
