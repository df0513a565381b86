"""The colours of the picker against the server's own mathematics."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from models.color.lab import lab_to_srgb_in_gamut, srgb_to_lab
from plugin_server.config import Config
from plugin_server.service import Service
from tests.support.chromium import desk, needs_chromium, serving_in_thread
from tests.support.fakes import FakeClip, FakeColorizer

pytestmark = [pytest.mark.browser, needs_chromium]


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    with (
        serving_in_thread(Service(FakeColorizer(), FakeClip()), Config(port=0)) as address,
        desk(browser, address) as opened,
    ):
        yield opened.page


def run(page: Page, function: str, values: object) -> np.ndarray:
    """Apply a function of color.js to every entry."""
    call = f"""async (values) => {{
        const color = await import("/web/color.js");
        return values.map((value) => color.{function}(...[value].flat(0)));
    }}"""
    return np.array(page.evaluate(call, values))


def test_lab_is_the_servers(page: Page) -> None:
    colours = np.random.default_rng(1).random((200, 3))
    theirs = run(page, "toLab", colours.tolist())
    assert np.abs(theirs - srgb_to_lab(colours)).max() < 0.05
    back = run(page, "toRgb", theirs.tolist())
    assert np.abs(back - colours).max() < 1e-4


def test_colours_outside_srgb_lose_chroma_alone(page: Page) -> None:
    rng = np.random.default_rng(2)
    lightness, hue, chroma = rng.uniform(5, 95, 100), rng.uniform(0, 360, 100), np.full(100, 150.0)
    theirs = page.evaluate(
        """async (polar) => {
            const { fromPolar } = await import("/web/color.js");
            return polar.map((values) => fromPolar(...values));
        }""",
        np.stack([lightness, hue, chroma], axis=1).tolist(),
    )
    angle = np.radians(hue)
    ab = np.stack([chroma * np.cos(angle), chroma * np.sin(angle)], axis=1)
    ours = lab_to_srgb_in_gamut(lightness, ab)
    assert np.abs(np.array(theirs) - ours).max() < 0.01
    assert np.abs(srgb_to_lab(np.array(theirs))[:, 0] - lightness).max() < 0.2


@pytest.mark.parametrize(
    ("text", "hex_code"),
    [
        ("#C04030", "#c04030"),
        ("c04030", "#c04030"),
        ("navy", "#000080"),
        ("white", "#ffffff"),
        ("rgb(1 2 3)", "#010203"),
        ("no colour", None),
        ("", None),
    ],
)
def test_colour_codes_and_names_are_read(page: Page, text: str, hex_code: str | None) -> None:
    assert run(page, "parseColor", [text]).tolist() == [hex_code]
