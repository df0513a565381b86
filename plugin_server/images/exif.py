"""EXIF orientation: read, applied to pixels, and reset in what travels on."""

from __future__ import annotations

import struct

import numpy as np

from plugin_server.images.layer import Pixels
from retrieval.containers.tiff import is_bounded

ORIENTATION = 0x0112
SHORT = 3
MARK = b"Exif\x00\x00"  # before the TIFF structure in JPEG and, wrongly, some others


def strip_mark(exif: bytes | None) -> bytes | None:
    """Return the TIFF structure of an EXIF block, or None where there is none."""
    if exif is None:
        return None
    exif = exif.removeprefix(MARK)
    return exif if exif[:4] in (b"II*\x00", b"MM\x00*") else None


def read_orientation(exif: bytes | None) -> int:
    """Return EXIF's orientation, 1..8; 1 (upright) where there is none or a senseless one."""
    found = _find(exif)
    if exif is None or found is None:
        return 1
    order, at = found
    value = int(struct.unpack_from(order + "H", exif, at)[0])
    return value if 1 <= value <= 8 else 1


def reset_orientation(exif: bytes | None) -> bytes | None:
    """Return the EXIF block saying that the picture is upright; nothing else changes.

    None for a block that could harm the libraries which read it.
    """
    if exif is not None and not is_bounded(exif):
        return None
    found = _find(exif)
    if exif is None or found is None:
        return exif
    order, at = found
    return exif[:at] + struct.pack(order + "H", 1) + exif[at + 2 :]


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


def _find(exif: bytes | None) -> tuple[str, int] | None:
    """Return the byte order and the place of the orientation's value, or None."""
    if exif is None or len(exif) < 14:
        return None
    order = "<" if exif[:2] == b"II" else ">"
    (start,) = struct.unpack_from(order + "I", exif, 4)
    if start + 2 > len(exif):
        return None
    (count,) = struct.unpack_from(order + "H", exif, start)
    for at in range(start + 2, min(start + 2 + 12 * count, len(exif) - 11), 12):
        tag, kind, length = struct.unpack_from(order + "HHI", exif, at)
        if (tag, kind, length) == (ORIENTATION, SHORT, 1):
            return order, at + 8
    return None
