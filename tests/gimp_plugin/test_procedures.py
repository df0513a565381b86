"""The procedures in a real GIMP without a person: images of every kind, on GIMP 3.0 and 3.2."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skimage.color import rgb2lab

from models.job import ColorizeJob
from models.pipeline import colorize
from plugin_server.config import Config
from plugin_server.service import Service
from tests.support.fakes import FakeClip, FakeColorizer
from tests.support.gimp_screen import found
from tests.support.real_gimp import Command, Gimp, find_command, find_newer
from tests.support.running_server import running

pytestmark = pytest.mark.gimp

HARD, SOFT = (4, 3, 12, 9, 0), (4, 3, 15, 10, 4)
WORDS = "a red tram"

# Name -> how the image is made; each is coloured as colour alone, after a description.
IMAGES: dict[str, dict[str, Any]] = {
    "grey": {},
    "grey with alpha": {"alpha": True},
    "rgb": {"base": "rgb"},
    "rgba": {"base": "rgb", "alpha": True},
    "indexed": {"base": "rgb", "indexed": True},
    "8 bit linear": {"precision": "u8-linear"},
    "16 bit": {"precision": "u16"},
    "16 bit rgba": {"base": "rgb", "alpha": True, "precision": "u16"},
    "32 bit": {"precision": "u32"},
    "half": {"base": "rgb", "precision": "half"},
    "float": {"base": "rgb", "precision": "float"},
    "float linear": {"precision": "float-linear"},
    "larger than the canvas": {"size": [40, 30], "canvas": [24, 16], "offset": [-8, -6]},
    "smaller than the canvas": {"size": [10, 8], "canvas": [24, 16], "offset": [7, 5]},
    "inside a group": {"group": True, "offset": [2, 1]},
    "hard selection": {"selection": HARD},
    "soft selection": {"base": "rgb", "selection": SOFT},
    "soft selection of a moved layer": {
        "size": [40, 30], "canvas": [24, 16], "offset": [-8, -6], "selection": SOFT,
    },
    "mask": {"base": "rgb", "mask": True},
    "mask and selection": {"mask": True, "selection": HARD},
    "wide gamut": {"base": "rgb", "profile": "rgb_adobe"},
    "grey profile": {"profile": "d50_gray_lab_trc"},
    "1 x 1": {"size": [1, 1]},
    "1 x 50": {"size": [1, 50]},
}  # fmt: skip
NORMAL = ("grey", "rgba", "indexed", "16 bit", "float linear", "wide gamut", "soft selection")


def cases() -> dict[str, dict[str, Any]]:
    """Give every image to the procedures, most to one of them."""
    words = {"description": WORDS}
    every = {
        name: {"image": image, "procedure": "description", "arguments": words}
        for name, image in IMAGES.items()
    }
    for name in NORMAL:
        every[f"{name}, as a whole"] = {
            "image": IMAGES[name],
            "procedure": "description",
            "arguments": {**words, "output": "rgb-layer"},
        }
    every["mask selected"] = {**every["mask"], "select_mask": True}
    every["automatic"] = {"image": {}, "procedure": "automatic"}
    every["nothing asked"] = {
        "image": {},
        "procedure": "automatic",
        "arguments": {"saturation": 0.0, "strength": 0.0, "output": "rgb-layer"},
    }
    return every


Find = Callable[[], Command]
VERSION_NAMES = {find_command: "3.0", find_newer: "3.2"}
VERSIONS = {
    find_command: tuple(cases()),
    find_newer: (
        "grey", "16 bit rgba", "float linear, as a whole", "indexed", "soft selection",
        "mask and selection", "inside a group",
    ),
}  # fmt: skip


@dataclass
class Shown:
    """What ``pictures_in_gimp.packed`` wrote: (H, W, C) float32."""

    pixels: np.ndarray

    @classmethod
    def of(cls, packed: dict[str, Any], channels: int = 4) -> Shown:
        values = np.frombuffer(base64.b64decode(packed["data"]), np.float32)
        return cls(values.reshape(packed["height"], packed["width"], channels))

    @property
    def lab(self) -> np.ndarray:
        return rgb2lab(self.pixels[..., :3])

    @property
    def alpha(self) -> np.ndarray:
        return self.pixels[..., 3]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running(Service(FakeColorizer(), FakeClip()), Config(port=0)) as port:
        yield f"http://127.0.0.1:{port}"


Reports = Callable[[Find], dict[str, Any]]


@pytest.fixture(scope="module")
def reports(address: str, tmp_path_factory: pytest.TempPathFactory) -> Reports:
    """Run all cases of a version in one GIMP, when the first of them is asked for."""

    @cache
    def report_of(find: Find) -> dict[str, Any]:
        folder = tmp_path_factory.mktemp("gimp")
        gimp = Gimp(found(find), folder, PHOTOCHROM_SERVER=address)
        wanted = {name: cases()[name] for name in VERSIONS[find]}
        (folder / "cases.json").write_text(json.dumps(wanted))
        answer, noise = gimp.py("procedures.py", folder / "cases.json")
        assert "Traceback" not in noise, noise
        assert "CRITICAL" not in noise, noise
        read: dict[str, Any] = answer["cases"]
        return read

    return report_of


@pytest.fixture(
    params=[
        pytest.param((find, name), id=f"{VERSION_NAMES[find]}-{name}")
        for find, names in VERSIONS.items()
        for name in names
    ]
)
def case(request: pytest.FixtureRequest, reports: Reports) -> dict[str, Any]:
    find, name = request.param
    reported: dict[str, Any] = reports(find)[name]
    assert reported["done"], reported["error"]
    return {**reported, "asked": cases()[name]}


def test_the_source_stays_and_one_layer_comes(case: dict[str, Any]) -> None:
    assert case["exact"] == case["before"]["exact"]
    assert case["count"] == case["before"]["count"] + 1
    assert case["base"] == 0  # RGB
    new = case["new"]
    assert new["offsets"] == new["source_offsets"]
    assert new["same_parent"]
    assert new["directly_above"]
    assert not new["edits_mask"]
    whole = case["asked"].get("arguments", {}).get("output") == "rgb-layer"
    assert new["normal"] if whole else new["lch"]


def test_what_one_sees_gets_colour_and_keeps_its_lightness(case: dict[str, Any]) -> None:
    before, after = Shown.of(case["before"]["seen"]), Shown.of(case["seen"])
    alpha = before.alpha
    if case["new"]["normal"]:
        alpha = 1 - (1 - alpha) ** 2  # two layers over each other
    np.testing.assert_allclose(after.alpha, alpha, atol=0.6 / 255)
    there = before.alpha > 0.02
    was, now = before.lab[there], after.lab[there]
    if case["asked"]["procedure"] == "automatic" and case["asked"].get("arguments"):
        np.testing.assert_allclose(after.pixels, before.pixels, atol=0.5 / 255)
        return
    assert np.hypot(now[:, 1], now[:, 2]).mean() > 1
    # 8-bit images show a layer's lightness rounded once more.
    np.testing.assert_allclose(now[:, 0], was[:, 0], atol=0.9)
    if len(was) > 20:
        assert np.abs(now[:, 0] - was[:, 0]).mean() < 0.25


def test_the_layer_shows_where_the_source_and_the_selection_are(case: dict[str, Any]) -> None:
    new = case["new"]
    layer, source = Shown.of(new["pixels"]), Shown.of(case["source"])
    shown = layer.alpha.astype(np.float64)
    if new["mask"] is not None:
        shown = shown * Shown.of(new["mask"], 1).pixels[..., 0]
    wanted = source.alpha.astype(np.float64)
    if new["source_mask"] is not None:
        wanted = wanted * Shown.of(new["source_mask"], 1).pixels[..., 0]
    if case["asked"]["image"].get("selection"):
        wanted = wanted * _coverage(case)
    np.testing.assert_allclose(shown, wanted, atol=1.01 / 255)


def test_outside_the_selection_nothing_changes_and_its_edge_blends(case: dict[str, Any]) -> None:
    if not case["asked"]["image"].get("selection"):
        assert case["new"]["mask"] is None or case["asked"]["image"].get("mask")
        return
    coverage = Shown.of(case["new"]["coverage"], 1).pixels[..., 0]
    before, after = Shown.of(case["before"]["seen"]), Shown.of(case["seen"])
    np.testing.assert_array_equal(after.pixels[coverage == 0], before.pixels[coverage == 0])
    change = np.abs(after.lab - before.lab).max(axis=-1)
    assert change[coverage > 0.95].mean() > 3
    faint = (coverage > 0.2) & (coverage < 0.5)
    if faint.any():
        assert 0 < change[faint].mean() < change[coverage > 0.95].mean()


def test_the_settings_are_attached(case: dict[str, Any]) -> None:
    notes = case["new"]["notes"]
    settings, origin = (
        json.loads(notes["photochrom-settings"]),
        json.loads(notes["photochrom-origin"]),
    )
    asked = case["asked"].get("arguments", {})
    assert settings["description"] == asked.get("description", "")
    assert settings["saturation"] == asked.get("saturation", 1.0)
    assert origin["source"] == case["new"]["identity"]
    assert case["new"]["name"] == asked.get("description", "Colors")


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("grey, as a whole", np.uint8),
        ("rgba, as a whole", np.uint8),
        ("16 bit, as a whole", np.uint16),
        ("float linear, as a whole", np.float32),
        ("wide gamut, as a whole", np.uint8),
    ],
)
def test_the_pixels_are_those_of_the_pipeline(reports: Reports, name: str, dtype: type) -> None:
    report = reports(find_command)
    source, new = Shown.of(report[name]["source"]), Shown.of(report[name]["new"]["pixels"])
    top = 1 if dtype is np.float32 else np.iinfo(dtype).max
    sent = source.pixels if dtype is np.float32 else np.rint(source.pixels * top).astype(dtype)
    job = ColorizeJob(WORDS)
    result = colorize(sent, job, colorizer=FakeColorizer(), clip=FakeClip()).pixels
    wanted = result.astype(np.float64) / top
    there = source.alpha > 0
    # What an image holds in another space or precision is rounded once more there.
    step = 1.6 / 255 if "gamut" in name else 1.01 / 255 if dtype is np.uint8 else 1e-4
    np.testing.assert_allclose(new.pixels[there][:, :3], wanted[there][:, :3], atol=step)


def _coverage(case: dict[str, Any]) -> np.ndarray:
    """Cut the selection's coverage to the layer; outside the canvas nothing is selected."""
    coverage = Shown.of(case["new"]["coverage"], 1).pixels[..., 0]
    height, width = Shown.of(case["source"]).pixels.shape[:2]
    x, y = case["new"]["offsets"]
    whole = np.zeros((height, width))
    for row in range(height):
        for column in range(width):
            at = row + y, column + x
            if 0 <= at[0] < coverage.shape[0] and 0 <= at[1] < coverage.shape[1]:
                whole[row, column] = coverage[at]
    return whole


def test_what_cannot_be_done_is_refused_and_the_status_told(address: str, tmp_path: Path) -> None:
    gimp = Gimp(found(find_command), tmp_path / "refusals", PHOTOCHROM_SERVER=address)
    answer, _ = gimp.py("refusals.py")
    assert "is ready" in answer["status"]
    for name, words in (
        ("channel", "is a channel"),
        ("no reference", "no reference was given"),
        ("no picture", "cannot open the reference 'refusals.py'"),
        ("no dabs", "no layer with dabs"),
        ("unmarked dabs", "no layer with dabs"),
        ("odd palette", "'#12' in the palette"),
        ("two colors of photos", "cannot open the reference"),
        ("empty dabs", "has no dabs"),
        ("again without", "not made by Photochrom"),
    ):
        refused = answer[name]
        assert not refused["done"]
        assert words.casefold() in refused["error"].casefold(), (name, refused)
        assert refused["before"] == refused["after"], name


@pytest.mark.slow
def test_a_layer_of_30_megapixels(address: str, tmp_path: Path) -> None:
    """Large layers go the same way; the colours are compared on a grid of their pixels."""
    gimp = Gimp(found(find_command), tmp_path / "large", PHOTOCHROM_SERVER=address)
    answer, noise = gimp.py("large.py", 6708, 4472)
    assert answer["errors"] == [None]
    assert answer["same_source"]
    assert "CRITICAL" not in noise, noise
    rgb = np.array(answer["samples"]["seen"], np.uint8)
    grey = np.array(answer["samples"]["source"], np.uint8)
    was, now = rgb2lab(grey[None])[0], rgb2lab(rgb[None])[0]
    assert np.abs(was[:, 0] - now[:, 0]).max() < 0.9
    assert np.hypot(now[:, 1], now[:, 2]).mean() > 3
