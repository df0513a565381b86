"""What other photos' captions name, and a photo does not show."""

from __future__ import annotations

import numpy as np

from models.photos import Photo
from models.training.strangers import ColoredName, names_in_captions, strangers_to

PIXELS = np.zeros((8, 8, 3), np.uint8)


def test_a_stranger_is_nothing_that_a_caption_or_a_box_may_mean() -> None:
    captions = ("a girl in a red coat", "blue sky", "a green field")  # the first two are read
    photos = [Photo("a", PIXELS, captions, ""), Photo("b", PIXELS, ("a white boat, a dog",), "")]
    names = names_in_captions(photos)
    assert set(names) == {
        ColoredName("coat", ("red",)),
        ColoredName("sky", ("blue",)),
        ColoredName("boat", ("white",)),
    }
    generator = np.random.default_rng(0)
    girl, boat = photos[0].captions, photos[1].captions
    assert [one.name for one in strangers_to(girl, names, generator)] == ["boat"]
    assert {one.name for one in strangers_to(boat, names, generator)} == {"coat", "sky"}
    with_jacket = (*boat, "jacket")  # may be the coat
    assert [one.name for one in strangers_to(with_jacket, names, generator)] == ["sky"]


def test_strangers_come_in_another_order_each_time() -> None:
    names = [ColoredName(name, ("red",)) for name in ("coat", "boat", "dog", "sky", "bag", "cup")]
    generator = np.random.default_rng(0)
    orders = {tuple(strangers_to((), names, generator)) for _ in range(5)}
    assert len(orders) > 1
    assert all(set(order) == set(names) for order in orders)
