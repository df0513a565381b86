"""The server's notices in a German page on a telephone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from models.guidance.languages.reader import read_description
from models.guidance.things import not_found
from plugin_server.config import Config
from plugin_server.service import Service
from tests.support.chromium import needs_chromium, serving_in_thread
from tests.support.fakes import FakeClip, FakeColorizer

pytestmark = [pytest.mark.browser, needs_chromium]


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    with (
        serving_in_thread(Service(FakeColorizer(), FakeClip()), Config(port=0)) as address,
        browser.new_context(locale="de-DE", viewport={"width": 390, "height": 844}) as context,
    ):
        opened = context.new_page()
        opened.goto(address)
        yield opened


def said(page: Page, notice: str) -> str:
    call = '(notice) => import("/web/notices.js").then((m) => m.inPageLanguage(notice))'
    return str(page.evaluate(call, notice))


def test_readings_are_told_in_the_pages_language(page: Page) -> None:
    rot, unknown = read_description(
        "ein rotes Kleit und eine Quaste", knows=lambda _: False
    ).notices
    assert said(page, rot) == "Ihre Beschreibung wurde so gelesen: a red Kleit and a Quaste"
    assert '"Kleit" ("kleid"?), "Quaste". Nehmen Sie' in said(page, unknown)
    (mended,) = read_description("a red dres", knows=lambda _: False).notices
    assert said(page, mended) == "„dres“ wurde als „dress“ gelesen."
    assert "sieht aus wie „red hat“" in said(page, not_found("red hat"))
    many = read_description(
        " ".join(f"qwx{c * 3}" for c in "abcdefghijkl"), "de", knows=lambda _: False
    )
    assert ", +4. Nehmen Sie" in said(page, many.notices[-1])


def test_other_notices_stay_as_they_came(page: Page) -> None:
    assert said(page, "EXIF was left out") == "EXIF was left out"


def test_the_page_is_no_wider_than_the_telephone(page: Page) -> None:
    assert page.evaluate("document.documentElement.lang") == "de"
    page.evaluate(
        """import("/web/messages.js").then(({ Messages }) => new Messages().note(
            ["The German description was read as: " + "Donaudampfschifffahrt".repeat(5)]))"""
    )
    page.locator("#notices p").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
