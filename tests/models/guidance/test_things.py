"""How sure it is that a thing was found, and what its colour says of the rest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.color.mask import Mask
from models.guidance.things import LARGE, PlacedThing, how_found, hues_said


def test_how_found_is_the_mean_of_the_likeliest_cells() -> None:
    place = np.zeros((2, 10, 10), np.float32)
    place[0, 3, :8] = 0.9
    np.testing.assert_allclose(how_found(place), [0.9, 0.0], atol=1e-6)
    assert how_found(np.ones((1, 2, 2), np.float32)).tolist() == [1.0]


def thing(*colors: str, covers: float = 0.0) -> PlacedThing:
    """Return a found thing of the colours, over a share of the picture."""
    share = np.zeros((10, 10), np.float32)
    share.flat[: round(100 * covers)] = 1
    return PlacedThing(" ".join(colors), "hat", colors, share, share, True)


def test_a_hue_is_looked_for_elsewhere_as_far_as_its_thing_is_small() -> None:
    some = [thing("red"), thing("blue", covers=LARGE / 2), thing("green", covers=2 * LARGE)]
    red, blue = hues_said(some)
    assert red == ("red", 1.0)
    assert blue[0] == "blue"
    assert 0 < blue[1] < 1
    assert hues_said([thing("green"), thing("green", covers=0.5)]) == ()  # it was found


@pytest.mark.parametrize(
    "other",
    [
        thing("black"),
        thing("#aa2030"),
        replace(thing("red"), is_found=False),
        replace(thing("red"), is_everywhere=True),
    ],
)
def test_greys_typed_colours_and_what_is_not_found_say_nothing_of_the_rest(
    other: PlacedThing,
) -> None:
    assert hues_said([other]) == ()


def test_what_a_person_changes_about_a_thing_leaves_the_rest_alone() -> None:
    said = thing("red")
    place = Mask.of_box(0, 0, 9, 9, height=10, width=10)
    for change in ({"use": False}, {"typed": "#204080"}, {"given": place}):
        assert hues_said([replace(said, **change)]) == hues_said([said])
