"""``photochrom colorize``: photos in, coloured photos out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from models.job import ColorizeJob, Hint, JobError
from plugin_server.commands.parameters import HintType, clip_option, weights_option
from plugin_server.config import Config, ConfigError

if TYPE_CHECKING:
    from plugin_server.commands.destination import Destination
    from plugin_server.images import Layer
    from plugin_server.service import Service

    LoadService = Callable[[Config], Service]

EXAMPLES = """\b
Examples:
  photochrom colorize street.jpg
  photochrom colorize street.jpg -d "a red tram in a grey street" -o tram.png
  photochrom colorize portrait.tif --hint 820,410,#7a4a2b --saturation 0.8
  photochrom colorize scans/*.tif -o coloured/
"""


@click.command(epilog=EXAMPLES)
@click.argument("photos", nargs=-1, required=True, metavar="IN...", type=click.Path(path_type=Path))
@click.option("-d", "--description", default="", help="What the photo shows, and its colours.")
@click.option(
    "--hint",
    "hints",
    multiple=True,
    type=HintType(),
    metavar="X,Y,#RRGGBB[,RADIUS]",
    help="A dab of colour at column X and row Y of the upright photo, in pixels; may be repeated.",
)
@click.option(
    "--mask",
    type=click.Path(path_type=Path),
    help="A picture of the photo's size: white is coloured, black stays as it is.",
)
@click.option("--saturation", default=1.0, show_default=True, help="How vivid, from 0 to 2.")
@click.option(
    "--strength", default=1.0, show_default=True, help="How far your guidance counts, from 0 to 1."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The file to write, or a folder (it must be one for several photos). "
    "Default: NAME-color.png beside the photo; a 16-bit TIFF stays TIFF.",
)
@click.option("--overwrite", is_flag=True, help="Replace files that exist.")
@clip_option
@weights_option
@click.pass_context
def colorize(
    ctx: click.Context,
    photos: tuple[Path, ...],
    description: str,
    hints: tuple[Hint, ...],
    mask: Path | None,
    saturation: float,
    strength: float,
    output: Path | None,
    overwrite: bool,
    clip: str,
    weights: Path | None,
) -> None:
    """Colour photos: PNG, JPEG, TIFF, WebP, or NumPy's npy.

    The lightness, size, transparency and bit depth of each photo stay as they are. A photo that
    cannot be coloured is named on stderr, the others go on, and the exit code is 2.
    """
    from plugin_server.commands.destination import Destination, DestinationError

    try:
        job = ColorizeJob(description, hints, saturation, strength)
        destination = Destination.parse(output, several=len(photos) > 1, overwrite=overwrite)
        mask_bytes = mask.read_bytes() if mask else None
    except (JobError, DestinationError) as problem:
        raise click.ClickException(str(problem)) from problem
    except OSError as problem:
        raise click.ClickException(f"cannot read the mask {mask}: {problem.strerror}") from problem
    batch = Batch(_load(ctx.obj, clip, weights), job, mask_bytes, destination)
    ctx.exit(2 if batch.run(photos) else 0)


@dataclass(frozen=True, slots=True)
class Batch:
    """What all photos of one run share."""

    service: Service
    job: ColorizeJob
    mask: bytes | None
    destination: Destination

    def run(self, photos: Sequence[Path]) -> int:
        """Colour each photo, say what was written and what failed, and count the failures."""
        failed = 0
        with _progress(len(photos)) as advance:
            for photo in photos:
                try:
                    # A name need not be text; it must not fail a photo that is written.
                    click.echo(click.format_filename(self.colour(photo)))
                except Exception as problem:  # one bad photo must not stop the others
                    failed += 1
                    click.echo(f"{click.format_filename(photo)}: {_explain(problem)}", err=True)
                advance()
        return failed

    def colour(self, photo: Path) -> Path:
        """Colour one photo and return the file that was written."""
        from plugin_server.images import TooLarge
        from plugin_server.request import ColorizeRequest

        size, limit = photo.stat().st_size, self.service.limits.max_bytes
        if size > limit:
            raise TooLarge(f"the file has {size:,} bytes and the limit is {limit:,}: scale it down")
        target = photo

        def choose_type(layer: Layer) -> str:
            nonlocal target
            target, media_type = self.destination.place(photo, layer)
            return media_type

        answer = self.service.colorize(
            ColorizeRequest(photo.read_bytes(), self.job, mask=self.mask, choose_type=choose_type)
        )
        self.destination.write(target, answer.body)
        for notice in answer.notices:
            click.echo(f"{click.format_filename(photo)}: note: {notice}", err=True)
        return target


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """Show a bar on stderr for several photos, where somebody can see it."""
    if total == 1 or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("Colouring"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # Lines for a terminal go above the bar; those for a file or a pipe must not pass through it.
    with Progress(
        *columns, console=Console(stderr=True), redirect_stdout=sys.stdout.isatty()
    ) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)


def _load(load: LoadService | None, clip: str, weights: Path | None) -> Service:
    from models.checkpoint import WeightsError
    from plugin_server.service import Service

    try:
        return (load or Service.load)(Config(clip=clip, weights=weights))
    except (WeightsError, ConfigError) as problem:
        raise click.ClickException(str(problem)) from problem


def _explain(problem: Exception) -> str:
    """Say in one line what is wrong with a photo."""
    from plugin_server.errors import is_out_of_memory

    if is_out_of_memory(problem):
        return "there is not enough memory for this photo: scale it down or close other programs"
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror
    return " ".join(str(problem).split()) or type(problem).__name__
