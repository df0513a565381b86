"""Files that went wrong in the field, where their collection lies beside the checkout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from plugin_server.images.codec import Limits, UnsupportedImage, decode, encode, losses

CASES = Path(__file__).resolve().parents[4] / "shared" / "fieldcases"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason=f"{CASES} is not there")


def read(name: str):  # type: ignore[no-untyped-def]
    return decode((CASES / name).read_bytes(), limits=Limits())


def test_previews_do_not_stand_for_the_photo() -> None:
    assert read("thumb-subifd-grey.tif").pixels.shape == (360, 480, 1)
    with pytest.raises(UnsupportedImage, match="raw photo"):
        read("thumb-subifd.dng")


def test_infrared_is_not_alpha() -> None:
    layer = read("rgb-infrared.tif")
    assert layer.pixels.shape == (120, 160, 3)
    assert layer.notices


def test_a_programs_description_is_none() -> None:
    assert read("tifffile-shape.tif").metadata.texts == ()


def test_the_thumbnail_does_not_stay_grey() -> None:
    layer = read("exif-thumbnail.jpg")
    assert ("Comment", "Box 7, glass plate 12") in layer.metadata.texts
    exif = Image.Exif()
    exif.load(b"Exif\x00\x00" + (layer.metadata.exif or b""))
    assert not exif.get_ifd(1)


def test_jpegs() -> None:
    layer = read("jpeg-no-eoi.jpg")
    assert layer.pixels.shape == (120, 160, 1)
    assert any("end mark" in notice for notice in layer.notices)
    with pytest.raises(UnsupportedImage, match="12 bits"):
        read("jpeg-12bit.jpg")


def test_large_xmp_is_kept_or_named() -> None:
    layer = read("big-xmp.tif")
    assert any("XMP" in notice for notice in losses(layer, "image/jpeg", "{}"))
    assert layer.metadata.xmp is not None
    assert layer.metadata.xmp[:20] in encode(layer, "image/png")
    assert np.ptp(layer.pixels) > 0
