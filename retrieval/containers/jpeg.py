"""JPEG streams from anywhere: their scans are counted before anything decodes them.

A progressive JPEG (ITU-T T.81, G) may go over all of its pixels again and again, which costs a
decoder time and its author a few bytes.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from retrieval.containers.tiff import is_bounded

MOST_SCANS: Final = 100  # encoders make 10, optimisers up to 20
FEW_SCANS: Final = 20  # of a picture of any size
SCANNED_PIXELS: Final = 200_000_000  # in all scans of a picture that has more than a few
_SCAN, _END, _APP1 = 0xDA, 0xD9, 0xE1
_EXIF: Final = b"Exif\x00\x00"
_XMP: Final = b"http://ns.adobe.com/xap/1.0/\x00"
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# A marker: a byte that is neither stuffing nor a restart nor filling after 0xFF.
_MARKER: Final = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")


class TooManyScans(ValueError):
    """A JPEG that goes over its pixels more often than any encoder would."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A marker segment: its marker, and where it and its content begin and it ends."""

    marker: int
    start: int
    inside: int
    end: int


def segments(data: bytes) -> Iterator[Segment]:
    """Walk a stream's segments up to its end; the coded pixels between them are passed over."""
    at = 2
    while (found := _MARKER.search(data, at)) is not None:
        marker = data[found.end() - 1]
        if marker == _END:
            return
        length = max(int.from_bytes(data[found.end() : found.end() + 2]), 2)
        at = min(found.end() + length, len(data))
        yield Segment(marker, found.start(), min(found.end() + 2, at), at)


def check_scans(data: bytes) -> None:
    """Raise TooManyScans for a stream of more scans than pictures have; time is linear."""
    pixels, scans = 0, 0
    for segment in segments(data):
        if segment.marker in _FRAMES and segment.end - segment.inside >= 5:
            height, width = struct.unpack_from(">HH", data, segment.inside + 1)
            pixels = max(pixels, width * height)
        scans += segment.marker == _SCAN
        if scans > MOST_SCANS or (scans > FEW_SCANS and scans * pixels > SCANNED_PIXELS):
            raise TooManyScans(
                f"it has {scans} scans or more, and {FEW_SCANS} are the most that encoders make"
            )


def find_xmp(data: bytes) -> bytes | None:
    """Return the XMP packet of a stream (XMP specification part 3, 1.1.3), or None."""
    for segment in segments(data):
        if segment.marker == _SCAN:
            return None
        if segment.marker == _APP1 and data.startswith(_XMP, segment.inside):
            return data[segment.inside + len(_XMP) : segment.end]
    return None


def find_exif(data: bytes) -> bytes | None:
    """Return the EXIF block of a stream, put together from its segments, or None."""
    return b"".join(data[part.inside + len(_EXIF) : part.end] for part in _exif(data)) or None


def with_bounded_exif(data: bytes) -> bytes:
    """Return the stream, without its EXIF where that could harm the library that reads it."""
    block = find_exif(data)
    if block is None or is_bounded(block):
        return data
    edges = [0, *(edge for part in _exif(data) for edge in (part.start, part.end)), len(data)]
    return b"".join(data[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True))


def _exif(data: bytes) -> list[Segment]:
    return [
        segment
        for segment in segments(data)
        if segment.marker == _APP1 and data.startswith(_EXIF, segment.inside)
    ]
