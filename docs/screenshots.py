"""Draw the web page's screenshots and a contact sheet, with the weights that are installed.

They are docs/images/web-*.png and batch-sheet.jpg.

python docs/screenshots.py
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import skimage.data
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, expect, sync_playwright

IMAGES = Path(__file__).parent / "images"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
COLOURS = 256  # of the palette, so that a screenshot stays below 200 kB
TIMEOUT = 120_000
# Around the flag behind the astronaut, as shares of the photo's width and height.
FLAG = (
    (0.004, 0.004),
    (0.09, 0.004),
    (0.13, 0.19),
    (0.185, 0.44),
    (0.145, 0.48),
    (0.115, 0.56),
    (0.07, 0.6),
    (0.004, 0.58),
)


@contextmanager
def server() -> Iterator[str]:
    """Serve a library of the free photos that come with scikit-image; give the address."""
    program = [sys.executable, "-m", "plugin_server"]
    with tempfile.TemporaryDirectory() as library:
        subprocess.run([*program, "library", "add", "--samples", "--library", library], check=True)
        command = [*program, "serve", "--port", "0", "--library", library]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                found = re.search(r"http://\S+", process.stdout.readline())
                assert found is not None
                yield found.group()
            finally:
                process.terminate()


def grey(name: str, side: int) -> FilePayload:
    """Make a grey PNG of one of scikit-image's photos."""
    picture = Image.fromarray(getattr(skimage.data, name)()).convert("L")
    size = (side, round(side * picture.height / picture.width))
    file = io.BytesIO()
    picture.resize(size, Image.Resampling.BICUBIC).save(file, "PNG")
    return {"name": f"{name}.png", "mimeType": "image/png", "buffer": file.getvalue()}


# Photos of scikit-image as an archive names them, and what is said of them.
ARCHIVE = {
    "1960s/launch-0413.jpg": ("rocket", "a rocket before a blue evening sky"),
    "1960s/portrait-0412.png": ("astronaut", "an astronaut in an orange suit in front of a flag"),
    "cameraman.png": ("camera", "a man with a camera on a green lawn"),
    "pets/chelsea.tif": ("chelsea", ""),
    "table.png": ("coffee", "a red cup of coffee on a wooden table"),
}


def settle(page: Page) -> None:
    """Wait for the result of what is asked."""
    page.wait_for_timeout(300)
    status = re.compile("^(Preview|Full size)")
    expect(page.locator("#status")).to_have_text(status, timeout=TIMEOUT)


def shoot(page: Page, name: str) -> None:
    """Save what shows with few colours."""
    page.wait_for_timeout(500)  # decoding and fading end
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    reduced = picture.quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    path = IMAGES / f"web-{name}.png"
    reduced.save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size:,} bytes")


def draw(page: Page) -> None:
    """Go through the page as its users do."""
    page.get_by_label("Photo").set_input_files(
        [grey("chelsea", 900), grey("astronaut", 900), grey("coffee", 1600)]
    )
    expect(page.locator(".frame")).to_have_count(3, timeout=TIMEOUT)
    settle(page)
    page.locator(".frame").nth(1).click()
    page.get_by_label("Description").fill("an astronaut in an orange suit in front of a flag")
    settle(page)
    page.get_by_label("Description").blur()
    page.locator("#mode-split").click()
    page.wait_for_timeout(3000)  # the rest of the strip
    shoot(page, "divider")
    page.locator("#mode-result").click()
    page.get_by_label("Description").fill("an astronaut in a blue suit")
    settle(page)
    for box in page.locator(".mark input").all():
        box.check()
    page.locator("#mode-side").click()
    shoot(page, "side")
    page.locator("#mode-result").click()
    sheet = page.locator("#sheet").bounding_box()
    assert sheet is not None
    page.mouse.click(sheet["x"] + 0.25 * sheet["width"], sheet["y"] + 0.75 * sheet["height"])
    settle(page)
    expect(page.locator("#suggested button").first).to_be_visible(timeout=TIMEOUT)
    shoot(page, "dab")


def draw_region(page: Page) -> None:
    """Draw around the flag and give it words, beside a thing that is not in the photo."""
    page.get_by_label("Photo").set_input_files([grey("astronaut", 512)])
    settle(page)
    page.get_by_label("Description").fill("a woman in an orange suit with a purple elephant")
    settle(page)
    expect(page.locator("#thing-list > li")).to_have_count(2, timeout=TIMEOUT)
    page.locator("#tool-region").click()
    page.locator("#shape-lasso").click()
    sheet = page.locator("#sheet").bounding_box()
    assert sheet is not None
    for at, (across, down) in enumerate(FLAG):
        page.mouse.move(sheet["x"] + across * sheet["width"], sheet["y"] + down * sheet["height"])
        if at == 0:
            page.mouse.down()
    page.mouse.up()
    page.get_by_label("What is in region 1").fill("a blue flag")
    settle(page)
    shoot(page, "region")


def draw_contact_sheet(browser: Browser) -> None:
    """Colour a folder with a file that is cut off, and take a picture of the contact sheet."""
    with tempfile.TemporaryDirectory() as folder:
        scans, coloured = Path(folder, "scans"), Path(folder, "coloured")
        for name, (photo, description) in ARCHIVE.items():
            path = scans / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.open(io.BytesIO(grey(photo, 900)["buffer"])).save(path)
            if description:
                path.with_suffix(".txt").write_text(description, "utf-8")
        (scans / "torn.tif").write_bytes((scans / "pets/chelsea.tif").read_bytes()[:6])
        sheet = coloured / "sheet.html"
        program = (sys.executable, "-m", "plugin_server", "colorize")
        arguments = (scans, "-o", coloured, "-r", "--contact-sheet", sheet)
        subprocess.run([*program, *map(str, arguments)], check=False)  # one file is cut off
        page = browser.new_page(viewport={"width": 1080, "height": 850})
        page.goto(sheet.as_uri())
        shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        shot.save(IMAGES / "batch-sheet.jpg", quality=85)


def main() -> None:
    """Draw every screenshot."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        sys.exit("no Chromium on PATH: `make chromium` installs Debian's")
    IMAGES.mkdir(exist_ok=True)
    with server() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=[*FLAGS])
        page = browser.new_page(viewport={"width": 1280, "height": 760})
        page.goto(address)
        draw(page)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(address)
        draw_region(page)
        page = browser.new_page(viewport={"width": 360, "height": 740}, color_scheme="dark")
        page.goto(address)
        page.get_by_label("Photo").set_input_files([grey("coffee", 1600)])
        page.get_by_label("Description").fill("a red cup on a wooden table")
        settle(page)
        page.get_by_label("Description").blur()
        shoot(page, "narrow")
        draw_contact_sheet(browser)
        browser.close()


if __name__ == "__main__":
    main()
