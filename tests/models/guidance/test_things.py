"""How sure it is that a thing was found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.color.mask import Mask
from models.guidance.things import PlacedThing, describe_thing, how_found


def test_how_found_is_the_mean_of_the_likeliest_cells() -> None:
    place = np.zeros((2, 10, 10), np.float32)
    place[0, 3, :8] = 0.9
    np.testing.assert_allclose(how_found(place), [0.9, 0.0], atol=1e-6)
    assert how_found(np.ones((1, 2, 2), np.float32)).tolist() == [1.0]


def test_a_black_mask_is_no_place() -> None:
    everywhere = np.ones((4, 4), np.float32)
    lightness = np.full((4, 4), 50, np.float32)
    thing = PlacedThing("a red vest", "vest", ("red",), everywhere, everywhere, True)
    thing = replace(thing, given=Mask.of_levels(np.zeros((16, 16), np.uint8)))
    told = describe_thing(thing, lightness, (16, 16))
    assert (thing.is_used, told.found, told.box, told.place, told.given) == (
        False, 0.0, None, None, None
    )  # fmt: skip
    assert told.notice == (
        '"a red vest" was not used: its mask is black everywhere. Paint its place white.'
    )
