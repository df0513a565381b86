"""The page as it is delivered: the command, its weights, a library of real photos."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from chromium import PATIENCE, chromium, desk, grey_photo, needs_chromium
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, needs_chromium]

PHOTOCHROM = [sys.executable, "-c", "from plugin_server.cli import main; main()"]
ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Make a library of the photos that come with scikit-image, and serve it."""
    library = str(tmp_path_factory.mktemp("library"))
    adding = [*PHOTOCHROM, "library", "add", "--samples", "--library", library]
    subprocess.run(adding, cwd=ROOT, check=True, capture_output=True, timeout=300)
    command = [*PHOTOCHROM, "serve", "--port", "0", "--library", library]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        try:
            assert server.stdout is not None
            first = server.stdout.readline()
            found = re.search(r"http://\S+", first)
            assert found, f"the server did not start: {first!r}"
            yield found.group()
        finally:
            server.terminate()


def test_load_describe_dab_exemplar_compare_download_and_repeat(address: str) -> None:
    with chromium() as browser, desk(browser, address) as opened:
        page = opened.page
        original = ("coffee.png", grey_photo("coffee", 1300))
        opened.add(original)
        opened.settle()
        guess = opened.shown()
        assert np.ptp(guess.astype(int), axis=2).mean() > 5
        opened.describe("a blue cup on a saucer")
        assert np.abs(opened.shown().astype(int) - guess).mean() > 1

        page.locator("#find").click()
        expect(page.locator(".exemplar").first).to_be_visible(timeout=PATIENCE)
        page.locator(".exemplar").first.click()
        expect(page.locator("#reference-name")).to_have_text(re.compile("coffee"))
        opened.settle()
        page.locator("#viewport").focus()
        page.keyboard.press("Enter")
        page.locator("#suggested button").last.click()
        page.keyboard.press("Escape")
        opened.settle()
        page.locator("#unsure").click()
        expect(page.locator("#unsure-layer")).to_have_attribute("width", "1400", timeout=PATIENCE)
        page.locator("#mode-split").click()
        expect(page.locator("#divider")).to_be_visible()

        name, data = opened.download()
        page.reload()
        opened.add((name, data), original)
        opened.settle()
        expect(page.locator("#notices")).to_be_empty()
        assert opened.download() == (name, data)
