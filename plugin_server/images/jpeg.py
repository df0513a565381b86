"""JPEG: read with its metadata, CMYK too; written at quality 95 with full chroma."""

from __future__ import annotations

import io
import warnings

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from plugin_server.images import iptc as images_iptc
from plugin_server.images import jpeg_stream, texts
from plugin_server.images import xmp as images_xmp
from plugin_server.images.exif import MARK, read_orientation, strip_mark
from plugin_server.images.layer import Limits, Metadata, Pixels, Stored, UnsupportedImage, reading
from retrieval.containers.jpeg import check_scans, find_exif, with_bounded_exif

# Pillow's warnings about damaged EXIF would stand between the lines of a batch.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

MAGIC = b"\xff\xd8\xff"
MAX_SIDE = 65_500  # libjpeg's own limit
MAX_EXIF = MAX_XMP = MAX_COMMENT = 65_000  # bytes: a JPEG segment holds 65,533
QUALITY = 95
EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\x00"  # XMP specification part 3, 1.1.3.1
NO_END = "The JPEG lacks its end mark; all of its pixels are there."
MORE_PICTURES = (
    "The JPEG holds another picture behind its first, such as a gain map for bright screens, the "
    "other view of a stereo camera or a preview; only the first is read and kept."
)
NO_EXTENSION = "The JPEG has more XMP than one segment holds; what is in the others was left out."


def read(data: bytes, limits: Limits) -> Stored:
    """Read grey, RGB or CMYK; a damaged or cut file is refused, never half read.

    One that lacks nothing but its end mark is read.
    """
    notices: list[str] = []
    with reading("JPEG"):
        check_scans(data)
        jpeg_stream.check_kind(data)
        # Not Image.open: its own size limit cannot be set per call, and ours is checked here.
        with JpegImageFile(io.BytesIO(with_bounded_exif(data))) as file:
            limits.check_size(*file.size)
            if file.mode not in ("L", "RGB", "CMYK"):
                raise UnsupportedImage(f"the JPEG is of the kind {file.mode}; send grey or RGB")
            exif = strip_mark(find_exif(data))
            dpi = file.info.get("dpi")
            profile = file.info.get("icc_profile")
            xmp = images_xmp.readable(file.info.get("xmp"))
            iptc = images_iptc.readable(
                (file.info.get("photoshop") or {}).get(images_iptc.RESOURCE)
            )
            comments = [content for kind, content in file.applist if kind == "COM"]
            if any(content.startswith(EXTENDED_XMP) for _, content in file.applist):
                notices.append(NO_EXTENSION)
            if jpeg_stream.ends(data):
                pixels = np.asarray(file)
            else:
                pixels = jpeg_stream.pixels_without_end(data)
                notices.append(NO_END)
            if jpeg_stream.has_more_pictures(data):
                notices.append(MORE_PICTURES)
        is_cmyk = file.mode == "CMYK"
    return Stored(
        pixels if pixels.ndim == 3 else pixels[..., None],
        orientation=read_orientation(exif),
        profile=profile,
        metadata=Metadata(
            dpi=(float(dpi[0]), float(dpi[1])) if dpi and min(dpi) > 0 else None,
            exif=exif,
            xmp=xmp,
            iptc=iptc,
            texts=texts.from_jpeg(comments),
        ),
        is_cmyk=is_cmyk,
        notices=tuple(notices),
    )


def write(
    pixels: Pixels, *, profile: bytes | None, metadata: Metadata, settings: str | None
) -> bytes:
    """Write (H, W, 1 or 3) uint8; UnsupportedImage where JPEG cannot hold it.

    What is too long for a segment is left out: ``losses`` says so.
    """
    height, width, channels = pixels.shape
    if channels in (2, 4):
        raise UnsupportedImage("JPEG has no transparency and the picture has; ask for PNG or TIFF")
    if max(height, width) > MAX_SIDE:
        raise UnsupportedImage(
            f"the picture is {width} x {height} pixels and JPEG's limit is {MAX_SIDE} a side; "
            "ask for PNG or TIFF"
        )
    options: dict[str, object] = {}
    if metadata.exif is not None and len(metadata.exif) <= MAX_EXIF:
        options["exif"] = MARK + metadata.exif
    if metadata.dpi is not None:
        options["dpi"] = tuple(min(round(dpi), 65_535) for dpi in metadata.dpi)
    # Where both do not fit, the settings go before what the photo came with.
    for packet in (images_xmp.joined(metadata.xmp, settings), images_xmp.joined(None, settings)):
        if packet is not None and len(packet) <= MAX_XMP:
            options["xmp"] = packet
            break
    if metadata.iptc is not None:
        options["extra"] = images_iptc.to_segment(metadata.iptc)
    if comment := texts.to_jpeg(metadata.texts):
        options["comment"] = comment[:MAX_COMMENT]
    if profile is not None:
        options["icc_profile"] = profile
    file = io.BytesIO()
    image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
    image.save(file, "JPEG", quality=QUALITY, subsampling=0, **options)
    return file.getvalue()
