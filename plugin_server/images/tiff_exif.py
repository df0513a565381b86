"""EXIF in TIFF: directories of their own, which the file's first one points to."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

from PIL import ExifTags, Image

from plugin_server.images.exif import MARK

# tifffile writes no pointers; it writes the tags after them in their stead, which are renamed.
STAND_INS = {int(tag): int(tag) + 1 for tag in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)}


def read(data: bytes) -> bytes | None:
    """Gather a TIFF file's EXIF and GPS directories in a block of their own, as JPEG has it."""
    exif = Image.Exif()
    try:
        exif.load_from_fp(io.BytesIO(data))
        block = _directories(exif)
        return block.tobytes().removeprefix(MARK) if len(block) else None
    except MemoryError:
        raise
    except Exception:  # Pillow raises nearly anything over damaged EXIF, which then counts as none
        return None


def to_write(exif: bytes | None) -> Image.Exif:
    """Read the EXIF and GPS directories of a block; empty where it has none or is damaged."""
    source = Image.Exif()
    if exif is None:
        return source
    try:
        source.load(exif)
        block = _directories(source)
        block.endian = "<"
        block.tobytes()
    except MemoryError:
        raise
    except Exception:
        return Image.Exif()
    return block


def stand_ins(block: Image.Exif) -> list[tuple[int, str, int, int, bool]]:
    """List the tags that tifffile is to write for a block that `point` adds."""
    return [(STAND_INS[tag], "I", 1, 0, True) for tag in block]


def point(file: bytes, block: Image.Exif) -> bytes:
    """Append a block to a little-endian TIFF file and have its stand-ins point to it."""
    assert file[:2] == b"II", "tifffile was not asked for little-endian"
    start = len(file) + len(file) % 2
    appended = block.tobytes(offset=start).removeprefix(MARK)[8:]
    assert start + len(appended) < 1 << 32, "the caller checks the size"
    out = bytearray(b"".join([file, b"\x00" * (start - len(file)), appended]))
    places = {tag: struct.unpack_from("<I", out, at)[0] for tag, at in _entries(out, start)}
    is_big = file[2] == 43
    (first,) = struct.unpack_from("<Q" if is_big else "<I", file, 8 if is_big else 4)
    names = {stand_in: tag for tag, stand_in in STAND_INS.items()}
    for stand_in, value in _entries(file, first, is_big=is_big):
        if stand_in in names:
            tag = names[stand_in]
            struct.pack_into("<H", out, value - (12 if is_big else 8), tag)
            struct.pack_into("<I", out, value, places[tag])
    return bytes(out)


def _entries(
    data: bytes | bytearray, start: int, *, is_big: bool = False
) -> Iterator[tuple[int, int]]:
    """Yield each tag of a directory and where its value stands (TIFF 6.0, section 2)."""
    head, size, value = ("<Q", 20, 12) if is_big else ("<H", 12, 8)
    (count,) = struct.unpack_from(head, data, start)
    begin = start + struct.calcsize(head)
    for at in range(begin, begin + count * size, size):
        yield struct.unpack_from("<H", data, at)[0], at + value


def _directories(exif: Image.Exif) -> Image.Exif:
    """Copy the EXIF directory, with the one inside it, and that of the GPS."""
    block = Image.Exif()
    for tag in STAND_INS:
        if found := dict(exif.get_ifd(tag)):
            if ExifTags.IFD.Interop in found:
                found[ExifTags.IFD.Interop] = dict(exif.get_ifd(ExifTags.IFD.Interop))
            block[tag] = found
    return block
