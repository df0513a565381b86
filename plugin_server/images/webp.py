"""WebP: still pictures read with their metadata; written at quality 95."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

import imagecodecs
from PIL import Image

from plugin_server.images import xmp
from plugin_server.images.exif import MARK, read_orientation, strip_mark
from plugin_server.images.layer import (
    BrokenImage,
    Limits,
    Metadata,
    Pixels,
    Stored,
    UnsupportedImage,
    reading,
)

MAX_SIDE = 16_383  # the format's own limit
QUALITY = 95
ANIMATION = 0x02  # a flag of the VP8X chunk


def is_webp(data: bytes) -> bool:
    """Tell a WebP file by its first bytes."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def read(data: bytes, limits: Limits) -> Stored:
    """Read RGB or RGBA."""
    with reading("WebP"):
        chunks: dict[bytes, bytes] = {}
        for name, content in _chunks(data):
            chunks.setdefault(name, content)
        limits.check_size(*_size(chunks))
        if b"ANIM" in chunks or chunks.get(b"VP8X", b"\x00")[0] & ANIMATION:
            raise UnsupportedImage("the WebP is animated; send one frame as a still picture")
        pixels = imagecodecs.webp_decode(data)
    exif = strip_mark(chunks.get(b"EXIF"))
    return Stored(
        pixels,
        orientation=read_orientation(exif),
        profile=chunks.get(b"ICCP"),
        metadata=Metadata(exif=exif, xmp=xmp.readable(chunks.get(b"XMP "))),
    )


def find_xmp(data: bytes) -> bytes | None:
    """Return the XMP packet of a file, or None."""
    return next((content for name, content in _chunks(data) if name == b"XMP "), None)


def write(
    pixels: Pixels, *, profile: bytes | None, metadata: Metadata, settings: str | None
) -> bytes:
    """Write (H, W, 1..4) uint8, alpha without loss; UnsupportedImage where it is too large."""
    height, width, channels = pixels.shape
    if max(height, width) > MAX_SIDE:
        raise UnsupportedImage(
            f"the picture is {width} x {height} pixels and WebP's limit is {MAX_SIDE} a side; "
            "ask for PNG or TIFF"
        )
    image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
    file = io.BytesIO()
    image.save(
        file,
        "WEBP",
        quality=QUALITY,
        exact=True,  # colours under full transparency stay
        use_sharp_yuv=True,  # WebP halves the chroma's resolution; this halves it with care
        icc_profile=profile or b"",
        exif=MARK + metadata.exif if metadata.exif else b"",
        xmp=xmp.joined(metadata.xmp, settings) or b"",
    )
    return file.getvalue()


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Walk the RIFF chunks; stop where the file does."""
    at = 12
    while at + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, at)
        yield name, data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _size(chunks: dict[bytes, bytes]) -> tuple[int, int]:
    """Read (width, height) as the WebP container specification and RFC 6386 lay them out."""
    if extended := chunks.get(b"VP8X"):
        width, height = (int.from_bytes(extended[at : at + 3], "little") for at in (4, 7))
        return width + 1, height + 1
    if lossless := chunks.get(b"VP8L"):
        (bits,) = struct.unpack_from("<I", lossless, 1)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if lossy := chunks.get(b"VP8 "):
        width, height = struct.unpack_from("<HH", lossy, 6)
        return width & 0x3FFF, height & 0x3FFF
    raise BrokenImage("the WebP file holds no picture; it is damaged, so save or send it again")
