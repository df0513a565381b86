"""From key press to refreshed preview: how long a person waits, and for what.

Starts the real server with the real weights, opens the page in a headless Chromium, types
descriptions into it, and takes the time from the last key press until the browser has painted the
new preview. The share that is spent outside the server is the rest of the time: the pause that
tells that typing has settled, the browser, the way there and back. Prints a table on stderr and
JSON on stdout.

    python -m benchmarks.preview
    python -m benchmarks.preview --repeat 30 --side 6000 --json out/preview.json
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import skimage.data
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright
from rich.console import Console
from rich.table import Table

from benchmarks.served import served

WORDS = ("red", "blue", "green", "white", "yellow", "orange", "purple", "pink", "brown", "black")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
TIMEOUT = 120_000  # milliseconds
# Notes the time of every key press, and of the first paint after the picture has changed.
WATCH = """() => {
    const picture = document.getElementById("picture");
    window.keyAt = 0;
    window.paints = [];
    document.getElementById("description").addEventListener(
        "input", () => (window.keyAt = performance.now()), true);
    new MutationObserver(async () => {
        await picture.decode().catch(() => null);
        requestAnimationFrame(() => setTimeout(() => window.paints.push(performance.now())));
    }).observe(picture, { attributes: true, attributeFilter: ["src"] });
}"""


@dataclass(frozen=True, slots=True)
class Wait:
    """One preview, in milliseconds; ``server`` is its own measure of the whole request."""

    total: float
    server: float

    @property
    def outside(self) -> float:
        """The share of the time that the server had no part in."""
        return 1 - self.server / self.total


@contextmanager
def browser_page() -> Iterator[Page]:
    """Start the browser that is installed."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise click.ClickException("no Chromium on PATH: `make chromium` installs Debian's")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=[*FLAGS])
        try:
            yield browser.new_page(viewport={"width": 1440, "height": 900})
        finally:
            browser.close()


def photo(side: int) -> bytes:
    """Make a grey PNG of a real photograph with this long side."""
    picture = Image.fromarray(skimage.data.coffee()).convert("L")
    size = (side, round(side * picture.height / picture.width))
    file = io.BytesIO()
    picture.resize(size, Image.Resampling.BICUBIC).save(file, "PNG")
    return file.getvalue()


def measure(page: Page, number: int, word: str) -> Wait:
    """Type a description letter by letter and wait until its preview is painted."""
    text = f"a {word} cup number {number} on a table"
    before = page.evaluate("window.paints.length")
    field = page.get_by_label("Description")
    field.fill(text[:-1])
    settle(page)
    while page.evaluate("window.paints.length") == before:
        page.wait_for_timeout(20)
    before = page.evaluate("window.paints.length")
    with page.expect_response("**/v1/colorize", timeout=TIMEOUT) as waiting:
        field.press_sequentially(text[-1])
    while page.evaluate("window.paints.length") == before:
        page.wait_for_timeout(20)
    total = page.evaluate("window.paints.at(-1) - window.keyAt")
    timing = re.search(r"total;dur=([\d.]+)", waiting.value.headers["server-timing"])
    assert timing is not None
    return Wait(total, float(timing.group(1)))


def settle(page: Page) -> None:
    """Wait until the page says that the preview is there; that of a small photo is all of it."""
    expect(page.locator("#status")).to_have_text(
        re.compile("^(Preview|Full size)"), timeout=TIMEOUT
    )


def quantile(values: list[float], share: float) -> float:
    """Return the smallest value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


@click.command()
@click.option("--repeat", default=20, show_default=True, type=click.IntRange(1))
@click.option("--side", default=4000, show_default=True, help="The photo's long side, in pixels.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write the JSON.")
def main(repeat: int, side: int, json_file: Path | None) -> None:
    """Measure the time from a key press to the refreshed preview."""
    with served() as server, browser_page() as page:
        page.goto(server.address)
        file = {"name": "coffee.png", "mimeType": "image/png", "buffer": photo(side)}
        page.get_by_label("Photo").set_input_files([file])
        settle(page)
        page.evaluate(WATCH)
        waits = [measure(page, at, WORDS[at % len(WORDS)]) for at in range(repeat)]
    totals, servers = [wait.total for wait in waits], [wait.server for wait in waits]
    report = {
        "photo": f"{side} pixels on the long side",
        "previews": repeat,
        "p50 ms": round(quantile(totals, 0.5)),
        "p95 ms": round(quantile(totals, 0.95)),
        "server p50 ms": round(quantile(servers, 0.5)),
        "server p95 ms": round(quantile(servers, 0.95)),
        "share outside the server": round(statistics.median(wait.outside for wait in waits), 3),
        "load": [round(load, 1) for load in os.getloadavg()],
        "waits": [asdict(wait) for wait in waits],
    }
    console = Console(stderr=True)
    table = Table("", "", title="From key press to refreshed preview", show_header=False)
    for name, value in report.items():
        if name != "waits":
            table.add_row(name, str(value))
    console.print(table)
    text = json.dumps(report, indent=2)
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(text, "utf-8")
    click.echo(text)


if __name__ == "__main__":
    main()
