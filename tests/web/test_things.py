"""Things and regions on the page: chips, places that are drawn, and what is sent for them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, expect

from models.guidance.condition import Located, NamedThing
from plugin_server.config import Config
from plugin_server.service import Service
from tests.support.chromium import (
    Desk,
    desk,
    grey_photo,
    needs_chromium,
    serving_in_thread,
)
from tests.support.fakes import LocatingColorizer, NamingClip
from tests.web.test_accessibility import complaints
from tests.web.test_page import click_photo, drop

pytestmark = [pytest.mark.browser, needs_chromium]
SIDE = 300


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving_in_thread(Service(LocatingColorizer(), NamingClip()), Config(port=0)) as started:
        yield started


@pytest.fixture
def coffee(browser: Browser, address: str) -> Iterator[Desk]:
    """Return the page with a photo of 300 x 200 pixels."""
    with desk(browser, address) as page:
        page.add(("coffee.png", grey_photo("coffee", SIDE)))
        page.settle()
        yield page


def drag(page: Desk, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw from one place to another, in shares of the photo's width and height."""
    box = page.page.locator("#sheet").bounding_box()
    assert box is not None
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.page.mouse.move(*at[0])
    page.page.mouse.down()
    page.page.mouse.move(*at[1], steps=4)
    page.page.mouse.up()


def changed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return where two pictures differ, (H, W) bool."""
    return (before != after).any(axis=2)


def test_a_chip_shows_the_thing_and_lights_its_place(coffee: Desk) -> None:
    coffee.describe("a red cup")
    chip = coffee.page.locator(".thing")
    expect(chip).to_contain_text("red cup")
    expect(chip.locator(".sure")).to_have_text("found")
    chip.hover()
    expect(coffee.page.locator("#mask-layer")).to_be_visible()
    alpha = coffee.page.locator("#mask-layer").evaluate(
        """layer => {
            const { data } = layer.getContext("2d").getImageData(
                0, layer.height / 2, layer.width, 1);
            return [0.2, 0.8].map((x) => data[4 * Math.round(x * layer.width) + 3]);
        }"""
    )
    assert alpha[0] == 0  # the left half is the cup, the rest is in the dark
    assert alpha[1] > 100
    coffee.page.get_by_label("Description").hover()
    expect(coffee.page.locator("#mask-layer")).to_be_hidden()
    coffee.page.get_by_label("Description").fill("")
    expect(chip).to_have_count(0)


def test_another_colour_for_a_thing_and_back_by_undo(coffee: Desk) -> None:
    coffee.describe("a red cup")
    first = coffee.shown()
    coffee.page.locator(".thing .chip").click()
    expect(coffee.page.locator("#picker-title")).to_have_text("Colour of red cup")
    expect(coffee.page.locator("#suggested button").first).to_be_visible()
    coffee.page.locator("#hex").fill("#2040c0")
    coffee.page.locator("#hex").press("Enter")
    coffee.settle()
    there = changed(first, coffee.shown())
    assert there[:, : SIDE // 3].mean() > 0.9
    assert not there[:, 2 * SIDE // 3 :].any()
    coffee.page.keyboard.press("Escape")
    expect(coffee.page.locator(".thing .chip")).to_be_focused()
    coffee.page.locator("#undo").click()
    coffee.settle()
    np.testing.assert_array_equal(coffee.shown(), first)


def test_a_typed_colour_that_the_lightness_cannot_show_is_said(coffee: Desk) -> None:
    click_photo(coffee, 0.5, 0.5)
    coffee.page.locator("#hex").fill("yellow")
    coffee.page.locator("#hex").press("Enter")
    note = coffee.page.locator("#picker-note")
    expect(note).to_contain_text("#ffff00 becomes #")
    coffee.page.locator("#chroma").fill("10")
    expect(note).to_be_empty()


def test_a_thing_is_dropped_and_taken_back_by_keyboard(coffee: Desk) -> None:
    coffee.describe("a red cup")
    with_cup = coffee.shown()
    coffee.tab_to(".thing .chip")
    expect(coffee.page.locator("#mask-layer")).to_be_visible()
    for _ in range(2):
        coffee.page.keyboard.press("Tab")
    coffee.page.keyboard.press("Enter")
    coffee.settle()
    assert changed(with_cup, coffee.shown())[:, : SIDE // 3].mean() > 0.5
    expect(coffee.page.locator(".thing .sure")).to_have_text("not coloured")
    coffee.page.keyboard.press("Enter")
    coffee.settle()
    np.testing.assert_array_equal(coffee.shown(), with_cup)


def test_the_brush_corrects_a_place_and_the_download_repeats(
    coffee: Desk, browser: Browser, address: str
) -> None:
    coffee.describe("a red cup")
    before = coffee.shown()
    coffee.page.locator(".thing-draw").click()
    drag(coffee, (0.8, 0.3), (0.8, 0.7))
    coffee.settle()
    added = changed(before, coffee.shown())
    assert added[100, round(0.8 * SIDE)]
    assert not added[:10, -20:].any()
    coffee.page.get_by_role("button", name="Take away").click()
    drag(coffee, (0.1, 0.5), (0.3, 0.5))
    coffee.settle()
    assert changed(before, coffee.shown())[100, round(0.2 * SIDE)]
    with coffee.page.expect_download() as saved:
        coffee.page.get_by_role("button", name="Save the masks").click()
    mask = saved.value.path().read_bytes()
    name, data = coffee.download()
    with desk(browser, address) as other:
        original = ("coffee.png", grey_photo("coffee", SIDE))
        drop(other, (name, data), original, (saved.value.suggested_filename, mask))
        other.settle()
        expect(other.page.locator(".thing .sure")).to_have_text("drawn by you")
        assert other.download() == (name, data)


def test_a_region_is_drawn_and_gets_words_or_a_colour(coffee: Desk) -> None:
    before = coffee.shown()
    coffee.page.get_by_role("button", name="Region", exact=True).click()
    drag(coffee, (0.6, 0.25), (0.9, 0.75))
    words = coffee.page.get_by_label("What is in region 1")
    expect(words).to_be_focused()
    coffee.page.keyboard.type("a blue spoon")
    coffee.settle()
    there = changed(before, coffee.shown())
    assert there[60:140, 190:260].mean() > 0.5
    assert not there[:, :170].any()
    coffee.page.get_by_label("Choose a colour for region 1").click()
    coffee.page.locator("#suggested button").nth(1).click()
    coffee.page.keyboard.press("Escape")
    coffee.settle()
    _, data = coffee.download()
    (region,) = json.loads(Image.open(io.BytesIO(data)).info["photochrom"])["regions"]
    assert region["description"] == "a blue spoon"
    assert np.abs(np.array(region["box"]) - [180, 50, 90, 100]).max() <= 2
    coffee.page.get_by_role("button", name="Remove region 1").click()
    coffee.settle()
    np.testing.assert_array_equal(coffee.shown(), before)
    coffee.page.locator("#undo").click()
    expect(words).to_have_value("a blue spoon")


def test_a_region_by_keyboard_with_the_lasso(coffee: Desk) -> None:
    page = coffee.page
    page.locator("#tool-region").focus()
    page.keyboard.press("Enter")
    page.locator("#shape-lasso").focus()
    page.keyboard.press("Enter")
    page.locator("#viewport").focus()
    for key in ("Enter", "Shift+ArrowRight", "Shift+ArrowDown", "Shift+ArrowLeft", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_label("What is in region 1")).to_be_focused()
    page.keyboard.type("red")
    coffee.settle()
    page.locator("#copy-curl").click()
    expect(page.locator("#status")).to_have_text("Copied.")
    assert "region-0=@" in page.evaluate("navigator.clipboard.readText()")


class Blind(LocatingColorizer):
    """Finds nothing."""

    def locate(
        self,
        lightness: NDArray[np.float32],
        things: Sequence[NamedThing],
        others: Sequence[NamedThing] = (),
    ) -> Located:
        found = super().locate(lightness, things, others)
        nowhere = np.zeros_like(found.probability)
        return replace(found, probability=nowhere, shares=nowhere)


def test_what_is_not_found_is_pointed_at(browser: Browser) -> None:
    service = Service(Blind(), NamingClip())
    with serving_in_thread(service, Config(port=0)) as address, desk(browser, address) as opened:
        opened.add(("coffee.png", grey_photo("coffee", SIDE)))
        opened.settle()
        opened.describe("a red cup")
        expect(opened.page.locator(".sure")).to_have_text("not found")
        before = opened.shown()
        opened.page.get_by_role("button", name="Point at it").click()
        click_photo(opened, 0.25, 0.5)
        expect(opened.page.locator(".dab")).to_have_count(1)
        expect(opened.page.locator("#picker")).to_be_hidden()
        opened.settle()
        assert changed(before, opened.shown())[100, 75]


@pytest.mark.parametrize("dark", [False, True])
def test_chips_and_regions_are_for_everybody(browser: Browser, address: str, dark: bool) -> None:
    with desk(browser, address, width=390, height=844, dark=dark) as opened:
        opened.add(("coffee.png", grey_photo("coffee", SIDE)))
        opened.settle()
        opened.describe("a red cup")
        expect(opened.page.locator(".thing")).to_be_visible()
        opened.page.locator("#tool-region").click()
        drag(opened, (0.6, 0.3), (0.9, 0.7))
        expect(opened.page.locator(".region")).to_be_visible()
        assert complaints(opened.page, colours_alone=dark) == []
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= 390
        opened.page.locator(".thing .chip").click()
        opened.page.locator("#suggested button").first.wait_for()
        assert complaints(opened.page, colours_alone=dark) == []
        done = opened.page.locator("#dab-done").bounding_box()
        assert done is not None
        assert done["y"] + done["height"] <= 844


def test_the_buttons_of_a_chip_stay_in_one_row(coffee: Desk) -> None:
    coffee.describe("a green garden")
    chip = coffee.page.locator(".thing")
    expect(chip).to_contain_text("green garden")
    chip.locator(".sure").evaluate("words => { words.textContent = 'probably found'; }")
    middles = chip.locator("button:visible, .thing-name").evaluate_all(
        "all => all.map((one) => { const box = one.getBoundingClientRect();"
        " return (box.top + box.bottom) / 2; })"
    )
    assert len(middles) == 4
    assert max(middles) - min(middles) < 12, middles


def test_what_is_hidden_in_the_panel_does_not_make_the_page_longer(coffee: Desk) -> None:
    coffee.describe("a red cup")
    page = coffee.page
    panel = "document.querySelector('.panel')"
    assert page.evaluate(f"{panel}.scrollHeight > {panel}.clientHeight")  # it scrolls by itself
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
