"""Pictures read and written, against Pillow, tifffile, and PNG read by hand."""

from __future__ import annotations

import io
import time
import xml.etree.ElementTree as ElementTree
import zlib
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps
from skimage import data

from plugin_server.images import (
    MEDIA_TYPES,
    Layer,
    Limits,
    Metadata,
    UnsupportedImage,
    decode,
    encode,
    read_settings,
)
from tests.pictures import (
    exif_with_orientation,
    interlaced_png,
    opened,
    png_chunk,
    png_of,
    png_pixels,
    random_pixels,
    saved,
    saved_image,
)

LIMITS = Limits()
DTYPES = (np.uint8, np.uint16, np.float32)


def read(data: bytes) -> Layer:
    layer = decode(data, limits=LIMITS)
    assert layer.pixels.ndim == 3
    assert layer.pixels.flags.c_contiguous
    assert layer.pixels.dtype.isnative
    return layer


def tiff_of(pixels: np.ndarray, **options: object) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **{"photometric": "minisblack", **options})
    return file.getvalue()


# --- reading ---------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_png_of_every_kind(channels: int, dtype: type) -> None:
    pixels = random_pixels(channels=channels, dtype=dtype)
    layer = read(png_of(pixels))
    np.testing.assert_array_equal(layer.pixels, pixels)
    assert (layer.media_type, layer.bits) == ("image/png", pixels.itemsize * 8)
    assert layer.pixels.dtype == dtype


@pytest.mark.parametrize("transparency", [None, 3, bytes(range(0, 200, 5))])
def test_png_palette(transparency: int | bytes | None) -> None:
    image = Image.fromarray(random_pixels()).quantize(40)
    options = {} if transparency is None else {"transparency": transparency}
    stored = saved_image(image, "PNG", **options)
    expected = opened(stored).convert("RGB" if transparency is None else "RGBA")
    np.testing.assert_array_equal(read(stored).pixels, np.asarray(expected))


def test_png_of_one_bit_and_with_a_transparent_colour() -> None:
    black_white = random_pixels(channels=1)[..., 0] > 100
    one_bit = read(saved_image(Image.fromarray(black_white), "PNG"))
    np.testing.assert_array_equal(one_bit.pixels[..., 0], black_white * np.uint8(255))
    pixels = random_pixels(dtype=np.uint16)
    key = pixels[3, 4].astype(">u2").tobytes()
    keyed = read(png_of(pixels, png_chunk(b"tRNS", key))).pixels
    np.testing.assert_array_equal(keyed[..., :3], pixels)
    transparent = (pixels == pixels[3, 4]).all(axis=2)
    np.testing.assert_array_equal(keyed[..., 3], np.where(transparent, 0, 65535))


def test_png_interlaced() -> None:
    pixels = random_pixels()
    np.testing.assert_array_equal(read(interlaced_png(pixels)).pixels, pixels)


def test_png_prints_no_warnings(capfd: pytest.CaptureFixture[str]) -> None:
    odd = png_chunk(b"iCCP", b"x\x00\x00" + zlib.compress(b"no profile")), png_chunk(b"pHYs", b"?")
    assert read(png_of(random_pixels(), *odd)).notices
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg(channels: int) -> None:
    stored = saved(random_pixels(channels=channels), "JPEG", quality=90)
    layer = read(stored)
    np.testing.assert_array_equal(layer.pixels.squeeze(), np.asarray(opened(stored)))
    assert layer.pixels.shape[2] == channels


def test_of_a_jpeg_with_several_pictures_the_first_is_read() -> None:
    first = Image.fromarray(random_pixels())
    second = Image.fromarray(random_pixels()[::2])
    stored = saved_image(first, "MPO", save_all=True, append_images=[second])
    assert read(stored).pixels.shape == random_pixels().shape


def test_jpeg_in_cmyk_without_a_profile() -> None:
    image = Image.fromarray(random_pixels()).convert("CMYK")
    layer = read(saved_image(image, "JPEG", quality=100))
    expected = np.asarray(image.convert("RGB"), int)
    assert np.abs(layer.pixels - expected).mean() < 3
    assert layer.pixels.dtype == np.uint8
    assert any("CMYK" in notice for notice in layer.notices)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("lossless", [True, False])
def test_webp(channels: int, lossless: bool) -> None:
    stored = saved(random_pixels(channels=channels), "WEBP", lossless=lossless, exact=True)
    layer = read(stored)
    np.testing.assert_array_equal(layer.pixels, np.asarray(opened(stored)))
    assert layer.media_type == "image/webp"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_tiff_of_every_kind(dtype: type, channels: int, planar: str) -> None:
    pixels = random_pixels(channels=channels, dtype=dtype)
    kind = "minisblack" if channels < 3 else "rgb"
    stored = pixels[..., 0] if channels == 1 else pixels
    if planar == "separate" and channels > 1:
        stored = np.moveaxis(pixels, -1, 0)
    layer = read(
        tiff_of(
            stored,
            photometric=kind,
            planarconfig=planar if channels > 1 else None,
            extrasamples=["unassalpha"] if channels in (2, 4) else None,
            byteorder=">",
            compression="lzw",
            predictor=True,
        )
    )
    np.testing.assert_array_equal(layer.pixels, pixels)
    assert layer.bits == pixels.itemsize * 8


def test_tiff_of_rarer_kinds() -> None:
    grey = random_pixels(channels=1)[..., 0]
    white_is_zero = read(tiff_of(grey, photometric="miniswhite"))
    np.testing.assert_array_equal(white_is_zero.pixels[..., 0], 255 - grey)
    tiled = read(tiff_of(grey, tile=(16, 32), compression="zlib"))
    np.testing.assert_array_equal(tiled.pixels[..., 0], grey)
    one_bit = read(saved_image(Image.fromarray(grey > 100), "TIFF"))
    np.testing.assert_array_equal(one_bit.pixels[..., 0], (grey > 100) * np.uint8(255))
    palette = Image.fromarray(random_pixels()).quantize(30)
    expected = np.asarray(palette.convert("RGB"))
    np.testing.assert_array_equal(read(saved_image(palette, "TIFF")).pixels, expected)
    in_jpeg = saved(random_pixels(), "TIFF", compression="jpeg")
    assert np.abs(read(in_jpeg).pixels - random_pixels().astype(int)).mean() < 6
    cmyk = Image.fromarray(random_pixels()).convert("CMYK")
    np.testing.assert_allclose(
        read(saved_image(cmyk, "TIFF")).pixels, np.asarray(cmyk.convert("RGB")), atol=1
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_tiff_with_multiplied_alpha_becomes_straight(dtype: type) -> None:
    pixels = random_pixels(channels=4, dtype=dtype)
    top = 1 if dtype is np.float32 else np.iinfo(dtype).max
    alpha = pixels[..., 3:] / top
    multiplied = pixels.copy()
    multiplied[..., :3] = np.rint(pixels[..., :3] * alpha) if top > 1 else pixels[..., :3] * alpha
    layer = read(tiff_of(multiplied, photometric="rgb", extrasamples=["assocalpha"]))
    np.testing.assert_array_equal(layer.pixels[..., 3], pixels[..., 3])
    seen = alpha[..., 0] > 0.5
    np.testing.assert_allclose(layer.pixels[seen], pixels[seen], atol=1.01 if top > 1 else 1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("ends", ["<", ">"])
@pytest.mark.parametrize("channels", [0, 1, 2, 3, 4])
def test_npy(dtype: type, order: str, ends: str, channels: int) -> None:
    pixels = random_pixels(channels=max(channels, 1), dtype=dtype)
    array = np.asarray(pixels[..., 0] if channels == 0 else pixels, order=order)
    file = io.BytesIO()
    np.save(file, array.astype(array.dtype.newbyteorder(ends), order=order))
    layer = read(file.getvalue())
    np.testing.assert_array_equal(layer.pixels, pixels)
    assert layer.media_type == "application/x-npy"


def test_npy_of_version_two() -> None:
    file = io.BytesIO()
    np.lib.format.write_array(file, random_pixels(), version=(2, 0))
    np.testing.assert_array_equal(read(file.getvalue()).pixels, random_pixels())


# --- orientation -----------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_orientation_is_applied_and_reset(kind: str, orientation: int, order: str) -> None:
    pixels = random_pixels()
    exif = exif_with_orientation(orientation, order)
    if kind == "TIFF":
        extra = [(274, "H", 1, orientation, True)]
        stored = tiff_of(pixels, photometric="rgb", extratags=extra, byteorder=order)
    else:
        options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95}}.get(kind, {})
        stored = saved(pixels, kind, exif=b"Exif\x00\x00" + exif, **options)
    expected = np.asarray(ImageOps.exif_transpose(opened(stored)))
    layer = read(stored)
    np.testing.assert_array_equal(layer.pixels, expected)
    for media_type in ("image/png", "image/jpeg", "image/webp", "image/tiff"):
        answer = opened(encode(layer, media_type))
        assert answer.getexif().get(274, 1) == 1
        assert answer.size == (expected.shape[1], expected.shape[0])
        if kind != "TIFF" and media_type != "image/tiff":
            assert answer.getexif()[0x010F] == "Oak"


# --- writing ---------------------------------------------------------------------------------


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


# --- what travels beside the pixels ----------------------------------------------------------


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
    else:
        packet = ElementTree.fromstring(image.info["xmp"])
        assert packet.findtext(".//{urn:photochrom:1}settings") == settings


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
