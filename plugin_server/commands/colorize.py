"""``photochrom colorize``: photos in, coloured photos out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from models.job import AUTO, LANGUAGES, ColorizeJob, Hint, JobError, PaletteColor
from plugin_server.batch.backends import Hands, broker_hands, local_hands, remote_hands
from plugin_server.batch.places import Places
from plugin_server.broker import Broker, BrokerError
from plugin_server.commands.batch import BatchCommand, BatchOptions, batch_options
from plugin_server.commands.library_session import library_option
from plugin_server.commands.parameters import (
    HintType,
    PaletteType,
    broker_option,
    clip_option,
    token_options,
    weights_option,
)
from plugin_server.commands.place_options import place_options
from plugin_server.config import Config, ConfigError, library_folder

if TYPE_CHECKING:
    from plugin_server.client import Remote
    from plugin_server.commands.destination import Destination
    from plugin_server.images.codec import Layer
    from plugin_server.service import Service

    LoadService = Callable[[Config], Service]

MOST = 12  # candidates: columns that a contact sheet can hold and a person can compare

EXAMPLES = """\b
Examples:
  photochrom colorize street.jpg
  photochrom colorize street.jpg -d "a red tram in a grey street" -o tram.png
  photochrom colorize portrait.tif --hint 820,410,#7a4a2b --saturation 0.8
  photochrom colorize garden.jpg --palette "#2a6f4e:3,#e8d8b0"
  photochrom colorize scans/*.tif -o coloured/
  photochrom colorize street.jpg --reference postcard.jpg
  photochrom colorize street.jpg --exemplar auto -d "a red tram"
  photochrom colorize portrait.jpg --region shawl.png:"a green wool shawl"
  photochrom colorize portrait.jpg -d "a green dress" --thing "green dress=#8a2030" -o layers.ora
  photochrom colorize street.jpg --candidates 4     (choose in street-color-candidates.png)
  photochrom colorize scans/*.tif -o coloured/ --server http://127.0.0.1:18890

\b
Whole folders, which go on where they were stopped (docs/batch.md):
  photochrom colorize scans -o coloured --recursive
  photochrom colorize scans -o coloured -r --descriptions catalogue.csv
  photochrom colorize scans -o coloured -r --retry-failed
  photochrom colorize scans -o coloured -r --contact-sheet sheet.html
  photochrom colorize scanner -o coloured --watch
  photochrom colorize scans -o coloured -r --broker redis://192.168.1.10:6379/0
"""


@click.command(epilog=EXAMPLES)
@click.argument("photos", nargs=-1, required=True, metavar="IN...", type=click.Path(path_type=Path))
@click.option("-d", "--description", default="", help="What the photo shows, and its colours.")
@click.option(
    "--language",
    metavar="CODE",
    help=f"The description's language ({', '.join(LANGUAGES)}); recognised where none is given.",
)
@click.option(
    "--hint",
    "hints",
    multiple=True,
    type=HintType(),
    metavar="X,Y,#RRGGBB[,RADIUS]",
    help="A dab of colour at column X and row Y of the upright photo, in pixels; may be repeated.",
)
@click.option(
    "--palette",
    default=(),
    type=PaletteType(),
    metavar="#RRGGBB[:WEIGHT],...",
    help="Up to six colours that the whole picture should have; the weight is a colour's share "
    "beside the others', 1 where none is given.",
)
@click.option(
    "--mask",
    type=click.Path(path_type=Path),
    help="A picture of the photo's size: white is coloured, black stays as it is.",
)
@click.option(
    "--reference",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A colour photo to take colours from.",
)
@click.option(
    "--exemplar",
    metavar="ID|auto",
    help="A photo of your library to take colours from; auto: the one that fits best.",
)
@click.option(
    "--candidates",
    type=click.IntRange(1, MOST),
    metavar="N",
    help="Colour from each of the N exemplars that fit best, and draw a contact sheet of them.",
)
@library_option
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
@click.option(
    "--server",
    metavar="URL",
    help="Let a server do the work, such as http://127.0.0.1:18890, with its models and library.",
)
@token_options("The server's, where it has one.")
@broker_option(required=False)
@place_options
@batch_options
@clip_option
@weights_option
@click.pass_context
def colorize(
    ctx: click.Context,
    photos: tuple[Path, ...],
    description: str,
    language: str | None,
    hints: tuple[Hint, ...],
    palette: tuple[PaletteColor, ...],
    mask: Path | None,
    reference: Path | None,
    exemplar: str | None,
    candidates: int | None,
    folder: Path | None,
    saturation: float,
    strength: float,
    output: Path | None,
    overwrite: bool,
    server: str | None,
    token: str | None,
    broker: str | None,
    places: Places,
    batch: BatchOptions,
    clip: str,
    weights: Path | None,
) -> None:
    """Colour photos, or whole folders of them: PNG, JPEG, TIFF, WebP, or NumPy's npy.

    The lightness, size, transparency and bit depth of each photo stay as they are. A photo that
    cannot be coloured is named on stderr, the others go on, and the exit code is 2. A folder that
    could not be finished gives 3, Ctrl-C 130; the same command goes on from there.
    """
    from plugin_server.commands.destination import Destination, DestinationError

    if reference and (exemplar or candidates):
        raise click.UsageError("give a --reference, or take one from the library, not both", ctx)
    if candidates and exemplar not in (None, AUTO):
        raise click.UsageError("--candidates chooses the exemplars itself: leave --exemplar out")
    # What the environment names is for when there is no --server.
    local = [ctx.get_parameter_source(name) for name in ("candidates", "folder", "weights")]
    if server and ParameterSource.COMMANDLINE in local:
        raise click.UsageError(
            "a --server has its own library and models: leave --candidates, --library and "
            "--weights out",
            ctx,
        )
    in_folders = batch.is_meant(photos)
    if broker and (server or not in_folders):
        if ctx.get_parameter_source("broker") == ParameterSource.COMMANDLINE:
            raise click.UsageError(
                "a --broker is for whole folders: leave --server out and name a folder", ctx
            )
        broker = None  # what the environment names is for when it can be used
    if broker and ctx.get_parameter_source("weights") == ParameterSource.COMMANDLINE:
        raise click.UsageError(
            "the workers of a --broker have their own models: give --weights to photochrom worker",
            ctx,
        )
    if in_folders and (output is None or candidates):
        raise click.UsageError(
            "--candidates is for single photos: leave it out"
            if candidates
            else "the results of a folder need one of their own: add -o OUT",
            ctx,
        )
    try:
        job = ColorizeJob(
            description, hints, saturation, strength, exemplar, palette, language=language
        )
        destination = Destination.parse(
            None if in_folders else output,
            several=len(photos) > 1,
            overwrite=overwrite,
            numbered=candidates is not None,
        )
        searches = exemplar is not None or candidates is not None
        library = (folder.expanduser() if folder else library_folder()) if searches else None
        queue = Broker(broker) if broker else None
        config = Config(clip=clip, weights=weights, library=library, broker=queue)
    except (JobError, DestinationError, ConfigError, BrokerError) as problem:
        raise click.ClickException(str(problem)) from problem
    mask_bytes, reference_bytes = _read(mask, "mask"), _read(reference, "reference")
    if in_folders:
        from plugin_server.batch.batch import Recipe

        def begin(should_stop: Callable[[], bool]) -> Hands:
            if queue is not None:
                load = (lambda: _load(ctx.obj, config)) if searches else None
                return broker_hands(queue, load, batch.jobs, should_stop)
            if server is None:
                return local_hands(
                    lambda workers: _load(ctx.obj, replace(config, workers=workers)), batch.jobs
                )
            return remote_hands(server, token, batch.jobs, should_stop)

        assert output is not None
        recipe = Recipe(
            job,
            mask=mask_bytes,
            reference=reference_bytes,
            places=places,
            model=f"{clip} {weights}" if server is None else "",
        )
        ctx.exit(BatchCommand(batch, photos, output, overwrite).run(recipe, begin))
    if server is None:
        service = _load(ctx.obj, config)
        one_by_one = OneByOne(
            service, job, mask_bytes, reference_bytes, destination, candidates, places
        )
        ctx.exit(2 if one_by_one.run(photos) else 0)
    from plugin_server.client import Remote, RemoteError, job_bar

    with job_bar(len(photos) == 1) as on_state:
        try:
            remote = Remote(server, token, on_state=on_state)
        except RemoteError as problem:
            raise click.ClickException(str(problem)) from problem
        one_by_one = OneByOne(remote, job, mask_bytes, reference_bytes, destination, places=places)
        failed = one_by_one.run(photos)
    ctx.exit(2 if failed else 0)


@dataclass(frozen=True, slots=True)
class OneByOne:
    """What all photos of one run share."""

    service: Service | Remote
    job: ColorizeJob
    mask: bytes | None
    reference: bytes | None
    destination: Destination
    candidates: int | None = None
    places: Places = field(default_factory=Places)

    def run(self, photos: Sequence[Path]) -> int:
        """Colour each photo, say what was written and what failed, and count the failures."""
        from plugin_server.batch.batch import explain

        failed = 0
        with _progress(len(photos)) as advance:
            for photo in photos:
                try:
                    for written in self.colour(photo):
                        # A name need not be text; it must not fail a photo that is written.
                        click.echo(click.format_filename(written))
                except Exception as problem:  # one bad photo must not stop the others
                    failed += 1
                    click.echo(f"{click.format_filename(photo)}: {explain(problem)}", err=True)
                advance()
        return failed

    def colour(self, photo: Path) -> Iterator[Path]:
        """Colour one photo and name the files as they are written."""
        from plugin_server.engine.requests import ColorizeRequest
        from plugin_server.images.codec import TooLarge

        if photo.is_dir():
            raise IsADirectoryError("is a folder: colour what is in it with --recursive -o OUT")
        size, limit = photo.stat().st_size, self.service.limits.max_bytes
        if size > limit:
            raise TooLarge(f"the file has {size:,} bytes and the limit is {limit:,}: scale it down")
        request = ColorizeRequest(
            photo.read_bytes(), self.job, mask=self.mask, reference=self.reference
        )
        request = self.places.on(request)
        if self.candidates is not None:
            from plugin_server.commands.candidates import Candidates
            from plugin_server.service import Service

            assert isinstance(self.service, Service), "a server chooses no candidates"
            several = Candidates(self.service, self.destination, self.candidates, _note)
            yield from several.colour(photo, request)
            return
        target = photo

        def choose_type(layer: Layer) -> str:
            nonlocal target
            target, media_type = self.destination.place(photo, layer)
            return media_type

        answer = self.service.colorize(replace(request, choose_type=choose_type))
        self.destination.write(target, answer.body)
        if answer.exemplar is not None:
            _note(photo, f"exemplar {answer.exemplar}")
        for notice in answer.notices:
            _note(photo, notice)
        yield target


def _note(photo: Path, text: str) -> None:
    click.echo(f"{click.format_filename(photo)}: note: {text}", err=True)


def _read(path: Path | None, kind: str) -> bytes | None:
    try:
        return None if path is None else path.read_bytes()
    except OSError as problem:
        name = click.format_filename(path or "")
        raise click.ClickException(
            f"cannot read the {kind} {name}: {problem.strerror}"
        ) from problem


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


def _load(load: LoadService | None, config: Config) -> Service:
    from models.networks.checkpoint import WeightsError
    from plugin_server.service import Service

    try:
        return (load or Service.load)(config)
    except WeightsError as problem:
        raise click.ClickException(str(problem)) from problem
