"""References and exemplars on the page: found, used, swapped, added, compared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from plugin_server.config import Config
from plugin_server.service import Service
from retrieval.library import ExemplarLibrary
from tests.support.chromium import (
    Desk,
    colour_photo,
    desk,
    grey_photo,
    needs_chromium,
    serving_in_thread,
)
from tests.support.fakes import FakeClip, FakeColorizer

pytestmark = [pytest.mark.browser, needs_chromium]


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Desk]:
    """Return the page of a server with three exemplars, a photo in front."""
    clip = FakeClip()
    library = ExemplarLibrary.open(tmp_path / "library", clip=clip)
    for name in ("astronaut", "chelsea", "rocket"):
        library.add_photo(colour_photo(name), name=f"{name}.png", caption=f"a photo of {name}")
    service = Service(FakeColorizer(), clip, library=library)
    with (
        serving_in_thread(service, Config(port=0)) as address,
        desk(browser, address) as page,
    ):
        page.add(("coffee.png", grey_photo("coffee", 300)))
        page.settle()
        yield page


def find(page: Desk, count: int) -> None:
    page.page.locator("#find").click()
    expect(page.page.locator(".exemplar")).to_have_count(count)


def test_an_exemplar_is_found_used_and_let_go(opened: Desk) -> None:
    plain = opened.shown()
    find(opened, 3)
    expect(opened.page.locator("#library-count")).to_have_text("Photos in the library: 3")
    tiles = opened.page.locator(".exemplar")
    for tile in tiles.all():
        expect(tile).to_have_text(re.compile(r"^\d+ %$"))
        assert tile.locator("img").evaluate(
            "image => image.decode().then(() => image.naturalWidth)"
        )
    tiles.first.click()
    opened.settle()
    expect(tiles.first).to_have_attribute("aria-pressed", "true")
    expect(opened.page.locator("#reference-card")).to_be_visible()
    first = opened.shown()
    assert np.abs(first.astype(int) - plain).mean() > 0.5
    tiles.nth(1).click()
    opened.settle()
    expect(tiles.first).to_have_attribute("aria-pressed", "false")
    assert np.abs(opened.shown().astype(int) - first).max() > 0
    tiles.nth(1).click()
    opened.settle()
    expect(opened.page.locator("#reference-card")).to_be_hidden()
    np.testing.assert_array_equal(opened.shown(), plain)


def test_the_result_of_an_exemplar_repeats(opened: Desk) -> None:
    find(opened, 3)
    opened.page.locator(".exemplar").nth(1).click()
    opened.settle()
    name, data = opened.download()
    opened.add((name, data), ("coffee.png", grey_photo("coffee", 300)))
    expect(opened.page.locator(".frame")).to_have_count(2)
    opened.settle()
    assert opened.download() == (name, data)


def test_the_best_ones_are_compared_side_by_side(opened: Desk) -> None:
    find(opened, 3)
    opened.page.locator("#try-top").click()
    expect(opened.page.locator("#side img")).to_have_count(3)
    expect(opened.page.get_by_label("Photo")).to_have_count(1)
    labels = opened.page.locator("#side button").all_inner_texts()
    assert len(set(labels)) == 3
    opened.page.locator("#side button").nth(2).click()
    expect(opened.page.locator(".exemplar[aria-pressed=true]")).to_have_count(1)


def test_pictures_are_added_to_the_library(opened: Desk) -> None:
    coffee = {"name": "cup.png", "mimeType": "image/png", "buffer": colour_photo("coffee")}
    opened.page.locator("#library-files").set_input_files([coffee])
    expect(opened.page.locator("#library-count")).to_have_text("Photos in the library: 4")
    find(opened, 4)


def test_a_reference_gives_its_colours_to_photo_and_dab_and_repeats(opened: Desk) -> None:
    plain = opened.shown()
    reference = ("cat.png", colour_photo("chelsea"))
    opened.page.get_by_label("Reference").set_input_files(
        [{"name": reference[0], "mimeType": "image/png", "buffer": reference[1]}]
    )
    expect(opened.page.locator("#reference-name")).to_have_text("cat.png")
    opened.settle()
    assert np.abs(opened.shown().astype(int) - plain).mean() > 0.5
    opened.page.locator("#viewport").focus()
    opened.page.keyboard.press("Enter")
    dropper = opened.page.locator("#dropper-canvas")
    expect(dropper).to_be_visible()
    before = opened.page.locator("#hex").input_value()
    dropper.click()
    expect(opened.page.locator("#hex")).not_to_have_value(before)
    opened.page.keyboard.press("Escape")
    opened.settle()
    name, data = opened.download()
    original = ("coffee.png", grey_photo("coffee", 300))
    opened.add((name, data), original)
    expect(opened.page.locator("#notices")).to_contain_text("give the reference")
    opened.add((name, data), original, reference)
    expect(opened.page.locator(".frame")).to_have_count(3)
    expect(opened.page.locator("#reference-name")).to_have_text("cat.png")
    opened.settle()
    assert opened.download() == (name, data)
