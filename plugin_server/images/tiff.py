"""TIFF: one page of grey, RGB, palette or CMYK, 1 to 16 bits or float32, with its metadata."""

from __future__ import annotations

import io
import logging
import math
import struct
from typing import Any

import numpy as np
import tifffile

from plugin_server.images import iptc, texts, tiff_exif, xmp
from plugin_server.images.layer import (
    BrokenImage,
    Limits,
    Metadata,
    Pixels,
    Stored,
    UnsupportedImage,
    reading,
    strips,
    top_of,
)
from plugin_server.images.npy import in_range
from plugin_server.images.tiff_pages import photo_of
from retrieval.containers.jpeg import check_scans
from retrieval.containers.tiff import Directories

Tags = dict[int, Any]  # code -> tifffile.TiffTag

XMP, IPTC, PROFILE, SOFTWARE = 700, 33723, 34675, "Photochrom"
EXIF_TAGS = {34665, 34853}  # pointers to the EXIF directory and that of the GPS
COMPRESSIONS = {1: "none", 5: "lzw"}  # any other is answered with deflate
JPEG = 7
# None, fax, LZW, JPEG, deflate, PackBits, LZMA, zstd. The rest are files inside files, which
# could unpack to any size.
READABLE_COMPRESSIONS = (1, 2, 3, 4, 5, JPEG, 8, 32946, 32773, 34925, 50000)
CENTIMETRE = 2.54
ASSOCIATED, STRAIGHT = 1, 2  # ExtraSamples: alpha that the colours were multiplied by, or not
NOT_ALPHA = (
    "The TIFF has a channel beside its colours that is not marked as transparency (a scanner's "
    "infrared, say); it was left out."
)

# Its warnings about damaged files would stand between the lines of a batch; we raise instead.
logging.getLogger("tifffile").setLevel(logging.CRITICAL)


def read(data: bytes, limits: Limits) -> Stored:
    """Read the only photo; several pages are refused, reduced copies are ignored."""
    with reading("TIFF"):
        directories = Directories(data)  # before any library sees them
    with reading("TIFF"), tifffile.TiffFile(io.BytesIO(data)) as file:
        page = photo_of(file, directories)
        # What describes a photo that lies below its preview may stand beside the preview alone.
        first: Any = file.pages.first
        tags = {tag.code: tag for tag in reversed((*page.tags, *first.tags))}  # the first of a code
        _check_page(page, limits)
        _check_segments(page, data)
        pixels = _to_grey_or_rgb(page, _arranged(page, page.asarray()))
        pixels, notices = _with_its_alpha(page, pixels)
        pixels, clipped = in_range(pixels)
        return Stored(
            pixels,
            orientation=_orientation(tags),
            profile=_bytes_of(tags, PROFILE),
            metadata=Metadata(
                dpi=_dpi(page),
                texts=texts.from_tags({code: tag.value for code, tag in tags.items()}),
                compression=COMPRESSIONS.get(int(page.compression), "deflate"),
                exif=tiff_exif.read(data)
                if directories.exif_is_bounded and EXIF_TAGS & tags.keys()
                else None,
                xmp=xmp.readable(_bytes_of(tags, XMP)),
                iptc=_iptc(tags, data),
            ),
            is_cmyk=page.photometric == tifffile.PHOTOMETRIC.SEPARATED,
            notices=notices + clipped,
        )


def write(
    pixels: Pixels, *, profile: bytes | None, metadata: Metadata, settings: str | None
) -> bytes:
    """Write (H, W, 1..4) uint8, uint16 or float32, compressed as the input was."""
    channels = pixels.shape[2]
    compression, predictor = {
        "none": (None, None),
        "lzw": ("lzw", True),
    }.get(metadata.compression, ("zlib", True))
    extra: list[tuple[int, str, int, bytes | int, bool]] = [
        # Bytes, as tifffile takes strings of plain ASCII only; UTF-8 is what readers expect.
        (tag, "s", 0, text.encode() + b"\x00", True)
        for tag, text in texts.to_tags(metadata.texts).items()
    ]
    if (packet := xmp.joined(metadata.xmp, settings)) is not None:
        extra.append((XMP, "B", len(packet), packet, True))
    if metadata.iptc is not None:
        extra.append((IPTC, "B", len(metadata.iptc), metadata.iptc, True))
    is_small = pixels.nbytes < 2**31  # pointers to the EXIF have 32 bits
    exif = tiff_exif.to_write(metadata.exif if is_small else None)
    extra += tiff_exif.stand_ins(exif)
    file = io.BytesIO()
    tifffile.imwrite(
        file,
        pixels if channels > 1 else pixels[..., 0],
        photometric="rgb" if channels > 2 else "minisblack",
        planarconfig="contig" if channels > 1 else None,
        extrasamples=["unassalpha"] if channels in (2, 4) else None,
        compression=compression,
        compressionargs={"level": 1} if compression == "zlib" else None,
        predictor=predictor,
        rowsperstrip=max(1, (1 << 20) // (pixels.shape[1] * channels * pixels.dtype.itemsize)),
        maxworkers=2,
        resolution=metadata.dpi,
        resolutionunit="inch" if metadata.dpi else None,
        iccprofile=profile,
        extratags=extra,
        software=SOFTWARE,
        metadata=None,
        bigtiff=pixels.nbytes > 2**32 - 2**25,
        byteorder="<",
    )
    return tiff_exif.point(file.getvalue(), exif) if len(exif) else file.getvalue()


def find_xmp(data: bytes) -> bytes | None:
    """Return the XMP packet of a TIFF file, or None."""
    pages = Directories(data).pages
    tag = pages[0].get(XMP) if pages else None
    return None if tag is None else data[tag.at : tag.at + tag.count]


def _check_page(page: Any, limits: Limits) -> None:
    """Refuse by the header what is too large or of another kind."""
    limits.check_size(page.imagewidth, page.imagelength)
    if page.imagedepth != 1:
        raise UnsupportedImage("the TIFF is a volume; send one plane as a picture")
    if not 0 <= page.samplesperpixel <= 5:
        raise UnsupportedImage(
            f"the TIFF has {page.samplesperpixel} channels; send grey or RGB, with or without alpha"
        )
    if page.is_tiled and math.prod(page.chunks) > 5 * max(limits.max_pixels, 1 << 20):
        raise BrokenImage(f"the TIFF's tiles of {page.chunks} are larger than any picture")
    kind = page.photometric
    photometric = tifffile.PHOTOMETRIC
    readable = (
        photometric.MINISBLACK, photometric.MINISWHITE, photometric.RGB, photometric.PALETTE,
        photometric.SEPARATED,
    )  # fmt: skip
    is_jpeg = kind == photometric.YCBCR and int(page.compression) == JPEG
    if int(page.compression) not in READABLE_COMPRESSIONS:
        raise UnsupportedImage(
            f"the TIFF is compressed by method {int(page.compression)}; "
            "save it uncompressed or with LZW or Deflate"
        )
    if kind not in readable and not is_jpeg:
        name = getattr(kind, "name", kind)
        raise UnsupportedImage(f"the TIFF is of the kind {name}; send grey or RGB")
    if page.dtype not in (np.bool_, np.uint8, np.uint16, np.float32):
        raise UnsupportedImage(
            f"the TIFF holds {page.dtype or 'unknown'} values; send 8 or 16 bits or float32"
        )


def _check_segments(page: Any, data: bytes) -> None:
    """Refuse missing strips, which would come out black, and strips that are larger inside."""
    if not page.databytecounts or min(page.databytecounts) < 1:
        raise BrokenImage("the TIFF lacks a part of its pixels; save or send it again")
    if int(page.compression) != JPEG:
        return
    largest = math.prod(page.chunks) + (1 << 16)  # strips may be padded to whole blocks
    for start, length in zip(page.dataoffsets, page.databytecounts, strict=True):
        strip = data[start : start + length]
        check_scans(strip)
        width, height = _jpeg_size(strip)
        if width * height > largest:
            raise BrokenImage(
                f"the TIFF holds a strip of {width} x {height} pixels, larger than its picture"
            )


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Read (width, height) of a JPEG stream from its frame header (ITU-T T.81, B.2.2)."""
    at = 2
    while at + 9 <= len(data):
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + length
    raise BrokenImage("the TIFF holds a JPEG strip without a size; save or send it again")


def _arranged(page: Any, pixels: Pixels) -> Pixels:
    """Bring what tifffile gives, (H, W), (H, W, C) or (C, H, W), to (H, W, C)."""
    height, width = page.imagelength, page.imagewidth
    if pixels.shape == (height, width):
        return pixels[..., None]
    if pixels.ndim == 3 and pixels.shape[1:] == (height, width) and page.planarconfig == 2:
        pixels = np.moveaxis(pixels, 0, -1)
    pixels = pixels.reshape(height, width, -1)
    return pixels


def _to_grey_or_rgb(page: Any, pixels: Pixels) -> Pixels:
    """Undo palette, white-is-zero and depths under 8 bits; drop channels beyond the alpha."""
    photometric, bits = page.photometric, int(np.min(page.bitspersample))
    if photometric == tifffile.PHOTOMETRIC.PALETTE:
        table = np.asarray(page.colormap).T  # (colours, 3) uint16
        if table.shape[1:] != (3,):
            raise BrokenImage("the TIFF's palette is damaged; save or send it again")
        if pixels.shape[2] > 1:
            raise UnsupportedImage("the TIFF has a palette and more channels; send RGB with alpha")
        if int(table.max()) > 255:  # 16 bits as the standard has it, else as some write it
            table = table >> 8
        return table.astype(np.uint8)[pixels[..., 0]]
    own = {tifffile.PHOTOMETRIC.MINISBLACK: 1, tifffile.PHOTOMETRIC.MINISWHITE: 1,
           tifffile.PHOTOMETRIC.SEPARATED: 4}.get(photometric, 3)  # fmt: skip
    extra = pixels.shape[2] - own
    if extra < 0 or extra > 1 or (own == 4 and extra):
        raise UnsupportedImage(
            f"the TIFF has {pixels.shape[2]} channels; send grey or RGB, with or without one alpha"
        )
    if pixels.dtype == np.bool_:
        pixels = pixels * np.uint8(255)
    elif bits not in (8, 16, 32):
        top = 255 if bits < 8 else 65535
        scaled = np.rint(pixels * np.float32(top / (2**bits - 1)))
        pixels = np.minimum(scaled, top).astype(np.uint8 if bits < 8 else np.uint16)
    if photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        pixels = pixels.copy()
        pixels[..., 0] = top_of(pixels.dtype) - pixels[..., 0]
    return np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("="))


def _unmultiplied(pixels: Pixels) -> Pixels:
    """Turn associated alpha into straight alpha."""
    top = top_of(pixels.dtype)
    out = pixels.copy()
    for rows in strips(out):
        alpha = out[rows, :, -1:].astype(np.float32)
        straight = out[rows, :, :-1] * np.divide(top, alpha, out=alpha * 0, where=alpha > 0)
        if top != 1:
            straight = np.rint(straight)
        out[rows, :, :-1] = np.minimum(straight, top)
    return out


def _with_its_alpha(page: Any, pixels: Pixels) -> tuple[Pixels, tuple[str, ...]]:
    """Make the extra channel straight alpha where ExtraSamples says alpha, else leave it out."""
    has_extra = pixels.shape[2] in (2, 4) and page.photometric != tifffile.PHOTOMETRIC.SEPARATED
    if not has_extra:
        return pixels, ()
    match int(page.extrasamples[0]) if page.extrasamples else 0:
        case kind if kind == ASSOCIATED:
            return _unmultiplied(pixels), ()
        case kind if kind == STRAIGHT:
            return pixels, ()
    return np.ascontiguousarray(pixels[..., :-1]), (NOT_ALPHA,)


def _orientation(tags: Tags) -> int:
    value = tags[274].value if 274 in tags else 1
    return int(value) if isinstance(value, int) and 1 <= value <= 8 else 1


def _bytes_of(tags: Tags, code: int) -> bytes | None:
    """Return a tag's bytes, or None."""
    value = tags[code].value if code in tags else None
    if isinstance(value, tuple):
        value = bytes(value)
    return value if isinstance(value, bytes) else None


def _iptc(tags: Tags, data: bytes) -> bytes | None:
    """Return IIM records as they stand in the file, whatever number type they were given."""
    if IPTC not in tags:
        return None
    tag = tags[IPTC]
    return iptc.readable(data[tag.valueoffset : tag.valueoffset + tag.valuebytecount])


def _dpi(page: Any) -> tuple[float, float] | None:
    """Read the resolution where it is given per inch or centimetre."""
    if 282 not in page.tags or 283 not in page.tags:
        return None
    unit = int(page.tags[296].value) if 296 in page.tags else 2
    pairs = (page.tags[282].value, page.tags[283].value)
    across, down = (pair[0] / pair[1] if pair[1] else 0.0 for pair in pairs)
    if unit not in (2, 3) or across <= 0 or down <= 0:
        return None
    scale = CENTIMETRE if unit == 3 else 1.0
    return across * scale, down * scale
