"""A JPEG's own structure (ITU-T T.81): what kind it is, whether all of it is there, and mending it.

libjpeg fills what a file lacks with grey and hardly says so. Whether anything is lacking shows
when something else is put behind the end: pixels that were there do not change with it.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL.JpegImagePlugin import JpegImageFile

from plugin_server.images.layer import BrokenImage, Pixels, UnsupportedImage
from retrieval.containers.jpeg import segments

EOI: Final = b"\xff\xd9"
_TAILS: Final = (b"\x55\xaa" * 256, b"\xb2\x4d" * 256)  # entropy-coded data without a meaning
_FRAMES: Final = range(0xC0, 0xD0)
_NO_FRAMES: Final = (0xC4, 0xC8, 0xCC)
_SOS: Final = 0xDA
_KINDS: Final = {
    0xC3: "lossless", 0xC7: "lossless", 0xCB: "lossless", 0xCF: "lossless",
    0xC5: "hierarchical", 0xC6: "hierarchical", 0xCD: "hierarchical", 0xCE: "hierarchical",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Salvaged:
    """A cut-off JPEG, mended: the rest is grey. ``share`` of its rows are there, (0, 1)."""

    data: bytes
    share: float


def check_kind(data: bytes) -> None:
    """Refuse, by their names, the kinds of JPEG that are hardly read anywhere.

    Raises:
        UnsupportedImage: 12 bits a channel, lossless, hierarchical, or JPEG-LS.
    """
    for marker, content in _segments(data):
        if marker == 0xF7:
            raise UnsupportedImage("the file is JPEG-LS; save it as PNG, TIFF or a plain JPEG")
        if marker in _FRAMES and marker not in _NO_FRAMES and content:
            if content[0] != 8:
                raise UnsupportedImage(
                    f"the JPEG has {content[0]} bits a channel, as medical and scientific cameras "
                    "write them; save it as a 16-bit TIFF or PNG, or as a JPEG of 8 bits"
                )
            if (kind := _KINDS.get(marker)) is not None:
                raise UnsupportedImage(f"the JPEG is {kind}; save it as PNG, TIFF or a plain JPEG")
            return


def ends(data: bytes) -> bool:
    """Tell whether there is an end-of-image mark behind the last scan."""
    return data.rfind(EOI) > data.rfind(b"\xff\xda")


def has_more_pictures(data: bytes) -> bool:
    """Tell whether another JPEG follows the first, as in CIPA's multi-picture format."""
    behind = 2
    for segment in segments(data):
        behind = segment.end
    end = data.find(EOI, behind)
    return end >= 0 and data.find(b"\xff\xd8\xff", end) >= 0


def pixels_without_end(data: bytes) -> Pixels:
    """Decode a JPEG without an end mark whose pixels are all there.

    Raises:
        BrokenImage: some are not.
    """
    pixels = _decoded(data + EOI)
    if not _has_all_scans(data) or not all(
        np.array_equal(pixels, _decoded(data + tail + EOI)) for tail in _TAILS
    ):
        raise BrokenImage(
            "the JPEG is cut off and a part of its pixels is missing: send it again, or open it in "
            "an image editor and send what that saves (on the command line --salvage does so)"
        )
    return pixels


def salvaged(data: bytes) -> Salvaged | None:
    """Mend a JPEG that is cut off; None where it is whole, or has no row that can be shown."""
    if not data.startswith(b"\xff\xd8\xff") or ends(data):
        return None
    try:
        pixels = _decoded(data + EOI)
        others = [_decoded(data + tail + EOI) for tail in _TAILS]
    except MemoryError:
        raise
    except Exception:  # Pillow raises nearly anything; whoever decodes the photo says what is wrong
        return None
    changed = np.zeros(len(pixels), bool)
    for other in others:
        changed |= (pixels != other).reshape(len(pixels), -1).any(axis=1)
    whole = int(changed.argmax()) if changed.any() else len(pixels)
    if whole == 0 or (whole == len(pixels) and _has_all_scans(data)):
        return None
    return Salvaged(data + EOI, whole / len(pixels))


def _decoded(data: bytes) -> Pixels:
    with JpegImageFile(io.BytesIO(data)) as file:
        return np.asarray(file)


def _has_all_scans(data: bytes) -> bool:
    """Tell whether the scans give every coefficient of every component to its last bit."""
    components: set[int] = set()
    lacking: set[tuple[int, int]] = set()  # component, coefficient
    for marker, content in _segments(data):
        if marker in _FRAMES and marker not in _NO_FRAMES and len(content) > 6:
            components = set(content[6::3])
            lacking = {(one, k) for one in components for k in range(64)}
        elif marker == _SOS and content and len(content) >= 2 * content[0] + 4:
            count = content[0]
            start, end, steps = content[1 + 2 * count : 4 + 2 * count]
            if steps & 15 == 0:  # the low bits, or all of them
                scanned = content[1 : 1 + 2 * count : 2]
                lacking -= {(one, k) for one in scanned for k in range(start, end + 1)}
    return bool(components) and not lacking


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Walk the marker segments, over the scans; stop where the file does."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            at = data.find(b"\xff", at)  # entropy-coded data
            if at < 0:
                return
            continue
        marker = data[at + 1]
        if marker in (0x00, 0xFF) or 0xD0 <= marker <= 0xD7:  # stuffing, fill, restart
            at += 1 if marker == 0xFF else 2
            continue
        if marker == 0xD9:
            return
        (length,) = struct.unpack_from(">H", data, at + 2)
        yield marker, data[at + 4 : at + 2 + length]
        at += 2 + length
