"""The measures of references: what they count, and that every kind of reference is tried."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models.evaluation.references import (
    KINDS,
    NoOtherPhoto,
    evaluate_references,
    histogram,
    intersection,
    mirrored_part,
    sheet_png,
    summary,
)
from models.photos import Photo
from tests.support.fakes import FakeClip, FakeColorizer


def flat(red: int, green: int, blue: int) -> NDArray[np.uint8]:
    return np.full((8, 8, 3), (red, green, blue), np.uint8)


def photo(seed: int) -> Photo:
    noise = np.random.default_rng(seed).integers(0, 256, (4, 6, 3), np.uint8)
    pixels = np.asarray(cv2.resize(noise, (48, 32), interpolation=cv2.INTER_CUBIC), np.uint8)
    return Photo(f"photo {seed}", pixels, (), "test")


def test_a_picture_has_all_its_colours_in_common_with_itself() -> None:
    pixels = photo(0).pixels
    assert histogram(pixels).sum() == pytest.approx(1)
    assert intersection(pixels, pixels) == pytest.approx(1)
    assert intersection(pixels, pixels[::-1, ::-1]) == pytest.approx(1)


def test_colours_that_differ_have_nothing_in_common() -> None:
    assert intersection(flat(255, 0, 0), flat(0, 0, 255)) == 0
    assert intersection(flat(30, 30, 30), flat(220, 220, 220)) == 1  # lightness does not count


def test_half_a_picture_counts_half() -> None:
    half = np.concatenate([flat(255, 0, 0), flat(0, 0, 255)])
    assert intersection(half, flat(255, 0, 0)) == pytest.approx(0.5)


def test_the_mirrored_part_is_three_quarters_of_each_side() -> None:
    pixels = np.arange(40 * 60 * 3).reshape(40, 60, 3).astype(np.uint16)
    part = mirrored_part(pixels, np.random.default_rng(0))
    assert part.shape == (30, 45, 3)
    row, column = np.argwhere((pixels == part[0, -1]).all(axis=2))[0]
    np.testing.assert_array_equal(part[:, ::-1], pixels[row : row + 30, column : column + 45])


def test_every_kind_of_reference_is_measured() -> None:
    photos = [photo(seed) for seed in range(4)]
    *_, result = evaluate_references(
        photos[:2], photos, colorizer=FakeColorizer(), clip=FakeClip(), keep_pictures=1
    )
    figures = summary(result, {"photos": 2})["reference"]
    assert tuple(figures) == KINDS
    assert all(row["photos"] == 2 for row in figures.values())
    assert figures["original"]["intersection_of_original"] == pytest.approx(1)
    for kind in KINDS:
        rows = [row for row in result.rows if row.kind == kind]
        gains = [row.psnr - row.psnr_none for row in rows]
        assert figures[kind]["psnr_over_none"] == pytest.approx(np.mean(gains))
    (shown,) = result.pictures
    names = {"original", "grey", "none", *(f"by {kind}" for kind in KINDS)}
    assert names | {"reference, retrieved", "reference, random"} == set(shown.pictures)
    picture = cv2.imdecode(np.frombuffer(sheet_png(result), np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape[0] == 228


def test_a_photo_is_not_retrieved_for_itself() -> None:
    photos = [photo(0), photo(0)]
    (result, *_) = evaluate_references(
        photos[:1], [*photos, photo(1)], colorizer=FakeColorizer(), clip=FakeClip(), keep_pictures=1
    )
    assert "retrieved photo 1" in result.pictures[0].caption


@pytest.mark.parametrize("candidates", [[photo(0)], [photo(0), photo(0)]])
def test_a_photo_without_any_other_has_no_references(candidates: list[Photo]) -> None:
    with pytest.raises(NoOtherPhoto, match="name two photos"):
        next(
            evaluate_references([photo(0)], candidates, colorizer=FakeColorizer(), clip=FakeClip())
        )
