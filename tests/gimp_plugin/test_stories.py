"""What people do around the plug-in, in a real GIMP without a screen: one run tells all stories."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.real_gimp import Command, Gimp
from tests.support.recording_server import COLORS, Recording, Sent, recording

GUIDE = Path(__file__).parents[2] / "docs" / "gimp.md"
pytestmark = pytest.mark.gimp


@dataclass
class Told:
    """The stories' outcomes by name, and what the server was sent."""

    stories: dict[str, Any]
    server: Recording

    def __getitem__(self, name: str) -> Any:
        story = self.stories[name]
        assert "problem" not in story, story["problem"]
        return story

    def sent(self, words: str) -> Sent:
        return self.server.of(words)


@pytest.fixture(scope="module")
def told(command: Command, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with recording() as server:
        folder = tmp_path_factory.mktemp("gimp")
        gimp = Gimp(command, folder, PHOTOCHROM_SERVER=server.address)
        (folder / "batch.py").write_text(batch_of_the_guide())
        stories, noise = gimp.py("stories.py")
        assert "GEGL-CRITICAL" not in noise, noise
        yield Told(stories, server)


def batch_of_the_guide() -> str:
    """Return the example for batches in the guide."""
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.S)
    return str(code)


def mask_of(outcome: dict[str, Any]) -> NDArray[np.float32]:
    """Return the new layer's mask, (H, W) float32."""
    mask = outcome["mask"]
    assert mask is not None
    values = np.frombuffer(base64.b64decode(mask["data"]), np.float32)
    return values.reshape(mask["height"], mask["width"])


def painted(sent: Sent) -> tuple[int, int, int, int]:
    """Return first row, first column, height and width of the opaque paint that was sent."""
    rows, columns = np.nonzero(sent.files["hint_image"][..., 3] >= 128)
    first, last = (rows.min(), columns.min()), (rows.max(), columns.max())
    return int(first[0]), int(first[1]), int(last[0] - first[0] + 1), int(last[1] - first[1] + 1)


def test_words_belong_to_the_selection(told: Told) -> None:
    outcome, sent = told["words with a selection"]["first"], told.sent("a green shawl")
    assert "description" not in sent.texts
    (region,) = json.loads(sent.texts["regions"])
    assert region["description"] == "a green shawl"
    wanted = np.zeros((16, 24), np.uint8)
    wanted[3:12, 4:16] = 255
    np.testing.assert_array_equal(sent.files[region["mask"]][..., 0], wanted)
    np.testing.assert_array_equal(mask_of(outcome) * 255, wanted)
    assert outcome["settings"]["description"] == "a green shawl"


def test_again_keeps_the_region_without_a_selection(told: Told) -> None:
    story, sent = told["again keeps the region"], told.sent("a blue hat instead")
    first, second = story["first"], story["second"]
    np.testing.assert_array_equal(mask_of(second), mask_of(first))
    assert mask_of(second).min() == 0
    assert second["color"] == list(COLORS["blue"])
    assert "description" not in sent.texts
    assert sent.files["region0"].min() == 0
    assert story["count"] == 2, "the old result makes way"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ("scaled", (12, 16, 6, 6)),
        ("cropped", (2, 2, 3, 3)),
        ("flipped", (6, 13, 3, 3)),
        ("rotated", (8, 7, 3, 3)),
    ],
)
def test_dabs_follow_the_photo(told: Told, change: str, place: tuple[int, ...]) -> None:
    """Painted at column 8, row 6, three pixels wide, in an image of 24 x 16."""
    story = told["again after scale crop flip and rotate"]
    assert story[f"{change} True"]["done"], story[f"{change} True"]
    found = painted(told.sent(f"red again {change} True"))
    assert np.abs(np.array(found) - place).max() <= 1
    # Without the layer of the dabs only a scaled photo tells where they belong.
    gone = story[f"{change} False"]
    assert gone["done"] == (change == "scaled")
    if change == "scaled":
        assert painted(told.sent("red again scaled False")) == place
    else:
        assert "cannot be placed any more" in gone["error"]
        assert gone["status"] == "calling-error"


def test_the_photo_is_found_in_a_copy_of_the_image(told: Told) -> None:
    story, sent = told["again in a copy of the image"], told.sent("a blue copied tram")
    assert story["again"]["stack"] == ["a blue copied tram", "photo"]
    np.testing.assert_array_equal(
        sent.files["image"], told.sent("a red tram to copy").files["image"]
    )


@pytest.mark.parametrize("name", ["alien", "alien plain"])
def test_a_result_without_its_photo_is_refused(told: Told, name: str) -> None:
    story = told["again in a copy of the image"]
    assert "is not in this image" in story[name]["error"]
    assert "'a red tram to copy'" in story[name]["error"]
    assert story[name]["status"] == "calling-error"
    assert story["alien same"]


def test_a_filter_on_the_photo_is_taken_along(told: Told) -> None:
    story, sent = told["a negative under invert"], told.sent("a red negative")
    positive = np.frombuffer(base64.b64decode(story["positive"]), np.uint8)
    assert np.abs(sent.files["image"].ravel().astype(int) - positive).max() <= 2
    assert story["filters"] == 1, "it stays as it was"


def test_a_repair_layer_holds_no_dabs_and_what_is_visible_can_be_coloured(told: Told) -> None:
    story = told["a repair layer above"]
    assert "'scan' has no layer with dabs" in story["none"]["error"]
    assert story["visible"]["stack"] == ["a red visible one", "repair", "scan"]
    for words in ("a red visible one", "a blue visible one"):
        repaired = told.sent(words).files["image"][2:8, 2:8, 0]
        assert np.abs(repaired.astype(int) - 120).max() <= 1, "our own layers are not read"
    assert story["again"]["stack"] == ["a blue visible one", "repair", "scan"]


def test_a_dab_layer_stands_for_its_photo_and_an_empty_layer_for_nothing(told: Told) -> None:
    story = told["the dab layer is selected"]
    assert story["dabs"]["done"]
    assert story["dabs"]["origin"]["source"] == story["source"]
    assert told.sent("red with dabs below").files["image"].max() == 250
    assert "'nothing' is empty" in story["empty"]["error"]
    assert story["empty"]["status"] == "calling-error"
    assert story["same"]


def test_a_selection_outside_of_the_layer_is_an_error(told: Told) -> None:
    story = told["a selection that misses the layer"]
    assert not story["done"]
    assert "outside of the layer 'photo'" in story["error"]
    assert story["same"]


def test_a_dab_layer_makes_a_grey_image_rgb(told: Told) -> None:
    story, sent = told["dabs in a grey image"], told.sent("red in grey")
    assert story["base"] == 0  # RGB
    paint = sent.files["hint_image"]
    assert paint[paint[..., 3] > 0].mean(axis=0) == pytest.approx([208, 32, 32, 255])


def test_a_floating_selection_is_anchored_first(told: Told) -> None:
    story = told["a floating selection"]
    assert story["floats"]
    assert "anchor it" in story["error"]
    assert story["same"]


def test_a_repeat_takes_the_place_of_the_last_result(told: Told) -> None:
    story = told["each repeat replaces"]
    assert story["stack"] == ["a red fourth", "a green third", "photo"]
    assert story["opacity"] == 60


def test_all_dab_layers_of_the_photo_count_wherever_they_are(told: Told) -> None:
    outcome = told["dab layers in a group"]["result"]
    assert outcome["done"], outcome
    paint = told.sent("red and two dabs").files["hint_image"]
    assert tuple(paint[3, 3]) == (208, 32, 32, 255)
    assert tuple(paint[7, 13]) == (32, 64, 192, 255)
    assert len(outcome["origin"]["hint_layers"]) == 2


def test_several_layers_are_coloured(told: Told) -> None:
    story = told["several layers one after the other"]
    assert story["done"], story
    assert story["more"] == 2
    assert story["stack"][1::2] == ["photo copy", "photo"]


def test_regions_are_kept_with_the_image(told: Told) -> None:
    story, sent = told["two regions on one photo"], told.sent("people, a red wall")
    assert story["done"] == [True, True]
    assert story["made"]["done"], story["made"]
    regions = {one["description"]: one["mask"] for one in json.loads(sent.texts["regions"])}
    assert set(regions) == {"a green dress", "a blue coat"}
    for words, columns in (("a green dress", slice(0, 8)), ("a blue coat", slice(12, 20))):
        wanted = np.zeros((16, 24), np.uint8)
        wanted[:, columns] = 255
        np.testing.assert_array_equal(sent.files[regions[words]][..., 0], wanted)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("zero", "which you have not used lately"),
        ("pipe", "which you have not used lately"),
        ("web", "which you have not used lately"),
        ("strange", "which you have not used lately"),
        ("given zero", "no regular file"),
        ("given pipe", "no regular file"),
    ],
)
def test_a_file_that_a_stranger_names_is_not_opened(told: Told, name: str, words: str) -> None:
    outcome = told["a parasite that names a file"][name]
    assert not outcome["done"]
    assert words in outcome["error"]


def test_what_is_not_there_is_said_in_words(told: Told) -> None:
    error = told["a reference that is not there"]["error"]
    assert "reference 'absent.png' cannot be read: no such file or directory" in error


@pytest.mark.parametrize("note", ["settings", "origin", "hints"])
def test_a_note_of_any_depth_breaks_nothing(told: Told, note: str) -> None:
    outcome = told["a parasite that names a file"][f"deep photochrom-{note}"]
    assert outcome["done"], outcome["error"]


def test_the_guides_batch_passes_over_a_damaged_scan(told: Told) -> None:
    assert told["the guides batch"]["files"] == ["a.png", "b.png", "b.xcf"]
    assert told.sent("a family in summer clothes").files["image"].shape == (16, 24, 1)


def test_psd_keeps_the_colour_layer_and_its_mask(told: Told) -> None:
    found = told["files of other programs"]["psd"]
    (name, mode, has_mask), photo = found["layers"]
    assert name == "a red hat for export"
    assert photo[0] == "photo"
    assert has_mask
    assert mode != 28, "it is no normal layer"
    assert difference(found) < 3


def test_openraster_loses_what_the_guide_says(told: Told) -> None:
    found = told["files of other programs"]["ora"]
    assert [one[0] for one in found["layers"]] == ["a red hat for export", "photo"]
    assert not found["layers"][0][2], "masks are lost: mend the guide where this is true no more"


@pytest.mark.parametrize("suffix", ["psd", "ora"])
def test_the_colored_photo_looks_the_same_in_other_programs(told: Told, suffix: str) -> None:
    whole = told["files of other programs"][suffix]["whole"]
    assert whole["name"] == "a red whole"
    assert difference(whole) < 1


def difference(found: dict[str, Any]) -> float:
    """Return the mean difference of what one sees before and after, of 255."""
    one, other = (
        np.frombuffer(base64.b64decode(found[when]["data"]), np.float32)
        for when in ("before", "after")
    )
    return float(np.abs(one - other).mean() * 255)
