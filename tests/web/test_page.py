"""The web page as its users meet it, in a real browser: by mouse, and by keyboard alone."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
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
from tests.support.fakes import FakeClip, FakeColorizer, HeldColorizer

pytestmark = [pytest.mark.browser, needs_chromium]
# Waits until the browser's own storage has so many dabs and results.
KEPT = """async (wanted) => {
    const { Shelf } = await import("/web/shelf.js");
    const shelf = await Shelf.open();
    for (;;) {
        const photos = await shelf.all();
        const count = (of) => photos.reduce((sum, photo) => sum + of(photo).length, 0);
        const kept = [count(({ edit }) => edit?.hints ?? []), count(({ results }) => results)];
        if (String(kept) === String(wanted)) return;
        await new Promise(requestAnimationFrame);
    }
}"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving_in_thread(Service(FakeColorizer(), FakeClip()), Config(port=0)) as started:
        yield started


@pytest.fixture
def opened(browser: Browser, address: str) -> Iterator[Desk]:
    with desk(browser, address) as page:
        yield page


@pytest.fixture
def coffee(opened: Desk) -> Desk:
    """Return the page with a photo of 300 x 200 pixels."""
    opened.add(("coffee.png", grey_photo("coffee", 300)))
    opened.settle()
    return opened


@pytest.fixture
def large(opened: Desk) -> Desk:
    """Return the page with a photo that is larger than its previews: 1200 x 800 pixels."""
    opened.add(("coffee.png", grey_photo("coffee", 1200)))
    opened.settle()
    return opened


def drop(page: Desk, *files: tuple[str, bytes], event: str = "drop") -> None:
    """Drop or paste files, as the browser would tell the page."""
    page.page.evaluate(
        """([files, event]) => {
            const transfer = new DataTransfer();
            for (const [name, text] of files) {
                const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
                transfer.items.add(new File([bytes], name));
            }
            const kind = event === "drop" ? DragEvent : ClipboardEvent;
            document.body.dispatchEvent(new kind(event, {
                dataTransfer: transfer, clipboardData: transfer, bubbles: true, cancelable: true,
            }));
        }""",
        [[[name, base64.b64encode(data).decode()] for name, data in files], event],
    )


def click_photo(page: Desk, across: float, down: float) -> None:
    """Click at a share of the photo's width and height."""
    box = page.page.locator("#sheet").bounding_box()
    assert box is not None
    page.page.mouse.click(box["x"] + across * box["width"], box["y"] + down * box["height"])


def grey_pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("L"))


def test_a_photo_is_coloured_and_its_description_changes_the_colours(large: Desk) -> None:
    plain = large.shown()
    assert max(plain.shape) == 1024
    assert np.ptp(plain.astype(int), axis=2).mean() > 5
    large.describe("a red cup")
    described = large.shown()
    assert np.abs(plain.astype(int) - described).mean() > 2


def test_words_that_were_there_before_the_photo_are_for_it(opened: Desk) -> None:
    opened.page.get_by_label("Description").fill("a red cup")
    opened.add(("coffee.png", grey_photo("coffee", 300)))
    opened.settle()
    expect(opened.page.get_by_label("Description")).to_have_value("a red cup")
    expect(opened.page.locator("#results .result").first).to_contain_text("a red cup")
    opened.page.locator("#undo").click()
    expect(opened.page.get_by_label("Description")).to_have_value("")


def test_nothing_is_asked_of_any_other_host(coffee: Desk, address: str) -> None:
    assert len(coffee.requests) > 10
    elsewhere = [url for url in coffee.requests if not url.startswith((f"{address}/", "blob:"))]
    assert elsewhere == []


def test_the_labels_are_the_contracts_and_no_other_control_has_them(opened: Desk) -> None:
    expect(opened.page.get_by_label("Photo")).to_have_count(1)
    expect(opened.page.get_by_label("Description")).to_have_count(1)


def test_a_dab_takes_a_suggested_colour_and_can_be_undone_and_redone(coffee: Desk) -> None:
    before = coffee.shown()
    click_photo(coffee, 0.25, 0.5)
    suggestion = coffee.page.locator("#suggested button").nth(1)
    color = str(suggestion.get_attribute("aria-label")).partition(",")[0]
    suggestion.click()
    coffee.settle()
    expect(coffee.page.locator(".dab")).to_have_count(1)
    assert color in str(coffee.page.locator(".dab").get_attribute("aria-label"))
    after = coffee.shown()
    height, width = after.shape[:2]
    there = after[height // 2, width // 4].astype(np.float32) / 255
    wanted = np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)], np.float32) / 255
    distance = np.abs(srgb_to_lab(there)[1:] - srgb_to_lab(wanted)[1:]).max()
    assert distance < 6
    coffee.page.locator("#dab-done").click()
    for _ in range(2):  # the colour, then the dab
        coffee.page.keyboard.press("Control+z")
    expect(coffee.page.locator(".dab")).to_have_count(0)
    coffee.settle()
    np.testing.assert_array_equal(coffee.shown(), before)
    for _ in range(2):
        coffee.page.keyboard.press("Control+y")
    expect(coffee.page.locator(".dab")).to_have_count(1)
    coffee.settle()
    np.testing.assert_array_equal(coffee.shown(), after)


def test_a_dab_is_dragged_in_one_step_and_deleted(large: Desk) -> None:
    click_photo(large, 0.25, 0.5)
    large.page.keyboard.press("Escape")
    dab = large.page.locator(".dab")
    start, sheet = dab.bounding_box(), large.page.locator("#sheet").bounding_box()
    assert start is not None
    assert sheet is not None
    x, y = start["x"] + start["width"] / 2, start["y"] + start["height"] / 2
    large.page.mouse.move(x, y)
    large.page.mouse.down()
    large.page.mouse.move(x + sheet["width"] / 2, y, steps=8)
    large.page.mouse.up()
    column, row = re.findall(r"\d+", str(dab.get_attribute("aria-label")).partition(" at ")[2])
    assert abs(int(column) - 900) <= 3
    assert abs(int(row) - 400) <= 3
    large.page.keyboard.press("Control+z")
    (column,) = re.findall(r" at (\d+)", str(dab.get_attribute("aria-label")))
    assert abs(int(column) - 300) <= 3
    dab.focus()
    large.page.keyboard.press("Delete")
    expect(large.page.locator(".dab")).to_have_count(0)


def test_the_downloaded_result_dropped_with_its_original_repeats_it_byte_for_byte(
    large: Desk, browser: Browser, address: str
) -> None:
    large.describe("a blue cup & <saucer>")
    click_photo(large, 0.3, 0.4)
    large.page.locator("#suggested button").last.click()
    large.page.keyboard.press("Escape")
    large.page.locator("#saturation").fill("1.35")
    large.page.locator("#strength").fill("0.8")
    large.settle()
    name, data = large.download()
    assert name == "coffee-color.png"
    assert Image.open(io.BytesIO(data)).size == (1200, 800)
    with desk(browser, address) as other:
        drop(other, (name, data), ("coffee.png", grey_photo("coffee", 1200)))
        other.settle()
        expect(other.page.get_by_label("Description")).to_have_value("a blue cup & <saucer>")
        expect(other.page.locator(".dab")).to_have_count(1)
        assert other.download() == (name, data)


def test_a_16_bit_tiff_comes_back_as_one_and_repeats(opened: Desk) -> None:
    file = io.BytesIO()
    levels = grey_pixels(grey_photo("coffee", 300)).astype(np.uint16) * 257
    tifffile.imwrite(file, levels, photometric="minisblack")
    drop(opened, ("scan.tif", file.getvalue()))
    expect(opened.page.locator("#strip-list li")).to_have_count(1)
    opened.describe("a green cup")
    name, data = opened.download()
    pixels = tifffile.imread(io.BytesIO(data))
    assert name == "scan-color.tif"
    assert pixels.dtype == np.uint16
    assert pixels.shape == (200, 300, 3)
    drop(opened, (name, data), ("scan.tif", file.getvalue()), event="paste")
    expect(opened.page.locator("#strip-list li")).to_have_count(2)
    expect(opened.page.get_by_label("Description")).to_have_value("a green cup")
    opened.settle()
    assert opened.download() == (name, data)


def test_a_photo_that_was_turned_is_upright_and_so_are_its_dabs(opened: Desk) -> None:
    picture = Image.open(io.BytesIO(grey_photo("coffee", 1200)))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    file = io.BytesIO()
    picture.save(file, "JPEG", exif=exif)
    opened.add(("turned.jpg", file.getvalue()))
    opened.settle()
    click_photo(opened, 0.9, 0.1)
    opened.page.locator("#hex").fill("lime")
    opened.page.locator("#hex").press("Enter")
    opened.page.keyboard.press("Escape")
    opened.settle()
    name, data = opened.download()
    assert name == "turned-color.png"
    result = Image.open(io.BytesIO(data))
    assert result.size == (800, 1200)
    (hint,) = json.loads(result.info["photochrom"])["hints"]
    assert abs(hint["x"] - 720) <= 3
    assert abs(hint["y"] - 120) <= 3
    pixels = np.asarray(result.convert("RGB")).astype(np.float32) / 255
    assert srgb_to_lab(pixels[round(hint["y"]), round(hint["x"])])[1] < 0  # green, as it was told


def test_paint_only_here_and_repeat_it_with_the_saved_mask(large: Desk) -> None:
    large.page.locator("#tool-area").click()
    box = large.page.locator("#sheet").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] * 0.2, box["y"] + box["height"] * 0.5
    large.page.mouse.move(x, y)
    large.page.mouse.down()
    large.page.mouse.move(x + box["width"] * 0.2, y, steps=6)
    large.page.mouse.up()
    large.settle()
    pixels = large.shown().astype(int)
    spread = np.ptp(pixels, axis=2)
    height, width = spread.shape
    assert spread[:, width // 2 :].max() == 0
    assert spread[height // 2, width // 4] > 5
    with large.page.expect_download() as waiting:
        large.page.locator("#mask-save").click()
    mask = waiting.value.path().read_bytes()
    name, data = large.download()
    original = ("coffee.png", grey_photo("coffee", 1200))
    drop(large, (name, data), original)
    expect(large.page.locator("#notices")).to_contain_text("give the mask that it was made with")
    large.settle()
    assert large.download()[1] != data
    drop(large, (name, data), original, (waiting.value.suggested_filename, mask))
    expect(large.page.locator("#strip-list li")).to_have_count(3)
    expect(large.page.locator("#notices")).not_to_contain_text("mask")
    large.settle()
    assert large.download() == (name, data)


def test_erasing_first_leaves_the_rest_coloured(coffee: Desk) -> None:
    coffee.page.locator("#tool-area").click()
    coffee.page.locator("#draw-take").click()
    coffee.page.locator("#viewport").focus()
    for key in ("Enter", "ArrowRight", "Enter"):
        coffee.page.keyboard.press(key)
    expect(coffee.page.locator("#mask-actions")).to_be_visible()
    coffee.settle()
    spread = np.ptp(coffee.shown().astype(int), axis=2)
    assert spread[spread.shape[0] // 2, spread.shape[1] // 2] == 0
    assert spread[:, : spread.shape[1] // 4].mean() > 5


def test_results_are_kept_and_one_click_returns_to_any(coffee: Desk) -> None:
    first = coffee.shown()
    coffee.describe("a red cup")
    coffee.page.get_by_label("Description").blur()
    coffee.describe("a blue cup")
    expect(coffee.page.locator("#results li")).to_have_count(3)
    coffee.page.locator("#results .result").last.click()
    expect(coffee.page.get_by_label("Description")).to_have_value("")
    coffee.settle()
    np.testing.assert_array_equal(coffee.shown(), first)
    coffee.page.locator("#undo").click()
    expect(coffee.page.get_by_label("Description")).to_have_value("a blue cup")


def test_compare_with_a_divider_and_side_by_side(coffee: Desk) -> None:
    coffee.describe("a red cup")
    coffee.page.get_by_role("button", name="Divider").click()
    divider = coffee.page.get_by_role("slider", name="Divider")
    box, sheet = divider.bounding_box(), coffee.page.locator("#sheet").bounding_box()
    assert box is not None
    assert sheet is not None
    middle = box["x"] + box["width"] / 2
    coffee.page.mouse.move(middle, box["y"] + 100)
    coffee.page.mouse.down()
    coffee.page.mouse.move(sheet["x"] + 0.8 * sheet["width"], box["y"] + 100, steps=5)
    coffee.page.mouse.up()
    expect(divider).to_have_attribute("aria-valuenow", "80")
    clip = coffee.page.locator("#picture").evaluate("picture => picture.style.clipPath")
    assert abs(float(re.findall(r"[\d.]+", clip)[-1]) - 80) < 0.5
    for box_ in coffee.page.locator(".mark input").all():
        box_.check()
    coffee.page.get_by_role("button", name="Side by side").click()
    expect(coffee.page.locator("#side img")).to_have_count(2)
    coffee.page.locator("#side button").first.click()
    expect(coffee.page.locator("#viewport")).to_be_visible()
    expect(coffee.page.get_by_label("Description")).to_have_value("")


def test_zoom_to_every_pixel_and_back(large: Desk) -> None:
    large.page.get_by_role("button", name="100 %").click()
    expect(large.page.locator("#zoom-level")).to_have_text("100 %")
    width = large.page.locator("#sheet").evaluate("sheet => sheet.getBoundingClientRect().width")
    assert abs(width - 1200) < 1
    large.page.get_by_role("button", name="Fit").click()
    width = large.page.locator("#sheet").evaluate("sheet => sheet.getBoundingClientRect().width")
    assert width < 1000


def test_the_overlay_of_doubt_is_drawn(coffee: Desk) -> None:
    coffee.page.get_by_role("button", name="Where it guesses").click()
    layer = coffee.page.locator("#unsure-layer")
    expect(layer).to_be_visible()
    expect(layer).to_have_attribute("width", "1400")
    coffee.page.get_by_role("button", name="Where it guesses").click()
    expect(layer).to_be_hidden()


def test_by_keyboard_alone(opened: Desk) -> None:
    page = opened.page
    opened.tab_to("#photo")
    with page.expect_file_chooser() as waiting:
        page.keyboard.press("Space")
    waiting.value.set_files(
        {"name": "coffee.png", "mimeType": "image/png", "buffer": grey_photo("coffee", 300)}
    )
    opened.settle()
    opened.tab_to("#viewport")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#picker")).to_be_visible()
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Escape")
    expect(page.locator(".dab")).to_be_focused()
    before = page.locator(".dab").get_attribute("aria-label")
    page.keyboard.press("ArrowRight")
    assert page.locator(".dab").get_attribute("aria-label") != before
    opened.settle()
    opened.tab_to("#mode-split")
    page.keyboard.press("Enter")
    opened.tab_to("#divider", key="Shift+Tab")
    page.keyboard.press("End")
    expect(page.locator("#divider")).to_have_attribute("aria-valuenow", "100")
    opened.tab_to("#tool-area")
    page.keyboard.press("Enter")
    opened.tab_to("#viewport", key="Shift+Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("#mask-actions")).to_be_visible()
    opened.tab_to("#description")
    page.keyboard.type("a red cup")
    opened.settle()
    opened.tab_to("#download")
    with page.expect_download() as saved:
        page.keyboard.press("Enter")
    assert saved.value.suggested_filename == "coffee-color.png"


def test_every_photo_of_the_strip_has_its_own_words(coffee: Desk) -> None:
    coffee.describe("a red cup")
    coffee.add(("chelsea.png", grey_photo("chelsea", 300)))
    expect(coffee.page.get_by_label("Description")).to_have_value("")
    coffee.settle()
    coffee.page.locator(".frame").first.click()
    expect(coffee.page.get_by_label("Description")).to_have_value("a red cup")
    coffee.page.locator(".away").first.click()
    expect(coffee.page.locator(".frame")).to_have_count(1)
    expect(coffee.page.get_by_label("Description")).to_have_value("")


def test_what_is_no_photo_is_refused_in_words(opened: Desk) -> None:
    cut = io.BytesIO()
    Image.open(io.BytesIO(grey_photo("coffee", 600))).save(cut, "JPEG")
    opened.add(
        ("notes.txt", b"no picture"),
        ("cut.jpg", cut.getvalue()[: cut.tell() // 2]),
        ("phone.HEIC", b"no picture either"),
        ("coffee.png", grey_photo("coffee", 300)),
    )
    opened.settle()
    expect(opened.page.locator(".frame")).to_have_count(1)
    refusals = opened.page.get_by_role("alert").locator("li")
    expect(refusals).to_have_count(3)
    for at, words in enumerate(("notes.txt cannot be opened", "cut.jpg cannot", "as JPEG or PNG")):
        expect(refusals.nth(at)).to_contain_text(words)
    refusals.first.get_by_role("button").click()
    expect(refusals).to_have_count(2)
    opened.page.get_by_role("button", name="Dismiss all").click()
    expect(opened.page.get_by_role("alert")).to_be_hidden()
    assert all("415" in error or "422" in error for error in opened.errors)
    opened.errors.clear()


def test_a_note_is_no_error_and_one_button_downloads(large: Desk) -> None:
    page = large.page
    expect(page.get_by_role("button", name=re.compile("download|full size", re.I))).to_have_count(1)
    page.evaluate(
        """import("/web/messages.js").then(({ Messages }) => new Messages().note(["Grey."]))"""
    )
    expect(page.locator("#notices")).to_have_text("Grey.")
    expect(page.get_by_role("alert")).to_be_hidden()
    colours = """() => ["error", "note"].map((kind) => {
        const one = document.createElement("p"), home = kind === "error" ? "errors" : "notices";
        one.className = kind === "error" ? "error" : "";
        document.getElementById(home).hidden = false;
        document.getElementById(home).append(one);
        const { color, backgroundColor, borderTopColor } = getComputedStyle(one);
        return [color, backgroundColor, borderTopColor].join();
    })"""
    error, note = page.evaluate(colours)
    assert error != note


def test_adding_a_palette_colour_changes_nothing_before_one_is_chosen(coffee: Desk) -> None:
    before = coffee.shown()
    coffee.page.locator("#palette-add").click()
    expect(coffee.page.locator("#picker")).to_be_visible()
    coffee.page.keyboard.press("Escape")
    coffee.settle()
    np.testing.assert_array_equal(coffee.shown(), before)
    expect(coffee.page.locator("#results li")).to_have_count(1)


def test_a_reload_loses_nothing_and_clearing_puts_all_away(coffee: Desk) -> None:
    coffee.describe("a red cup")
    described = coffee.shown()
    click_photo(coffee, 0.25, 0.5)
    coffee.page.keyboard.press("Escape")
    coffee.settle()
    coffee.page.evaluate(KEPT, [1, 3])
    coffee.add(("chelsea.png", grey_photo("chelsea", 300)))
    expect(coffee.page.locator(".frame")).to_have_count(2)
    coffee.settle()
    coffee.page.locator(".frame").first.click()
    coffee.page.evaluate(KEPT, [1, 4])
    coffee.reload()
    expect(coffee.page.locator(".frame")).to_have_count(2)
    expect(coffee.page.locator(".frame").first).to_have_attribute("aria-current", "true")
    coffee.settle()
    expect(coffee.page.get_by_label("Description")).to_have_value("a red cup")
    expect(coffee.page.locator(".dab")).to_have_count(1)
    expect(coffee.page.locator("#results li")).to_have_count(3)
    coffee.page.locator("#results .result").nth(1).click()
    coffee.settle()
    np.testing.assert_array_equal(coffee.shown(), described)
    coffee.page.on("dialog", lambda dialog: dialog.accept())
    coffee.page.get_by_role("button", name="Clear", exact=True).click()
    expect(coffee.page.locator("#drop")).to_be_visible()
    coffee.page.evaluate(KEPT, [0, 0])
    coffee.reload()
    coffee.page.get_by_role("button", name="Try it with a sample photo").click()
    coffee.settle()
    expect(coffee.page.locator(".frame")).to_have_count(1)
    coffee.page.get_by_role("button", name="a woman in an orange suit").click()
    expect(coffee.page.get_by_label("Description")).to_have_value("a woman in an orange suit")
    coffee.add(("chelsea.png", grey_photo("chelsea", 300)))
    expect(coffee.page.locator(".frame")).to_have_count(2)
    expect(coffee.page.locator("#examples")).to_be_hidden()  # they are the sample's


def test_words_typed_just_before_a_reload_are_kept(coffee: Desk) -> None:
    coffee.page.evaluate(KEPT, [0, 1])
    words = coffee.page.get_by_label("Description")
    for text in ("a red cup", "a blue cup", "a cup on a table"):
        words.fill(text)
        coffee.reload()
        expect(words).to_have_value(text)


def test_where_nobody_else_may_follow_a_job_the_page_asks_for_it(large: Desk) -> None:
    problem = json.dumps({"detail": "32 programs follow jobs already"})
    large.page.route(
        "**/v1/jobs/*/events",
        lambda route: route.fulfill(
            status=429,
            headers={"Retry-After": "5", "Content-Type": "application/problem+json"},
            body=problem,
        ),
    )
    name, data = large.download()
    assert name == "coffee-color.png"
    assert Image.open(io.BytesIO(data)).size == (1200, 800)
    expect(large.page.get_by_role("alert")).to_be_hidden()
    assert all("429" in error for error in large.errors)
    large.errors.clear()


def test_the_photos_own_format_is_offered(opened: Desk) -> None:
    file = io.BytesIO()
    Image.open(io.BytesIO(grey_photo("coffee", 300))).save(file, "JPEG")
    opened.add(("coffee.jpg", file.getvalue()))
    opened.settle()
    assert opened.download()[0] == "coffee-color.png"
    opened.page.get_by_label("File type").select_option("JPEG, as the photo")
    name, data = opened.download()
    assert name == "coffee-color.jpg"
    assert Image.open(io.BytesIO(data)).format == "JPEG"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_copied_curl_command_makes_the_same_file(large: Desk, tmp_path: Path) -> None:
    large.describe("a cup that's $5; @home")
    click_photo(large, 0.6, 0.6)
    large.page.keyboard.press("Escape")
    large.settle()
    _, data = large.download()
    large.page.get_by_role("button", name="Copy as curl").click()
    expect(large.page.locator("#status")).to_have_text("Copied.")
    command = large.page.evaluate("navigator.clipboard.readText()")
    (tmp_path / "coffee.png").write_bytes(grey_photo("coffee", 1200))
    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True, timeout=60)
    assert (tmp_path / "coffee-color.png").read_bytes() == data


@pytest.fixture
def held(browser: Browser) -> Iterator[tuple[Desk, HeldColorizer]]:
    """Return the page with a photo larger than its previews, and what makes the server wait."""
    colorizer = HeldColorizer()
    colorizer.release.set()
    with (
        serving_in_thread(Service(colorizer, FakeClip()), Config(port=0)) as address,
        desk(browser, address) as page,
    ):
        page.add(("coffee.png", grey_photo("coffee", 1200)))
        page.settle()
        yield page, colorizer
        colorizer.release.set()


def test_a_download_is_cancelled(held: tuple[Desk, HeldColorizer]) -> None:
    page, colorizer = held
    colorizer.release.clear()
    button = page.page.get_by_role("button", name="Download")
    button.click()
    page.page.get_by_role("button", name="Cancel").click()
    expect(page.page.locator("#status")).to_have_text("Cancelled.")
    expect(page.page.locator("#downloads li")).to_have_count(0)
    expect(button).to_be_focused()
    with page.page.expect_download():
        button.click()
        colorizer.release.set()


def test_a_download_arrives_though_another_photo_comes_to_the_front(
    held: tuple[Desk, HeldColorizer],
) -> None:
    page, colorizer = held
    colorizer.release.clear()
    with page.page.expect_download() as waiting:
        page.page.get_by_role("button", name="Download").click()
        expect(page.page.locator("#downloads li")).to_contain_text("coffee.png")
        page.add(("chelsea.png", grey_photo("chelsea", 300)))
        expect(page.page.locator(".frame")).to_have_count(2)
        expect(page.page.locator("#downloads li")).to_contain_text("coffee.png")
        colorizer.release.set()
    assert waiting.value.suggested_filename == "coffee-color.png"
    assert Image.open(io.BytesIO(waiting.value.path().read_bytes())).size == (1200, 800)
    expect(page.page.locator("#downloads li")).to_have_count(0)


def test_every_download_that_was_asked_for_arrives(held: tuple[Desk, HeldColorizer]) -> None:
    page, colorizer = held
    arrived: list[str] = []
    page.page.on("download", lambda download: arrived.append(download.suggested_filename))
    page.add(("chelsea.png", grey_photo("chelsea", 1200)))
    expect(page.page.locator(".frame")).to_have_count(2)
    page.settle()
    colorizer.release.clear()
    button = page.page.get_by_role("button", name="Download")
    button.click()
    button.click()  # the same again: one file
    page.page.locator(".away").nth(1).click()
    expect(page.page.locator(".frame")).to_have_count(1)
    button.click()
    expect(page.page.locator("#downloads li")).to_have_count(2)
    colorizer.release.set()
    expect(page.page.locator("#downloads li")).to_have_count(0)
    expect(page.page.locator("#status")).to_have_text("Saved as coffee-color.png.")
    assert arrived == ["chelsea-color.png", "coffee-color.png"]


def test_a_download_that_failed_says_so_until_it_works(large: Desk) -> None:
    large.page.route("**/v1/jobs", lambda route: route.abort("connectionrefused"))
    large.page.get_by_role("button", name="Download").click()
    alert = large.page.get_by_role("alert")
    expect(alert).to_contain_text("coffee.png was not downloaded: The server does not answer")
    large.describe("a red cup")  # a preview that works is no download
    expect(alert).to_contain_text("coffee.png was not downloaded")
    assert all("ERR_CONNECTION_REFUSED" in error for error in large.errors)
    large.errors.clear()
    large.page.unroute_all()
    large.download()
    expect(alert).to_be_hidden()


def test_a_photo_that_the_server_has_forgotten_is_sent_again(browser: Browser) -> None:
    service = Service(FakeColorizer(), FakeClip())
    with (
        serving_in_thread(service, Config(port=0)) as address,
        desk(browser, address) as page,
    ):
        page.add(("coffee.png", grey_photo("coffee", 300)))
        page.settle()
        service.photos.close()  # as after its time in the file store
        page.describe("a red cup")
        assert len([url for url in page.requests if url.endswith("/v1/images")]) == 2
        assert len(page.errors) == 1
        assert "404" in page.errors.pop()


def test_a_server_that_is_gone_is_said(browser: Browser) -> None:
    with (
        serving_in_thread(Service(FakeColorizer(), FakeClip()), Config(port=0)) as address,
        desk(browser, address) as page,
    ):
        page.add(("coffee.png", grey_photo("coffee", 300)))
        page.settle()
        page.page.route("**/v1/**", lambda route: route.abort("connectionrefused"))
        page.page.get_by_label("Description").fill("a red cup")
        expect(page.page.get_by_role("alert")).to_contain_text("The server does not answer")
        assert all("ERR_CONNECTION_REFUSED" in error for error in page.errors)
        page.errors.clear()
        page.page.unroute_all()
        page.describe("a blue cup")
        expect(page.page.get_by_role("alert")).to_be_hidden()


def test_a_server_with_a_token_asks_for_it(browser: Browser) -> None:
    config = Config(port=0, token="sesame")
    service = Service(FakeColorizer(), FakeClip())
    with serving_in_thread(service, config) as address, desk(browser, address) as page:
        page.page.get_by_label("Token").fill("sesame")
        page.page.get_by_label("Token").press("Tab")
        page.add(("coffee.png", grey_photo("coffee", 300)))
        page.settle()
        assert all("401" in error for error in page.errors)
        page.errors.clear()


def test_without_javascript_the_page_is_a_form(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    photo = {"name": "coffee.png", "mimeType": "image/png", "buffer": grey_photo("coffee", 200)}
    page.get_by_label("Photo").set_input_files(photo)
    page.get_by_label("Description").fill("a red cup")
    with page.expect_response("**/v1/colorize") as waiting:
        page.get_by_role("button", name="Colour it").click()
    assert waiting.value.status == 200
    assert waiting.value.headers["content-type"].startswith("image/")
    context.close()
