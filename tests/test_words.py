"""Names of colours in descriptions."""

from __future__ import annotations

import pytest

from models.color import parse_hex
from models.words import NAMED, without_colors


@pytest.mark.parametrize(
    ("description", "scene"),
    [
        ("A man in a dark blue and white shirt", "A man in a shirt"),
        ("a red car", "a car"),
        ("an orange ball", "a ball"),
        ("A blue umbrella", "An umbrella"),
        ("a #2a6f4e dress", "a dress"),
        ("a black-and-white dog on light-green grass", "a dog on grass"),
        ("blue, yellow and red flags", "flags"),
        ("a greenish sea", "a sea"),
        ("a cream-coloured wall", "a wall"),
        ("red", ""),
        ("Red, green and blue.", ""),
        ("a predominantly tired bluebird", "a predominantly tired bluebird"),
        ("a light room", "a light room"),
        ("", ""),
    ],
)
def test_the_scene_is_what_is_left_without_colours(description: str, scene: str) -> None:
    assert without_colors(description) == scene


@pytest.mark.parametrize("name", NAMED)
def test_every_name_is_a_colour_and_is_taken_out(name: str) -> None:
    assert parse_hex(NAMED[name]).shape == (3,)
    assert without_colors(f"a {name} thing") == "a thing"
