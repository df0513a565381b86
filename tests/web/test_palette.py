"""The palette on the web page, in a real browser: by keyboard alone, and again from its result."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from models.color.lab import srgb_to_lab
from plugin_server.config import Config
from plugin_server.service import Service
from tests.support.chromium import (
    Desk,
    desk,
    grey_photo,
    needs_chromium,
    serving_in_thread,
)
from tests.support.fakes import FakeClip, FakeColorizer

pytestmark = [pytest.mark.browser, needs_chromium]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving_in_thread(Service(FakeColorizer(), FakeClip()), Config(port=0)) as started:
        yield started


@pytest.fixture
def coffee(browser: Browser, address: str) -> Iterator[Desk]:
    with desk(browser, address) as page:
        page.add(("coffee.png", grey_photo("coffee", 300)))
        page.settle()
        yield page


def add_color(page: Desk, color: str) -> None:
    """Add a colour by its code, with keys."""
    page.tab_to("#palette-add")
    page.page.keyboard.press("Enter")
    expect(page.page.locator("#plane")).to_be_focused()
    page.tab_to("#hex")
    page.page.keyboard.press("Control+A")
    page.page.keyboard.type(color)
    page.page.keyboard.press("Enter")
    page.page.keyboard.press("Escape")
    page.settle()


def mean_ab(page: Desk) -> np.ndarray:
    lab = srgb_to_lab(page.shown().astype(np.float32) / 255)
    return np.asarray(lab[..., 1:].mean(axis=(0, 1)))


def test_a_palette_by_keyboard_alone(coffee: Desk) -> None:
    page, chips = coffee.page, coffee.page.locator("#palette-list .chip")
    plain = mean_ab(coffee)
    add_color(coffee, "#4060a0")
    wanted = srgb_to_lab(np.float32([0x40, 0x60, 0xA0]) / 255)[1:]
    assert np.linalg.norm(mean_ab(coffee) - wanted) < 0.3 * np.linalg.norm(plain - wanted)
    expect(chips).to_have_attribute("aria-label", "Palette colour #4060a0, weight 1")

    add_color(coffee, "#e8d8b0")
    expect(chips).to_have_count(2)
    page.keyboard.press("Enter")  # the new colour has the focus
    coffee.tab_to("#weight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    expect(chips.nth(1)).to_have_attribute("aria-label", "Palette colour #e8d8b0, weight 2")
    expect(chips.nth(1)).to_be_focused()

    page.keyboard.press("Delete")
    expect(chips).to_have_count(1)
    expect(chips.first).to_be_focused()
    page.locator("#undo").click()
    expect(chips).to_have_count(2)
    page.locator("#palette-clear").click()
    expect(chips).to_have_count(0)
    expect(page.locator("#palette-add")).to_be_focused()
    coffee.settle()
    np.testing.assert_allclose(mean_ab(coffee), plain, atol=1e-3)


def test_the_picker_of_a_palette_colour_shows_every_lightness_and_no_place(coffee: Desk) -> None:
    page = coffee.page
    page.locator("#palette-add").click()
    for shown, name in ((True, "lightness"), (True, "weight"), (False, "dab-size")):
        expect(page.locator(f"#{name}")).to_be_visible(visible=shown)
    expect(page.locator("#suggested")).to_be_hidden()
    page.locator("#hex").fill("#2a6f4e")
    page.locator("#hex").press("Enter")
    page.locator("#lightness").fill("80")
    lab = srgb_to_lab(
        np.frombuffer(bytes.fromhex(page.locator("#hex").input_value()[1:]), np.uint8) / 255
    )
    assert abs(lab[0] - 80) < 1
    page.locator("#lightness").fill("0")
    page.locator("#lightness").fill("42")
    expect(page.locator("#hex")).not_to_have_value("#646464")  # black took no hue away
    page.locator("#dab-delete").click()
    expect(page.locator("#palette-list .chip")).to_have_count(0)


def test_six_colours_at_most(coffee: Desk) -> None:
    for _ in range(6):
        coffee.page.locator("#palette-add").click()
        coffee.page.keyboard.press("ArrowLeft")
        coffee.page.keyboard.press("Escape")
    expect(coffee.page.locator("#palette-add")).to_be_disabled()


def test_a_result_brings_its_palette_back(coffee: Desk, browser: Browser, address: str) -> None:
    add_color(coffee, "#4060a0")
    name, made = coffee.download()
    settings = json.loads(Image.open(BytesIO(made)).text["photochrom"])  # type: ignore[attr-defined]
    assert settings["palette"] == [{"color": "#4060a0", "weight": 1}]
    coffee.page.locator("#copy-command").click()
    expect(coffee.page.locator("#status")).to_have_text("Copied.")
    copied = coffee.page.evaluate("navigator.clipboard.readText()")
    assert "--palette '#4060a0:1'" in copied
    with desk(browser, address) as other:  # this one's browser keeps the photo with its palette
        other.add((name, made), ("coffee.png", grey_photo("coffee", 300)))
        other.settle()
        chip = other.page.locator("#palette-list .chip")
        expect(chip).to_have_attribute("aria-label", "Palette colour #4060a0, weight 1")
        assert other.download()[1] == made
