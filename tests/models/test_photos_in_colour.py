"""Photos to train on and to measure: grey ones are set aside, too few are one sentence."""

from __future__ import annotations

import numpy as np
import pytest

from models.photos import Photo, PhotosError, in_colour


def photo(key: str, spread: int) -> Photo:
    rng = np.random.default_rng(len(key))
    grey = rng.integers(20, 200, (40, 50, 1))
    pixels = np.repeat(grey, 3, axis=2)
    pixels[:20, :, 0] += spread
    return Photo(key, pixels.astype(np.uint8), (), "album")


def test_grey_photos_are_set_aside_and_named() -> None:
    found, aside = in_colour(
        [photo("red", 40), photo("grey", 0), photo("noisy", 3)], least=1, what="measuring"
    )
    assert [one.key for one in found] == ["red"]
    assert aside == ("2 without colours set aside: grey, noisy",)
    assert in_colour([photo("red", 40)], least=1, what="measuring")[1] == ()


def test_too_few_are_one_clear_sentence() -> None:
    with pytest.raises(
        PhotosError, match=r"1 photo in colour found .*grey.*training needs at least 20"
    ):
        in_colour([photo("red", 40), photo("grey", 0)], least=20, what="training")
