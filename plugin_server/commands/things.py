"""``photochrom things``: what a description names in a photo, and where."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from models.job import ColorizeJob, JobError
from models.shown import printable, shown
from plugin_server.commands.once import Command
from plugin_server.commands.outputs import check_files, write
from plugin_server.commands.parameters import clip_option, weights_option
from plugin_server.config import Config, ConfigError
from plugin_server.jobs.malloc import nothing_collected

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from plugin_server.images.codec import Layer
    from plugin_server.service import Service

EXAMPLES = """\b
Examples:
  photochrom things street.jpg -d "a red tram in front of a brick house"
  photochrom things portrait.tif -d "a woman in a green dress" --sheet where.png
  photochrom colorize portrait.tif -d "a woman in a green dress" --thing "green dress=#8a2030"
"""
OUTLINE = 0.5  # of a mask: where the line is drawn
LARGEST = 1200  # the longer side of the sheet's photo, in pixels


@click.command(cls=Command, epilog=EXAMPLES)
@click.argument("photo", metavar="PHOTO", type=click.Path(path_type=Path))
@click.option("-d", "--description", required=True, help="What the photo shows, and its colours.")
@click.option(
    "--sheet",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Draw the photo with each place outlined, and write it as a PNG.",
)
@click.option("--overwrite", is_flag=True, help="Replace a sheet that exists.")
@clip_option
@weights_option
@click.pass_context
def things(
    ctx: click.Context,
    photo: Path,
    description: str,
    sheet: Path | None,
    overwrite: bool,
    clip: str,
    weights: Path | None,
) -> None:
    """List what a description names in a photo, how sure each is found, and its place.

    What is not found is listed too, with what to do; the exit code is 0 all the same. A phrase of
    this list is what photochrom colorize --thing and --not take.
    """
    with nothing_collected():
        from models.networks.checkpoint import WeightsError
        from plugin_server.batch.sources import read_file
        from plugin_server.engine.requests import ThingsRequest
        from plugin_server.images.codec import ImageError, decode
        from plugin_server.service import Service

    if sheet is not None and sheet.exists() and not overwrite:
        raise click.ClickException(
            f"{shown(sheet)} exists already: choose another name or --overwrite"
        )
    check_files([sheet])
    try:
        job = ColorizeJob(description)
        config = Config(clip=clip, weights=weights)
        data = read_file(photo)
        with nothing_collected():
            service = (ctx.obj or Service.load)(config)
        target = decode(data, limits=service.limits)
        answer = service.answer(ThingsRequest(data, job))
    except OSError as problem:
        raise click.ClickException(f"cannot read {shown(photo)}: {problem.strerror}") from problem
    except (JobError, ConfigError, WeightsError, ImageError) as problem:
        raise click.ClickException(f"{shown(photo)}: {problem}") from problem
    found = json.loads(answer.body)["things"]
    _print_table(found)
    own = [one["notice"] for one in found if one["notice"]]
    for notice in dict.fromkeys((*answer.notices, *own)):
        click.echo(f"note: {printable(notice)}", err=True)
    if sheet is not None:
        masks = [None if one["mask"] is None else _mask(service, one["mask"]) for one in found]
        write(sheet, draw(target, found, masks))
        click.echo(shown(sheet))
    service.close()


def _print_table(found: Sequence[dict[str, Any]]) -> None:
    """Print phrase, colour, how sure, and share of the picture; a swatch where colours show."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not found:
        console.print("The description gives nothing a colour.")
        return
    table = Table("phrase", "colour", "found", "area", box=None, pad_edge=False)
    for one in found:
        color = Text.assemble(("  ", f"on {one['color']}"), " ", one["color"])
        area = "-" if one["mask"] is None else f"{one['area']:.1%}"
        table.add_row(Text(one["phrase"]), color, f"{one['found']:.2f}", area)
    console.print(table)


def _mask(service: Service, address: str) -> NDArray[np.uint8]:
    from plugin_server.engine.requests import Exact, ThingMaskRequest
    from plugin_server.images.codec import decode

    token, number = address.split("/")[-2:]
    answer = service.answer(ThingMaskRequest(token, int(number), Exact("application/x-npy")))
    levels: NDArray[np.uint8] = decode(answer.body, limits=service.limits).pixels[..., 0]
    return levels


def draw(
    photo: Layer,
    found: Sequence[dict[str, Any]],
    masks: Sequence[NDArray[np.uint8] | None],
) -> bytes:
    """Draw a PNG: the grey photo, each place in its thing's colour, outlined and named."""
    import cv2
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    from models.color.lab import lightness, parse_hex
    from plugin_server.images.layer import to_depth

    pixels = to_depth(photo.pixels, 8)
    height, width = pixels.shape[:2]
    scale = min(LARGEST / max(height, width), 1.0)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], -1)
    color = small[..., :3] if small.shape[2] > 2 else small[..., 0]
    levels = np.rint(lightness(color / np.float32(255)) * 2.55).astype(np.uint8)
    canvas = np.dstack([levels] * 3)
    labels = []
    for one, mask in zip(found, masks, strict=True):
        if mask is None:
            continue
        ink = np.rint(parse_hex(one["color"]) * 255)
        share = cv2.resize(mask, size, interpolation=cv2.INTER_AREA)
        inside = (share.reshape(size[1], size[0]) >= OUTLINE * 255).astype(np.uint8)
        tint = 0.35 * inside[..., None]
        canvas = np.ascontiguousarray(np.rint(canvas * (1 - tint) + ink * tint).astype(np.uint8))
        lines, _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        line = max(round(max(size) / 400), 1)
        cv2.drawContours(canvas, lines, -1, (255, 255, 255), 2 * line)
        cv2.drawContours(canvas, lines, -1, tuple(ink.tolist()), line)
        rows, columns = np.nonzero(inside)
        if len(rows):
            labels.append((float(columns.mean()), float(rows.mean()), one))
    sheet = Image.fromarray(canvas)
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=max(round(max(size) / 45), 10))
    for x, y, one in labels:
        text = f"{one['phrase']}  {one['found']:.2f}"
        box = pen.textbbox((x, y), text, font=font, anchor="mm")
        pen.rectangle((box[0] - 4, box[1] - 3, box[2] + 4, box[3] + 3), fill=(20, 20, 20))
        pen.text((x, y), text, font=font, anchor="mm", fill=(255, 255, 255))
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()
