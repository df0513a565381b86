"""What machines write is told from what people write."""

from __future__ import annotations

import time

import pytest

from retrieval.ingest.technical_text import is_technical


@pytest.mark.parametrize(
    "text",
    [
        "Created with GIMP", "Erstellt mit GIMP", "created with The GIMP", "untitled", "Untitled-1",
        "Ohne Titel", "EPSON scanner image", "EPSON Perfection V600", "Scan_0034", "scan 12",
        '{"shape": [895, 640]}', '[{"a": 1}]', "OLYMPUS DIGITAL CAMERA         ", "SONY DSC",
        "IMG_20190304_120000", "IMG-20190304-WA0001", "DSCN1234", "P1010001", "img023.jpg",
        "box 7 (2).tif", "CREATOR: gd-jpeg v1.0 (using IJG JPEG v62), quality = 90",
        "File written by Adobe Photoshop 5.0", "LEAD Technologies Inc. V1.01", "Photoshop",
        "Adobe Photoshop CC 2019 (Windows)", "Exif_JPEG_PICTURE",
        "ImageJ=1.53t images=1", "<?xml version='1.0'?>", "0034", "1923-05-01", "---",
        "Scanned by HP",
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301", "Screenshot", "default", "\0\0",
    ],
)  # fmt: skip
def test_what_machines_write(text: str) -> None:
    assert is_technical(text)


@pytest.mark.parametrize(
    "text",
    [
        "a red tram", "Großmutter am Hafen, 1923", "Anna and her camera", "a man with a Leica",
        "The scanner at the airport with a queue of people", "Bild meiner Mutter", "photo of a dog",
        "A Kodak moment: two girls on a pier", "Canon Smith in front of his church",
        "1923: harvest",
        "Page boy at the Ritz", "an adobe house in New Mexico",
        "my grandfather in his photoshop in Vienna", "made with love by grandmother",
        "the image of her mother", "[left] a boy, [right] his dog",
    ],
)  # fmt: skip
def test_what_people_write(text: str) -> None:
    assert not is_technical(text)


def test_the_users_own_list() -> None:
    assert is_technical("Property of the  Town Archive, box 7", ["property of the town archive*"])
    assert not is_technical("Property of the mayor", ["property of the town archive*"])


def test_a_long_line_takes_no_longer_than_its_length() -> None:
    def seconds(length: int) -> float:
        began = time.process_time()
        for filler in ("scan ", "epson ", "a.", "- "):
            is_technical(filler * length)
        return time.process_time() - began

    seconds(100)
    assert seconds(400_000) < 40 * seconds(40_000) + 0.05
