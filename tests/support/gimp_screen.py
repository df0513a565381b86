"""A GIMP that a person sits at: one for all tests, with a new image for each."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image
from skimage.color import rgb2lab

from tests.support.pictures import encoded
from tests.support.real_gimp import Command, Gimp, NoGimp, wait_until

MESSAGE = "^GIMP Message$"
NEW_IMAGE = """
image, layer = make_image(**kind)
KEPT.update(image=image, layer=layer, display=Gimp.Display.new(image))
Gimp.displays_flush()
answer = state(image)
"""


def found(find: Callable[[], Command]) -> Command:
    """Find a GIMP, or skip."""
    try:
        return find()
    except NoGimp as reason:
        pytest.skip(str(reason))


NAMES = "answer = [layer.get_name() for layer in every_layer(KEPT['image'])]"


@dataclass
class Screen:
    """A GIMP on a virtual screen, with an image open."""

    gimp: Gimp

    def use(self, address: str, token: str | None = None) -> None:
        """Tell the plug-in where its server is, as ``photochrom gimp install`` does."""
        config = {"address": address, "token": token, "version": ""}
        (self.gimp.plugin / "config.json").write_text(json.dumps(config))

    def state(self) -> dict[str, Any]:
        """Look at the image that is open."""
        found: dict[str, Any] = self.gimp.inside("answer = state(KEPT['image'])")
        return found

    def layers(self) -> list[dict[str, Any]]:
        layers: list[dict[str, Any]] = self.state()["layers"]
        return layers

    def names(self) -> list[str]:
        """Name the layers, without looking at pixels, which a run may be changing."""
        names: list[str] = self.gimp.inside(NAMES)
        return names

    def wait_for_layers(self, count: int) -> list[dict[str, Any]]:
        """Wait until the image has so many layers."""
        wait_until(lambda: len(self.names()) == count, f"not {count} layers")
        return self.layers()

    def open(self, entry: str, title: str = "") -> str:
        """Choose an entry and wait for its dialog; return what its title matches."""
        title = f"^{title or entry.removesuffix('...')}$"
        self.gimp.menu(entry)
        self.gimp.wait(title)
        return title

    def close(self, title: str, button: str) -> None:
        """Press a button that ends a dialog, and wait until it is gone."""
        self.gimp.ui("click", title, button)
        self.gimp.gone(title)

    def read_message(self, words: str) -> str:
        """Wait for GIMP's message with these words, close it, return its text."""
        self.gimp.wait(MESSAGE)
        text = "\n".join(self.gimp.wait_for_text(MESSAGE, words))
        self.dismiss_messages()
        return text

    def dismiss_messages(self) -> None:
        """Close GIMP's messages; a notice is one too."""
        while any(re.search(MESSAGE, title) for title in self.gimp.ui("titles")):
            self.close(MESSAGE, "OK")

    def undo_and_compare(self, before: dict[str, Any]) -> None:
        """Press Ctrl+Z once and check that nothing is left of the run."""
        assert self.state() != before
        names = [layer["name"] for layer in before["layers"]]
        self.gimp.undo()
        wait_until(lambda: self.names() == names, "one undo did not bring the layers back")
        assert self.state() == before

    def preview(self, title: str, folder: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the mean Lab color of the left and the right of a preview, less its edges."""
        left, top, width, height = self.gimp.ui("place", title, "Preview")
        self.gimp.ui("shot", folder / "screen.png")
        box = (left, top + 3 * height // 8, left + width, top + 5 * height // 8)
        with Image.open(folder / "screen.png") as picture:
            lab = rgb2lab(np.array(picture.convert("RGB").crop(box)) / 255)
        step = width // 8
        one, other = lab[:, step : 3 * step], lab[:, 5 * step : 7 * step]
        return one.mean(axis=(0, 1)), other.mean(axis=(0, 1))

    @contextmanager
    def new_image(self, **kind: Any) -> Iterator[dict[str, Any]]:
        """Open a new gray image, or one of another kind of ``make_image``; give its state."""
        opened = self.gimp.inside(NEW_IMAGE, kind={"size": (120, 90), **kind})
        self.gimp.wait("1 layer")
        yield opened
        self.dismiss_messages()
        self.gimp.inside("KEPT['display'].delete()")


@contextmanager
def on_screen(
    command: Command, folder: Path, *, language: str = "", **environ: str
) -> Iterator[Screen]:
    """Start GIMP with a photo; nothing odd may have been printed when it ends."""
    gimp = Gimp(command, folder, language=language, **environ)
    if not gimp.has_screen:
        pytest.skip("this GIMP was found without the gimp3 tool, which drives the screen")
    try:
        photo = folder / "camera.png"
        photo.write_bytes(encoded(skimage.data.camera()))
        gimp.start(photo)
        yield Screen(gimp)
        noise = gimp.log()
        assert "Traceback" not in noise, noise
        # GTK and its accessibility have complaints of their own.
        assert not re.search(r"photochrom.*(GEGL|LibGimp\w*)-CRITICAL", noise), noise
        assert "duplicate mnemonic" not in noise, noise
    finally:
        gimp.stop()
