"""The plug-in as a person uses it: menus, dialogs and undo of a GIMP on a virtual screen."""

from __future__ import annotations

import gettext
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from plugin_server.service import Service
from retrieval.library import ExemplarLibrary
from tests.support.fakes import FakeClip, FakeColorizer, LocatingColorizer, NamingClip
from tests.support.gimp_screen import Screen, found, on_screen
from tests.support.gimp_server import Served, serving_fakes
from tests.support.pictures import encoded
from tests.support.real_gimp import PLUGIN, find_newer, wait_until

pytestmark = pytest.mark.gimp

PHOTOS = ("astronaut", "chelsea", "coffee", "rocket")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("library")
    library = ExemplarLibrary.open(folder, clip=FakeClip())
    for name in PHOTOS:
        photo = getattr(skimage.data, name)()
        library.add_photo(encoded(photo[::4, ::4]), name=f"{name}.png", caption=f"a {name}")
    with serving_fakes(Service(FakeColorizer(), FakeClip(), library=library)) as served:
        yield served


@pytest.fixture(autouse=True)
def _its_server(screen: Screen, server: Served) -> None:
    screen.use(server.address)


def test_a_description_is_typed_and_a_new_layer_comes(
    screen: Screen, server: Served, before: dict[str, Any]
) -> None:
    describe(screen, server, before)


def test_a_description_in_the_newer_gimp_in_german_with_larger_letters(
    server: Served, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("gimp")
    german = gettext.translation("photochrom", PLUGIN / "locale", languages=["de"]).gettext
    with (
        on_screen(found(find_newer), folder, language="de", GDK_DPI_SCALE="1.3") as newer,
        newer.new_image() as before,
    ):
        newer.use(server.address)
        describe(newer, server, before, german)


def describe(
    screen: Screen, server: Served, before: dict[str, Any], translate: Callable[[str], str] = str
) -> None:
    gimp = screen.gimp
    entry = translate("Colorize from _Description...").replace("_", "")
    title = screen.open(entry, entry.rstrip(".… "))
    gimp.wait_for_text(title, "Photochrom 0")
    previews = server.count("POST", "/v1/jobs")
    label = translate("_Description")
    gimp.ui("keys", title, f"alt+{label[label.index('_') + 1].lower()}", "ctrl+a")
    gimp.ui("write", title, "a red tram")
    assert gimp.ui("get", title, translate("Description")).strip() == "a red tram"
    wait_until(lambda: server.count("POST", "/v1/jobs") > previews, "no preview of the words")
    gimp.ui("put", title, translate("Sa_turation").replace("_", ""), 1.5)
    gimp.shot(f"description-{translate('Description')}")
    x, y, width, height = gimp.ui("place", title, "OK")
    assert 0 <= x < x + width <= 1280, "the dialog is wider than the screen"
    assert 0 <= y < y + height <= 900, "the dialog is higher than the screen"
    screen.close(title, "OK")
    new, source = screen.wait_for_layers(2)
    assert new["name"] == "a red tram"
    assert json.loads(new["notes"]["photochrom-settings"])["saturation"] == 1.5
    assert source["id"] == before["layers"][0]["id"]
    screen.undo_and_compare(before)


def test_a_photo_begins_with_its_own_words_and_cancel_changes_nothing(
    screen: Screen, before: dict[str, Any]
) -> None:
    """Earlier images had other words, which stay in the list of former descriptions."""
    gimp = screen.gimp
    title = screen.open("Colorize...")
    assert gimp.ui("get", title, "Description").strip() == ""
    assert "Former Descriptions" in gimp.ui("texts", title)
    gimp.ui("put", title, "Description", "a green tram")
    screen.close(title, "OK")
    screen.wait_for_layers(2)
    colored = screen.state()
    screen.open("Colorize...")
    assert gimp.ui("get", title, "Description").strip() == "a green tram"
    gimp.ui("put", title, "Description", "a blue tram")
    screen.close(title, "Cancel")
    assert screen.state() == colored


def test_colorize_then_again_with_other_words_then_repeat(
    screen: Screen, before: dict[str, Any]
) -> None:
    gimp = screen.gimp
    assert gimp.ui("is_grey", "Colors", "Photochrom", "Colorize Again with...")
    gimp.menu("Colorize")
    plain = screen.wait_for_layers(2)[0]
    title = screen.open("Colorize Again with...")
    assert gimp.ui("get", title, "Description").strip() == ""
    gimp.ui("put", title, "Description", "a blue boat")
    gimp.shot("again")
    screen.close(title, "OK")
    wait_until(lambda: screen.names() == ["a blue boat", "photo"], "no new result")
    new, source = screen.layers()  # it took the place of the old one
    assert source["pixels"] == before["layers"][0]["pixels"]
    assert new["pixels"] != plain["pixels"]
    gimp.ui("keys", " GIMP$", "ctrl+f")
    wait_until(lambda: gimp.inside(FIRST) != new["id"], "it was not repeated")
    wait_until(lambda: screen.names() == ["a blue boat", "photo"], "it did not take the place")
    assert screen.layers()[0]["pixels"] == new["pixels"]
    gimp.ui("keys", " GIMP$", "ctrl+shift+f")
    gimp.wait(title)
    assert gimp.ui("get", title, "Description").strip() == "a blue boat"
    screen.close(title, "Cancel")


def test_photos_of_the_library_are_shown_and_two_are_taken(
    screen: Screen, before: dict[str, Any]
) -> None:
    gimp = screen.gimp
    title = screen.open("Find Exemplar Photos...")
    texts = gimp.wait_for_text(title, "Pick one photo")
    picked = [line for line in texts if re.match(r"(\d+%|–) a ", line)][:2]
    assert len(picked) == 2, texts
    for name in picked:
        gimp.ui("click", title, name)
    gimp.shot("exemplars")
    screen.close(title, "OK")
    first, second, _ = screen.wait_for_layers(3)
    used = [json.loads(one["notes"]["photochrom-settings"])["exemplar"] for one in (first, second)]
    assert len(set(used)) == 2
    for one in (first, second):
        assert re.match(rf"Colors of ({'|'.join(PHOTOS)})\.png( \(\d+%\))?$", one["name"])
    assert first["visible"]
    assert not second["visible"]
    assert first["pixels"] != second["pixels"]
    screen.undo_and_compare(before)


def test_photos_that_are_found_with_other_words_too_stay_picked(
    screen: Screen, before: dict[str, Any], tmp_path: Path
) -> None:
    gimp, clip = screen.gimp, FakeClip()
    library = ExemplarLibrary.open(tmp_path / "library", clip=clip)
    photos = {
        library.add_photo(
            encoded(getattr(skimage.data, name)()[::4, ::4]), name=name, caption=f"a {name}"
        ).id: f"a {name}"
        for name in PHOTOS
    }
    with serving_fakes(Service(FakeColorizer(), clip, library=library)) as served:
        screen.use(served.address)
        title = screen.open("Find Exemplar Photos...")
        gimp.wait_for_text(title, "a rocket")
        kept, gone = list(photos)[:2]

        def is_ticked(name: str) -> bool:
            return bool(gimp.ui("get", title, named(gimp.ui("texts", title), photos[name])))

        for name in photos:
            # What was picked in the last dialog is ticked again where it is found.
            if is_ticked(name) != (name in (gone, kept)):
                gimp.ui("click", title, named(gimp.ui("texts", title), photos[name]))
        library.remove([gone])
        gimp.ui("click", title, "Words")
        gimp.ui("put", title, "Description", "a blue boat")
        gimp.ui("click", title, "Exemplars")

        def is_searched() -> bool:
            texts = " ".join(gimp.ui("texts", title))
            return photos[gone] not in texts and photos[kept] in texts

        wait_until(is_searched, "not searched")
        wait_until(lambda: is_ticked(kept), "no longer ticked")
        screen.close(title, "OK")
        new, _ = screen.wait_for_layers(2)
        assert json.loads(new["notes"]["photochrom-settings"])["exemplar"] == kept


def named(texts: list[str], caption: str) -> str:
    """Find the button of a photo, which has its score before the caption."""
    (name,) = (text for text in texts if re.match(rf"(\d+%|–) {caption}$", text))
    return name


class StrangerClip(FakeClip):
    """Sees nothing in common between color photos and gray ones."""

    def embed_image(self, rgb: NDArray[np.float32]) -> NDArray[np.float32]:
        is_color = bool(np.ptp(rgb, axis=-1).max() > 0.01)
        return np.eye(8, dtype=np.float32)[int(is_color)]


def test_photos_that_do_not_fit_are_said_to_be_such_and_have_no_score(
    screen: Screen, before: dict[str, Any], tmp_path: Path
) -> None:
    gimp, clip = screen.gimp, StrangerClip()
    library = ExemplarLibrary.open(tmp_path / "library", clip=clip)
    for name in PHOTOS[:2]:
        library.add_photo(
            encoded(getattr(skimage.data, name)()[::4, ::4]), name=name, caption=f"a {name}"
        )
    with serving_fakes(Service(FakeColorizer(), clip, library=library)) as served:
        screen.use(served.address)
        title = screen.open("Find Exemplar Photos...")
        texts = gimp.wait_for_text(title, "No photo of the library fits well")
        assert {f"– a {name}" for name in PHOTOS[:2]} <= set(texts)
        assert not any(re.search(r"\d ?%", text) for text in texts), texts
        screen.close(title, "Cancel")
    assert screen.state() == before


def test_the_colours_of_a_file_are_taken(
    screen: Screen, before: dict[str, Any], tmp_path: Path
) -> None:
    gimp = screen.gimp
    photo = tmp_path / "coffee.png"
    photo.write_bytes(encoded(skimage.data.coffee()[::4, ::4]))
    title = screen.open("Colorize from Reference...")
    gimp.wait_for_text(title, "No reference was given")
    with pytest.raises(AssertionError, match="'OK' is greyed out"):
        gimp.ui("click", title, "OK")
    empty = gimp.ui("place", title, "Reference", "icon")
    gimp.ui("click", title, "(None)")
    chooser = "^Choose a Reference$"
    gimp.wait(chooser)
    gimp.wait_for_text(chooser, "Images")  # and not every file
    gimp.ui("keys", chooser, "ctrl+l")
    gimp.ui("put", chooser, "*", photo)
    gimp.press_until_gone(chooser, "Return")  # the first may only complete the file's name
    gimp.wait_for_text(title, "coffee.png")
    shown = gimp.ui("place", title, "Reference", "icon")
    assert empty[3] < shown[3] == 107, "no thumbnail, 160 wide, of a photo of 3 by 2"
    gimp.shot("reference")
    screen.close(title, "OK")
    new, _ = screen.wait_for_layers(2)
    assert new["name"] == "Colors of coffee.png"
    assert json.loads(new["notes"]["photochrom-origin"])["reference"] == photo.as_uri()
    screen.undo_and_compare(before)


def test_dabs_on_a_dab_layer_are_followed(screen: Screen, before: dict[str, Any]) -> None:
    gimp = screen.gimp
    gimp.menu("New Dab Layer")
    screen.wait_for_layers(2)
    screen.undo_and_compare(before)  # the conversion to RGB is part of the step
    gimp.menu("New Dab Layer")
    screen.wait_for_layers(2)
    with_dabs = gimp.inside(PAINT)
    title = screen.open("Colorize with Hints...")
    gimp.wait_for_text(title, "Dab layers of this photo: Dabs")
    gimp.ui("put", title, "Saturation", 0.5)
    gimp.ui("put", title, "Strength", 0.75)
    gimp.ui("put", title, "New layer", "The colored photo")
    gimp.shot("hints")
    screen.close(title, "OK")
    dabs, new, _ = screen.wait_for_layers(3)
    assert dabs["name"] == "Dabs"
    assert screen.state()["selected"] == [dabs["id"]]  # to paint on
    settings = json.loads(new["notes"]["photochrom-settings"])
    assert settings["hint_image"]
    assert (settings["saturation"], settings["strength"]) == (0.5, 0.75)
    assert json.loads(new["notes"]["photochrom-origin"])["output"] == "rgb-layer"
    screen.undo_and_compare(with_dabs)


FIRST = "answer = KEPT['image'].get_layers()[0].get_id()"
PAINT = """
image = KEPT['image']
dabs = image.get_layers()[0]
rgba = bytearray(120 * 90 * 4)
for x0, y0, colour in ((10, 20, (208, 32, 32)), (60, 30, (32, 64, 192))):
    for y in range(y0, y0 + 20):
        for x in range(x0, x0 + 20):
            rgba[4 * (y * 120 + x):4 * (y * 120 + x) + 4] = bytes((*colour, 255))
fill(dabs, "R'G'B'A u8", bytes(rgba))
Gimp.displays_flush()
answer = state(image)
"""


def test_what_is_named_is_shown_and_candidates_and_what_was_tried_are_there(
    screen: Screen, before: dict[str, Any], tmp_path: Path
) -> None:
    gimp, words = screen.gimp, "a woman in a green dress"
    gimp.inside(DAMAGED)
    with serving_fakes(Service(LocatingColorizer(), NamingClip())) as server:
        screen.use(server.address)
        title = screen.open("Colorize...")
        gimp.wait_for_text(title, "is ready")
        gimp.ui("put", title, "Description", words)
        gimp.wait_for_text(title, "green dress")
        assert chroma_of_halves(screen, title, tmp_path)[1] > 5
        x, y, width, height = gimp.ui("place", title, "green dress")
        gimp.ui("point", x + width // 2, y + height // 2)
        # The server finds everything in the left half; the rest turns gray.
        wait_until(lambda: chroma_of_halves(screen, title, tmp_path)[1] < 1, "no place is shown")
        assert chroma_of_halves(screen, title, tmp_path)[0] > 5
        gimp.ui("click", title, "Candidates")
        texts = gimp.wait_for_text(title, "nearest")
        assert {"As asked", "More vivid", "Calmer", "Freer"} <= set(texts)
        gimp.shot("candidates")
        gimp.ui("click", title, "More vivid")
        assert gimp.ui("get", title, "Saturation") == "1.50"
        gimp.ui("click", title, "History")
        discard = f"Discard '{words}'"
        wait_until(lambda: gimp.ui("texts", title).count(discard) == 2, "not both are there")
        gimp.shot("history")
        gimp.ui("click", title, discard)
        screen.close(title, "Cancel")
        screen.open("Colorize...")
        gimp.ui("click", title, "History")
        assert gimp.wait_for_text(title, discard).count(discard) == 1
        gimp.ui("click", title, words)
        gimp.ui("click", title, "Words")
        assert gimp.ui("get", title, "Description") == words
        screen.close(title, "Cancel")
    assert screen.state() == before


DAMAGED = """
note = b'{"tried": [1, [], {"width": 9}, {"width": 1, "height": 1, "data": "", "arguments": 7}]}'
KEPT["image"].attach_parasite(Gimp.Parasite.new("photochrom-tried", 1, list(note)))
"""


def chroma_of_halves(screen: Screen, title: str, folder: Path) -> tuple[float, float]:
    """Measure how colorful the left and the right of the preview are."""
    left, right = screen.preview(title, folder)
    return float(np.hypot(left[1], left[2])), float(np.hypot(right[1], right[2]))


def test_the_settings_name_the_server_and_its_log(screen: Screen, server: Served) -> None:
    gimp = screen.gimp
    title = screen.open("Settings and Server Status...", "Photochrom Settings")
    texts = gimp.wait_for_text(title, "is ready")
    assert server.address in texts
    assert any("server.log" in text for text in texts)
    assert "Photos: 4" in texts
    gimp.shot("settings")
    screen.close(title, "Close")


def test_a_folder_that_cannot_be_written_is_said_without_numbers(screen: Screen) -> None:
    gimp = screen.gimp
    folder = gimp.plugin.parents[1] / "photochrom"
    title = screen.open("Settings and Server Status...", "Photochrom Settings")
    gimp.wait_for_text(title, "is ready")
    kept = folder.rename(folder.with_name("kept")) if folder.exists() else None
    folder.write_text("a file in the folder's place")
    try:
        gimp.ui("put", title, "New address", "http://127.0.0.1:1")
        gimp.ui("click", title, "Save")
        texts = " ".join(gimp.wait_for_text(title, "cannot be kept in"))
        assert "not a directory" in texts
        assert "Errno" not in texts
        screen.close(title, "Close")
    finally:
        folder.unlink()
        if kept is not None:
            kept.rename(folder)
