"""What words do, on pictures whose answer is known; and by the definitions laid beside us."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from models.color.lab import lab_to_srgb_in_gamut, srgb_to_lab
from models.evaluation.landing import UInt8Array, measure_placing, neutral_caption
from models.evaluation.words import (
    MEASURES,
    Painter,
    choose,
    measure,
    painters,
    read_phrases,
    summary,
    table,
)
from models.photos import Photo
from models.training.color_naming import HUES
from tests.support.fakes import FakeClip, FakeColorizer

DEFINITIONS = Path(__file__).resolve().parents[4] / "shared" / "tools" / "measure"
HEIGHT, WIDTH = 48, 64
LEFT = np.s_[:, : WIDTH // 4]
HUE = re.compile("|".join(HUES), re.I)


def picture_of(shown: str, *, chroma: float = 40.0) -> UInt8Array:
    """Make a photo that shows a hue in its left quarter and is nearly grey elsewhere."""
    lightness = np.tile(np.linspace(40, 70, WIDTH, dtype=np.float32), (HEIGHT, 1))
    ab = np.full((HEIGHT, WIDTH, 2), 3, np.float32)
    ab[LEFT] = chroma * np.array([np.cos(a := np.radians(HUES[shown])), np.sin(a)])
    return np.asarray(np.rint(lab_to_srgb_in_gamut(lightness, ab) * 255), np.uint8)


def paint(grey: UInt8Array, words: str, area: Any) -> UInt8Array:
    """Colour grey in the first hue that the words name, in one area; elsewhere a faint guess."""
    lightness = srgb_to_lab(np.repeat(grey[..., :1], 3, 2).astype(np.float32) / 255)[..., 0]
    ab = np.full((*lightness.shape, 2), 5, np.float32)
    if found := HUE.search(words):
        angle = np.radians(HUES[found.group().lower()])
        ab[area] = 35 * np.array([np.cos(angle), np.sin(angle)])
    elif words:  # other words make it a little paler
        ab *= 0.8
    return np.asarray(np.rint(lab_to_srgb_in_gamut(lightness, ab) * 255), np.uint8)


def painter_on(area: Any, asked: list[str] | None = None) -> Any:
    def painter_of(grey: UInt8Array) -> Painter:
        def one(words: str) -> UInt8Array:
            if asked is not None:
                asked.append(words)
            return paint(grey, words, area)

        return one

    return painter_of


PHOTOS = [
    Photo("door", picture_of("red"), ("a red door", "a door in a wall"), "test"),
    Photo("wall", picture_of("blue"), ("two doors", "a wall and a blue door"), "test"),
    Photo("green", picture_of("green"), ("a green and red door",), "test"),
]


@pytest.fixture
def boxes(tmp_path: Path) -> Path:
    left = [0.0, 0.0, 0.25, 1.0]
    whole = [0.0, 0.0, 1.0, 1.0]
    records = [
        {"key": "door", "regions": [
            {"name": "door", "phrase": "a red door", "attributes": ["red"], "box": left},
            {"name": "wall", "phrase": "a wall", "box": whole},
            {"name": "sky", "phrase": "a blue sky", "attributes": ["blue"], "box": whole},
        ]},
        {"key": "green", "regions": [
            {"name": "kite", "phrase": "a red and green kite", "attributes": ["red", "green"],
             "box": left},
        ]},
    ]  # fmt: skip
    path = tmp_path / "boxes.jsonl"
    path.write_text("\n".join(map(json.dumps, records)), "utf-8")
    return path


def figures_of(painter_of: Any, boxes: Path) -> dict[str, Any]:
    *_, result = measure(choose(PHOTOS, read_phrases(boxes), limit=None), painter_of)
    return summary(result)


def test_words_that_land_help_obey_and_point(boxes: Path) -> None:
    figures = figures_of(painter_on(LEFT), boxes)
    assert figures["hues"]["photos"] == 3
    assert figures["hues"]["nearer"] > 10
    assert figures["hues"]["farther"] == pytest.approx(0)
    assert (figures["hues"]["hurt"], figures["obedience"]["obeyed"]) == (0, 1)
    assert figures["obedience"]["photos"] == figures["obedience"]["photos_aim"] == 2
    assert figures["obedience"]["aim"] == 1
    assert figures["places"]["phrases"] == 1  # of one hue, in a box that is no whole picture
    assert figures["places"]["pointing"] == 1
    assert figures["places"]["inside"] > 0.9
    assert figures["places"]["chance"] == 0.25


def test_words_that_land_elsewhere_harm_and_miss(boxes: Path) -> None:
    figures = figures_of(painter_on(np.s_[:, WIDTH // 2 :]), boxes)
    assert figures["hues"]["nearer"] == pytest.approx(0, abs=0.1)
    assert figures["hues"]["farther"] > 10
    assert figures["hues"]["hurt"] == 1
    assert figures["obedience"]["aim"] == 0
    assert (figures["places"]["pointing"], figures["places"]["overlap"]) == (0, 0)


def test_with_known_places_the_painter_need_not_find_them(boxes: Path) -> None:
    chosen = choose(PHOTOS, read_phrases(boxes), limit=None)
    *_, result = measure(chosen, painter_on(np.s_[:, WIDTH // 2 :]), places_known=True)
    figures = summary(result)
    assert figures["hues"]["nearer"] > 10
    assert figures["hues"]["farther"] == pytest.approx(0)
    assert figures["hues"]["seen"] > 0.95
    assert (figures["obedience"]["obeyed"], figures["obedience"]["aim"]) == (1, 1)
    assert figures["places"]["pointing"] == 1
    assert figures["places"]["inside"] > 0.9


def test_captions_without_colours_are_judged_by_paleness_and_harm(boxes: Path) -> None:
    assert neutral_caption(("a golden door", "a wooden door")) == "a wooden door"
    assert neutral_caption(("a silver car",)) is None
    at = figures_of(painter_on(LEFT), boxes)["neutral"]
    assert at["photos"] == 2  # the third photo has no such caption
    assert at["colourfulness_ratio"] == pytest.approx(0.8, abs=0.1)


def test_the_same_words_are_painted_once_a_photo(boxes: Path) -> None:
    asked: list[str] = []
    for _ in measure(choose(PHOTOS[:1], read_phrases(boxes), limit=None), painter_on(LEFT, asked)):
        pass
    # Nothing, the neutral caption, and seven colours, among them those of the phrase.
    assert len(asked) == len(set(asked)) == 9


def test_a_measure_takes_so_many_and_only_those_that_are_wanted(boxes: Path) -> None:
    phrases = read_phrases(boxes)
    chosen = choose(PHOTOS, phrases, limit=1)
    assert sorted(one.measure for _, some in chosen for one in some) == sorted(MEASURES)
    only = choose(PHOTOS, phrases, limit=None, measures=("neutral",))
    assert [one.measure for _, some in only for one in some] == ["neutral", "neutral"]


def test_a_phrase_that_changes_nothing_lands_nowhere() -> None:
    picture = picture_of("red")
    box = np.zeros((HEIGHT, WIDTH), bool)
    box[LEFT] = True
    placed = measure_placing([picture, picture, picture], box)
    assert (placed.pointing, placed.inside, placed.chance, placed.overlap) == (0, 0, 0.25, 0)


def test_the_product_paints_and_the_table_tells_all(boxes: Path) -> None:
    figures = figures_of(painters(FakeColorizer(), FakeClip()), boxes)
    with (console := Console(width=80)).capture() as told:
        console.print(table(figures))
    assert len(told.get().splitlines()) == 16 + 8  # no line is broken: rows, sections, frame
    assert table(figures).row_count == 16
    assert json.loads(json.dumps(figures)) == figures


@pytest.fixture
def definitions() -> tuple[Any, Any]:
    """Load the measures that are laid beside the repository."""
    if not DEFINITIONS.is_dir():
        pytest.skip(f"the measures' definitions are not at {DEFINITIONS}")
    loaded = []
    for name in ("score", "land"):
        spec = importlib.util.spec_from_file_location(name, DEFINITIONS / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # land imports score by its name
        spec.loader.exec_module(module)
        loaded.append(module)
    return loaded[0], loaded[1]


@pytest.mark.parametrize("area", [LEFT, np.s_[:, WIDTH // 8 : WIDTH // 2]], ids=["on", "beside"])
def test_the_figures_are_those_of_the_definitions(
    definitions: tuple[Any, Any], boxes: Path, area: Any
) -> None:
    score, land = definitions
    figures = figures_of(painter_on(area), boxes)
    theirs = [(photo.key, photo.pixels, list(photo.captions)) for photo in PHOTOS]
    regions = {r["key"]: r["regions"] for r in map(json.loads, boxes.read_text().splitlines())}

    def colour(grey: UInt8Array, description: str = "") -> UInt8Array:
        return paint(grey, description, area)

    hues = land.words(colour, theirs)[0]
    obedience = score.obedience(colour, theirs)
    places = land.places(colour, theirs, regions)
    for ours, definition, names in (
        (figures["hues"], hues, {
            "photos": "photos", "nearer": "gain_in", "farther": "harm_out", "hurt": "hurt",
            "helped": "helped", "gain": "psnr_gain", "seen": "seen_described",
            "seen_without": "seen_none",
        }),
        (figures["obedience"], obedience, {
            "photos": "photos", "obeyed": "obedience", "leak": "leak_ab", "aim": "aim",
            "chance_aim": "aim_chance",
        }),
        (figures["places"], places, {
            "phrases": "phrases", "pointing": "pointing", "inside": "inside", "chance": "chance",
            "overlap": "iou",
        }),
    ):  # fmt: skip
        for name, other in names.items():
            assert ours[name] == pytest.approx(definition[other], rel=0.02, abs=0.02), name
