"""The report in a browser: for everybody, light and dark, wide and narrow, from its file."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser
from skimage import data

from models.evaluation.comparison import compare
from models.evaluation.evaluate import evaluate
from models.evaluation.figures import summary
from models.evaluation.page import html_page
from models.evaluation.references import evaluate_references
from models.photos import Photo
from tests.support.chromium import needs_chromium
from tests.support.fakes import FakeClip, FakeColorizer
from tests.web.test_accessibility import complaints
from tests.web.test_turing import opened

pytestmark = [pytest.mark.browser, needs_chromium]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    photos = [
        Photo("cat", data.chelsea()[::8, ::8], ("a red cat",), "here"),
        Photo("cup", data.coffee()[::10, ::10], ("a cup of coffee on a table",), "there"),
    ]
    clip, colorizer = FakeClip(), FakeColorizer()
    *_, result = evaluate(photos, colorizer=colorizer, clip=clip)
    *_, matched = evaluate_references(
        photos, photos, colorizer=colorizer, clip=clip, keep_pictures=1
    )
    figures = summary(result, {"photos": 2}, matched)
    side_by_side = compare({f"model {i}": figures for i in range(6)})
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(html_page(figures, result, matched, side_by_side), "utf-8")
    return path


@pytest.mark.parametrize(("width", "dark"), [(360, False), (1280, True)])
def test_it_is_for_everybody(browser: Browser, file: Path, width: int, dark: bool) -> None:
    with opened(browser, file, width=width, dark=dark) as page:
        assert complaints(page, colours_alone=dark) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        broken = "[...document.images].filter(i => !i.complete || !i.naturalWidth).length"
        page.evaluate("for (const i of document.images) i.loading = 'eager'")
        page.wait_for_function(f"{broken} === 0")


def test_the_page_runs_no_script(browser: Browser, file: Path) -> None:
    with opened(browser, file) as page:
        assert page.locator("script").count() == 0
        page.get_by_role("link", name="Charts").click()
        assert page.locator("#charts").evaluate("e => e.getBoundingClientRect().top") < 400
