"""Teeth, beards and white hair: which places are measured, and what is counted."""

from __future__ import annotations

import numpy as np
import pytest

from models.evaluation.neutral import PLACES, measure
from models.guidance.condition import ChromaPredictor, Embedder
from models.photos import Photo, read_photos
from tests.support.fakes import FakeClip, FakeColorizer
from tests.support.repository import ROOT

SHARDS = ROOT.parent / "shared" / "data"
NEEDED = [SHARDS / name for name in ("flickr8k-dev-000.tar", "regions-lfw-parts-dev-000.tar")]


def test_each_place_of_a_photo_is_measured_where_it_lies() -> None:
    key = "3231880001_193a579b97"
    pixels = np.full((200, 200, 3), 128, np.uint8)
    pixels[149:155, 56:66] = (200, 60, 60)  # the first of its two places, in the photo alone
    photos = [Photo("another", pixels, (), "test"), Photo(key, pixels, (), "test")]
    first, second = measure(photos, FakeColorizer(), FakeClip())
    assert (first.kind, first.key) == ("teeth", key)
    assert first.original > 40
    assert second.original < 1
    assert min(first.chroma, second.chroma) > 5  # the fake colours all that is grey


def test_places_lie_inside_their_photos() -> None:
    assert len(PLACES) == 20
    for kind, _, (left, top, width, height) in PLACES:
        assert kind in ("teeth", "beard", "hair")
        assert 0 <= left < left + width <= 1
        assert 0 <= top < top + height <= 1


@pytest.mark.slow
@pytest.mark.skipif(
    not all(path.is_file() for path in NEEDED), reason="the photos in ../shared/data are not here"
)
def test_all_twenty_are_found_and_no_more_tinted_than_they_were(
    released: tuple[ChromaPredictor, Embedder],
) -> None:
    rows = list(measure(read_photos(NEEDED), *released))
    assert len(rows) == len(PLACES)
    # The aim is 8; lamps, films and skin at the edge tint the originals by 22.
    assert np.mean([row.chroma for row in rows]) < 28
