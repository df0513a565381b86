"""Captions beside, inside and around photos."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.captions import (
    LARGEST_SIDECAR,
    LONGEST_CAPTION,
    MOST_CAPTIONS,
    captions_in_json,
    captions_in_text,
    clean,
    cut_at_word,
)
from retrieval.ingest.captions import captions_beside, captions_in_xmp, written_beside
from retrieval.ingest.photos import PhotoLimits, decode_small
from tests.support.albums import color_photo, jpeg

XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description><rdf:Alt>
 <rdf:li xml:lang="x-default">Großmutter in green</rdf:li></rdf:Alt></dc:description>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


def captions_of(data: bytes) -> tuple[str, ...]:
    return decode_small(data, PhotoLimits()).captions


def iptc(text: bytes) -> bytes:
    """Write a JPEG's Photoshop segment that holds IPTC's caption (2:120)."""
    record = b"\x1c\x02\x78" + len(text).to_bytes(2, "big") + text
    block = b"8BIM\x04\x04\x00\x00" + len(record).to_bytes(4, "big") + record
    block += b"\0" * (len(record) % 2)
    segment = b"Photoshop 3.0\0" + block
    return b"\xff\xed" + (len(segment) + 2).to_bytes(2, "big") + segment


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", "a red tram\n\n in  the rain \n"),
        ("a.jpg.txt", "a red tram\r\nin the rain"),
        ("a.json", '{"captions": ["a red tram", "in the rain"]}'),
        ("a.jpg.json", '{"title": "a.jpg", "caption": ["a red tram", "in the rain"]}'),
    ],
)
def test_sidecars_are_read(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    assert captions_beside(tmp_path / "a.jpg") == ("a red tram", "in the rain")


def test_json_goes_before_text_and_an_empty_one_gives_way(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("from text")
    (tmp_path / "a.json").write_text('{"description": ""}')
    assert captions_beside(tmp_path / "a.jpg") == ("from text",)
    (tmp_path / "a.json").write_text('{"description": "from json"}')
    assert captions_beside(tmp_path / "a.jpg") == ("from json",)


@pytest.mark.parametrize(
    "data", [b"", b"[1, 2]", b"{", b'{"caption": 5}', b"\xff\xfe", b"[" * 100_000, b'"text"']
)
def test_json_without_captions_gives_none(data: bytes) -> None:
    assert captions_in_json(data) == ()


def test_a_sidecar_that_cannot_be_a_caption_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x" * (LARGEST_SIDECAR + 1))
    (tmp_path / "a.json").mkdir()
    assert captions_beside(tmp_path / "a.jpg") == ()


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.json", b'{"caption": "a red', "a.json is damaged JSON and was passed over."),
        ("a.txt", b"x" * 2_000_000, "a.txt has 2,000,000 bytes, too many for a description"),
    ],
)
def test_a_sidecar_that_is_passed_over_is_named(
    tmp_path: Path, name: str, data: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(data)
    beside = written_beside(tmp_path / "a.jpg")
    assert beside.texts == ()
    (problem,) = beside.problems
    assert problem.startswith(said)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_sidecar_of_a_windows_editor_is_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.txt").write_text("Großmutter, ein rotes Kleid", encoding)
    beside = written_beside(tmp_path / "a.jpg")
    assert (beside.texts, beside.problems) == (("Großmutter, ein rotes Kleid",), ())


def test_text_may_be_latin_1() -> None:
    assert captions_in_text("Großmutter".encode("latin-1")) == ("Großmutter",)
    assert captions_in_text("\ufeffGroßmutter".encode()) == ("Großmutter",)


def test_captions_are_cleaned() -> None:
    assert clean([" a\tb\u200b\x00 c ", "", "a b c", "d"]) == ("a b c", "d")
    assert len(clean(["x" * 5000])[0]) == LONGEST_CAPTION
    assert len(clean(str(i) for i in range(99))) == MOST_CAPTIONS


def test_xmp_is_read_from_jpeg_png_webp_and_tiff() -> None:
    image = Image.fromarray(color_photo(1))
    for kind in ("JPEG", "WEBP"):
        file = io.BytesIO()
        image.save(file, kind, xmp=XMP.encode())
        assert captions_of(file.getvalue()) == ("Großmutter in green",), kind
    file = io.BytesIO()
    image.save(file, "TIFF", tiffinfo={700: XMP.encode()})
    assert captions_of(file.getvalue()) == ("Großmutter in green",)


def test_xmp_with_a_document_type_is_not_parsed() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    assert captions_in_xmp((bomb + XMP).encode()) == ()
    assert captions_in_xmp(b"<not closed") == ()
    assert captions_in_xmp(None) == ()


def test_iptc_is_read_where_there_is_no_xmp() -> None:
    plain = jpeg(color_photo(1))
    assert captions_of(plain[:2] + iptc("a crème wall".encode()) + plain[2:]) == ("a crème wall",)


def test_exif_description_is_read_unless_the_camera_wrote_it() -> None:
    for text, expected in (("my garden", ("my garden",)), ("OLYMPUS DIGITAL CAMERA         ", ())):
        exif = Image.Exif()
        exif[0x010E] = text
        assert captions_of(jpeg(color_photo(1), exif=exif)) == expected


def test_damaged_metadata_does_not_keep_a_photo_out() -> None:
    plain = jpeg(color_photo(1))
    segment = iptc(b"x" * 40)
    damaged = plain[:2] + segment.replace(b"\x1c\x02\x78\x00", b"\x1c\x02\x78\x7f") + plain[2:]
    small = decode_small(damaged, PhotoLimits())
    assert small.rgb.shape == np.shape(color_photo(1))
    assert isinstance(json.dumps(small.captions), str)


def test_what_is_too_long_is_cut_at_a_word() -> None:
    text = "a catalogue " * 100
    (caption,) = clean([text])
    assert len(caption) <= LONGEST_CAPTION
    assert set(caption.split()) == {"a", "catalogue"}
    for most in range(1, 40):
        cut = cut_at_word("an old  blue door", most)
        assert "an old  blue door".startswith(cut)
        assert len(cut) <= most
        assert cut == "a" or set(cut.split()) <= {"an", "old", "blue", "door"}
    assert cut_at_word("x" * 50, 20) == "x" * 20
