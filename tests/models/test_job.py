"""Requests are validated once, and say what is wrong."""

from __future__ import annotations

import json
import math
from dataclasses import asdict

import pytest

from models.job import MAX_HINTS, ColorizeJob, Hint, JobError, PaletteColor
from models.job_json import parse_hints, parse_palette


def test_hints_survive_a_round_trip_through_json() -> None:
    first = {"x": 3, "y": 4.5, "color": "#AB0012", "radius": 2}
    second = {"x": 0, "y": 0, "color": "#000000"}
    hints = parse_hints(json.dumps([first, second]))
    assert hints == (Hint(3, 4.5, "#ab0012", 2), Hint(0, 0, "#000000"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"x": 1}', "list"),
        ("[1]", "not an object"),
        ('[{"x": 1, "y": 1}]', "'color'"),
        ('[{"x": 1, "y": 1, "color": "red"}]', "#rrggbb"),
        ('[{"x": 1, "y": 1, "color": 7}]', "#rrggbb"),
        ('[{"x": "1", "y": 1, "color": "#000000"}]', "x='1'"),
        ('[{"x": true, "y": 1, "color": "#000000"}]', "x=True"),
        ('[{"x": NaN, "y": 1, "color": "#000000"}]', "finite"),
        ('[{"x": 1, "y": Infinity, "color": "#000000"}]', "finite"),
        ('[{"x": 1e999, "y": 1, "color": "#000000"}]', "finite"),
        ('[{"x": 1, "y": 1, "color": "#000000", "radius": -1}]', "0 or more"),
        ('[{"x": 1, "y": 1, "color": "#000000", "size": 1}]', "'size'"),
        (f'[{{"x": 1{"0" * 400}, "y": 1, "color": "#000000"}}]', "too large"),
    ],
)
def test_bad_hints_are_refused_with_a_reason(text: str, said: str) -> None:
    with pytest.raises(JobError, match=r".") as error:
        parse_hints(text)
    assert said in str(error.value)


def test_too_many_hints_are_refused() -> None:
    hint = {"x": 1, "y": 1, "color": "#000000"}
    with pytest.raises(JobError, match=str(MAX_HINTS)):
        parse_hints(json.dumps([hint] * (MAX_HINTS + 1)))


@pytest.mark.parametrize("value", [-0.1, 2.1, math.nan, math.inf])
def test_saturation_and_strength_have_limits(value: float) -> None:
    with pytest.raises(JobError, match="saturation"):
        ColorizeJob(saturation=value)
    with pytest.raises(JobError, match="strength"):
        ColorizeJob(strength=value)


def test_an_empty_description_is_none() -> None:
    assert ColorizeJob(" \n ").description == ""


@pytest.mark.parametrize(("x", "y"), [(-1, 0), (0, -0.5), (10, 0), (0, 5), (9.5, 0)])
def test_hints_outside_the_image_are_refused(x: float, y: float) -> None:
    with pytest.raises(JobError, match="outside the image"):
        ColorizeJob(hints=(Hint(x, y, "#ffffff"),)).check_against(width=10, height=5)


def test_hints_at_the_corners_are_inside() -> None:
    hints = (Hint(0, 0, "#ffffff"), Hint(9, 4, "#ffffff"))
    ColorizeJob(hints=hints).check_against(width=10, height=5)


def test_a_description_that_is_no_text_is_refused() -> None:
    with pytest.raises(JobError, match="UTF-8"):
        ColorizeJob(b"a red \xff coat".decode("utf-8", "surrogateescape"))


@pytest.mark.parametrize("name", ["auto", "rbbrzwlfhtgv", "A-b_9", "x" * 64])
def test_exemplars_are_named_by_id_or_auto(name: str) -> None:
    assert ColorizeJob(exemplar=name).exemplar == name


@pytest.mark.parametrize("name", ["", "a b", "../x", "é", "x" * 65, "a\n"])
def test_an_id_that_cannot_be_one_is_refused(name: str) -> None:
    with pytest.raises(JobError, match="auto"):
        ColorizeJob(exemplar=name)


def test_a_palette_survives_a_round_trip_through_json() -> None:
    palette = parse_palette('["#AABB0C", {"color": "#000000", "weight": 2}, {"color": "#ffffff"}]')
    assert palette == (PaletteColor("#aabb0c"), PaletteColor("#000000", 2), PaletteColor("#ffffff"))
    assert parse_palette(json.dumps([asdict(color) for color in palette])) == palette
    assert parse_palette("[]") == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("#aabbcc", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"color": "#aabbcc"}', "list"),
        ("[7]", "colour 0"),
        ('["red"]', "'red'"),
        ('["#fff"]', "#rrggbb"),
        ('["#aabbcc", {"colour": "#aabbcc"}]', "colour 1"),
        ('[{"color": "#aabbcc", "share": 1}]', "colour 0"),
        ('[{"color": "#aabbcc", "weight": "2"}]', "weight='2'"),
        ('[{"color": "#aabbcc", "weight": true}]', "weight=True"),
        ('[{"color": "#aabbcc", "weight": 0}]', "above 0"),
        ('[{"color": "#aabbcc", "weight": -1}]', "above 0"),
        ('[{"color": "#aabbcc", "weight": NaN}]', "above 0"),
        ('[{"color": "#aabbcc", "weight": 1e999}]', "at most 1000"),
        (f'[{{"color": "#aabbcc", "weight": 1{"0" * 400}}}]', "at most 1000"),
        (f'[{{"color": "#aabbcc", "weight": -1{"0" * 400}}}]', "above 0"),
        (json.dumps(["#aabbcc"] * 7), "at most 6"),
    ],
)
def test_bad_palettes_are_refused_with_a_reason(text: str, said: str) -> None:
    with pytest.raises(JobError) as error:
        parse_palette(text)
    assert said in str(error.value)


def test_a_palette_has_at_most_six_colours_however_it_was_made() -> None:
    ColorizeJob(palette=(PaletteColor("#aabbcc"),) * 6)
    with pytest.raises(JobError, match="7 colours"):
        ColorizeJob(palette=(PaletteColor("#aabbcc"),) * 7)
