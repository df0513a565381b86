"""Names of colours in descriptions."""

from __future__ import annotations

import pytest

from models.color.lab import parse_hex
from models.guidance.color_words import NAMED, PLACEHOLDER, color_phrases, without_colors
from models.guidance.phrases import names_of


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
        ("the hat is red", "the hat"),
        ("a dress in dark green by a red car", "a dress by a car"),
        ("A man in white and a woman wearing all black", "A man and a woman"),
        ("a black and white photo of a street", "a photo of a street"),
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
        ("the car is red", [(("red",), "car")]),
        ("a dress in dark green", [(("dark green",), "dress")]),
        ("a wall painted blue", [(("blue",), "wall")]),
        ("hat: green, hair brown", [(("green",), "hat"), (("brown",), "hair")]),
        ("the sky was bright blue", [(("bright blue",), "sky")]),
        ("women dressed in purple holding a lily", [(("purple",), "clothes")]),
        ("a large red dog", [(("red",), "large dog")]),
        ("two dogs, one black", [(("black",), "")]),
        ("a black and white photo of a red bus", [(("red",), "bus")]),
        ("ice cream, an orange on a plate, olive trees", []),
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


@pytest.mark.parametrize(
    "description",
    [
        "a man in white and a woman wearing all black by a red car in front of a blue house",
        "the grass is green, a large red dog, two girls in blue hats",
        "a wall painted in light blue behind a green wooden fence",
    ],
)
def test_spans_hold_the_colour_and_the_thing(description: str) -> None:
    names = {*names_of(description), "clothes"}
    for phrase in color_phrases(description):
        placeholder, *words = [phrase.neutral[a:b] for a, b in phrase.spans]
        assert placeholder == PLACEHOLDER
        assert sorted(words) == sorted(phrase.thing.split())
        assert phrase.thing in names


def test_every_colour_gives_the_same_neutral_text() -> None:
    texts = {color_phrases(f"a {c} car by a {c} house")[0].neutral for c in ("red", "dark blue")}
    assert texts == {"a colored car by a colored house"}
    first, second = color_phrases("a red car by a blue house")
    assert [first.neutral[a:b] for a, b in first.spans] == ["colored", "car"]
    assert [second.neutral[a:b] for a, b in second.spans] == ["colored", "house"]
    assert second.spans[0] > first.spans[0]


@pytest.mark.parametrize(
    ("description", "colors", "scene"),
    [
        ("a man wearing no red hat", [], "a man wearing no hat"),
        ("two ladies without a black hat", [], "two ladies without a hat"),
        ("the dress is not red but dark blue", [(("dark blue",), "dress")], "the dress"),
        ("the dress isn't red, but blue", [(("blue",), "dress")], "the dress"),
        ("neither red nor blue, a green car", [(("green",), "car")], "neither nor, a car"),
        (
            "a man without a hat in a red coat",
            [(("red",), "coat")],
            "a man without a hat in a coat",
        ),
        ("a knot of red ribbon", [(("red",), "ribbon")], "a knot of ribbon"),
    ],
)
def test_a_colour_that_is_denied_colours_nothing(
    description: str, colors: list[tuple[tuple[str, ...], str]], scene: str
) -> None:
    assert [(p.colors, p.thing) for p in color_phrases(description)] == colors
    assert without_colors(description) == scene
