"""Regions in a batch's table, and what the command line says of places."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from models.job import Box, ColorizeJob, JobError, Region, ThingChange
from plugin_server.batch.batch import BatchSettings
from plugin_server.batch.descriptions import (
    Described,
    Descriptions,
    DescriptionsError,
    read_places,
    read_table,
)
from plugin_server.batch.places import Places, places_of_row
from plugin_server.commands.place_options import RegionType, ThingType, places_of
from plugin_server.engine.requests import ColorizeRequest, Exact

SHAWL = '[{""mask"":""masks/a.png"",""description"":""a green shawl""}]'
BOX = '[{""box"":[1,2,3,4],""color"":""#2a6f4e""}]'


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Write a table whose rows have words, regions or both, and a mask beside it."""
    file = tmp_path / "catalogue.csv"
    file.write_text(
        f'file,description,regions\na.png,a woman,"{SHAWL}"\nb.png,,"{BOX}"\nc.png,a man,\n'
    )
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "a.png").write_bytes(b"mask")
    return file


def test_a_table_names_regions_beside_descriptions(table: Path) -> None:
    assert read_table(table) == {"a.png": "a woman", "c.png": "a man"}
    places = read_places(table)
    assert places.keys() == {"a.png", "b.png"}
    request = places["a.png"].on(ColorizeRequest(b"photo", ColorizeJob("a woman")))
    (region,) = request.job.regions
    assert region.description == "a green shawl"
    assert request.parts == {region.mask: b"mask"}
    assert places["b.png"].regions == (Region(box=Box(1, 2, 3, 4), color="#2a6f4e"),)


def test_a_table_may_name_regions_alone(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text(f'file;regions\na.png;"{BOX}"\n')
    assert read_table(file) == {}
    assert list(read_places(file)) == ["a.png"]


def test_each_photo_gets_its_own_regions(table: Path) -> None:
    said = Descriptions(read_table(table), "all", places=read_places(table))
    batch_settings = BatchSettings(descriptions=said)
    texts, counts = [], []
    for name in ("a.png", "b.png", "c.png"):
        described = said.given(name, table.with_name(name))
        assert described is not None
        request = batch_settings.request(b"photo", described)
        texts.append(request.job.description)
        counts.append(len(request.job.regions))
    assert texts == ["a woman", "all", "a man"]
    assert counts == [1, 1, 0]
    assert said.unused() == []


def test_another_mask_makes_another_result(table: Path) -> None:
    batch_settings, png = BatchSettings(), Exact("image/png")
    described = Described("a woman", "csv", places=read_places(table)["a.png"])
    first = batch_settings.digest(described, png)
    assert batch_settings.digest(described, png) == first
    assert batch_settings.digest(Described("a woman", "csv"), png) != first
    (table.parent / "masks" / "a.png").write_bytes(b"another")
    assert batch_settings.digest(described, png) != first


def test_regions_that_make_no_sense_are_named_with_their_line(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text('file,regions\na.png,[]\nb.png,"[{}]"\n')
    with pytest.raises(DescriptionsError, match="line 3: region 0: a region has one place"):
        read_places(file)


def test_a_mask_that_is_gone_is_said(tmp_path: Path) -> None:
    text = json.dumps([{"mask": "gone.png", "color": "#ffffff"}])
    with pytest.raises(JobError, match=r"cannot read .*gone\.png"):
        places_of_row(text, tmp_path).on(ColorizeRequest(b""))


def test_the_options_become_regions_and_changes(tmp_path: Path) -> None:
    mask = tmp_path / "a:b.png"
    mask.write_bytes(b"mask")
    kind = RegionType()
    places = places_of(
        tuple(
            kind.convert(text, None, None)
            for text in (f"{mask}:a sign: red", "1, 2,30,40:#2A6F4E", f"{mask}: #102030 ")
        ),
        tuple(
            ThingType().convert(text, None, None) for text in ("green dress=#8a2030", f"a=b={mask}")
        ),
        ("brown hat",),
    )
    assert places.regions == (
        Region("region-0", description="a sign: red"),
        Region(box=Box(1, 2, 30, 40), color="#2a6f4e"),
        Region("region-2", color="#102030"),
    )
    assert places.things == (
        ThingChange("green dress", "#8a2030"),
        ThingChange("a=b", mask="thing-1"),
        ThingChange("brown hat", use=False),
    )
    assert places.on(ColorizeRequest(b"")).parts.keys() == {"region-0", "region-2", "thing-1"}


@pytest.mark.parametrize(
    ("kind", "text", "complaint"),
    [
        (RegionType(), "shawl", "MASK.png:WORDS"),
        (RegionType(), "gone.png:a shawl", "there is no picture 'gone.png'"),
        (RegionType(), "1,2,0,4:a shawl", "some width and height"),
        (RegionType(), "1,2,-3,4:a shawl", "some width and height"),
        (RegionType(), "1.2.3,2,4,4:a shawl", "could not convert"),
        (ThingType(), "green dress", "PHRASE=#RRGGBB"),
        (ThingType(), "green dress=blue.png", "neither a colour"),
    ],
)
def test_options_that_make_no_sense(
    kind: click.ParamType[object], text: str, complaint: str
) -> None:
    with pytest.raises(click.BadParameter, match=complaint):
        kind.convert(text, None, None)


def test_colours_have_names_too() -> None:
    kind, thing = RegionType(), ThingType()
    places = places_of(
        tuple(
            kind.convert(f"1,2,3,4:{text}", None, None)
            for text in ("red", "#f00", "a wall=navy", "E=mc2")
        ),
        (thing.convert("green dress=navy", None, None),),
    )
    assert [(one.description, one.color) for one in places.regions] == [
        ("red", None),
        ("", "#ff0000"),
        ("a wall", "#000080"),
        ("E=mc2", None),
    ]
    assert places.things == (ThingChange("green dress", "#000080"),)


def test_nothing_said_changes_nothing() -> None:
    request = ColorizeRequest(b"photo", ColorizeJob("a woman"))
    assert Places().on(request) is request
    assert Places().digest() is None
