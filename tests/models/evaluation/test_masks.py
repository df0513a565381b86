"""Patches and places on photos with masks, where the answer is known."""

from __future__ import annotations

import importlib.util
import io
import json
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image

from models.color.lab import lab_to_srgb_in_gamut
from models.evaluation.landing import UInt8Array
from models.evaluation.masks import commonest, main, measure, names_in, spread, summary, tables
from models.guidance.condition import Located, NamedThing
from models.job import ColorizeJob
from models.pipeline import colorize
from models.training.regions import UNKNOWN, RegionPhoto, read_masks
from tests.support.fakes import LocatingColorizer, NamingClip

DEFINITIONS = Path(__file__).resolve().parents[4] / "shared" / "tools" / "measure"


def region_photo() -> RegionPhoto:
    """Make a photo with a dress on the left, a door on the right, and hair."""
    labels = np.zeros((64, 64), np.uint8)
    labels[:, :24], labels[16:48, 40:], labels[:4, 24:40] = 1, 2, 3
    lightness = np.tile(np.linspace(30, 75, 64, dtype=np.float32), (64, 1))
    ab = np.zeros((64, 64, 2), np.float32)
    ab[:32, :24, 0], ab[32:, :24, 0] = 20, -20  # the dress has two colours, the door one
    rgb = np.asarray(np.rint(lab_to_srgb_in_gamut(lightness, ab) * 255), np.uint8)
    names = ("background", "dress", "door", "hair")
    return RegionPhoto("p", rgb, "test", names=names, labels=labels)


def test_a_thing_of_one_colour_has_no_spread_and_one_of_two_has() -> None:
    mask = np.zeros((40, 40), bool)
    mask[:, :20] = True
    ab = np.zeros((40, 40, 2), np.float32)
    ab[:, 20:] = 50  # outside, it does not count
    assert spread(ab, mask) == pytest.approx(0, abs=1e-3)
    ab[:20, :20, 1] = 20
    assert spread(ab, mask) == pytest.approx(10, rel=0.1)


def test_things_are_measured_but_for_people_and_where_names_are_found_is_known() -> None:
    photo = region_photo()
    (result,) = measure([photo], ["dress", "door"], LocatingColorizer(), NamingClip())
    assert {one.name for one in result.patches} == {"dress", "door"}
    figures = summary(result)
    # The fake finds everything in the left half: all of the dress, a quarter more, no door.
    assert figures["places"]["dress"]["overlap"] == pytest.approx(24 / 32, abs=0.02)
    assert figures["places"]["door"]["overlap"] == 0
    assert figures["mean_overlap"] == pytest.approx(12 / 32, abs=0.02)
    assert "hair" not in figures["places"]
    assert [table.row_count for table in tables(figures)] == [1, 3]


def test_what_is_not_known_is_no_mistake_and_grey_photos_have_no_patches() -> None:
    photo = region_photo()
    assert photo.labels is not None
    labels = photo.labels.copy()
    labels[:, 24:32] = UNKNOWN  # the rest of the half that the fake finds
    (result,) = measure(
        [replace(photo, labels=labels, grey=True)], ["dress"], LocatingColorizer(), NamingClip()
    )
    assert result.overlaps["dress"].share == pytest.approx(1, abs=0.02)
    assert result.patches == []


def test_a_person_is_looked_for_as_such_not_as_clothes() -> None:
    photo = replace(region_photo(), names=("background", "person", "door", "hair"))
    sought: list[str] = []

    class Listening(LocatingColorizer):
        def locate(
            self,
            lightness: NDArray[np.float32],
            things: Sequence[NamedThing],
            others: Sequence[NamedThing] = (),
        ) -> Located:
            sought.extend(thing.thing for thing in things)
            return super().locate(lightness, things, others)

    list(measure([photo], ["person"], Listening(), NamingClip()))
    assert sought == ["person", "door", "hair"]


def test_the_commonest_names_are_those_on_most_photos() -> None:
    photo = region_photo()
    assert photo.labels is not None
    assert set(names_in(photo)) == {"dress", "door", "hair"}
    alone = replace(photo, labels=np.where(photo.labels == 2, photo.labels, 0).astype(np.uint8))
    assert commonest([photo, alone]) == ("door", "dress", "hair")


@pytest.mark.parametrize("suffix", ["webp", "png", None])
def test_shards_without_masks_are_refused_by_name(tmp_path: Path, suffix: str | None) -> None:
    shard = tmp_path / "dev-000.tar"
    with tarfile.open(shard, "w") as tar:
        if suffix is not None:
            file = io.BytesIO()
            Image.fromarray(region_photo().pixels).save(file, suffix)
            _add(tar, f"p.{suffix}", file.getvalue())
            _add(tar, "p.json", b'{"captions": [], "source": "test"}')
    result = CliRunner().invoke(main, [str(shard)])
    assert result.exit_code == 2
    assert "dev-000.tar has no photo with a mask" in result.output


def test_patchiness_is_that_of_the_definition(tmp_path: Path) -> None:
    if not DEFINITIONS.is_dir():
        pytest.skip(f"the measures' definitions are not at {DEFINITIONS}")
    modules: dict[str, Any] = {}
    for name in ("score", "land"):
        spec = importlib.util.spec_from_file_location(name, DEFINITIONS / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        modules[name] = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(modules[name])
    shard, photo = tmp_path / "regions-test.tar", region_photo()
    assert photo.labels is not None
    with tarfile.open(shard, "w") as tar:
        for suffix, pixels in (("webp", photo.pixels), ("png", photo.labels)):
            file = io.BytesIO()
            Image.fromarray(pixels).save(file, suffix, lossless=True)
            _add(tar, f"p.{suffix}", file.getvalue())
        record = {"labels": photo.names, "captions": [], "source": "test"}
        _add(tar, "p.json", json.dumps(record).encode())
    colorizer, clip = LocatingColorizer(), NamingClip()

    def colour(grey: UInt8Array) -> UInt8Array:
        return colorize(grey[..., :1], ColorizeJob(), colorizer=colorizer, clip=clip).pixels

    theirs = modules["land"].patchiness(colour, shard)
    *_, result = measure(list(read_masks([shard])), [], colorizer, clip)
    ours = summary(result)["patchiness"]["test"]
    assert ours["things"] == theirs["things"] == 2
    assert ours["ratio"] == pytest.approx(theirs["ratio"], rel=0.02)


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    header = tarfile.TarInfo(name)
    header.size = len(data)
    tar.addfile(header, io.BytesIO(data))
