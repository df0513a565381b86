"""EXIF, IPTC and XMP go along with a photo, whatever type it is written as; settings join them.

Files are made and read back by Pillow and tifffile, never by what is tested.
"""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, IptcImagePlugin, PngImagePlugin
from PIL.TiffImagePlugin import IFDRational

from plugin_server.images.codec import Limits, decode, encode, read_settings
from plugin_server.images.iptc import from_resources, to_resource
from plugin_server.images.xmp import SOURCE_TYPE, joined, readable
from tests.support.pictures import random_pixels, tiff_of

SETTINGS = '{"description": "a <red> tram & \\u00fc"}'
CAPTION = "Großmutter, 1923".encode()
IPTC = (
    b"\x1c\x01\x5a\x00\x03\x1b%G"  # 1:90, the text is UTF-8
    + b"\x1c\x02\x78" + struct.pack(">H", len(CAPTION)) + CAPTION
    + b"\x1c\x02\x19\x00\x04tram"
)  # fmt: skip
XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"'
    ' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
    ' Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/negativeFilm">'
    "<dc:creator><rdf:Seq><rdf:li>A. Photographer</rdf:li></rdf:Seq></dc:creator>"
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
    '<?xpacket end="w"?>'
).encode()
EXIF = {
    ExifTags.Base.ExposureTime: IFDRational(1, 60),
    ExifTags.Base.DateTimeOriginal: "1999:12:31 23:59:58",
}
GPS = {ExifTags.GPS.GPSLatitudeRef: "N", ExifTags.GPS.GPSLatitude: (52.0, 30.0, 15.5)}
GREY = random_pixels(40, 50, 1)
TYPES = ("image/png", "image/jpeg", "image/tiff", "image/webp")


def exif() -> Image.Exif:
    block = Image.Exif()
    block[ExifTags.Base.Artist] = "A. Photographer"
    block[ExifTags.IFD.Exif] = dict(EXIF)
    block[ExifTags.IFD.GPSInfo] = dict(GPS)
    return block


def jpeg() -> bytes:
    file = io.BytesIO()
    content = b"Photoshop 3.0\x00" + b"8BIM\x04\x04\x00\x00" + struct.pack(">I", len(IPTC)) + IPTC
    content += b"\x00" * (len(IPTC) % 2)
    segment = b"\xff\xed" + struct.pack(">H", len(content) + 2) + content
    Image.fromarray(GREY[..., 0]).save(file, "JPEG", exif=exif(), xmp=XMP, extra=segment)
    return file.getvalue()


def png() -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP.decode(), zip=True)
    info.add_text("Raw profile type iptc", f"\niptc\n{len(IPTC):8}\n{IPTC.hex()}\n", zip=True)
    file = io.BytesIO()
    Image.fromarray(GREY[..., 0]).save(file, "PNG", exif=exif(), pnginfo=info)
    return file.getvalue()


def tiff() -> bytes:
    file = io.BytesIO()
    tags = Image.Exif()
    tags.load(exif().tobytes())
    tags[700], tags[33723] = XMP, IPTC
    Image.fromarray(GREY[..., 0]).save(file, "TIFF", exif=tags)
    return file.getvalue()


def webp() -> bytes:
    file = io.BytesIO()
    Image.fromarray(GREY[..., 0]).save(file, "WEBP", exif=exif(), xmp=XMP, lossless=True)
    return file.getvalue()


def coloured(photo: bytes, media_type: str, settings: str | None = SETTINGS) -> bytes:
    layer = decode(photo, limits=Limits())
    rgb = np.ascontiguousarray(np.broadcast_to(layer.pixels, (*layer.pixels.shape[:2], 3)))
    return encode(replace(layer, pixels=rgb), media_type, settings=settings)


def packet_of(image: Image.Image) -> bytes:
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    return packet.encode() if isinstance(packet, str) else packet


@pytest.mark.parametrize("media_type", TYPES)
@pytest.mark.parametrize("photo", [jpeg, png, tiff, webp])
def test_exif_and_xmp_go_along(photo: object, media_type: str) -> None:
    result = coloured(photo(), media_type)  # type: ignore[operator]
    with Image.open(io.BytesIO(result)) as image:
        block = image.getexif()
        packet = packet_of(image)
    found = block.get_ifd(ExifTags.IFD.Exif)
    assert found[ExifTags.Base.DateTimeOriginal] == EXIF[ExifTags.Base.DateTimeOriginal]
    assert float(found[ExifTags.Base.ExposureTime]) == pytest.approx(1 / 60)
    gps = block.get_ifd(ExifTags.IFD.GPSInfo)
    assert [float(part) for part in gps[ExifTags.GPS.GPSLatitude]] == [52.0, 30.0, 15.5]
    tree = ElementTree.fromstring(packet)
    assert [
        entry.text for entry in tree.iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li")
    ] == ["A. Photographer"]
    assert read_settings(result) == SETTINGS
    assert packet.count(b"DigitalSourceType>" + SOURCE_TYPE.encode()) == 1
    assert b"negativeFilm" not in packet
    assert b'tiff:Orientation="1"' in packet


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "image/tiff"])
@pytest.mark.parametrize("photo", [jpeg, png, tiff])
def test_iptc_goes_along(photo: object, media_type: str) -> None:
    result = coloured(photo(), media_type)  # type: ignore[operator]
    if media_type == "image/png":
        with Image.open(io.BytesIO(result)) as image:
            text = str(image.info["Raw profile type iptc"]).split("\n", 3)
        resource = bytes.fromhex(text[3].replace("\n", ""))
        assert int(text[2]) == len(resource)
        assert resource[12 : 12 + len(IPTC)] == IPTC
        return
    with Image.open(io.BytesIO(result)) as image:
        records = IptcImagePlugin.getiptcinfo(image) or {}
    assert records[2, 120] == CAPTION
    assert records[2, 25] == b"tram"


def test_a_second_colouring_replaces_the_settings_of_the_first() -> None:
    first = coloured(jpeg(), "image/jpeg")
    second = coloured(first, "image/jpeg", '{"description": "other"}')
    assert read_settings(second) == '{"description": "other"}'
    with Image.open(io.BytesIO(second)) as image:
        packet = packet_of(image)
    assert (packet.count(b"photochrom:settings>"), packet.count(SOURCE_TYPE.encode())) == (2, 1)
    assert b"A. Photographer" in packet


def test_without_settings_it_goes_along_too() -> None:
    with Image.open(io.BytesIO(coloured(png(), "image/tiff", None))) as image:
        assert b"A. Photographer" in packet_of(image)
        assert b"photochrom" not in packet_of(image)


@pytest.mark.parametrize(
    "packet",
    [
        b"", b"no xml", XMP[:200], XMP.replace(b"<x:xmpmeta", b"<!DOCTYPE x><x:xmpmeta"),
        XMP.decode().encode("utf-16"), XMP.decode().encode("utf-16-le"),
    ],
)  # fmt: skip
def test_a_damaged_packet_is_replaced(packet: bytes) -> None:
    assert readable(packet) is None
    assert joined(readable(packet), None) is None
    assert SOURCE_TYPE.encode() in (joined(readable(packet), "{}") or b"")


def test_a_packet_too_long_for_jpeg_gives_way_to_the_settings() -> None:
    layer = decode(jpeg(), limits=Limits())
    long = XMP.replace(b"A. Photographer", 66_000 * b"x")
    layer = replace(
        layer, metadata=replace(layer.metadata, xmp=readable(long), iptc=70_000 * b"\x1c")
    )
    result = encode(layer, "image/jpeg", settings=SETTINGS)
    assert read_settings(result) == SETTINGS
    with Image.open(io.BytesIO(result)) as image:
        assert "photoshop" not in image.info


def test_iptc_written_as_swapped_numbers() -> None:
    padded = IPTC + b"\x00" * (-len(IPTC) % 4)
    numbers = struct.unpack(f">{len(padded) // 4}I", padded)
    file = tiff_of(GREY[..., 0], extratags=[(33723, "I", len(numbers), numbers, True)])
    with Image.open(io.BytesIO(coloured(file, "image/jpeg"))) as image:
        records = IptcImagePlugin.getiptcinfo(image) or {}
    assert records[2, 120] == CAPTION


@pytest.mark.parametrize(
    "data", [b"", b"\x1c", b"8BIM", b"8BIM\x04\x04", b"8BIM\x04\x04\xff\x00", bytes(8)]
)
def test_damaged_iptc_counts_as_little_or_none(data: bytes) -> None:
    assert (from_resources(data) or b"\x1c")[:1] == b"\x1c"
    assert from_resources(b"8BIM\x03\xed\x00\x00" + bytes(6) + to_resource(IPTC)) == IPTC


def test_damaged_exif_costs_a_tiff_nothing_else() -> None:
    whole = tiff()
    with tifffile.TiffFile(io.BytesIO(whole)) as file:
        at = file.pages.first.tags[34665].offset  # type: ignore[union-attr]
    broken = whole[: at + 8] + struct.pack("<I", len(whole) - 3) + whole[at + 12 :]
    layer = decode(broken, limits=Limits())
    np.testing.assert_array_equal(layer.pixels, GREY)
    layer = replace(
        layer, metadata=replace(layer.metadata, exif=b"II*\x00\x08\x00\x00\x00\xff\xff")
    )
    np.testing.assert_array_equal(
        tifffile.imread(io.BytesIO(encode(layer, "image/tiff"))), GREY[..., 0]
    )


def test_the_pixels_of_a_tiff_with_exif_are_untouched() -> None:
    deep = (random_pixels(300, 400, 3, np.uint16)).copy()
    layer = decode(tiff(), limits=Limits())
    result = encode(replace(layer, pixels=deep, bits=16), "image/tiff", settings=SETTINGS)
    np.testing.assert_array_equal(tifffile.imread(io.BytesIO(result)), deep)
    with tifffile.TiffFile(io.BytesIO(result)) as file:
        codes = [tag.code for tag in file.pages.first.tags]  # type: ignore[union-attr]
    assert codes == sorted(codes)
    assert {34665, 34853} <= set(codes)
    assert not {34666, 34854} & set(codes)
