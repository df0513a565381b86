"""A result as a group with a layer for each thing, in a real GIMP."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab

from plugin_server.config import Config
from plugin_server.service import Service
from tests.support.fakes import LocatingColorizer, NamingClip
from tests.support.real_gimp import Command, Gimp
from tests.support.running_server import running

pytestmark = pytest.mark.gimp

KINDS = ("grey", "rgb 16 bit", "with alpha", "wide gamut", "moved")


@pytest.fixture(scope="module")
def report(command: Command, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Tell all stories in one GIMP; the server finds everything in the left half of a photo."""
    with running(Service(LocatingColorizer(), NamingClip()), Config(port=0)) as port:
        address = f"http://127.0.0.1:{port}"
        gimp = Gimp(command, tmp_path_factory.mktemp("gimp"), PHOTOCHROM_SERVER=address)
        told, _noise = gimp.py("groups.py")
    for story in told.values():
        assert "problem" not in story, story["problem"]
    return told


def lab_of(packed: dict[str, Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return Lab and whether a pixel is there, of what ``packed`` wrote."""
    values = np.frombuffer(base64.b64decode(packed["data"]), np.float32)
    pixels = values.reshape(packed["height"], packed["width"], -1)
    return rgb2lab(pixels[..., :3]), pixels[..., 3] > 0.02


def phrases(story: dict[str, Any]) -> list[str]:
    return [one["phrase"] for one in story["members"]]


@pytest.mark.parametrize("kind", KINDS)
def test_the_group_looks_like_the_single_layer(report: dict[str, Any], kind: str) -> None:
    single, there = lab_of(report[kind]["single"]["seen"])
    group, _ = lab_of(report[kind]["group"]["seen"])
    # Where a photo is half transparent, layers over each other color it a little more than one.
    assert deltaE_ciede2000(single, group)[there].mean() < (4 if kind == "with alpha" else 1)
    assert np.hypot(single[..., 1], single[..., 2])[there].mean() > 5, "there are colours at all"


@pytest.mark.parametrize("kind", KINDS)
def test_each_thing_has_a_layer_with_its_place_and_a_live_filter(
    report: dict[str, Any], kind: str
) -> None:
    group = report[kind]["group"]
    assert group["done"], group["error"]
    assert (group["name"], group["through"]) == ("Photochrom", True)
    assert group["stack"] == ["Photochrom", "photo"]
    assert phrases(group)[-1] == "base guess"
    assert set(phrases(group)[:-1]) == {"green dress", "red scarf"}
    for member in group["members"]:
        assert member["lch"]
        assert member["filters"] == [["gegl:hue-chroma", 0.0]]
        is_base = member["phrase"] == "base guess"
        assert (member["mask"] is None) == is_base


def test_what_was_changed_by_hand_stays_with_its_thing(report: dict[str, Any]) -> None:
    story = report["change and repeat"]
    again = {one["phrase"]: one for one in story["again"]["members"]}
    assert story["again"]["stack"] == ["Photochrom", "photo"], "no second group is piled up"
    assert set(again) == {"green dress", "blue scarf", "base guess"}
    assert again["green dress"]["filters"] == [["gegl:hue-chroma", 40.0]]
    assert again["base guess"]["filters"] == [["gegl:hue-chroma", 0.0]]
    before, _ = lab_of(report["grey"]["group"]["seen"])
    turned, _ = lab_of(story["turned"]["seen"])
    assert np.abs(before - turned).max() > 5, "the filter is alive"


def test_a_group_is_saved_and_opened_again(report: dict[str, Any]) -> None:
    story = report["change and repeat"]
    assert story["file"]["members"] == story["again"]["members"]
    saved, _ = lab_of(story["again"]["seen"])
    opened, _ = lab_of(story["file"]["seen"])
    assert np.abs(saved - opened).max() < 0.5
    again = story["file"]["again"]
    assert again["done"], again["error"]
    assert set(phrases(again)) == {"blue dress", "base guess"}


def test_two_regions_are_two_layers(report: dict[str, Any]) -> None:
    story = report["two regions"]
    assert story["done"], story["error"]
    members = {one["phrase"]: one for one in story["members"]}
    assert {"a green shawl", "a blue coat"} <= set(members) | {
        f"a {phrase}" for phrase in members
    }, members.keys()
    assert len(story["members"]) == 3


def test_a_selection_is_the_groups_mask(report: dict[str, Any]) -> None:
    story = report["selected"]
    assert story["done"], story["error"]
    before, _ = lab_of(story["before"])
    after, _ = lab_of(story["seen"])
    changed = np.abs(after - before).max(axis=-1)
    inside = np.zeros(changed.shape, bool)
    inside[4:44, 4:24] = True
    assert changed[~inside].max() < 0.01
    assert changed[inside].mean() > 5


@pytest.mark.parametrize("when", ["first", "again"])
def test_a_photos_mask_counts_beside_a_selection(report: dict[str, Any], when: str) -> None:
    story = report["masked and selected"]
    assert story[when]["done"], story[when]["error"]
    wanted = np.zeros((48, 64), np.float32)
    wanted[4:44, 4:24] = mask_of(story["mask"])[4:44, 4:24]
    np.testing.assert_allclose(mask_of(story[when]["mask"]), wanted, atol=1 / 255)


def mask_of(packed: dict[str, Any]) -> NDArray[np.float32]:
    values = np.frombuffer(base64.b64decode(packed["data"]), np.float32)
    return values.reshape(packed["height"], packed["width"])
