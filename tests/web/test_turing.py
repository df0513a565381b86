"""The blind test in a browser: it asks by itself, tells nothing beforehand, and counts right."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect
from scipy.stats import binomtest

from models.evaluation.page import data_url
from models.evaluation.results import Pictures
from models.evaluation.turing import ROWS, turing_page
from tests.support.chromium import needs_chromium
from tests.web.test_accessibility import complaints

pytestmark = [pytest.mark.browser, needs_chromium]
COUNT = 9


def photo(number: int) -> Pictures:
    generator = np.random.default_rng(number)
    original, coloured = generator.integers(0, 256, (2, 24, 32, 3), np.uint8)
    name = f"secret-file-{number}"
    return Pictures(name, "", {"original": original, "none": coloured}, f"{name}.jpg")


PHOTOS = [photo(number) for number in range(COUNT)]
TRUTH = {
    data_url(picture, height=ROWS): (number, "original" if name == "original" else "coloured")
    for number, shown in enumerate(PHOTOS)
    for name, picture in shown.pictures.items()
}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("turing") / "blind.html"
    path.write_text(turing_page(PHOTOS), "utf-8")
    return path


@contextmanager
def opened(
    browser: Browser, file: Path, *, width: int = 1280, dark: bool = False
) -> Iterator[Page]:
    """Open the page from its file; it makes no error and asks for nothing else."""
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme="dark" if dark else "light"
    )
    page = context.new_page()
    errors: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(file.as_uri())
    try:
        yield page
        assert errors == []
        assert [r for r in requests if not r.startswith(("data:", "blob:"))] == [file.as_uri()]
    finally:
        context.close()


def start(page: Page) -> None:
    page.get_by_role("button", name="Start").click()


def truth(page: Page) -> tuple[int, str]:
    """Return which photo shows, and what it is: this test knows its pixels."""
    source = page.locator("#photo").get_attribute("src")
    assert source is not None
    return TRUTH[source]


def answer_all(page: Page, called_original: int) -> list[tuple[int, str]]:
    """Call so many of the coloured ones original, and every true original so."""
    seen = []
    for turn in range(COUNT):
        expect(page.locator("#progress")).to_have_text(f"Photo {turn + 1} of {COUNT}")
        seen.append(truth(page))
        coloured = sum(what == "coloured" for _, what in seen)
        says = (
            "Coloured" if seen[-1][1] == "coloured" and coloured > called_original else "Original"
        )
        if turn % 2:
            page.get_by_role("button", name=says).click()
        else:
            page.keyboard.press("ArrowLeft" if says == "Original" else "c")
    return seen


def test_each_photo_shows_once_and_half_are_coloured(browser: Browser, file: Path) -> None:
    orders = set()
    for _ in range(3):
        with opened(browser, file) as page:
            start(page)
            seen = answer_all(page, 0)
            assert sorted(number for number, _ in seen) == list(range(COUNT))
            assert sum(what == "coloured" for _, what in seen) == COUNT // 2
            orders.add(tuple(seen))
    assert len(orders) > 1


def test_nothing_tells_before_the_answer(browser: Browser, file: Path) -> None:
    source = file.read_text("utf-8")
    assert "secret-file" not in source
    with opened(browser, file) as page:
        start(page)
        looks = set()
        kinds = set()
        for turn in range(COUNT):
            kinds.add(truth(page)[1])
            assert page.locator("#photo").get_attribute("alt") == f"Photo {turn + 1} of {COUNT}"
            markup = page.evaluate("document.querySelector('main').outerHTML")
            markup = re.sub(r'src="[^"]*"', "", markup)
            looks.add(re.sub(r"Photo \d+ of \d+", "", markup))
            page.keyboard.press("o")
        assert kinds == {"original", "coloured"}
        assert len(looks) == 1  # what shows, pixels aside, is the same for both


def test_the_versions_are_encoded_alike_and_their_place_says_nothing() -> None:
    import base64

    data = re.search(r'id="data">([^<]*)<', turing_page(PHOTOS * 10))
    assert data is not None
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", data[1])
    items = json.loads(base64.b64decode(data[1]))
    first = [TRUTH[item["pictures"][0]][1] for item in items]
    assert 20 < first.count("original") < 70
    assert {key for item in items for key in item} == {"pictures", "size", "mask", "mark"}


def test_the_answers_are_counted_and_can_be_saved(browser: Browser, file: Path) -> None:
    with opened(browser, file) as page:
        page.keyboard.press("o")  # before the start it counts nothing
        start(page)
        seen = answer_all(page, 1)
        page.keyboard.press("c")  # nor after the end
        expect(page.locator("#verdict")).to_contain_text("1 of 4 coloured photos fooled you: 25 %")
        with page.expect_download() as waiting:
            page.get_by_role("link", name="Save the answers").click()
        assert waiting.value.suggested_filename == "photochrom-turing.json"
        saved = json.loads(waiting.value.path().read_text("utf-8"))
    assert [(one["photo"], one["truth"]) for one in saved["answers"]] == seen
    assert saved["photos"] == COUNT
    assert saved["right"] == COUNT - 1
    for truth_of, called in (("coloured", 1), ("original", 5)):
        counted = saved[truth_of]
        assert counted["called_original"] == called
        wilson = binomtest(called, counted["shown"]).proportion_ci(method="wilson")
        assert counted["interval_95"] == pytest.approx([wilson.low, wilson.high], abs=1e-5)


def test_once_more_begins_anew(browser: Browser, file: Path) -> None:
    with opened(browser, file) as page:
        start(page)
        answer_all(page, 0)
        page.get_by_role("button", name="Once more").click()
        answer_all(page, 2)
        expect(page.locator("#verdict")).to_contain_text("2 of 4")


@pytest.mark.parametrize(("width", "dark"), [(360, False), (1280, True)])
def test_it_is_for_everybody(browser: Browser, file: Path, width: int, dark: bool) -> None:
    with opened(browser, file, width=width, dark=dark) as page:
        for act in (lambda: None, lambda: start(page), lambda: answer_all(page, 1)):
            act()
            assert complaints(page, colours_alone=dark) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
