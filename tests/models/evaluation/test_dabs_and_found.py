"""One dab in a region, and phrases that are there or not: what is counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.evaluation.dabs import largest_piece, measure
from models.evaluation.found import SoughtPhrase, phrase_of, points, seek
from models.photos import Photo
from models.training.regions import Boxes, RegionPhoto
from models.training.strangers import ColoredName
from tests.support.fakes import FakeClip, FakeColorizer, LocatingColorizer, NamingClip


def region_photo() -> RegionPhoto:
    labels = np.zeros((64, 64), np.uint8)
    labels[8:28, 8:28] = 1
    labels[40:60, 4:60] = 2  # over 2 % and the largest
    labels[0:3, 0:3] = 2
    pixels = np.full((64, 64, 3), 110, np.uint8)
    pixels[8:28, 8:28] = 60
    pixels[40:60, 4:60] = 190
    return RegionPhoto("p", pixels, "test", names=("background", "hat", "dress"), labels=labels)


def test_the_largest_piece_of_a_mask_that_is_no_whole_scene_is_dabbed() -> None:
    photo = region_photo()
    found = largest_piece(photo)
    assert found is not None
    name, region = found
    assert name == "dress"
    assert region.sum() == 20 * 56
    assert largest_piece(replace(photo, labels=np.ones((64, 64), np.uint8))) is None


def test_what_a_dab_fills_and_takes_is_counted_in_regions() -> None:
    (row,) = measure([region_photo()], FakeColorizer(), FakeClip())
    assert row.name == "dress"
    assert row.filled > 0.9  # lightness parts the dress from all else
    assert 0 <= row.outside < 0.2


def test_phrases_that_are_there_and_strangers_are_told_apart_by_threshold() -> None:
    sought = [
        SoughtPhrase("a", "a red hat", found, is_there)
        for found, is_there in ((0.9, True), (0.3, True), (0.05, False), (0.4, False))
    ]
    low, high = points(sought, [0.1, 0.5])
    assert (low.reported, low.alarms) == (0.5, 0.0)
    assert (high.reported, high.alarms) == (1.0, 0.5)


def test_a_photo_is_asked_for_its_own_phrases_and_for_as_many_of_others() -> None:
    box = np.array([[0, 0, 1, 1]], np.float32)
    drawn = {
        "a": (Boxes("dress", box, ("red",)), Boxes("tree", box, ())),
        "b": (Boxes("car", box, ("blue", "white")),),
    }
    assert phrase_of(ColoredName("car", ("blue", "white"))) == "a blue and white car"
    photo = Photo("a", np.full((48, 48, 3), 90, np.uint8), ("A woman in a red dress",), "test")
    sought = list(seek([photo], drawn, LocatingColorizer(), NamingClip()))
    assert [(one.phrase, one.is_there) for one in sought] == [
        ("a red dress", True),
        ("a blue and white car", False),
    ]
