"""Pictures of every format and kind read, against what Pillow, tifffile and NumPy wrote."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from plugin_server.images.codec import Layer, Limits, decode, encode
from tests.support.pictures import (
    exif_with_orientation,
    interlaced_png,
    opened,
    png_chunk,
    png_of,
    random_pixels,
    saved,
    saved_image,
    tiff_of,
)

LIMITS = Limits()
DTYPES = (np.uint8, np.uint16, np.float32)


def read(data: bytes) -> Layer:
    layer = decode(data, limits=LIMITS)
    assert layer.pixels.ndim == 3
    assert layer.pixels.flags.c_contiguous
    assert layer.pixels.dtype.isnative
    return layer


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


def test_png_of_one_bit_whose_transparent_colour_has_eight(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    white = random_pixels(channels=1)[..., 0] > 100
    layer = read(saved_image(Image.fromarray(white), "PNG", transparency=255))
    np.testing.assert_array_equal(layer.pixels[..., 1], ~white * np.uint8(255))
    assert (capfd.readouterr(), caplog.messages) == (("", ""), [])


def test_png_interlaced() -> None:
    pixels = random_pixels()
    np.testing.assert_array_equal(read(interlaced_png(pixels)).pixels, pixels)


def test_png_prints_no_warnings(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    odd = png_chunk(b"iCCP", b"x\x00\x00" + zlib.compress(b"no profile")), png_chunk(b"pHYs", b"?")
    assert read(png_of(random_pixels(), *odd)).notices
    assert (capfd.readouterr(), caplog.messages) == (("", ""), [])


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
