"""Regions and changes of things in their JSON form."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.job import Box, ColorizeJob, JobError, Region, ThingChange
from models.job_json import parse_regions, parse_things

REGIONS = (
    Region(mask="region-0", description="a green wool shawl"),
    Region(mask="region-1", color="#2a6f4e"),
    Region(box=Box(1, 2, 30, 40.5), description="a hat", color="#102030"),
)
THINGS = (
    ThingChange("green dress", "#8a2030"),
    ThingChange("brown hat", use=False),
    ThingChange("red door", mask="thing-2"),
)


def test_what_is_written_is_read() -> None:
    assert parse_regions(json.dumps([one.members() for one in REGIONS])) == REGIONS
    assert parse_things(json.dumps([one.members() for one in THINGS])) == THINGS


def test_a_job_names_its_masks() -> None:
    job = ColorizeJob("a dress", regions=REGIONS, things=THINGS)
    assert job.masks == {"region-0", "region-1", "thing-2"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "regions is not JSON"),
        ("{}", "regions is JSON but an object: send a list"),
        ("null", "regions is JSON but null: send a list"),
        ("1", "regions is JSON but a number: send a list"),
        ("[1]", "region 0 is not an object"),
        ('[{"box":[0,0,1,1],"color":"#ffffff","hue":3}]', "unknown key 'hue'"),
        ('[{"description":"a hat"}]', "region 0: a region has one place"),
        ('[{"mask":"a","box":[0,0,1,1],"color":"#ffffff"}]', "one place"),
        ('[{"mask":"a"}]', "says nothing"),
        ('[{"mask":"a","description":"  "}]', "says nothing"),
        ('[{"mask":"../a","color":"#ffffff"}]', "name of a file part"),
        ('[{"mask":7,"color":"#ffffff"}]', "mask='7'"),
        ('[{"box":[0,0,1],"color":"#ffffff"}]', r"give \[x, y, width, height\]"),
        ('[{"box":[0,0,1,true],"color":"#ffffff"}]', r"give \[x, y, width, height\]"),
        ('[{"box":[0,0,NaN,1],"color":"#ffffff"}]', "width=nan"),
        ('[{"box":[0,0,-1,1],"color":"#ffffff"}]', "some width and height"),
        ('[{"box":[0,0,1%s,1],"color":"#ffffff"}]' % ("0" * 400), "too large"),
        ('[{"box":[0,0,1,1],"color":"green"}]', "write it as #rrggbb"),
        ('[{"box":[0,0,1,1],"description":"\\ud800"}]', "no text"),
        (json.dumps([{"box": [0, 0, 1, 1], "color": "#ffffff"}] * 33), "33 regions"),
    ],
)  # fmt: skip
def test_regions_that_make_no_sense(text: str, complaint: str) -> None:
    with pytest.raises(JobError, match=complaint):
        parse_regions(text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("nothing", "things is not JSON"),
        ('[{"color":"#ffffff"}]', "thing 0: the phrase of a thing has 0 letters"),
        ('[{"phrase":"%s"}]' % ("a" * 201), "201 letters"),
        ('[{"phrase":"a hat","use":1}]', "give true or false"),
        ('[{"phrase":"a hat","color":"#12"}]', "write it as #rrggbb"),
        ('[{"phrase":"a hat","place":3}]', "unknown key 'place'"),
        (json.dumps([{"phrase": "a"}] * 33), "33 things"),
    ],
)
def test_changes_that_make_no_sense(text: str, complaint: str) -> None:
    with pytest.raises(JobError, match=complaint):
        parse_things(text)


def test_a_phrase_is_found_in_whatever_letters() -> None:
    change = ThingChange("  Green   dress ")
    assert change.is_about("green dress")
    assert not change.is_about("green dresses")


def test_a_box_outside_the_photo_is_refused() -> None:
    job = ColorizeJob(regions=(Region(box=Box(90, 0, 5, 5), color="#ffffff"),))
    job.check_against(91, 10)
    with pytest.raises(JobError, match="region 0: the box at x=90, y=0 of 5 x 5"):
        job.check_against(90, 10)


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=9) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.sampled_from(["mask", "box", "description", "color", "phrase", "use"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=20)  # `make fuzz` tries thousands
@given(anything)
def test_whatever_comes_is_read_or_refused(value: object) -> None:
    for parse in (parse_regions, parse_things):
        with suppress(JobError):
            parse(json.dumps(value))
