"""What a photo came with is kept, made true, or named among what was left out."""

from __future__ import annotations

import io
import struct
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, PngImagePlugin

from models.color.lab import lightness
from plugin_server.images.codec import Layer, Limits, Metadata, decode, encode, losses
from tests.support.pictures import opened, png_chunk, png_of, random_pixels, saved, tiff_of

LIMITS = Limits()
WORDS = {"Title": "Am Hafen", "Description": "Drei Männer", "Comment": "Box 7, glass plate 12"}


def coloured(photo: bytes, media_type: str) -> bytes:
    """Decode, pretend to colour, encode."""
    layer = decode(photo, limits=LIMITS)
    grey = layer.pixels[..., :1]
    rgb = np.ascontiguousarray(np.broadcast_to(grey, (*grey.shape[:2], 3)))
    return encode(replace(layer, pixels=rgb), media_type)


def turned_jpeg(orientation: int, **options: object) -> bytes:
    """Write a JPEG of 53 x 37 pixels with a thumbnail, its sizes and an orientation."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.ImageWidth] = 53
    exif[ExifTags.IFD.Exif] = {
        ExifTags.Base.ExifImageWidth: 53, ExifTags.Base.ExifImageHeight: 37,
    }  # fmt: skip
    block = bytearray(exif.tobytes())
    order = "<" if block[6:8] == b"II" else ">"
    (first,) = struct.unpack_from(order + "I", block, 10)
    (count,) = struct.unpack_from(order + "H", block, 6 + first)
    thumbnail = saved(random_pixels(9, 12, 1), "JPEG")
    start = len(block) - 6
    second = struct.pack(order + "H", 2)
    for tag, value in ((0x201, start + 30), (0x202, len(thumbnail))):
        second += struct.pack(order + "HHII", tag, 4, 1, value)
    struct.pack_into(order + "I", block, 6 + first + 2 + 12 * count, start)
    file = io.BytesIO()
    whole = bytes(block) + second + bytes(4) + thumbnail
    opened(saved(random_pixels(), "JPEG")).save(file, "JPEG", exif=whole, **options)
    assert thumbnail in file.getvalue()
    return file.getvalue()


@pytest.mark.parametrize("media_type", ["image/jpeg", "image/png", "image/webp"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_exif_is_true_of_the_coloured_photo(orientation: int, media_type: str) -> None:
    result = opened(coloured(turned_jpeg(orientation), media_type))
    exif = result.getexif()
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    sizes = inner[ExifTags.Base.ExifImageWidth], inner[ExifTags.Base.ExifImageHeight]
    assert sizes == result.size == ((37, 53) if orientation == 6 else (53, 37))
    assert exif[ExifTags.Base.ImageWidth] == result.size[0]
    assert exif[ExifTags.Base.Orientation] == 1
    assert not exif.get_ifd(ExifTags.IFD.IFD1)
    assert b"JFIF" not in exif.tobytes()


def png_with_texts() -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("Title", WORDS["Title"])
    info.add_itxt("Description", WORDS["Description"], zip=True)
    info.add_text("Comment", WORDS["Comment"], zip=True)
    file = io.BytesIO()
    Image.fromarray(random_pixels(channels=1)[..., 0]).save(file, "PNG", pnginfo=info)
    return file.getvalue()


def test_texts_of_a_png_go_along() -> None:
    photo = png_with_texts()
    assert opened(coloured(photo, "image/png")).text == WORDS  # type: ignore[attr-defined]
    with tifffile.TiffFile(io.BytesIO(coloured(photo, "image/tiff"))) as file:
        tags = file.pages.first.tags  # type: ignore[union-attr]
        assert (tags[269].value, tags[270].value) == (WORDS["Title"], WORDS["Description"])
    assert opened(coloured(photo, "image/jpeg")).info["comment"] == WORDS["Comment"].encode()


def test_a_jpegs_comment_goes_along() -> None:
    photo = saved(random_pixels(), "JPEG", comment="Großmutter".encode("latin-1"))
    assert opened(coloured(photo, "image/png")).text == {  # type: ignore[attr-defined]
        "Comment": "Großmutter"
    }
    assert opened(coloured(photo, "image/jpeg")).info["comment"] == "Großmutter".encode()
    with tifffile.TiffFile(io.BytesIO(coloured(photo, "image/tiff"))) as file:
        assert file.pages.first.tags[270].value == "Großmutter"  # type: ignore[union-attr]


def test_a_tiffs_texts_go_into_a_png() -> None:
    photo = tiff_of(random_pixels(), photometric="rgb", description="Harbour", datetime=True)
    texts = opened(coloured(photo, "image/png")).text  # type: ignore[attr-defined]
    assert texts["Description"] == "Harbour"
    assert "Creation Time" in texts


@pytest.mark.parametrize(
    ("media_type", "metadata", "named"),
    [
        ("image/jpeg", Metadata(exif=bytes(70_000)), "EXIF .70,000 bytes"),
        ("image/jpeg", Metadata(iptc=b"\x1c" * 70_000), "IPTC .70,000 bytes"),
        ("image/jpeg", Metadata(texts=(("Title", "x"), ("Comment", "y"))), "texts Title was"),
        ("image/webp", Metadata(iptc=b"\x1c"), "IPTC was"),
        ("image/webp", Metadata(texts=(("Comment", "y"),)), "texts Comment"),
        ("image/tiff", Metadata(texts=(("Description", "x"), ("Comment", "y"))), "texts Comment"),
    ],
)
def test_what_has_no_room_is_named(media_type: str, metadata: Metadata, named: str) -> None:
    layer = Layer(random_pixels(), metadata=metadata)
    (notice,) = losses(layer, media_type, None)
    assert named.replace(".", "(", 1) in notice
    assert losses(layer, "image/png", None) == ()


def test_xmp_that_is_too_long_for_a_jpeg_is_named() -> None:
    packet = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf='
        b'"http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description>'
        + b"x" * 96_000
        + b"</rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    photo = tiff_of(random_pixels(), extratags=[(700, "B", len(packet), packet, True)])
    layer = decode(photo, limits=LIMITS)
    (notice,) = losses(layer, "image/jpeg", "{}")
    assert "XMP (96," in notice
    assert "PNG or TIFF" in notice
    assert losses(layer, "image/tiff", "{}") == ()


def test_nothing_is_said_where_all_of_it_fits() -> None:
    layer = Layer(random_pixels(), metadata=Metadata(exif=b"II*\x00", texts=(("Comment", "x"),)))
    for media_type in ("image/png", "image/jpeg", "image/tiff"):
        assert losses(layer, media_type, "{}") == ()


# --- PNG's gamma -----------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("gamma", [1.0, 1 / 1.8])
def test_a_pngs_gamma_is_applied_and_kept(gamma: float, channels: int) -> None:
    pixels = random_pixels(channels=channels, dtype=np.uint16)
    chunk = png_chunk(b"gAMA", struct.pack(">I", round(gamma * 1e5)))
    photo = png_of(pixels, chunk)
    layer = decode(photo, limits=LIMITS)
    light = (pixels / 65535) ** (1 / gamma)  # what the file means
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(layer.pixels / 65535, encoded, atol=0.002)
    # In the answer the numbers mean the same light, whatever reads it.
    again = decode(coloured(photo, "image/png"), limits=LIMITS)
    grey = layer.pixels[..., 0].astype(np.float32) / 65535
    np.testing.assert_allclose(
        lightness(again.pixels.astype(np.float32) / 65535), lightness(grey), atol=0.05
    )


@pytest.mark.parametrize(
    "chunks",
    [
        [(b"gAMA", struct.pack(">I", 45_455))],
        [(b"gAMA", struct.pack(">I", 0))],
        [(b"gAMA", b"??")],
        [(b"sRGB", b"\x00"), (b"gAMA", struct.pack(">I", 100_000))],
        [(b"gAMA", struct.pack(">I", 45_455)),
         (b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000))],
    ],
)  # fmt: skip
def test_a_gamma_that_says_srgb_or_nothing_changes_nothing(
    chunks: list[tuple[bytes, bytes]],
) -> None:
    pixels = random_pixels()
    layer = decode(png_of(pixels, *(png_chunk(*chunk) for chunk in chunks)), limits=LIMITS)
    np.testing.assert_array_equal(layer.pixels, pixels)
    assert layer.profile is None


# --- floats that are off by rounding ----------------------------------------------------------


def npy_of(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def test_floats_off_by_rounding_are_clipped_and_it_is_said() -> None:
    floats = random_pixels(dtype=np.float32)
    floats[0, 0], floats[0, 1] = 1.0001, -1e-6
    for photo in (npy_of(floats), tiff_of(floats)):
        layer = decode(photo, limits=LIMITS)
        np.testing.assert_array_equal(layer.pixels, floats.clip(0, 1))
        assert any("cut to [0, 1]" in notice for notice in layer.notices)
    floats[0, 0] = 1.002
    with pytest.raises(Exception, match=r"reach from .* to 1\.002"):
        decode(npy_of(floats), limits=LIMITS)
