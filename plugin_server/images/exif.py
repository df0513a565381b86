"""EXIF: its orientation applied to pixels, and what travels on made true of the coloured photo."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from plugin_server.images.layer import Pixels
from retrieval.containers.tiff import is_bounded

ORIENTATION, EXIF_IFD = 0x0112, 0x8769
# ImageWidth and ImageLength, PixelXDimension and PixelYDimension
WIDTHS, HEIGHTS = (0x0100, 0xA002), (0x0101, 0xA003)
THUMBNAIL, THUMBNAIL_LENGTH = 0x0201, 0x0202
SHORT, LONG = 3, 4
ENTRY = 12  # bytes
MARK = b"Exif\x00\x00"  # before the TIFF structure in JPEG and, wrongly, some others


def strip_mark(exif: bytes | None) -> bytes | None:
    """Return the TIFF structure of an EXIF block, or None where there is none."""
    if exif is None:
        return None
    exif = exif.removeprefix(MARK)
    return exif if exif[:4] in (b"II*\x00", b"MM\x00*") else None


def read_orientation(exif: bytes | None) -> int:
    """Return EXIF's orientation, 1..8; 1 (upright) where there is none or a senseless one."""
    if exif is None:
        return 1
    value = next((_value(exif, at) for tag, at in _entries(exif) if tag == ORIENTATION), 1)
    return value if 1 <= value <= 8 else 1


def made_true(exif: bytes | None, *, width: int, height: int) -> bytes | None:
    """Return the EXIF block of an upright photo of this size, without its grey thumbnail.

    Nothing else changes. None for a block that could harm the libraries which read it.
    """
    if exif is None or not is_bounded(exif):
        return None
    changed = bytearray(exif)
    inner = 0
    for tag, at in _entries(exif):
        if tag == ORIENTATION:
            _put(changed, at, 1)
        elif tag == EXIF_IFD:
            inner = _value(exif, at)
        _put_size(changed, tag, at, width, height)
    for tag, at in _entries(exif, inner):
        _put_size(changed, tag, at, width, height)
    return _without_thumbnail(changed)


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """Turn (H, W, C) stored with EXIF's orientation 1..8 upright (EXIF 2.32, tag 0x0112)."""
    match orientation:
        case 2:
            turned = pixels[:, ::-1]
        case 3:
            turned = pixels[::-1, ::-1]
        case 4:
            turned = pixels[::-1]
        case 5:
            turned = pixels.swapaxes(0, 1)
        case 6:
            turned = pixels[::-1].swapaxes(0, 1)
        case 7:
            turned = pixels[::-1, ::-1].swapaxes(0, 1)
        case 8:
            turned = pixels[:, ::-1].swapaxes(0, 1)
        case _:
            turned = pixels
    return np.ascontiguousarray(turned)


def upright_dpi(dpi: tuple[float, float] | None, orientation: int) -> tuple[float, float] | None:
    """Exchange the resolutions where the picture is turned by a quarter."""
    return dpi[::-1] if dpi and orientation >= 5 else dpi


def _without_thumbnail(exif: bytearray) -> bytes:
    """Part the block from its second directory, and cut a thumbnail off that ends it."""
    order, start = _order(exif), _start(exif)
    if not 0 < start <= len(exif) - 2:
        return bytes(exif)
    (count,) = struct.unpack_from(order + "H", exif, start)
    link = start + 2 + ENTRY * count
    if link + 4 > len(exif):
        return bytes(exif)
    (second,) = struct.unpack_from(order + "I", exif, link)
    struct.pack_into(order + "I", exif, link, 0)
    found = {tag: _value(exif, at) for tag, at in _entries(exif, second)}
    place, length = found.get(THUMBNAIL, 0), found.get(THUMBNAIL_LENGTH, 0)
    is_last = link < place and place + length >= len(exif) - 1
    return bytes(exif[:place] if is_last else exif)


def _put_size(exif: bytearray, tag: int, at: int, width: int, height: int) -> None:
    if tag in WIDTHS or tag in HEIGHTS:
        _put(exif, at, width if tag in WIDTHS else height)


def _entries(exif: bytes | bytearray, start: int | None = None) -> Iterator[tuple[int, int]]:
    """Yield the tag and the place of each entry of a directory, the first one by default."""
    start = _start(exif) if start is None else start
    if len(exif) < 14 or not 0 < start <= len(exif) - 2:
        return
    order = _order(exif)
    (count,) = struct.unpack_from(order + "H", exif, start)
    last = len(exif) - ENTRY
    for at in range(start + 2, min(start + 2 + ENTRY * count, last + 1), ENTRY):
        yield struct.unpack_from(order + "H", exif, at)[0], at


def _start(exif: bytes | bytearray) -> int:
    return int(struct.unpack_from(_order(exif) + "I", exif, 4)[0]) if len(exif) >= 8 else 0


def _order(exif: bytes | bytearray) -> str:
    return "<" if exif[:2] == b"II" else ">"


def _value(exif: bytes | bytearray, at: int) -> int:
    """Return the single number of an entry, 0 where it has none."""
    kind, count = struct.unpack_from(_order(exif) + "HI", exif, at + 2)
    if count != 1 or kind not in (SHORT, LONG):
        return 0
    return int(struct.unpack_from(_order(exif) + ("H" if kind == SHORT else "I"), exif, at + 8)[0])


def _put(exif: bytearray, at: int, value: int) -> None:
    """Replace the single number of an entry, as far as it fits."""
    order = _order(exif)
    kind, count = struct.unpack_from(order + "HI", exif, at + 2)
    if count == 1 and kind in (SHORT, LONG) and value < 1 << (16 if kind == SHORT else 32):
        struct.pack_into(order + ("H" if kind == SHORT else "I"), exif, at + 8, value)
