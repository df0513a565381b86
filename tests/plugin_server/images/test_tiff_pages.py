"""Which picture of a TIFF is the photo, and which of its channels is alpha."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import tifffile

from plugin_server.images.codec import Limits, UnsupportedImage, decode
from tests.support.pictures import random_pixels, tiff_of

LIMITS = Limits()
PHOTO = random_pixels(48, 40)
PREVIEW = np.ascontiguousarray(PHOTO[::4, ::4])


def preview_first(
    photo: np.ndarray = PHOTO, *, marked: int = 1, below: bool = True, **options: object
) -> bytes:
    """Write a preview as the first page, the photo below it or behind it."""
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(
            PREVIEW, photometric="rgb", subfiletype=marked, subifds=1 if below else 0,
            extratags=[(315, "s", 0, "A. Photographer", True)],
        )  # fmt: skip
        writer.write(photo, **{"photometric": "rgb", **options})
    return file.getvalue()


@pytest.mark.parametrize("below", [True, False])
def test_the_photo_behind_a_preview_is_read(below: bool) -> None:
    layer = decode(preview_first(below=below), limits=LIMITS)
    np.testing.assert_array_equal(layer.pixels, PHOTO)
    assert ("Author", "A. Photographer") in layer.metadata.texts


def test_a_larger_picture_below_one_that_is_not_marked_is_the_photo() -> None:
    np.testing.assert_array_equal(decode(preview_first(marked=0), limits=LIMITS).pixels, PHOTO)


def test_a_copy_below_the_photo_is_not_the_photo() -> None:
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(PHOTO, photometric="rgb", subifds=1)
        writer.write(PREVIEW, photometric="rgb", subfiletype=1)
    np.testing.assert_array_equal(decode(file.getvalue(), limits=LIMITS).pixels, PHOTO)


def test_two_photos_behind_a_preview_are_refused() -> None:
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(PREVIEW, photometric="rgb", subfiletype=1)
        for _ in range(2):
            writer.write(PHOTO, photometric="rgb")
    with pytest.raises(UnsupportedImage, match="2 pages; send one page"):
        decode(file.getvalue(), limits=LIMITS)


def test_of_reduced_copies_alone_the_largest_is_read() -> None:
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(PREVIEW, photometric="rgb", subfiletype=1)
        writer.write(PHOTO, photometric="rgb", subfiletype=1)
    np.testing.assert_array_equal(decode(file.getvalue(), limits=LIMITS).pixels, PHOTO)


@pytest.mark.parametrize("below", [True, False])
def test_what_a_sensor_gave_is_refused_by_its_name(below: bool) -> None:
    raw = preview_first(np.ascontiguousarray(PHOTO[..., 0]), below=below, photometric="cfa")
    with pytest.raises(UnsupportedImage, match=r"camera's raw photo.*develop it"):
        decode(raw, limits=LIMITS)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [2, 4])
def test_a_channel_that_is_not_called_alpha_is_left_out(channels: int, dtype: type) -> None:
    pixels = random_pixels(channels=channels, dtype=dtype)
    stored = tiff_of(
        pixels, photometric="rgb" if channels == 4 else "minisblack", planarconfig="contig",
        extrasamples=["unspecified"],
    )  # fmt: skip
    layer = decode(stored, limits=LIMITS)
    np.testing.assert_array_equal(layer.pixels, pixels[..., :-1])
    assert layer.pixels.dtype == dtype
    assert any("infrared" in notice for notice in layer.notices)


def test_a_channel_of_which_nothing_is_said_is_left_out() -> None:
    pixels = random_pixels(channels=4)
    stored = bytearray(tiff_of(pixels, photometric="rgb", extrasamples=["unassalpha"]))
    with tifffile.TiffFile(io.BytesIO(bytes(stored))) as file:
        at = file.pages.first.tags[338].offset  # type: ignore[union-attr]
    struct.pack_into("<H", stored, at, 65_000)  # a tag that nobody knows
    layer = decode(bytes(stored), limits=LIMITS)
    np.testing.assert_array_equal(layer.pixels, pixels[..., :3])
    assert len(layer.notices) == 1
