"""The demo's picture: three panels of one photo, side by side, with their captions."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageFont

from models.color.lab import lightness
from models.guidance.condition import TextEmbedding
from plugin_server.commands import demo
from tests.support.fakes import FakeClip, FakeColorizer


def test_grey_photo_keeps_the_lightness_of_the_colour_photo() -> None:
    colour = skimage.data.astronaut().astype(np.float32) / 255
    grey = demo.grey_photo()
    assert grey.shape == colour.shape[:2]
    assert grey.dtype == np.uint8
    difference = np.abs(lightness(grey.astype(np.float32) / 255) - lightness(colour))
    assert difference.max() < 0.5
    assert difference.mean() < 0.15


def test_panels_are_the_grey_photo_and_one_for_each_description() -> None:
    grey = demo.grey_photo()[:96, :128]
    descriptions = ("a red cup", "a blue cup")
    panels = demo.colored_panels(grey, descriptions, colorizer=FakeColorizer(), clip=FakeClip())

    assert [panel.caption for panel in panels] == ["the photo, grey", "“a red cup”", "“a blue cup”"]
    first, *coloured = (panel.pixels.astype(int) for panel in panels)
    assert (first == grey[..., None]).all()
    for pixels in coloured:
        assert pixels.shape == (96, 128, 3)
        assert np.ptp(pixels, axis=2).mean() > 5
    assert np.abs(coloured[0] - coloured[1]).mean() > 1


def test_each_photo_is_said_before_it_is_coloured(capsys: pytest.CaptureFixture[str]) -> None:
    class Listening(FakeClip):
        def embed_text(self, text: str, language: str | None = None) -> TextEmbedding:
            heard.append(capsys.readouterr().err)
            return super().embed_text(text, language)

    heard: list[str] = []
    grey = demo.grey_photo()[:32, :32]
    demo.colored_panels(grey, ("a cup", "a cat"), colorizer=FakeColorizer(), clip=Listening())
    assert 'Colouring "a cup"...\n' in heard
    assert 'Colouring "a cat"...\n' in heard


def test_notices_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    grey = demo.grey_photo()[:32, :32]
    demo.colored_panels(grey, ("eine grüne Wiese",), colorizer=FakeColorizer(), clip=FakeClip())
    assert "grüne" in capsys.readouterr().err


def test_sheet_shows_every_panel_untouched_with_ink_below() -> None:
    panels = [
        demo.Panel(np.full((60, 200, 3), value, np.uint8), words)
        for value, words in ((10, "one"), (90, "a caption that needs more than a single line"))
    ]
    sheet = np.asarray(demo.contact_sheet(panels))
    top, width = demo.MARGIN, 200
    for column, panel in enumerate(panels):
        left = demo.MARGIN + column * (width + demo.MARGIN)
        assert (sheet[top : top + 60, left : left + width] == panel.pixels).all()
        below = sheet[top + 60 :, left : left + width]
        assert (below != demo.PAPER).any(), "the caption is missing"
    assert (sheet[-demo.MARGIN // 2 :] == demo.PAPER).all(), "a caption runs out of the sheet"
    assert (sheet[:, -demo.MARGIN :] == demo.PAPER).all()


@pytest.mark.parametrize("words", ["", "one", "a man in a dark coat in front of a brick house"])
def test_wrapped_words_are_all_there_and_fit(words: str) -> None:
    font = ImageFont.load_default(size=demo.FONT_SIZE)
    assert isinstance(font, ImageFont.FreeTypeFont)
    lines = demo.wrap(words, font=font, width=150).splitlines()
    assert " ".join(lines) == words
    assert all(font.getlength(line) <= 150 for line in lines)


@pytest.mark.slow
def test_the_demo_colours_a_photo_with_the_real_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "deep" / "demo.png"
    demo.main(["--output", str(output)], standalone_mode=False)
    assert capsys.readouterr().err.startswith("Loading the weights")
    with Image.open(output) as sheet:
        pixels = np.asarray(sheet).astype(int)
    panel = pixels[demo.MARGIN : demo.MARGIN + 512]
    chroma = [
        np.ptp(panel[:, demo.MARGIN + i * (512 + demo.MARGIN) :][:, :512], axis=2).mean()
        for i in range(3)
    ]
    assert chroma[0] == 0
    assert min(chroma[1:]) > 10, "a description gave a grey picture"
