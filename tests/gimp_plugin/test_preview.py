"""The preview of the dialog in a real GIMP: its place, its size, and what is said beneath it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest

from tests.support.gimp_screen import Screen
from tests.support.real_gimp import wait_until
from tests.support.recording_server import Recording, recording

pytestmark = pytest.mark.gimp

SELECT = """
layer = KEPT["layer"]
count = layer.get_width() * layer.get_height()
fill(layer, "R'G'B' u8", bytes((40, 150, 60)) * count)
KEPT["image"].select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 60, 90)
answer = state(KEPT["image"])
"""


@pytest.fixture
def server(screen: Screen) -> Iterator[Recording]:
    with recording() as recorded:
        screen.use(recorded.address)
        yield recorded


def side(server: Recording) -> int:
    """Return the long side of the copy that was sent last."""
    return max(server.sent[-1].files["image"].shape)


def test_words_with_a_selection_color_the_selection_alone(
    screen: Screen, server: Recording, tmp_path: Path
) -> None:
    with screen.new_image(base="rgb"):
        before = screen.gimp.inside(SELECT)
        title = screen.open("Colorize from Description...")
        screen.gimp.ui("put", title, "Description", "a red shawl")
        green = screen.preview(title, tmp_path)[1]
        assert green[1] < -20, "the photo is shown in its own colors"
        wait_until(lambda: screen.preview(title, tmp_path)[0][1] > 20, "no red in the selection")
        np.testing.assert_allclose(screen.preview(title, tmp_path)[1], green, atol=1)
        (region,) = json.loads(server.of("a red shawl").texts["regions"])
        mask = server.of("a red shawl").files[region["mask"]]
        assert mask[:, :60].min() == 255
        assert mask[:, 60:].max() == 0
        screen.close(title, "Cancel")
        assert screen.state() == before


def test_a_notice_goes_with_its_words_and_is_said_again_with_the_result(
    screen: Screen, server: Recording, before: dict[str, Any]
) -> None:
    gimp, notice = screen.gimp, "“zorblax” was not understood"
    title = screen.open("Colorize...")
    gimp.wait_for_text(title, "is ready")
    server.notice = quote(notice)
    gimp.ui("put", title, "Description", "a zorblax hat")
    gimp.wait_for_text(title, notice)
    server.notice = ""
    gimp.ui("put", title, "Description", "a red hat")
    wait_until(lambda: server.sent[-1].words == "a red hat", "no preview of the other words")
    wait_until(lambda: notice not in " ".join(gimp.ui("texts", title)), "the notice stays")
    # A single short message is shown in the status bar, which the accessibility bus does not tell.
    server.notice = f"{quote(notice)}, {quote('the photo is very small')}"
    gimp.ui("put", title, "Description", "a zorblax coat")
    gimp.wait_for_text(title, notice)
    screen.close(title, "OK")
    message = screen.read_message("zorblax")
    assert notice in message
    assert "the photo is very small" in message
    assert screen.names() == ["a zorblax coat", "photo"]
    screen.undo_and_compare(before)


def test_the_preview_grows_and_zooms_and_shows_before_and_after(
    screen: Screen, server: Recording, tmp_path: Path
) -> None:
    with screen.new_image(size=(1500, 1000)):
        gimp = screen.gimp
        title = screen.open("Colorize...")
        gimp.wait_for_text(title, "is ready")
        gimp.ui("put", title, "Description", "a red hat\nand a red coat")
        wait_until(lambda: "red coat" in server.sent[-1].words, "no preview of both lines")
        assert server.sent[-1].words == "a red hat\nand a red coat"
        wait_until(lambda: screen.preview(title, tmp_path)[0][1] > 20, "it is not red")
        small, narrow = side(server), gimp.ui("place", title, "Preview")[2]
        gimp.ui("resize", title, 1270, 870)
        wait_until(lambda: side(server) > small, "no finer copy for the larger window")
        wait_until(lambda: gimp.ui("place", title, "Preview")[2] > narrow, "it did not grow")
        large = side(server)
        gimp.ui("click", title, "Zoom in")
        wait_until(lambda: side(server) > large, "no finer copy for the closer look")
        gimp.ui("click", title, "Zoom out")
        gimp.ui("click", title, "Before and After")
        gimp.shot("before-and-after")
        wait_until(lambda: abs(screen.preview(title, tmp_path)[0][1]) < 2, "before is not gray")
        assert screen.preview(title, tmp_path)[1][1] > 20, "after is not red"
        screen.close(title, "Cancel")
