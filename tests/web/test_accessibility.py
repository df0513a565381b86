"""The page for everybody: axe-core's rules, narrow and huge screens, both themes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

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
AXE = Axe().axe_script
WIDTHS = {360: 740, 1280: 800, 3840: 2160}
# Whether all of an element lies in the window.
INSIDE = """selector => {
    const box = document.querySelector(selector)?.getBoundingClientRect();
    return box?.width > 0 && box.left >= 0 && box.top >= 0
        && box.right <= innerWidth && box.bottom <= innerHeight;
}"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving_in_thread(Service(FakeColorizer(), FakeClip()), Config(port=0)) as started:
        yield started


def complaints(page: Page, *, colours_alone: bool = False) -> list[str]:
    """Return the violations of axe-core that hinder somebody: serious and critical ones.

    A theme changes the colours alone: what else there is, another theme's test has seen.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    options = {"runOnly": ["color-contrast"]} if colours_alone else {}
    run = "options => axe.run({ resultTypes: ['violations'], ...options })"
    found = page.evaluate(run, options)["violations"]
    return [
        f"{violation['id']}: {node['html']} {node['failureSummary']}"
        for violation in found
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


def work_on(opened: Desk) -> None:
    """Open two photos, describe one, put a dab, mark the results."""
    opened.add(("chelsea.png", grey_photo("chelsea", 200)), ("coffee.png", grey_photo("coffee")))
    expect(opened.page.locator(".frame")).to_have_count(2)
    opened.settle()
    opened.describe("a red cup")
    opened.page.locator("#viewport").focus()
    opened.page.keyboard.press("Enter")
    expect(opened.page.locator("#suggested button").first).to_be_visible()
    opened.settle()
    opened.page.keyboard.press("Escape")
    opened.page.locator("#palette-add").click()
    expect(opened.page.locator("#palette-list .chip")).to_have_count(0)  # none is chosen yet
    opened.page.locator("#hex").fill("#4060a0")
    opened.page.locator("#hex").press("Enter")
    opened.settle()
    opened.page.keyboard.press("Escape")
    for box in opened.page.locator(".mark input").all():
        box.check()


def test_axe_would_complain(browser: Browser, address: str) -> None:
    with desk(browser, address) as opened:
        opened.page.evaluate("document.getElementById('description').placeholder = ''")
        opened.page.evaluate("document.querySelector('label[for=description]').remove()")
        assert any("description" in complaint for complaint in complaints(opened.page))


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_serious(browser: Browser, address: str, dark: bool) -> None:
    with desk(browser, address, dark=dark) as opened:
        page = opened.page
        assert complaints(page, colours_alone=dark) == []
        work_on(opened)
        assert complaints(page, colours_alone=dark) == []
        for chip in ("#dab-list .chip", "#palette-list .chip"):
            page.locator(chip).click()
            assert complaints(page, colours_alone=dark) == []
        page.keyboard.press("Escape")
        for mode in ("#mode-split", "#mode-side", "#tool-area", "#unsure"):
            page.locator(mode).click()
            assert complaints(page, colours_alone=dark) == []


def test_the_theme_switch_wins_over_the_system_and_is_remembered(
    browser: Browser, address: str
) -> None:
    background = "() => getComputedStyle(document.body).backgroundColor"
    with desk(browser, address) as opened:
        light = opened.page.evaluate(background)
        opened.page.get_by_label("Theme").select_option("Dark")
        dark = opened.page.evaluate(background)
        assert dark != light
        opened.reload()
        assert opened.page.evaluate(background) == dark
        expect(opened.page.get_by_label("Theme")).to_have_value("dark")


@pytest.mark.parametrize("width", WIDTHS)
def test_everything_fits_the_width(browser: Browser, address: str, width: int) -> None:
    with desk(browser, address, width=width, height=WIDTHS[width]) as opened:
        work_on(opened)
        page = opened.page
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        sheet = page.locator("#sheet").bounding_box()
        assert sheet is not None
        assert sheet["x"] >= 0
        assert sheet["x"] + sheet["width"] <= width
        assert sheet["width"] > 0.4 * width  # the photo is what the page is about
        outside = page.evaluate(
            """() => [...document.querySelectorAll("#panel button, #panel input, #panel textarea")]
                .filter((one) => one.checkVisibility() && !one.classList.contains("sr"))
                .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
                .map((one) => one.id)"""
        )
        assert outside == []


def test_a_shadow_tells_that_the_toolbar_goes_on(browser: Browser, address: str) -> None:
    with desk(browser, address, width=390, height=844) as opened:
        opened.add(("coffee.png", grey_photo("coffee", 200)))
        opened.settle()
        tools = opened.page.locator("#tools")
        assert tools.evaluate("(one) => one.scrollWidth > one.clientWidth")
        assert "gradient" in tools.evaluate("(one) => getComputedStyle(one).backgroundImage")
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("width", WIDTHS)
def test_the_picker_stays_inside_the_window_and_so_does_a_download(
    browser: Browser, address: str, width: int
) -> None:
    with desk(browser, address, width=width, height=WIDTHS[width]) as opened:
        page = opened.page
        opened.add(("a-name-that-is-longer-than-most.png", grey_photo("coffee", 1100)))
        opened.settle()
        page.locator("#viewport").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#suggested button").first).to_be_visible()
        page.locator("#hex").fill("#ffff00")
        page.locator("#hex").press("Enter")
        expect(page.locator("#picker-note")).to_contain_text("#ffff00 becomes")
        page.wait_for_function(INSIDE, arg="#dab-done")
        page.keyboard.press("Escape")
        page.route("**/v1/jobs", lambda route: None)  # never answered
        page.get_by_role("button", name="Download").click()
        page.wait_for_function(INSIDE, arg="#downloads button")
        page.locator("#downloads button").click()


def test_every_control_that_has_the_focus_shows_it(browser: Browser, address: str) -> None:
    with desk(browser, address) as opened:
        work_on(opened)
        page = opened.page
        seen, unseen = set(), []
        for _ in range(60):
            page.keyboard.press("Tab")
            name, outline = page.evaluate(
                """() => {
                    const one = document.activeElement, style = getComputedStyle(one);
                    return [one.tagName === "BODY" ? "BODY" : one.id || one.className,
                        style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth)];
                }"""
            )
            seen.add(name)
            if outline < 2 and name != "BODY":
                unseen.append(name)
        assert unseen == []
        assert len(seen) > 20
