"""Files made to freeze or fill the reader: time and memory grow as the file does, at most."""

from __future__ import annotations

import gc
import math
import time
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pytest

from plugin_server.images.codec import decode, encode, read_settings
from plugin_server.images.layer import BrokenImage, ImageError, Limits
from plugin_server.images.xmp import joined, readable, settings_in
from retrieval.containers.jpeg import MOST_SCANS, TooManyScans, check_scans
from retrieval.containers.tiff import Directories, TiffError
from retrieval.containers.xml import XmlError, elements
from retrieval.errors import PhotoRefused
from retrieval.ingest.captions import captions_in_xmp
from retrieval.ingest.photos import PhotoLimits, decode_small, texts_in
from tests.support import attacks
from tests.support.pictures import random_pixels, saved, tiff_of

LIMITS = Limits(max_pixels=4_000_000)
Read = Callable[[bytes], object]
SLACK = 0.1  # seconds within which nothing is measured
OWN = 600_000  # bytes that a reader may need for itself


def processor_seconds(read: Read, data: bytes) -> float:
    """Measure the best of two, on this thread alone; one will do where it is below the slack."""
    best = math.inf
    for _ in range(2):
        started = time.thread_time()
        read(data)
        best = min(best, time.thread_time() - started)
        if best < SLACK:
            break
    return best


def peak_of(read: Read, data: bytes) -> int:
    """Measure the most memory that Python had at once meanwhile."""
    gc.collect()
    tracemalloc.start()
    try:
        read(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def check_growth(read: Read, make: Callable[[int], bytes], size: int) -> None:
    """Hold a reader to time and memory that grow no faster than the file.

    What is below the slack at the larger size needs no measuring at the smaller one.
    """
    small, large = make(size), make(4 * size)
    read(small)
    taken = processor_seconds(read, large)
    assert taken < SLACK or taken < 10 * processor_seconds(read, small) + SLACK
    held = peak_of(read, large)
    assert held < OWN or held < 8 * peak_of(read, small) + OWN


def read_xmp(packet: bytes) -> None:
    joined(readable(packet), '{"a": 1}')
    settings_in(packet)
    captions_in_xmp(packet)


def read_picture(data: bytes) -> None:
    with suppress(ImageError):
        layer = decode(data, limits=LIMITS)
        encode(layer, "image/tiff", settings="{}")
    with suppress(PhotoRefused):
        decode_small(data, PhotoLimits())
    with suppress(ImageError):
        read_settings(data)
    texts_in(data)


@pytest.mark.slow
@pytest.mark.parametrize("make", attacks.XMP, ids=lambda make: make.__name__)
def test_xmp(make: Callable[[int], bytes]) -> None:
    check_growth(read_xmp, make, 400)


@pytest.mark.slow
@pytest.mark.parametrize("make", attacks.XMP, ids=lambda make: make.__name__)
def test_xmp_in_a_picture(make: Callable[[int], bytes]) -> None:
    check_growth(read_picture, lambda size: attacks.png_xmp(make(size)), 200)


@pytest.mark.slow
@pytest.mark.parametrize("make", attacks.PICTURES, ids=lambda make: make.__name__)
def test_pictures(make: Callable[[int], bytes]) -> None:
    check_growth(read_picture, make, 1000)


def test_our_own_words_go_and_the_others_stay() -> None:
    packet = attacks.xmp_siblings(3).replace(b"<photochrom:other/>", b"<rdf:a>kept</rdf:a>")
    once = joined(packet, '{"n": 1}') or b""
    twice = joined(readable(once), '{"n": 2}') or b""
    assert settings_in(twice) == '{"n": 2}'
    assert twice.count(b"kept") == 3
    assert twice.count(b"photochrom:settings>") == 2
    assert len(joined(readable(twice), '{"n": 3}') or b"") == len(twice)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7"])
def test_a_document_type_is_seen_in_every_encoding(encoding: str) -> None:
    entity = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'
    with pytest.raises(XmlError):
        elements(entity.encode(encoding))
    assert readable(entity.encode(encoding)) is None
    assert captions_in_xmp(entity.encode(encoding)) == ()


def test_other_names_for_the_usual_spaces_are_understood() -> None:
    packet = (
        f'<r:RDF xmlns:r="{attacks.RDF}"><r:Description '
        "xmlns:t='http://ns.adobe.com/tiff/1.0/' a='t:Orientation=\"6\"' t:Orientation = '6' "
        "xmlns:u='urn:u' u:Orientation='6'/></r:RDF>"
    ).encode()
    text = (joined(readable(packet), "{}") or b"").decode()
    assert "t:Orientation = '1'" in text
    assert "u:Orientation='6'" in text
    assert "a='t:Orientation=\"6\"'" in text
    assert settings_in(text.encode()) == "{}"


@pytest.mark.parametrize(
    "make", [attacks.tiff_pages, attacks.tiff_tags, attacks.tiff_circle], ids=lambda m: m.__name__
)
def test_directories_that_no_program_writes_are_refused(make: Callable[[int], bytes]) -> None:
    with pytest.raises(TiffError):
        Directories(make(5000))
    with pytest.raises(BrokenImage, match="TIFF"):
        decode(make(5000), limits=LIMITS)


def test_directories_of_pictures_are_within_bounds() -> None:
    for options in (
        {}, {"tile": (16, 16)}, {"rowsperstrip": 1}, {"bigtiff": True}, {"byteorder": ">"},
        {"planarconfig": "separate", "rowsperstrip": 2},
    ):  # fmt: skip
        pixels = random_pixels(33, 35, 3)
        if "planarconfig" in options:
            pixels = np.moveaxis(pixels, -1, 0)
        data = tiff_of(pixels, photometric="rgb", **options)
        assert len(Directories(data).pages) == 1, options


def test_a_thousand_scans_are_refused_and_an_encoders_are_read() -> None:
    usual = saved(random_pixels(64, 64, 3), "JPEG", progressive=True)
    check_scans(usual)
    assert decode(usual, limits=LIMITS).pixels.shape == (64, 64, 3)
    with pytest.raises(TooManyScans):
        check_scans(attacks.jpeg_scans(MOST_SCANS + 1))
    with pytest.raises(BrokenImage, match="scans"):
        decode(attacks.jpeg_scans(1000), limits=LIMITS)
    with pytest.raises(PhotoRefused, match="scans"):
        decode_small(attacks.jpeg_scans(1000), PhotoLimits())
    inside = tiff_of(random_pixels(64, 64, 3), photometric="rgb", compression="jpeg")
    assert decode(inside, limits=LIMITS).pixels.shape == (64, 64, 3)


def test_a_hostile_exif_costs_a_photo_its_exif_alone() -> None:
    for data in (attacks.jpeg_exif(40_000), attacks.png_exif(40_000)):
        layer = decode(data, limits=LIMITS)
        assert layer.pixels.shape == attacks.PHOTO.shape
        assert layer.metadata.exif is None
        assert decode_small(data, PhotoLimits()).rgb.shape == attacks.PHOTO.shape


@pytest.mark.parametrize(
    "header",
    [b"-" * 9000, b"-" * 400, b"(" * 400, b"[" * 5000, b"{'descr': " + b"~" * 450 + b"1}",
     b"'" + b"a" * 9000, b"\\" * 500, b"0" * 511, b"{" + b"**" * 200],
)  # fmt: skip
def test_an_npy_header_that_is_none(header: bytes) -> None:
    with pytest.raises(BrokenImage):
        decode(attacks.npy_header(header), limits=LIMITS)


def test_a_strip_that_unpacks_to_more_than_its_picture() -> None:
    small = bytearray(tiff_of(np.zeros((8, 8, 3), np.uint8), compression="deflate"))
    bomb = zlib.compress(bytes(40_000_000), 9)
    directory = Directories(bytes(small))
    offsets, counts = directory.pages[0][273], directory.pages[0][279]
    small[offsets.at : offsets.at + 4] = len(small).to_bytes(4, "little")
    small[counts.at : counts.at + 4] = len(bomb).to_bytes(4, "little")
    data = bytes(small) + bomb
    assert peak_of(read_picture, data) < 4_000_000
