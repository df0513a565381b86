"""The plug-in as a person uses it: menus, dialogs and undo of a GIMP on a virtual screen."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import skimage.data

from plugin_server.service import Service
from retrieval.library import ExemplarLibrary
from tests.support.fakes import FakeClip, FakeColorizer
from tests.support.gimp_server import Served, serving_fakes
from tests.support.pictures import encoded
from tests.support.real_gimp import Gimp, NoGimp, find_command, find_newer, wait_until

pytestmark = pytest.mark.gimp

DESCRIPTION, REFERENCE = "Colorize from Description", "Colorize from Reference"
EXEMPLARS, AGAIN, SETTINGS = "Find Exemplar Photos", "Colorize Again with", "Photochrom Settings"
PHOTOS = ("astronaut", "chelsea", "coffee", "rocket")
NEW_IMAGE = """
image, layer = make_image(size=(120, 90))
KEPT.update(image=image, layer=layer, display=Gimp.Display.new(image))
Gimp.displays_flush()
answer = state(image)
"""
STATE = "answer = state(KEPT['image'])"


@dataclass
class Screen:
    """A GIMP that a person sits at, and the server it talks to."""

    gimp: Gimp
    server: Served

    def state(self) -> dict[str, Any]:
        """Look at the image that is open."""
        found: dict[str, Any] = self.gimp.inside(STATE)
        return found

    def layers(self) -> list[dict[str, Any]]:
        layers: list[dict[str, Any]] = self.state()["layers"]
        return layers

    def wait_for_layers(self, count: int) -> list[dict[str, Any]]:
        """Wait until the image has so many layers, and no run is going on."""
        wait_until(lambda: len(self.layers()) == count, f"not {count} layers")
        return self.layers()

    def undo_and_compare(self, before: dict[str, Any]) -> None:
        """Press Ctrl+Z once and check that nothing is left of the run."""
        assert self.state() != before
        self.gimp.undo()
        wait_until(lambda: self.state() == before, "one undo did not bring the image back")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("library")
    library = ExemplarLibrary.open(folder, clip=FakeClip())
    for name in PHOTOS:
        photo = getattr(skimage.data, name)()
        library.add_photo(encoded(photo[::2, ::2]), name=f"{name}.png", caption=f"a {name}")
    with serving_fakes(Service(FakeColorizer(), FakeClip(), library=library)) as served:
        yield served


@pytest.fixture(
    scope="module",
    params=[pytest.param(find_command, id="3.0"), pytest.param(find_newer, id="3.2")],
)
def screen(
    request: pytest.FixtureRequest, server: Served, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Screen]:
    find: Callable[[], Any] = request.param
    try:
        command = find()
    except NoGimp as reason:
        pytest.skip(str(reason))
    folder = tmp_path_factory.mktemp("gimp")
    gimp = Gimp(command, folder, PHOTOCHROM_SERVER=server.address)
    if not gimp.has_screen:
        pytest.skip("this GIMP was found without the gimp3 tool, which drives the screen")
    try:
        photo = folder / "camera.png"
        photo.write_bytes(encoded(skimage.data.camera()))
        gimp.start(photo)
        yield Screen(gimp, server)
        noise = gimp.log()
        assert "Traceback" not in noise, noise
        # GTK and its accessibility have complaints of their own.
        assert not re.search(r"photochrom.*(GEGL|LibGimp\w*)-CRITICAL", noise), noise
        assert "duplicate mnemonic" not in noise, noise
    finally:
        gimp.stop()


@pytest.fixture
def before(screen: Screen) -> Iterator[dict[str, Any]]:
    """Open a new grey image; return its state."""
    opened = screen.gimp.inside(NEW_IMAGE)
    screen.gimp.wait("1 layer")
    yield opened
    screen.gimp.inside("KEPT['display'].delete()")


def test_a_description_is_typed_and_a_new_layer_comes(
    screen: Screen, before: dict[str, Any]
) -> None:
    gimp = screen.gimp
    gimp.menu("Colorize from Description...")
    gimp.wait(f"^{DESCRIPTION}$")
    gimp.wait_for_text(DESCRIPTION, "is ready")
    previews = screen.server.count("POST", "/v1/jobs")
    gimp.tool("keys", DESCRIPTION, "alt+d", "ctrl+a")
    gimp.tool("type", DESCRIPTION, "a red tram")
    assert gimp.ui("get", DESCRIPTION, "Description").strip() == "a red tram"
    wait_until(
        lambda: screen.server.count("POST", "/v1/jobs") > previews, "no preview of the words"
    )
    gimp.ui("set", DESCRIPTION, "Saturation", "1.5")
    gimp.shot("description")
    gimp.ui("click", DESCRIPTION, "OK")
    gimp.gone(f"^{DESCRIPTION}$")
    new, source = screen.wait_for_layers(2)
    assert new["name"] == "a red tram"
    assert json.loads(new["notes"]["photochrom-settings"])["saturation"] == 1.5
    assert source["id"] == before["layers"][0]["id"]
    gimp.shot("description-after")
    screen.undo_and_compare(before)


def test_cancel_changes_nothing(screen: Screen, before: dict[str, Any]) -> None:
    screen.gimp.menu("Colorize from Description...")
    screen.gimp.wait(f"^{DESCRIPTION}$")
    screen.gimp.ui("click", DESCRIPTION, "Cancel")
    screen.gimp.gone(f"^{DESCRIPTION}$")
    assert screen.state() == before


def test_colorize_then_again_with_other_words_then_repeat(
    screen: Screen, before: dict[str, Any]
) -> None:
    gimp = screen.gimp
    gimp.menu("Colorize")
    plain = screen.wait_for_layers(2)[0]
    gimp.menu("Colorize Again with...")
    gimp.wait(f"^{AGAIN}$")
    assert gimp.ui("get", AGAIN, "Description").strip() == ""
    gimp.ui("set", AGAIN, "Description", "a blue boat")
    gimp.shot("again")
    gimp.ui("click", AGAIN, "OK")
    gimp.gone(f"^{AGAIN}$")
    wait_until(lambda: screen.layers()[0]["name"] == "a blue boat", "no new result")
    new, source = screen.layers()  # it took the place of the old one
    assert source["pixels"] == before["layers"][0]["pixels"]
    assert new["pixels"] != plain["pixels"]
    gimp.tool("keys", " GIMP$", "ctrl+f")
    wait_until(lambda: screen.layers()[0]["id"] != new["id"], "it was not repeated")
    assert screen.layers()[0]["pixels"] == new["pixels"]
    assert len(screen.layers()) == 2
    gimp.tool("keys", " GIMP$", "ctrl+shift+f")
    gimp.wait(f"^{AGAIN}$")
    assert gimp.ui("get", AGAIN, "Description").strip() == "a blue boat"
    gimp.ui("click", AGAIN, "Cancel")
    gimp.gone(f"^{AGAIN}$")


def test_photos_of_the_library_are_shown_and_two_are_taken(
    screen: Screen, before: dict[str, Any]
) -> None:
    gimp = screen.gimp
    gimp.menu("Find Exemplar Photos...")
    gimp.wait(f"^{EXEMPLARS}$")
    texts = gimp.wait_for_text(EXEMPLARS, "Pick one photo")
    picked = [line for line in texts.splitlines() if re.match(r"(\d+%|–) a ", line)][:2]
    assert len(picked) == 2, texts
    for name in picked:
        gimp.ui("click", EXEMPLARS, name)
    gimp.shot("exemplars")
    gimp.ui("click", EXEMPLARS, "OK")
    gimp.gone(f"^{EXEMPLARS}$")
    first, second, _ = screen.wait_for_layers(3)
    used = [json.loads(one["notes"]["photochrom-settings"])["exemplar"] for one in (first, second)]
    assert len(set(used)) == 2
    assert first["visible"]
    assert not second["visible"]
    assert first["pixels"] != second["pixels"]
    screen.undo_and_compare(before)


def test_the_colours_of_a_file_are_taken(
    screen: Screen, before: dict[str, Any], tmp_path: Path
) -> None:
    gimp = screen.gimp
    photo = tmp_path / "coffee.png"
    photo.write_bytes(encoded(skimage.data.coffee()[::4, ::4]))
    gimp.menu("Colorize from Reference...")
    gimp.wait(f"^{REFERENCE}$")
    gimp.wait_for_text(REFERENCE, "No reference was given")
    gimp.ui("click", REFERENCE, "(None)")
    gimp.wait("^Choose a Reference$")
    gimp.tool("keys", "^Choose a Reference$", "ctrl+l")
    gimp.ui("set", "^Choose a Reference$", "#1", photo)
    gimp.tool("keys", "^Choose a Reference$", "Return")
    gimp.gone("^Choose a Reference$")
    gimp.wait_for_text(REFERENCE, "coffee.png")
    gimp.shot("reference")
    gimp.ui("click", REFERENCE, "OK")
    gimp.gone(f"^{REFERENCE}$")
    new, _ = screen.wait_for_layers(2)
    assert new["name"] == "Colors of coffee.png"
    assert json.loads(new["notes"]["photochrom-origin"])["reference"] == photo.as_uri()
    screen.undo_and_compare(before)


def test_dabs_on_a_dab_layer_are_followed(screen: Screen, before: dict[str, Any]) -> None:
    gimp = screen.gimp
    gimp.menu("New Dab Layer")
    screen.wait_for_layers(2)
    with_dabs = gimp.inside(PAINT)
    gimp.menu("Colorize with Hints...")
    gimp.wait("^Colorize with Hints$")
    gimp.wait_for_text("Colorize with Hints", "Dab layers of this photo: Dabs")
    gimp.shot("hints")
    gimp.ui("click", "Colorize with Hints", "OK")
    gimp.gone("^Colorize with Hints$")
    dabs, new, _ = screen.wait_for_layers(3)
    assert dabs["name"] == "Dabs"
    assert screen.state()["selected"] == [dabs["id"]]  # to paint on
    assert json.loads(new["notes"]["photochrom-settings"])["hint_image"]
    screen.undo_and_compare(with_dabs)


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


def test_a_photo_begins_with_its_own_words(screen: Screen, before: dict[str, Any]) -> None:
    """Earlier images had other words, which stay in the list of former descriptions."""
    gimp = screen.gimp
    gimp.menu("Colorize...")
    gimp.wait("^Colorize$")
    assert gimp.ui("get", "^Colorize$", "Description").strip() == ""
    assert "Former Descriptions" in gimp.ui("texts", "^Colorize$")
    gimp.ui("set", "^Colorize$", "Description", "a green tram")
    gimp.ui("click", "^Colorize$", "OK")
    gimp.gone("^Colorize$")
    screen.wait_for_layers(2)
    gimp.menu("Colorize...")
    gimp.wait("^Colorize$")
    assert gimp.ui("get", "^Colorize$", "Description").strip() == "a green tram"
    gimp.ui("click", "^Colorize$", "Cancel")
    gimp.gone("^Colorize$")


def test_the_settings_name_the_server_and_its_log(screen: Screen) -> None:
    gimp = screen.gimp
    gimp.menu("Settings and Server Status...")
    gimp.wait(f"^{SETTINGS}$")
    texts = gimp.wait_for_text(SETTINGS, "is ready")
    assert screen.server.address in texts
    assert "server.log" in texts
    assert "4 photos" in texts
    gimp.shot("settings")
    gimp.ui("click", SETTINGS, "Close")
    gimp.gone(f"^{SETTINGS}$")
