"""`make demo`: colour a photo that scikit-image ships, from two descriptions, side by side."""

from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from models.color.lab import lab_to_srgb, lightness
from models.guidance.condition import ChromaPredictor, Embedder
from models.job import ColorizeJob
from models.networks.checkpoint import WeightsError
from models.networks.loading import load_pair
from models.pipeline import colorize
from plugin_server.commands.once import Command

DESCRIPTIONS = (
    "an astronaut in an orange suit",
    "an astronaut in a blue suit",
)
MARGIN = 16  # pixels around and between the panels
FONT_SIZE = 18  # pixels
PAPER, INK = (250, 248, 244), (40, 38, 36)


@dataclass(frozen=True, slots=True)
class Panel:
    """A picture, (H, W, 3) uint8 sRGB, and the words under it."""

    pixels: NDArray[np.uint8]
    caption: str


def grey_photo() -> NDArray[np.uint8]:
    """Return NASA's portrait of Eileen Collins as grey, (512, 512) uint8 sRGB.

    The lightness of the colour photo is kept, so the grey one is what a colour-blind
    camera would have taken. The file is part of scikit-image: nothing is downloaded.
    """
    photo = skimage.data.astronaut().astype(np.float32) / 255
    lab = np.zeros_like(photo)  # (H, W, 3), a = b = 0
    lab[..., 0] = lightness(photo)
    grey = np.clip(lab_to_srgb(lab)[..., 0], 0, 1)
    return np.rint(grey * 255).astype(np.uint8)


def wrap(words: str, *, font: ImageFont.FreeTypeFont, width: int) -> str:
    """Break `words` into lines at most `width` pixels long, between words."""
    lines: list[str] = []
    for word in words.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(lines)


def contact_sheet(panels: list[Panel]) -> Image.Image:
    """Set panels of one size in a row on paper, each with its caption below."""
    height, width = panels[0].pixels.shape[:2]
    font = ImageFont.load_default(size=FONT_SIZE)
    assert isinstance(font, ImageFont.FreeTypeFont), "Pillow without FreeType"
    captions = [wrap(panel.caption, font=font, width=width) for panel in panels]
    ruler = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    text_height = max(
        int(ruler.multiline_textbbox((0, 0), caption, font=font)[3]) for caption in captions
    )

    columns = len(panels)
    size = (columns * (width + MARGIN) + MARGIN, height + text_height + 3 * MARGIN)
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    for column, (panel, caption) in enumerate(zip(panels, captions, strict=True)):
        left = MARGIN + column * (width + MARGIN)
        sheet.paste(Image.fromarray(panel.pixels), (left, MARGIN))
        draw.multiline_text((left, height + 2 * MARGIN), caption, fill=INK, font=font)
    return sheet


def colored_panels(
    grey: NDArray[np.uint8],
    descriptions: tuple[str, ...],
    *,
    colorizer: ChromaPredictor,
    clip: Embedder,
) -> list[Panel]:
    """Colour `grey`, (H, W) uint8, once for each description; the grey photo comes first."""
    panels = [Panel(np.repeat(grey[..., np.newaxis], 3, axis=2), "the photo, grey")]
    for description in descriptions:
        click.echo(f'Colouring "{description}"...', err=True)
        job = ColorizeJob(description=description)
        result = colorize(grey[..., np.newaxis], job, colorizer=colorizer, clip=clip)
        for notice in result.notices:
            click.echo(f"note: {notice}", err=True)
        panels.append(Panel(result.pixels, f"“{description}”"))
    return panels


@click.command(cls=Command)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("out/demo.png"),
    show_default=True,
    help="Where the picture goes.",
)
def main(output: Path) -> None:
    """Colour a photo from two descriptions and write all three side by side."""
    click.echo("Loading the weights (a few seconds; longer the first time)...", err=True)
    try:
        colorizer, clip = load_pair()
    except WeightsError as error:
        raise click.ClickException(str(error)) from error
    panels = colored_panels(grey_photo(), DESCRIPTIONS, colorizer=colorizer, clip=clip)
    output.parent.mkdir(parents=True, exist_ok=True)
    contact_sheet(panels).save(output)
    click.echo(f"Wrote {output.resolve()}")
    click.echo("Colour a photo of your own:  .venv/bin/photochrom colorize PHOTO -d DESCRIPTION")
    click.echo("Start the server:            make serve")


if __name__ == "__main__":
    main()
