"""Pictures between bytes and pixels: any depth, with or without alpha, profile and all.

``decode`` looks at the content and never at a name; the limits are checked before any pixel is
decoded. ``encode`` gives back what ``decode`` found: depth, alpha, profile, resolution.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from plugin_server.images import heic, iptc, jpeg, npy, png, texts, tiff, webp, xmp
from plugin_server.images.color_profile import (
    ProfileError,
    can_be_written,
    from_srgb,
    is_srgb,
    plain_cmyk_to_rgb,
    space_of,
    to_srgb,
)
from plugin_server.images.exif import made_true, upright, upright_dpi
from plugin_server.images.layer import (
    MEDIA_TYPES,
    READABLE,
    BrokenImage,
    ImageError,
    Layer,
    Limits,
    Metadata,
    Pixels,
    Stored,
    TooLarge,
    UnsupportedImage,
    reading,
    to_depth,
)
from retrieval.containers.jpeg import find_xmp
from retrieval.containers.tiff import MAGICS as TIFF_MAGICS

__all__ = [
    "MEDIA_TYPES",
    "BrokenImage",
    "ImageError",
    "Layer",
    "Limits",
    "Metadata",
    "TooLarge",
    "UnsupportedImage",
    "can_hold",
    "decode",
    "encode",
    "losses",
    "media_type_of",
    "read_settings",
    "takes_own_profile",
]

NAMES = {"image/jpeg": "JPEG", "image/tiff": "TIFF", "image/webp": "WebP"}
# What people send by mistake, by the first bytes; the rest is "no picture that we know".
OTHERS = (
    (b"GIF8", "a GIF"), (b"BM", "a BMP"), (b"8BPS", "a Photoshop document"),
    (b"gimp xcf", "a GIMP document"), (b"%PDF", "a PDF"), (b"\x00\x00\x00\x0cJXL", "a JPEG XL"),
    (b"\xff\x0a", "a JPEG XL"), (b"\x00\x00\x00\x0cjP", "a JPEG 2000"),
    (b"PK\x03\x04", "an archive"), (b"<svg", "an SVG"),
    (b"<?xml", "an XML file"), (b"<!DOCTYPE", "a web page"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000"),
)  # fmt: skip
BOXES = {b"avif": "an AVIF"}
CONVERT = f"convert it first, in GIMP for example (File > Export As), and send {READABLE}"
TO_CONVERT = ("an AVIF", "a JPEG 2000", "a JPEG XL")
# What cameras write, and where their marks stand.
RAWS = (
    (8, b"CR\x02", "Canon CR2"), (4, b"ftypcrx ", "Canon CR3"), (6, b"HEAPCCDR", "Canon CRW"),
    (0, b"FUJIFILMCCD-RAW", "Fujifilm RAF"), (0, b"IIRO", "Olympus ORF"),
    (0, b"IIRS", "Olympus ORF"), (0, b"MMOR", "Olympus ORF"),
    (0, b"IIU\x00", "Panasonic RW2"), (0, b"FOVb", "Sigma X3F"),
    (0, b"\x00MRM", "Minolta MRW"),
)  # fmt: skip


def decode(data: bytes, *, limits: Limits) -> Layer:
    """Read a picture; see Layer for what comes out.

    Raises:
        TooLarge: more bytes or pixels than the limits allow.
        UnsupportedImage: not one of MEDIA_TYPES, a HEIC without what reads it, animated, or of
            several pages.
        BrokenImage: empty, damaged, cut off, or floats outside [0, 1].
    """
    limits.check_bytes(data)
    if heic.is_heic(data):  # of which nothing is written: it is answered as a JPEG is
        return _layer(heic.read(data, limits), "image/jpeg")
    media_type = media_type_of(data)
    match media_type:
        case "image/png":
            stored = png.read(data, limits)
        case "image/jpeg":
            stored = jpeg.read(data, limits)
        case "image/tiff":
            stored = tiff.read(data, limits)
        case "image/webp":
            stored = webp.read(data, limits)
        case _:
            stored = npy.read(data, limits)
    return _layer(stored, media_type)


def encode(layer: Layer, media_type: str, *, settings: str | None = None) -> bytes:
    """Write a layer as `media_type`, at its own depth as far as the format has it.

    PNG has no floats (16 bits then), JPEG and WebP have 8 bits only. `settings` is the JSON that
    made the picture; `read_settings` finds it again. Raises UnsupportedImage where the format
    cannot hold the picture, ValueError for a type that is not in MEDIA_TYPES.
    """
    if media_type not in MEDIA_TYPES:
        raise ValueError(f"{media_type} is none of {', '.join(MEDIA_TYPES)}")
    if media_type == "application/x-npy":  # its values are sRGB by definition
        return npy.write(to_depth(layer.pixels, layer.bits))
    bits = {"image/png": min(layer.bits, 16), "image/tiff": layer.bits}.get(media_type, 8)
    converts = takes_own_profile(layer, media_type)
    pixels = to_depth(_in_own_profile(layer) if converts else layer.pixels, bits)
    write = {
        "image/png": png.write,
        "image/jpeg": jpeg.write,
        "image/tiff": tiff.write,
        "image/webp": webp.write,
    }[media_type]
    profile = layer.profile if pixels.shape[2] > 2 else None
    return write(pixels, profile=profile, metadata=layer.metadata, settings=settings)


def losses(layer: Layer, media_type: str, settings: str | None) -> tuple[str, ...]:
    """Say in one notice what of the metadata ``encode`` leaves out.

    Of npy it says nothing: that is for programs.
    """
    left = list(_left_out(layer, media_type, settings))
    if not left:
        return ()
    others = "PNG or TIFF" if media_type in ("image/jpeg", "image/webp") else "PNG"
    return (
        f"{NAMES[media_type]} has no room for what the photo came with: {', '.join(left)} "
        f"{'was' if len(left) == 1 else 'were'} left out. Ask for {others} to keep it.",
    )


def _left_out(layer: Layer, media_type: str, settings: str | None) -> Iterator[str]:
    metadata = layer.metadata
    words = {keyword for keyword, _ in metadata.texts}
    match media_type:
        case "image/jpeg":
            if metadata.exif is not None and len(metadata.exif) > jpeg.MAX_EXIF:
                yield f"its EXIF ({len(metadata.exif):,} bytes)"
            packet = xmp.joined(metadata.xmp, settings) if metadata.xmp is not None else None
            if packet is not None and len(packet) > jpeg.MAX_XMP:
                yield f"its XMP ({len(packet):,} bytes)"
            if metadata.iptc is not None and not iptc.to_segment(metadata.iptc):
                yield f"its IPTC ({len(metadata.iptc):,} bytes)"
            words -= {texts.COMMENT}
        case "image/webp":
            if metadata.iptc is not None:
                yield "its IPTC"
        case "image/tiff":
            if "Description" not in words:
                words -= {texts.COMMENT}
            words -= texts.TAG_OF.keys()
        case _:
            return
    if words:
        yield "its texts " + ", ".join(sorted(words))


def takes_own_profile(layer: Layer, media_type: str) -> bool:
    """Tell whether writing converts into the photo's own profile, which came from anywhere."""
    return (
        media_type != "application/x-npy"
        and layer.source is not None
        and layer.profile is not None
        and layer.pixels.shape[2] >= 3
    )


def can_hold(media_type: str, layer: Layer) -> bool:
    """Tell whether a picture of this size and transparency fits into the format."""
    height, width, channels = layer.pixels.shape
    match media_type:
        case "image/jpeg":
            return channels not in (2, 4) and bool(max(height, width) <= jpeg.MAX_SIDE)
        case "image/webp":
            return bool(max(height, width) <= webp.MAX_SIDE)
        case _:
            return True


def read_settings(data: bytes) -> str | None:
    """Return the settings inside a file that `encode` wrote, or None."""
    packet: bytes | None = None
    with reading("picture"):
        match media_type_of(data):
            case "image/png":
                return png.read_settings(data)
            case "image/tiff":
                packet = tiff.find_xmp(data)
            case "image/jpeg":
                packet = find_xmp(data)
            case "image/webp":
                packet = webp.find_xmp(data)
    return None if packet is None else xmp.settings_in(packet)


def media_type_of(data: bytes) -> str:
    """Tell the media type by the content; UnsupportedImage names what it seems to be.

    Raises:
        BrokenImage: it is empty.
        UnsupportedImage: it is not one of MEDIA_TYPES.
    """
    if not data:
        raise BrokenImage("the picture has 0 bytes; send the file itself")
    if data.startswith(png.MAGIC):
        return "image/png"
    if data.startswith(jpeg.MAGIC):
        return "image/jpeg"
    for at, mark, camera in RAWS:
        if data.startswith(mark, at):
            raise UnsupportedImage(
                f"the file is a camera's raw photo ({camera}): develop it in a raw converter, such "
                "as darktable or RawTherapee, and send the TIFF or JPEG"
            )
    if data.startswith(TIFF_MAGICS):
        return "image/tiff"
    if webp.is_webp(data):
        return "image/webp"
    if data.startswith(npy.MAGIC):
        return "application/x-npy"
    known = BOXES.get(data[8:12]) if data[4:8] == b"ftyp" else None
    names = (name for start, name in OTHERS if data.startswith(start))
    seems = known or next(names, "no kind of picture that is known here")
    remedy = CONVERT if seems in TO_CONVERT else f"send {READABLE}"
    raise UnsupportedImage(f"the file is {seems}; {remedy}")


def _layer(stored: Stored, media_type: str) -> Layer:
    """Turn the picture upright and its colours into sRGB."""
    source = upright(stored.pixels, stored.orientation)
    bits = 8 * source.dtype.itemsize
    pixels, profile, notices = _to_srgb(source, stored)
    if stored.is_cmyk:
        pixels = to_depth(pixels, bits)
    dpi = upright_dpi(stored.metadata.dpi, stored.orientation)
    height, width = source.shape[:2]
    exif = made_true(stored.metadata.exif, width=width, height=height)
    metadata = replace(stored.metadata, dpi=dpi, exif=exif)
    keep_source = profile is not None and pixels is not source
    return Layer(
        pixels,
        media_type,
        profile=profile,
        bits=bits,
        metadata=metadata,
        source=source if keep_source else None,
        notices=(*stored.notices, *notices),
    )


def _to_srgb(source: Pixels, stored: Stored) -> tuple[Pixels, bytes | None, tuple[str, ...]]:
    """Apply the profile: the sRGB pixels, the profile of the answer, and notices."""
    notices: tuple[str, ...] = ()
    if stored.profile is not None:
        try:
            space = space_of(stored.profile)
            if (space == "cmyk") != stored.is_cmyk:
                raise ProfileError(f"it is a profile for {space}, which the picture is not")
            if space == "rgb" and is_srgb(stored.profile):
                return source, stored.profile, ()
            pixels = to_srgb(source, stored.profile)
        except ProfileError as problem:
            notices = (f"The colour profile is not used ({problem}); sRGB is assumed.",)
        else:
            match space:
                case "rgb" if can_be_written(stored.profile):
                    return pixels, stored.profile, ()
                case "rgb":
                    return to_depth(pixels, 8 * source.dtype.itemsize), None, (
                        "The colour profile can be read but not written, as scanners' often are; "
                        "the answer is sRGB.",
                    )  # fmt: skip
                case "gray":
                    return to_depth(pixels, 8 * source.dtype.itemsize), None, (
                        "The profile for grey cannot describe colours; the answer is sRGB.",
                    )  # fmt: skip
                case _:
                    return pixels, None, ("The picture was CMYK; the answer is sRGB.",)
    if stored.is_cmyk:
        cmyk = "The picture was CMYK; the answer is sRGB."
        return plain_cmyk_to_rgb(source), None, (*notices, cmyk)
    return source, None, notices


def _in_own_profile(layer: Layer) -> Pixels:
    """Return the pixels as the layer's profile writes them."""
    assert layer.source is not None
    assert layer.profile is not None
    return from_srgb(
        layer.pixels,
        layer.profile,
        source=layer.source,
        decoded=to_srgb(layer.source, layer.profile),
    )
