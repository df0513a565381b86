"""Pictures that are refused: too large, of other kinds, damaged; and that nothing else escapes."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from plugin_server.images.codec import (
    BrokenImage,
    ImageError,
    Limits,
    TooLarge,
    UnsupportedImage,
    decode,
)
from tests.support.pictures import (
    exif_with_orientation,
    png_chunk,
    png_of,
    random_pixels,
    saved,
    tiff_of,
)

LIMITS = Limits()


def npy_of(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def files() -> dict[str, bytes]:
    """One file of every format, with metadata, small."""
    pixels, exif = random_pixels(24, 20), b"Exif\x00\x00" + exif_with_orientation(6)
    return {
        "png": saved(pixels, "PNG", dpi=(300, 300), exif=exif),
        "png16": png_of(random_pixels(24, 20, dtype=np.uint16)),
        "jpeg": saved(pixels, "JPEG", dpi=(300, 300), exif=exif),
        "webp": saved(pixels, "WEBP", exif=exif),
        "webp lossless": saved(random_pixels(24, 20, 4), "WEBP", lossless=True),
        "tiff": tiff_of(pixels, compression="zlib", resolution=(300, 300)),
        "tiff tiled": tiff_of(pixels, tile=(16, 16)),
        "npy": npy_of(pixels),
    }


# --- limits ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", files())
def test_limits_name_the_value_and_the_limit(kind: str) -> None:
    data = files()[kind]
    assert decode(data, limits=Limits(max_pixels=480)).pixels.size >= 480
    with pytest.raises(TooLarge, match=r"24 x 20|20 x 24"):
        decode(data, limits=Limits(max_pixels=479))
    with pytest.raises(TooLarge, match=f"{len(data):,} bytes and the limit is 100"):
        decode(data, limits=Limits(max_bytes=100))


def huge(side: int) -> dict[str, bytes]:
    """Small files that claim to be `side` pixels a side."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    packed = zlib.compress(bytes(1_000_000), 9)
    chunks = ((b"IHDR", header), (b"IDAT", packed), (b"IEND", b""))
    png = b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)
    jpeg = saved(random_pixels(24, 20), "JPEG")
    at = jpeg.index(b"\xff\xc0") + 5
    webp = saved(random_pixels(24, 20, 4), "WEBP", exif=b"Exif\x00\x00" + exif_with_orientation(1))
    extended = webp.index(b"VP8X") + 12
    short = min(side, 16_384) - 1
    npy = io.BytesIO()
    shape = {"descr": "|u1", "fortran_order": False, "shape": (side, side, 3)}
    np.lib.format.write_array_header_1_0(npy, shape)
    tiff = tiff_of(random_pixels(24, 20), compression="zlib")
    page = tifffile.TiffFile(io.BytesIO(tiff)).pages.first
    changed = bytearray(tiff)
    for tag in (256, 257):
        struct.pack_into("<I" if page.tags[tag].dtype == 4 else "<H", changed,
                         page.tags[tag].valueoffset, min(side, 65_000))  # fmt: skip
    return {
        "png": png,
        "jpeg": jpeg[:at] + struct.pack(">HH", *[min(side, 65_000)] * 2) + jpeg[at + 4 :],
        "webp": webp[:extended] + short.to_bytes(3, "little") * 2 + webp[extended + 6 :],
        "npy": npy.getvalue() + bytes(100),
        "tiff": bytes(changed),
    }


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "npy", "tiff"])
def test_a_bomb_is_refused_before_memory_is_taken(kind: str) -> None:
    data = huge(60_000)[kind]
    tracemalloc.start()
    with pytest.raises(TooLarge, match="pixels"):
        decode(data, limits=LIMITS)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_pillows_own_limit_does_not_interfere() -> None:
    large = np.zeros((9_600, 9_600, 1), np.uint8)  # 92 million: Pillow would warn
    assert decode(saved(large, "JPEG"), limits=LIMITS).pixels.shape == (9_600, 9_600, 1)


# --- other kinds -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"GIF89a" + bytes(50), "a GIF"),
        (b"BM" + bytes(50), "a BMP"),
        (b"8BPS" + bytes(50), "a Photoshop document"),
        (b"gimp xcf v011" + bytes(50), "a GIMP document"),
        (b"\x00\x00\x00\x18ftypavif" + bytes(50), "an AVIF"),
        (b"%PDF-1.7", "a PDF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG"),
        (b"\xff\x4f\xff\x51" + bytes(50), "a JPEG 2000"),
        (b"hello", "no kind of picture"),
        (b"\x00", "no kind of picture"),
    ],
)
def test_other_kinds_are_named(data: bytes, named: str) -> None:
    with pytest.raises(UnsupportedImage, match=named + ".*send PNG, JPEG, TIFF, WebP or NumPy"):
        decode(data, limits=LIMITS)


@pytest.mark.parametrize(
    "start",
    [
        b"\x00\x00\x00\x18ftypavif", b"\xff\x4f\xff\x51", b"\xff\x0a",
        b"\x00\x00\x00\x0cjP  ",
    ],
)  # fmt: skip
def test_how_to_convert_what_cameras_write_is_said(start: bytes) -> None:
    with pytest.raises(UnsupportedImage, match="convert it first, in GIMP"):
        decode(start + bytes(50), limits=LIMITS)


@pytest.mark.parametrize(
    ("data", "camera"),
    [
        (b"II*\x00\x10\x00\x00\x00CR\x02\x00", "Canon CR2"),
        (b"\x00\x00\x00\x18ftypcrx \x00", "Canon CR3"),
        (b"FUJIFILMCCD-RAW 0201", "Fujifilm RAF"),
        (b"IIRO\x08\x00\x00\x00", "Olympus ORF"),
        (b"IIU\x00\x18\x00\x00\x00", "Panasonic RW2"),
    ],
)
def test_raw_photos_are_named(data: bytes, camera: str) -> None:
    with pytest.raises(UnsupportedImage, match=f"raw photo .{camera}.*develop it"):
        decode(data + bytes(50), limits=LIMITS)


def test_nothing_at_all() -> None:
    with pytest.raises(BrokenImage, match="0 bytes"):
        decode(b"", limits=LIMITS)


def test_animations_and_several_pages_are_refused() -> None:
    frames = [Image.fromarray(random_pixels(24, 20)[::step]) for step in (1, -1)]
    for kind in ("PNG", "WEBP"):
        file = io.BytesIO()
        frames[0].save(file, kind, save_all=True, append_images=frames[1:], duration=100)
        with pytest.raises(UnsupportedImage, match="animated; send one frame"):
            decode(file.getvalue(), limits=LIMITS)
    pages = io.BytesIO()
    frames[0].save(pages, "TIFF", save_all=True, append_images=frames[1:])
    with pytest.raises(UnsupportedImage, match="2 pages; send one page"):
        decode(pages.getvalue(), limits=LIMITS)


def test_a_tiff_with_a_thumbnail_is_read() -> None:
    file = io.BytesIO()
    pixels = random_pixels(24, 20)
    with tifffile.TiffWriter(file) as writer:
        writer.write(pixels, photometric="rgb")
        writer.write(pixels[::4, ::4].copy(), photometric="rgb", subfiletype=1)
    np.testing.assert_array_equal(decode(file.getvalue(), limits=LIMITS).pixels, pixels)


def test_a_tiff_whose_strips_hide_something_larger_is_refused() -> None:
    inner = saved(np.zeros((2_000, 2_000, 1), np.uint8), "JPEG")
    with pytest.raises(BrokenImage, match="a strip of 2000 x 2000 pixels"):
        decode(tiff_by_hand(inner, compression=7), limits=LIMITS)
    with pytest.raises(UnsupportedImage, match="method 34712"):
        decode(tiff_by_hand(b"anything", compression=34712), limits=LIMITS)
    with pytest.raises(BrokenImage, match="lacks a part"):
        decode(tiff_by_hand(b"", compression=1), limits=LIMITS)


def tiff_by_hand(strip: bytes, *, compression: int) -> bytes:
    """Write 20 x 24 grey pixels as one strip, whatever it holds."""
    values = {256: 20, 257: 24, 258: 8, 259: compression, 262: 1, 273: 122, 277: 1, 278: 24}
    values[279] = len(strip)
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in values.items())
    head = b"II*\x00" + struct.pack("<IH", 8, len(values))
    return head + entries + bytes(4) + strip


@pytest.mark.parametrize(
    ("pixels", "options", "why"),
    [
        (np.zeros((4, 5, 3), np.float64), {}, "float64"),
        (np.zeros((4, 5, 3), np.int16), {}, "int16"),
        (
            np.zeros((4, 5, 6), np.uint8),
            {"extrasamples": [0, 0, 0], "planarconfig": "contig"},
            "6 channels",
        ),
        (
            np.zeros((4, 5, 5), np.uint8),
            {"extrasamples": [0, 0], "planarconfig": "contig"},
            "5 channels",
        ),
        (np.zeros((4, 5, 3), np.uint8), {"photometric": "cielab"}, "CIELAB"),
    ],
)
def test_tiffs_of_other_kinds(pixels: np.ndarray, options: dict[str, object], why: str) -> None:
    with pytest.raises(UnsupportedImage, match=why):
        decode(tiff_of(pixels, **options), limits=LIMITS)


# --- values ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "why"),
    [(np.nan, "nan"), (np.inf, "0 to inf"), (-np.inf, "-inf to"), (1.01, "1.01"), (-0.2, "-0.2")],
)
def test_floats_that_are_no_colours(value: float, why: str) -> None:
    pixels = np.zeros((6, 7, 3), np.float32)
    pixels[3, 4, 1] = value
    for data in (npy_of(pixels), tiff_of(pixels)):
        with pytest.raises(BrokenImage, match=why):
            decode(data, limits=LIMITS)


@pytest.mark.parametrize(
    ("array", "why"),
    [
        (np.zeros((4, 5), np.float64), r'float64; send .* array.astype\("float32"\)$'),
        (np.zeros((4, 5), np.int64), "int64; send uint8, uint16 or float32$"),
        (np.zeros((4, 5), np.int8), "int8"),
        (np.zeros((4, 5), bool), "bool"),
        (np.zeros((4, 5), "U3"), "<U3"),
        (np.zeros((4, 5, 5), np.uint8), r"shape \(4, 5, 5\)"),
        (np.zeros((4, 5, 0), np.uint8), r"shape \(4, 5, 0\)"),
        (np.zeros(7, np.uint8), r"shape \(7,\)"),
        (np.array(7, np.uint8), r"shape \(\)"),
        (np.zeros((1, 4, 5, 3), np.uint8), r"shape \(1, 4, 5, 3\)"),
    ],
)
def test_arrays_of_other_kinds(array: np.ndarray, why: str) -> None:
    with pytest.raises(UnsupportedImage, match=why):
        decode(npy_of(array), limits=LIMITS)


def test_an_array_without_pixels_or_of_another_length() -> None:
    with pytest.raises(BrokenImage, match="no pixel"):
        decode(npy_of(np.zeros((0, 5), np.uint8)), limits=LIMITS)
    good = npy_of(random_pixels(24, 20))
    for data in (good[:-1], good + b"x", good[:130]):
        with pytest.raises(BrokenImage, match="promises 1,440 bytes"):
            decode(data, limits=LIMITS)


def test_an_array_whose_header_promises_an_absurd_size() -> None:
    for side in (2**40, 10**400):
        header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({side}, 3)}}\n".encode()
        data = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
        with pytest.raises(BrokenImage, match="no picture has"):
            decode(data, limits=LIMITS)


def test_nothing_is_unpickled() -> None:
    file = io.BytesIO()
    np.save(file, np.array([[{"a": 1}]], object), allow_pickle=True)
    with pytest.raises(UnsupportedImage, match="object"):
        decode(file.getvalue(), limits=LIMITS)


def test_palettes_that_are_not_three_columns_of_colours() -> None:
    grey = random_pixels(channels=1)[..., 0]
    good = tiff_of(grey, photometric="palette", colormap=np.zeros((3, 256), np.uint16))
    assert decode(good, limits=LIMITS).pixels.shape == (37, 53, 3)
    entry = struct.pack("<HHI", 320, 3, 768)  # ColorMap, of shorts, so many
    assert good.count(entry) == 1
    with pytest.raises(BrokenImage, match="palette is damaged"):
        decode(good.replace(entry, struct.pack("<HHI", 320, 3, 700)), limits=LIMITS)


# --- damage ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", files())
def test_a_file_cut_off_is_refused(kind: str) -> None:
    data = files()[kind]
    for share in (0.3, 0.5, 0.9):
        with pytest.raises(ImageError) as refused:
            decode(data[: int(len(data) * share)], limits=LIMITS)
        assert any(word in str(refused.value) for word in ("damaged", "cut off"))


@pytest.mark.filterwarnings("ignore")  # decoders may warn about damage as they like
@pytest.mark.parametrize("kind", files())
def test_whatever_the_bytes_only_an_image_error_escapes(kind: str) -> None:
    data, rng = files()[kind], np.random.default_rng(9)
    limits = Limits(max_pixels=1_000_000)
    read = 0
    for _ in range(150):
        changed = bytearray(data)
        # The headers are at the beginning, in TIFF at the end: aim there half of the time.
        ends = (min(len(data), 300), len(data))
        for place in rng.integers(0, ends[rng.integers(2)], rng.integers(1, 6)):
            changed[place] = rng.integers(256)
        if rng.integers(4) == 0:
            del changed[rng.integers(len(changed)) :]
        try:
            layer = decode(bytes(changed), limits=limits)
        except ImageError:
            continue
        else:
            assert layer.pixels.shape[0] * layer.pixels.shape[1] <= 1_000_000
            read += 1
    assert read < 150
