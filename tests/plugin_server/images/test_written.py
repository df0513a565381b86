"""Pictures written, read back by Pillow, tifffile and by hand, with all that travels along."""

from __future__ import annotations

import io
import struct
import time
import xml.etree.ElementTree as ElementTree
import zlib
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from skimage import data

from plugin_server.images.codec import (
    MEDIA_TYPES,
    Layer,
    Limits,
    Metadata,
    UnsupportedImage,
    decode,
    encode,
    read_settings,
)
from tests.support.pictures import (
    exif_with_orientation,
    opened,
    png_pixels,
    random_pixels,
    saved,
    tiff_of,
)

DTYPES = (np.uint8, np.uint16, np.float32)


def read(data: bytes) -> Layer:
    return decode(data, limits=Limits())


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_written_without_loss_reads_back_the_same(channels: int, dtype: type) -> None:
    pixels = random_pixels(channels=channels, dtype=dtype)
    layer = Layer(pixels, bits=pixels.itemsize * 8)
    npy = np.load(io.BytesIO(encode(layer, "application/x-npy")), allow_pickle=False)
    np.testing.assert_array_equal(npy, pixels)
    tiff = tifffile.imread(io.BytesIO(encode(layer, "image/tiff")))
    np.testing.assert_array_equal(tiff.reshape(pixels.shape), pixels)
    assert tiff.dtype == dtype
    by_hand = png_pixels(encode(layer, "image/png"))
    expected = pixels if dtype is not np.float32 else np.rint(pixels.astype(float) * 65535)
    np.testing.assert_array_equal(by_hand, expected)


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (3, 2)])
@pytest.mark.parametrize("media_type", ["image/png", "image/tiff", "application/x-npy"])
def test_odd_sizes(size: tuple[int, int], media_type: str) -> None:
    pixels = random_pixels(*size, channels=4)
    np.testing.assert_array_equal(read(encode(Layer(pixels), media_type)).pixels, pixels)


def test_a_photograph_as_png_in_many_strips() -> None:
    photo = np.tile(data.astronaut(), (3, 3, 1))
    np.testing.assert_array_equal(np.asarray(opened(encode(Layer(photo), "image/png"))), photo)


def test_the_bands_of_a_png_make_one_stream_with_its_checksum() -> None:
    photo = np.tile(data.astronaut(), (3, 3, 1))
    png = encode(Layer(photo), "image/png")
    parts, at = [], 8
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        if png[at + 4 : at + 8] == b"IDAT":
            parts.append(png[at + 8 : at + 8 + length])
        at += 12 + length
    assert len(parts) > 2
    rows = zlib.decompress(b"".join(parts))  # which refuses a wrong checksum
    assert len(rows) == photo.shape[0] * (1 + 3 * photo.shape[1])


@pytest.mark.parametrize("media_type", ["image/jpeg", "image/webp"])
@pytest.mark.parametrize("bits", [8, 16, 32])
def test_lossy_answers_stay_near(media_type: str, bits: int) -> None:
    photo = data.coffee()[:200, :300]
    pixels = {8: photo, 16: photo * np.uint16(257), 32: (photo / 255).astype(np.float32)}[bits]
    answer = opened(encode(Layer(pixels, bits=bits), media_type))
    assert np.abs(np.asarray(answer, int) - photo).mean() < 2.5


def test_jpeg_has_full_chroma() -> None:
    answer = opened(encode(Layer(random_pixels()), "image/jpeg"))
    assert {factors[1:3] for factors in answer.layer} == {(1, 1)}


def test_webp_keeps_alpha_and_the_colours_under_it() -> None:
    pixels = random_pixels(channels=4)
    pixels[:10, :10, 3] = 0
    answer = np.asarray(opened(encode(Layer(pixels), "image/webp")))
    np.testing.assert_array_equal(answer[..., 3], pixels[..., 3])
    assert np.abs(answer[:8, :8, :3].astype(int) - pixels[:8, :8, :3]).mean() < 12


def test_what_a_format_cannot_hold_is_said() -> None:
    with pytest.raises(UnsupportedImage, match="no transparency"):
        encode(Layer(random_pixels(channels=4)), "image/jpeg")
    wide = Layer(np.zeros((1, 70_000, 3), np.uint8))
    with pytest.raises(UnsupportedImage, match="limit is 65500"):
        encode(wide, "image/jpeg")
    with pytest.raises(UnsupportedImage, match="limit is 16383"):
        encode(wide, "image/webp")
    with pytest.raises(ValueError, match="image/gif"):
        encode(wide, "image/gif")


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_the_same_bytes_every_time(media_type: str) -> None:
    layer = Layer(random_pixels(), metadata=Metadata(dpi=(300, 300)))
    assert encode(layer, media_type, settings="{}") == encode(layer, media_type, settings="{}")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_resolution(kind: str) -> None:
    layer = read(saved(random_pixels(), kind, dpi=(300, 150)))
    assert layer.metadata.dpi == pytest.approx((300, 150), rel=1e-4)
    for media_type in ("image/png", "image/tiff"):
        answer = opened(encode(layer, media_type))
        assert tuple(map(float, answer.info["dpi"])) == pytest.approx((300, 150), rel=1e-4)
    turned = exif_with_orientation(6)
    stored = saved(random_pixels(), "PNG", dpi=(300, 150), exif=turned)
    assert read(stored).metadata.dpi == pytest.approx((150, 300), rel=1e-4)


def test_tiff_keeps_what_an_archive_wrote() -> None:
    artist = "J. Müller".encode() + b"\x00"
    texts = [(315, "s", 0, artist, True), (33432, "s", 0, "Public domain", True)]
    stored = tiff_of(random_pixels(), photometric="rgb", extratags=texts, description="Harbour")
    pages = tifffile.TiffFile(io.BytesIO(encode(read(stored), "image/tiff"))).pages
    tags = {tag.code: tag.value for tag in pages.first.tags.values()}
    assert (tags[270], tags[33432]) == ("Harbour", "Public domain")
    assert tags[315] == "J. Müller"


@pytest.mark.parametrize("metadata", [{}, {"axes": "YX"}])
@pytest.mark.parametrize("imagej", [False, True])
def test_tiff_says_nothing_about_the_layout_of_the_grey_page(
    metadata: dict[str, str], imagej: bool
) -> None:
    file = io.BytesIO()
    tifffile.imwrite(file, random_pixels(channels=1)[..., 0], metadata=metadata, imagej=imagej)
    layer = replace(read(file.getvalue()), pixels=random_pixels())
    with tifffile.TiffFile(io.BytesIO(encode(layer, "image/tiff"))) as answer:
        assert 270 not in answer.pages.first.tags
        np.testing.assert_array_equal(answer.asarray(), random_pixels())


@pytest.mark.parametrize(("given", "written"), [(None, 1), ("lzw", 5), ("zlib", 8), ("zstd", 8)])
def test_tiff_is_compressed_as_it_came(given: str | None, written: int) -> None:
    answer = encode(
        read(tiff_of(random_pixels(), photometric="rgb", compression=given)), "image/tiff"
    )
    assert int(tifffile.TiffFile(io.BytesIO(answer)).pages.first.compression) == written


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "image/tiff", "image/webp"])
def test_settings_travel(media_type: str) -> None:
    settings = '{"description": "Großmutter & <Hund> 🐕", "hints": []}'
    answer = encode(Layer(random_pixels()), media_type, settings=settings)
    assert read_settings(answer) == settings
    assert read_settings(encode(Layer(random_pixels()), media_type)) is None
    image = opened(answer)
    if media_type == "image/png":
        assert image.info["photochrom"] == settings
    packet = ElementTree.fromstring(image.info["xmp"])
    assert packet.findtext(".//{urn:photochrom:1}settings") == settings
    iptc = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
    source_type = packet.findtext(f".//{iptc}DigitalSourceType")
    assert str(source_type).endswith("/algorithmicallyEnhanced")


def test_notices_and_source_stay_when_the_pixels_are_replaced() -> None:
    layer = read(saved(random_pixels(), "PNG", dpi=(200, 200)))
    coloured = replace(layer, pixels=random_pixels()[::-1])
    np.testing.assert_array_equal(read(encode(coloured, "image/png")).pixels, coloured.pixels)


def test_png_is_far_quicker_than_by_pillow_and_no_larger() -> None:
    photo = np.tile(data.astronaut(), (2, 2, 1))
    started = time.perf_counter()
    ours = encode(Layer(photo), "image/png")
    between = time.perf_counter()
    theirs = saved(photo, "PNG")
    assert between - started < (time.perf_counter() - between) / 2
    assert len(ours) < 1.1 * len(theirs)


@pytest.mark.parametrize("media_type", [kind for kind in MEDIA_TYPES if kind.startswith("image/")])
def test_settings_of_any_length_can_be_written(media_type: str) -> None:
    layer, settings = Layer(random_pixels()), '{"hints": "' + "x" * 100_000 + '"}'
    written = encode(layer, media_type, settings=settings)
    assert read(written).pixels.shape == layer.pixels.shape
    assert read_settings(written) == (None if media_type == "image/jpeg" else settings)
