"""Reading photos small: size, colour, orientation, and what is refused."""

from __future__ import annotations

import io
import struct
import zlib
from contextlib import suppress

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms
from skimage import data

from models.color.lab import lab_to_srgb, parse_hex, srgb_to_lab
from retrieval.database.exemplar import exemplar_id
from retrieval.errors import PhotoRefused
from retrieval.ingest.dominant_colors import dominant_colors
from retrieval.ingest.photos import (
    SMALL_SIDE,
    THUMBNAIL_SIDE,
    PhotoLimits,
    SmallPhoto,
    decode_small,
    describe,
    difference_hash,
    is_grey,
)
from tests.support.albums import color_photo, jpeg

LIMITS = PhotoLimits()


def png(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return file.getvalue()


def small_lab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    swatch = cv2.resize(rgb, (64, 64), interpolation=cv2.INTER_AREA)
    return srgb_to_lab(swatch.astype(np.float32) / 255)


def refusal(data: bytes, limits: PhotoLimits = LIMITS) -> str:
    with pytest.raises(PhotoRefused) as caught:
        describe(data, decode_small(data, limits))
    return str(caught.value)


def test_a_large_jpeg_is_decoded_small_and_looks_the_same() -> None:
    photo = np.asarray(Image.fromarray(data.coffee()).resize((2400, 1600)))
    small = decode_small(jpeg(photo), LIMITS)
    assert (small.width, small.height) == (2400, 1600)
    assert small.rgb.shape == (SMALL_SIDE, 384, 3)
    direct = cv2.resize(photo, (384, SMALL_SIDE), interpolation=cv2.INTER_AREA)
    assert np.abs(small.rgb.astype(int) - direct).mean() < 4


def test_a_small_photo_stays_as_it_is() -> None:
    photo = color_photo(1)
    small = decode_small(png(Image.fromarray(photo)), LIMITS)
    assert np.array_equal(small.rgb, photo)


def test_a_panorama_stays_small() -> None:
    photo = np.tile(color_photo(1, width=400, height=300), (1, 20, 1))
    assert max(decode_small(jpeg(photo), LIMITS).rgb.shape) <= 1024


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(orientation: int) -> None:
    photo = color_photo(3, width=60, height=40)
    exif = Image.Exif()
    exif[0x0112] = orientation
    small = decode_small(png(Image.fromarray(photo), exif=exif), LIMITS)
    # EXIF 2.32: what row 0 and column 0 of the stored picture are; written out by hand.
    expected = {
        1: photo, 2: photo[:, ::-1], 3: photo[::-1, ::-1], 4: photo[::-1],
        5: photo.transpose(1, 0, 2), 6: np.rot90(photo, -1),
        7: photo[::-1, ::-1].transpose(1, 0, 2), 8: np.rot90(photo, 1),
    }[orientation]  # fmt: skip
    assert np.array_equal(small.rgb, expected)
    assert (small.height, small.width) == expected.shape[:2]


def test_a_colour_profile_is_applied() -> None:
    # A profile whose red and green primaries are exchanged turns pure red into green.
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    photo = Image.new("RGB", (64, 64), (255, 0, 0))
    plain = decode_small(png(photo), LIMITS).rgb[0, 0]
    converted = decode_small(png(photo, icc_profile=bytes(profile)), LIMITS).rgb[0, 0]
    assert plain.tolist() == [255, 0, 0]
    assert converted[1] > 250
    assert converted[0] < 5


def test_a_damaged_profile_counts_as_none() -> None:
    photo = Image.fromarray(color_photo(1))
    small = decode_small(png(photo, icc_profile=b"no profile" * 20), LIMITS)
    assert np.array_equal(small.rgb, color_photo(1))


@pytest.mark.parametrize("mode", ["CMYK", "RGBA", "P", "LA", "L", "I;16", "1", "YCbCr"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    image = Image.fromarray(color_photo(2))
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) << 8)
    else:
        image = image.convert(mode)
    file = io.BytesIO()
    image.save(file, "JPEG" if mode == "YCbCr" else "TIFF")
    small = decode_small(file.getvalue(), LIMITS)
    assert small.rgb.shape == (40, 48, 3)
    if mode in ("CMYK", "RGBA", "P", "YCbCr"):
        assert np.abs(small.rgb.astype(int) - color_photo(2)).mean() < 25
    else:
        shades = cv2.blur(small.rgb, (15, 15)).mean(axis=2)  # "1" has dots for shades
        grey = cv2.blur(cv2.cvtColor(color_photo(2), cv2.COLOR_RGB2GRAY), (15, 15))
        assert np.abs(shades - grey).mean() < (15 if mode == "1" else 3)


def test_what_is_transparent_is_paper() -> None:
    photo = np.dstack([color_photo(2), np.zeros((40, 48), np.uint8)])
    assert decode_small(png(Image.fromarray(photo)), LIMITS).rgb.min() == 255


def test_broken_files_are_refused_with_a_reason() -> None:
    whole = jpeg(color_photo(1, width=300, height=200))
    assert refusal(b"") == "broken: the file is empty"
    assert refusal(b"not a photo") == "broken: no JPEG, PNG, WebP or TIFF picture"
    assert refusal(whole[:200]).startswith("broken: ")
    assert refusal(whole[: len(whole) // 2]).startswith("broken: ")
    gif = io.BytesIO()
    Image.fromarray(color_photo(1)).save(gif, "GIF")
    assert refusal(gif.getvalue()) == "broken: no JPEG, PNG, WebP or TIFF picture"


def test_no_damage_escapes_as_another_error() -> None:
    rng = np.random.default_rng(5)
    for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
        file = io.BytesIO()
        Image.fromarray(color_photo(4)).save(file, kind)
        for _ in range(60):
            data = bytearray(file.getvalue())
            for at in rng.integers(0, len(data), 6):
                data[at] = rng.integers(256)
            with suppress(PhotoRefused):
                describe(bytes(data), decode_small(bytes(data), LIMITS))


def test_too_large_and_too_small_are_refused_by_the_header() -> None:
    data = jpeg(color_photo(1))
    assert "limit is 0 MB" in refusal(data, PhotoLimits(max_bytes=100))
    assert refusal(data, PhotoLimits(max_pixels=1000)).startswith("too large: 48 x 40 pixels")
    assert "short side must have at least 32" in refusal(jpeg(color_photo(1, height=20)))
    # 60,000 x 60,000 pixels of nothing: 3.6 gigapixels declared in 70 bytes.
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk
    bomb += struct.pack(">I", zlib.crc32(chunk)) + struct.pack(">I", 0) + b"IDAT" + b"\0" * 4
    assert refusal(bomb).startswith("too large: ")


def test_grey_and_toned_photos_are_told_from_colour() -> None:
    for colour in (data.coffee(), data.chelsea(), data.astronaut(), data.rocket()):
        assert not is_grey(small_lab(colour))
        grey = np.repeat(cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
        assert is_grey(small_lab(grey))
        share = grey.astype(np.float32) / 255
        sepia = (share ** np.array([0.8, 1.0, 1.3], np.float32) * 255).astype(np.uint8)
        assert is_grey(small_lab(sepia))
        again = np.asarray(Image.open(io.BytesIO(jpeg(sepia, quality=85))))
        assert is_grey(small_lab(again))
    assert refusal(png(Image.fromarray(data.camera()))) == "grey: it has no colours to lend"


def test_a_picture_of_one_hue_with_shades_of_its_own_is_colour() -> None:
    lab = np.zeros((64, 64, 3), np.float32)
    lab[..., 0] = np.linspace(20, 90, 64)[:, None]
    lab[..., 2] = np.linspace(0, -50, 64)[None, :]  # blue independent of lightness
    assert not is_grey(lab)


def test_dominant_colours_are_the_painted_ones_by_area() -> None:
    picture = np.empty((40, 40, 3), np.float32)
    picture[:] = srgb_to_lab(parse_hex("#1a4dcc"))
    picture[:12] = srgb_to_lab(parse_hex("#cc1a1a"))
    picture[12:14] = srgb_to_lab(parse_hex("#e6e633"))
    assert dominant_colors(picture) == ("#1a4dcc", "#cc1a1a", "#e6e633")


def test_colours_that_look_alike_are_one() -> None:
    lab = np.full((20, 20, 3), 50, np.float32)
    lab[..., 1] += np.linspace(0, 5, 20)
    colors = dominant_colors(lab)
    assert len(colors) == 1
    middle = lab_to_srgb(np.array([50, 52.5, 50], np.float32))
    assert np.abs(np.array(list(bytes.fromhex(colors[0][1:]))) / 255 - middle).max() < 0.01


def test_the_hash_is_stable_under_size_and_quality_and_differs_between_photos() -> None:
    coffee = data.coffee()
    small = np.asarray(Image.open(io.BytesIO(jpeg(coffee[::2, ::2], quality=60))))
    bits = lambda a, b: (difference_hash(a) ^ difference_hash(b)).bit_count()  # noqa: E731
    assert bits(coffee, small) <= 5
    assert bits(coffee, data.chelsea()) > 12
    assert 0 <= difference_hash(coffee) < 2**64


def test_what_is_kept_of_a_photo() -> None:
    bytes_of = jpeg(np.asarray(Image.fromarray(data.chelsea()).resize((900, 600))))
    photo = describe(bytes_of, decode_small(bytes_of, LIMITS), ("a cat",))
    assert (photo.width, photo.height, photo.captions) == (900, 600, ("a cat",))
    thumbnail = Image.open(io.BytesIO(photo.thumbnail))
    assert thumbnail.format == "JPEG"
    assert max(thumbnail.size) == THUMBNAIL_SIDE
    assert len(photo.thumbnail) < 30_000
    assert describe(bytes_of, SmallPhoto(photo.rgb, 1, 1, ("inside",))).captions == ("inside",)


def test_an_id_is_short_and_follows_from_the_bytes() -> None:
    assert exemplar_id("00" * 32) == "a" * 12
    assert exemplar_id("ff" * 32) == "7" * 12
