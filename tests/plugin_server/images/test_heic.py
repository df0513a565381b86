"""HEIC: read where pi-heif is installed, else the message says how to get it."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from plugin_server.batch.sources import Sources
from plugin_server.images import heic
from plugin_server.images.codec import BrokenImage, Limits, TooLarge, UnsupportedImage, decode

LIMITS = Limits()
START = b"\x00\x00\x00\x18ftypheic"


def photo(**options: object) -> bytes:
    """Write a HEIC; pillow-heif can, pi-heif cannot."""
    writer = pytest.importorskip("pillow_heif")
    pytest.importorskip("pi_heif")
    y, x = np.indices((48, 64))
    pixels = np.dstack([4 * x - x // 16, 5 * y, 128 + 0 * x]).clip(0, 255).astype(np.uint8)
    file = io.BytesIO()
    writer.from_pillow(Image.fromarray(pixels)).save(file, quality=95, chroma=444, **options)
    return file.getvalue()


@pytest.mark.parametrize("brand", heic.BRANDS)
def test_without_its_reader_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, brand: bytes
) -> None:
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    with pytest.raises(UnsupportedImage, match=r"a HEIC; .*'photochrom\[heic\]'.* GIMP"):
        decode(START[:-4] + brand + bytes(50), limits=LIMITS)


def test_a_folder_says_it_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "phone.HEIC").write_bytes(START)

    def found() -> list[str]:
        sources = Sources.parse([tmp_path / "scans"], tmp_path / "out", recursive=False)
        return [type(one).__name__ for one in sources]

    monkeypatch.setattr(heic, "can_be_read", lambda: False)
    assert found() == ["SkippedPhoto"]
    monkeypatch.setattr(heic, "can_be_read", lambda: True)
    assert found() == ["SourcePhoto"]


def test_a_photo_is_read_and_answered_as_a_jpeg_is() -> None:
    layer = decode(photo(), limits=LIMITS)
    assert (layer.pixels.shape, layer.bits) == ((48, 64, 3), 8)
    assert layer.media_type == "image/jpeg"
    red, green, blue = (layer.pixels[..., channel].astype(int) for channel in range(3))
    assert abs(red[24, 4:-4] - (4 * np.arange(64) - np.arange(64) // 16)[4:-4]).max() < 12
    assert abs(green[4:-4, 32] - 5 * np.arange(48)[4:-4]).max() < 12
    assert abs(blue - 128).max() < 12


def test_a_turned_photo_is_upright_once() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a street"
    layer = decode(photo(exif=exif.tobytes()), limits=LIMITS)
    assert layer.pixels.shape == (64, 48, 3)
    assert layer.metadata.exif is not None
    kept = Image.Exif()
    kept.load(layer.metadata.exif)
    assert dict(kept) == {0x0112: 1, 0x010E: "a street"}


def test_damage_and_size_are_refused() -> None:
    data = photo()
    with pytest.raises(BrokenImage, match="HEIC"):
        decode(data[: len(data) // 2], limits=LIMITS)
    with pytest.raises(TooLarge):
        decode(data, limits=Limits(max_pixels=1000))
