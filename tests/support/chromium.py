"""A headless Chromium, and a server in a thread of this process for it to look at."""

from __future__ import annotations

import base64
import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import pytest
import skimage.data
from PIL import Image
from playwright.sync_api import Browser, ConsoleMessage, Page, ViewportSize, expect, sync_playwright

from plugin_server.config import Config
from plugin_server.service import Service
from tests.support.running_server import running

# The headless shell takes half the processor's time of a browser that has windows.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
FOUND = next(filter(None, map(shutil.which, NAMES)), None)
needs_chromium = pytest.mark.skipif(
    FOUND is None, reason="no Chromium on PATH; `make chromium` installs Debian's"
)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Is told of every change, where `expect` looks after a tenth, a quarter, a half and a whole second.
SETTLED = """patience => new Promise((done, fail) => {
    const status = document.getElementById("status");
    const look = () => /^(Preview|Full size)/.test(status.textContent) && done();
    const everything = { childList: true, characterData: true, subtree: true };
    new MutationObserver(look).observe(status, everything);
    look();
    setTimeout(() => fail(new Error(`no result, but "${status.textContent}"`)), patience);
})"""
PATIENCE = 30_000  # milliseconds; a machine may be busy with other things
expect.set_options(timeout=PATIENCE)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser."""
    assert FOUND is not None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=FOUND, args=[*FLAGS])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def serving_in_thread(service: Service, config: Config) -> Iterator[str]:
    """Serve, and give the address."""
    with running(service, config) as port:
        yield f"http://127.0.0.1:{port}"


@dataclass
class Desk:
    """An open page, and the errors it made; ``requests`` are the addresses it asked for."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def add(self, *files: tuple[str, bytes]) -> None:
        """Choose photos by the input that is labelled so."""
        self.page.get_by_label("Photo").set_input_files(
            [{"name": name, "mimeType": "", "buffer": data} for name, data in files]
        )

    def describe(self, text: str) -> None:
        """Type a description and wait for its result."""
        self.page.get_by_label("Description").fill(text)
        self.settle()

    def settle(self) -> None:
        """Wait until the result of everything that is asked shows."""
        self.page.evaluate(SETTLED, PATIENCE)

    def reload(self) -> None:
        """Reload the page once its pictures have come: a picture on its way would be an error."""
        self.page.wait_for_function("[...document.images].every((image) => image.complete)")
        self.page.reload()

    def download(self) -> tuple[str, bytes]:
        """Click Download and return the file's name and content."""
        with self.page.expect_download(timeout=4 * PATIENCE) as waiting:
            self.page.get_by_role("button", name="Download").click()
        download = waiting.value
        return download.suggested_filename, download.path().read_bytes()

    def shown(self) -> np.ndarray:
        """Return the pixels of the coloured photo that shows, (H, W, 3) uint8."""
        url = self.page.evaluate(
            """() => {
                const picture = document.getElementById("picture");
                const canvas = document.createElement("canvas");
                canvas.width = picture.naturalWidth;
                canvas.height = picture.naturalHeight;
                canvas.getContext("2d").drawImage(picture, 0, 0);
                return canvas.toDataURL();
            }"""
        )
        data = base64.b64decode(url.partition(",")[2])
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))

    def tab_to(self, selector: str, *, key: str = "Tab") -> None:
        """Press Tab, or Shift+Tab, until an element has the focus."""
        element = self.page.locator(selector)
        for _ in range(100):
            if element.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press(key)
        raise AssertionError(f"Tab never reaches {selector}")


@contextmanager
def desk(
    browser: Browser, address: str, *, width: int = 1280, height: int = 800, dark: bool = False
) -> Iterator[Desk]:
    """Open the page in a context of its own; no error of the page goes unseen."""
    size: ViewportSize = {"width": width, "height": height}
    context = browser.new_context(
        viewport=size, color_scheme="dark" if dark else "light", reduced_motion="reduce"
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
    page = context.new_page()
    opened = Desk(page)

    def listen(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            opened.errors.append(f"{message.type}: {message.text}")

    page.on("console", listen)
    page.on("pageerror", lambda error: opened.errors.append(str(error)))
    page.on("request", lambda request: opened.requests.append(request.url))
    page.on("filechooser", lambda chooser: None)  # from now on, choosers open no window
    page.goto(address)
    try:
        yield opened
        assert opened.errors == [], opened.errors
    finally:
        context.close()


def grey_photo(name: str = "coffee", side: int | None = None) -> bytes:
    """Make a grey PNG of one of scikit-image's photos, perhaps with another long side."""
    picture = Image.fromarray(getattr(skimage.data, name)()).convert("L")
    if side is not None:
        scale = side / max(picture.size)
        picture = picture.resize((round(picture.width * scale), round(picture.height * scale)))
    return png(picture)


def colour_photo(name: str) -> bytes:
    """Make a small colour PNG of one of scikit-image's photos."""
    return png(Image.fromarray(getattr(skimage.data, name)()).resize((160, 120)))


def png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()
