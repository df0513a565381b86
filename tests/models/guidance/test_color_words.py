"""Names of colours in descriptions."""

from __future__ import annotations

import pytest

from models.color.lab import parse_hex
from models.guidance.color_words import NAMED, color_phrases, without_colors


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
        ("warm golden light on a red car", "warm golden light on a car"),
        ("cold blue tones", "cold blue tones"),
        ("", ""),
    ],
)
def test_the_scene_is_what_is_left_without_colours(description: str, scene: str) -> None:
    assert without_colors(description) == scene


@pytest.mark.parametrize("name", NAMED)
def test_every_name_is_a_colour_and_is_taken_out(name: str) -> None:
    assert parse_hex(NAMED[name]).shape == (3,)
    assert without_colors(f"a {name} thing") == "a thing"


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("a red car", [(("red",), "car")]),
        (
            "A man in a dark blue and white striped shirt and red shoes",
            [(("dark blue", "white"), "striped shirt"), (("red",), "shoes")],
        ),
        ("the car is red", [(("red",), "")]),
        ("navy blue sky over golden fields", [(("navy", "blue"), "sky"), (("golden",), "fields")]),
        ("a #2a6f4e dress, and a hat", [(("#2a6f4e",), "dress")]),
        ("teal", [(("teal",), "")]),
        ("cold blue evening", []),
        ("a dog", []),
    ],
)
def test_things_with_colours_are_found(
    description: str, expected: list[tuple[tuple[str, ...], str]]
) -> None:
    assert [(p.colors, p.thing) for p in color_phrases(description)] == expected


def test_every_colour_gives_the_same_neutral_text() -> None:
    texts = {color_phrases(f"a {c} car by a {c} house")[0].neutral for c in ("red", "dark blue")}
    assert texts == {"a colored car by a colored house"}
    first, second = color_phrases("a red car by a blue house")
    assert [first.neutral[a:b] for a, b in first.spans] == ["colored", "car"]
    assert [second.neutral[a:b] for a, b in second.spans] == ["colored", "house"]
    assert second.spans[0] > first.spans[0]
