"""JPEGs that are cut off: where nothing but the end mark is lacking, and where rows are."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from plugin_server.images.codec import BrokenImage, Limits, UnsupportedImage, decode
from plugin_server.images.jpeg import MORE_PICTURES
from plugin_server.images.jpeg_stream import ends, salvaged
from tests.support.pictures import opened, random_pixels, saved

LIMITS = Limits()
KINDS = pytest.mark.parametrize("options", [{}, {"progressive": True}, {"optimize": True}])


def photo(channels: int = 3, **options: object) -> bytes:
    """Save a picture with detail down to its last rows."""
    rng = np.random.default_rng(5)
    noisy = random_pixels(160, 200, channels).astype(int) + rng.integers(-20, 20, (160, 200, 1))
    return saved(noisy.clip(0, 255).astype(np.uint8), "JPEG", quality=90, **options)


@KINDS
@pytest.mark.parametrize("channels", [1, 3])
def test_only_the_end_mark_is_lacking(channels: int, options: dict[str, object]) -> None:
    whole = photo(channels, **options)
    assert ends(whole)
    layer = decode(whole[:-2], limits=LIMITS)
    np.testing.assert_array_equal(layer.pixels.squeeze(), np.asarray(opened(whole)))
    assert any("end mark" in notice for notice in layer.notices)


def test_a_second_picture_in_the_file_is_said() -> None:
    first, second = opened(photo()), opened(photo(1))
    file = io.BytesIO()
    first.save(file, "MPO", save_all=True, append_images=[second], quality=90)
    layer = decode(file.getvalue(), limits=LIMITS)
    assert layer.pixels.shape == (160, 200, 3)
    assert MORE_PICTURES in layer.notices
    # A preview in a segment is a part of the first.
    small = io.BytesIO()
    second.save(small, "JPEG")
    assert not decode(photo(comment=small.getvalue()[:60_000]), limits=LIMITS).notices


@KINDS
@pytest.mark.parametrize("lost", [20, 300, 0.3, 0.7])
def test_rows_are_lacking(lost: float, options: dict[str, object]) -> None:
    whole = photo(**options)
    cut = whole[: -(lost if isinstance(lost, int) else round(len(whole) * lost))]
    with pytest.raises(BrokenImage, match="cut off"):
        decode(cut, limits=LIMITS)


def test_a_progressive_jpeg_without_its_last_scans_is_refused() -> None:
    whole = photo(progressive=True)
    at = whole.rindex(b"\xff\xda")
    table = whole.rfind(b"\xff\xc4", 0, at)
    with pytest.raises(BrokenImage, match="cut off"):
        decode(whole[: table if table > whole.rfind(b"\xff\xda", 0, at) else at], limits=LIMITS)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_what_can_be_read_is_salvaged_and_the_rest_is_grey(share: float) -> None:
    whole = photo(1)
    mended = salvaged(whole[: round(len(whole) * share)])
    assert mended is not None
    assert mended.share == pytest.approx(share, abs=0.15)
    layer = decode(mended.data, limits=LIMITS)
    rows = round(mended.share * 160)
    expected = np.asarray(opened(whole))
    np.testing.assert_array_equal(layer.pixels[:rows, :, 0], expected[:rows])
    rest = layer.pixels[min(rows + 16, 159) :, :, 0]
    assert rest.std(axis=1).max() < 30  # grey, or the last block's tone


def test_a_whole_jpeg_is_not_salvaged_and_neither_is_rubbish() -> None:
    whole = photo()
    assert salvaged(whole) is None
    assert salvaged(whole[:-2]) is None  # nothing but the mark is lacking
    assert salvaged(whole[:200]) is None
    assert salvaged(b"\xff\xd8\xff") is None
    assert salvaged(b"no JPEG at all") is None


@pytest.mark.parametrize(
    ("at", "value", "named"),
    [(4, 12, "12 bits a channel"), (1, 0xC3, "lossless"), (1, 0xF7, "JPEG-LS")],
)
def test_rare_kinds_are_refused_by_their_names(at: int, value: int, named: str) -> None:
    data = bytearray(photo())
    data[data.index(b"\xff\xc0") + at] = value
    with pytest.raises(UnsupportedImage, match=named):
        decode(bytes(data), limits=LIMITS)


def test_a_thumbnails_end_mark_does_not_count() -> None:
    exif = Image.Exif()
    exif[0x927C] = photo(1)  # a JPEG with an end mark, inside the file's head
    file = io.BytesIO()
    opened(photo()).save(file, "JPEG", exif=exif)
    cut = file.getvalue()[: -len(file.getvalue()) // 8]
    assert not ends(cut)
    with pytest.raises(BrokenImage, match="cut off"):
        decode(cut, limits=LIMITS)
