"""The page as it is delivered: the command, its weights, a library of real photos."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from tests.support.chromium import desk, grey_photo, needs_chromium
from tests.support.repository import ROOT
from tests.web.test_offline import CAN_UNSHARE

HAS_NETWORK = [name for _, name in socket.if_nameindex()] != ["lo"]
pytestmark = [
    pytest.mark.browser,
    needs_chromium,
    pytest.mark.skipif(
        CAN_UNSHARE and HAS_NETWORK, reason="test_offline.py runs it, where there is no network"
    ),
]

PHOTOCHROM = [sys.executable, "-c", "from plugin_server.cli import main; main()"]


@dataclass(frozen=True)
class Served:
    """A running server and its library's folder."""

    address: str
    library: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
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
            yield Served(found.group(), library)
        finally:
            server.terminate()


def test_load_describe_dab_exemplar_compare_download_and_repeat(
    browser: Browser, served: Served, tmp_path: Path
) -> None:
    with desk(browser, served.address) as opened:
        page = opened.page
        original = ("coffee.png", grey_photo("coffee", 1300))
        opened.add(original)
        opened.settle()
        guess = opened.shown()
        assert np.ptp(guess.astype(int), axis=2).mean() > 5
        opened.describe("a blue cup on a saucer")
        assert np.abs(opened.shown().astype(int) - guess).mean() > 1

        page.locator("#find").click()
        expect(page.locator(".exemplar").first).to_be_visible()
        page.locator(".exemplar").first.click()
        expect(page.locator("#reference-name")).to_have_text(re.compile("coffee"))
        opened.settle()
        page.locator("#viewport").focus()
        page.keyboard.press("Enter")
        page.locator("#suggested button").last.click()
        page.keyboard.press("Escape")
        opened.settle()
        page.locator("#unsure").click()
        expect(page.locator("#unsure-layer")).to_have_attribute("width", "1400")
        page.locator("#mode-split").click()
        expect(page.locator("#divider")).to_be_visible()

        name, data = opened.download()
        page.get_by_role("button", name="Copy as command line").click()
        expect(page.locator("#status")).to_have_text("Copied.")
        command = page.evaluate("navigator.clipboard.readText()")
        (tmp_path / original[0]).write_bytes(original[1])
        tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PATH": tools, "PHOTOCHROM_LIBRARY": served.library}
        subprocess.run(["bash", "-c", command], cwd=tmp_path, env=environment, check=True)
        assert (tmp_path / name).read_bytes() == data
        page.reload()
        opened.add((name, data), original)
        expect(page.locator(".frame")).to_have_count(2)  # that which the browser kept stands there
        opened.settle()
        expect(page.locator("#notices")).to_be_empty()
        assert opened.download() == (name, data)
