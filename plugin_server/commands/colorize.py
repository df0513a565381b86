"""``photochrom colorize``: photos in, coloured photos out."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from models.job import AUTO, LANGUAGES, ColorizeJob, Hint, JobError, PaletteColor
from models.shown import shown
from plugin_server.batch.backends import Backend, broker_backend, local_backend, remote_backend
from plugin_server.batch.places import Places
from plugin_server.batch.relative_hint import RelativeHint
from plugin_server.broker import Broker, BrokerError
from plugin_server.commands.bars import photo_bar
from plugin_server.commands.batch import BatchCommand, BatchOptions, batch_options
from plugin_server.commands.library_session import folder_of, library_option
from plugin_server.commands.once import Command
from plugin_server.commands.parameters import (
    HintType,
    PaletteType,
    broker_option,
    clip_option,
    token_options,
    weights_option,
)
from plugin_server.commands.place_options import place_options
from plugin_server.config import DEFAULT_HOST, DEFAULT_PORT, Config, ConfigError
from plugin_server.jobs.malloc import nothing_collected
from plugin_server.version import product_version

if TYPE_CHECKING:
    from plugin_server.client import OnState
    from plugin_server.service import Service

    LoadService = Callable[[Config], Service]

STREAM = Path("-")  # stdin
POLL_INTERVAL = 0.5  # seconds for which a server on this machine is looked for
MOST = 12  # candidates: columns that a contact sheet can hold and a person can compare

EXAMPLES = """\b
Examples:
  photochrom colorize street.jpg
  photochrom colorize street.jpg -d "a red tram in a grey street" -o tram.png
  photochrom colorize portrait.tif --hint 820,410,#7a4a2b --saturation 0.8
  photochrom colorize portrait.tif --hint 50%,30%,navy -o navy.tif
  photochrom colorize garden.jpg --palette "#2a6f4e:3,beige" -o green.png
  photochrom colorize scans/*.tif -o tiffs/
  photochrom colorize street.jpg --reference postcard.jpg -o postcard-colours.png
  photochrom colorize street.jpg --exemplar auto -d "a red tram" -o auto.png
  photochrom colorize portrait.jpg --region shawl.png:"a green wool shawl"
  photochrom colorize portrait.jpg -d "a green dress" --thing "green dress=#8a2030" -o layers.ora
  photochrom colorize street.jpg --candidates 4     (choose in street-color-candidates.png)
  photochrom colorize - -d "a red tram" < street.jpg > street.png
  photochrom colorize scans/*.tif -o served/ --server http://127.0.0.1:18890

\b
Whole folders, which go on where they were stopped (docs/batch.md):
  photochrom colorize scans -o coloured --recursive
  photochrom colorize scans -o coloured -r --descriptions catalogue.csv
  photochrom colorize scans -o coloured -r --retry-failed
  photochrom colorize scans -o coloured -r --contact-sheet sheet.html
  photochrom colorize scanner -o coloured --watch
  photochrom colorize scans -o coloured -r --broker redis://192.168.1.10:6379/0
"""


@click.command(cls=Command, epilog=EXAMPLES)
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
    metavar="X,Y,COLOR[,RADIUS]",
    help="A dab of colour at column X and row Y of the upright photo, in pixels, or with % in "
    "percent of its width and height. COLOR is #RRGGBB or a name such as blue. May be repeated.",
)
@click.option(
    "--palette",
    default=(),
    type=PaletteType(),
    metavar="COLOR[:WEIGHT],...",
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
    help="Colour in N ways that differ, from exemplars that fit and by other guesses, and draw a "
    "contact sheet of them.",
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
    "Default: NAME-color.png beside the photo; a 16-bit TIFF stays TIFF. - is stdout, as it is for "
    "a photo from stdin.",
)
@click.option(
    "--overwrite", is_flag=True, help="Replace files that exist; their mode and links stay."
)
@click.option("--keep-dates", is_flag=True, help="Give results the times of their photos.")
@click.option(
    "--salvage",
    is_flag=True,
    help="Colour what can be read of a JPEG that is cut off; the rest stays grey.",
)
@click.option(
    "--server",
    metavar="URL",
    help="Let a server do the work, such as http://127.0.0.1:18890, with its models and library; "
    "auto: the one on this machine if there is one, which is much faster for single photos.",
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
    hints: tuple[Hint | RelativeHint, ...],
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
    keep_dates: bool,
    salvage: bool,
    server: str | None,
    token: str | None,
    broker: str | None,
    places: Places,
    batch: BatchOptions,
    clip: str,
    weights: Path | None,
) -> None:
    """Colour photos, or whole folders of them: PNG, JPEG, TIFF, WebP, NumPy's
    npy, and HEIC with the extra `heic`.

    The lightness, size, transparency and bit depth of each photo stay as they are. A photo that
    cannot be coloured is named on stderr, the others go on, and the exit code is 2. A folder that
    could not be finished gives 3, Ctrl-C 130; the same command goes on from there.
    """
    from plugin_server.batch.batch_settings import BatchSettings
    from plugin_server.commands.candidates import Candidates
    from plugin_server.commands.destination import Destination, DestinationError, names_a_photo
    from plugin_server.commands.named_photos import NamedPhotos, note

    if reference and (exemplar or candidates):
        raise click.UsageError("give a --reference, or take one from the library, not both", ctx)
    if candidates and exemplar not in (None, AUTO):
        raise click.UsageError("--candidates chooses the exemplars itself: leave --exemplar out")
    if server == AUTO:
        wanted = (candidates, weights, broker, exemplar)
        server = None if any(wanted) else _server_here(token)
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
    if in_folders and output is not None and names_a_photo(output) and not output.exists():
        raise click.UsageError(
            f"{shown(output)} names a file: the results of folders, and of options for them such "
            "as --format and --jobs, need a folder",
            ctx,
        )
    if STREAM in photos and (in_folders or len(photos) > 1):
        raise click.UsageError("- is one photo, from stdin: name no others", ctx)
    try:
        job = ColorizeJob(
            description, tuple(hint for hint in hints if isinstance(hint, Hint)),
            saturation, strength, exemplar, palette, language=language,
        )  # fmt: skip
        destination = Destination.parse(
            None if in_folders else output,
            several=len(photos) > 1,
            overwrite=overwrite,
            numbered=candidates is not None,
        )
        searches = exemplar is not None or candidates is not None
        library = folder_of(folder) if searches and server is None else None
        queue = Broker(broker) if broker else None
        config = Config(clip=clip, weights=weights, library=library, broker=queue)
    except (JobError, DestinationError, ConfigError, BrokerError) as problem:
        raise click.ClickException(str(problem)) from problem
    batch_settings = BatchSettings(
        job,
        mask=_read(mask, "mask"),
        reference=_read(reference, "reference"),
        model=f"{clip} {weights}" if server is None else "",
        relative_hints=tuple(hint for hint in hints if isinstance(hint, RelativeHint)),
        salvage=salvage,
        places=places,
    )

    def begin(should_stop: Callable[[], bool], jobs: int | None, one: OnState | None) -> Backend:
        if queue is not None:
            load = (lambda: _load(ctx.obj, config)) if searches else None
            return broker_backend(queue, load, jobs, should_stop)
        if server is None:
            return local_backend(
                lambda workers: _load(ctx.obj, replace(config, workers=workers)), jobs
            )
        if one is None:
            return remote_backend(server, token, jobs, should_stop)
        return remote_backend(server, token, jobs, should_stop, retry_timeout=None, on_state=one)

    if in_folders:
        assert output is not None
        options = replace(batch, keep_dates=keep_dates)
        work = BatchCommand(options, photos, output, overwrite)
        ctx.exit(work.run(batch_settings, lambda should_stop: begin(should_stop, batch.jobs, None)))
    with photo_bar(len(photos) == 1 and server is not None) as on_state:
        backend = begin(lambda: False, 1, on_state)
        several = None
        if candidates is not None:
            assert backend.service is not None
            several = Candidates(backend.service, destination, candidates, note)
        run = NamedPhotos(backend, batch_settings, destination, keep_dates, several)
        code = run.run(photos)
    for made in destination.made_folders():
        click.echo(f"made the folder {shown(made)}", err=True)
    ctx.exit(code)


def _server_here(token: str | None) -> str | None:
    """Find this machine's server, of this version, and say that it is used."""
    from plugin_server.client import Client, ClientError

    address = f"http://{DEFAULT_HOST}:{os.environ.get('PHOTOCHROM_PORT', DEFAULT_PORT)}"
    try:
        with Client(address, token, timeout=POLL_INTERVAL) as client:
            if client.health().get("version") != product_version():
                return None
    except ClientError:
        return None
    click.echo(f"coloured by the server {address}", err=True)
    return address


def _read(path: Path | None, kind: str) -> bytes | None:
    from plugin_server.batch.sources import read_file

    try:
        return None if path is None else read_file(path)
    except OSError as problem:
        name = shown(path or "")
        raise click.ClickException(
            f"cannot read the {kind} {name}: {problem.strerror}"
        ) from problem


def _load(load: LoadService | None, config: Config) -> Service:
    with nothing_collected():
        from plugin_server.service import Service

        try:
            return (load or Service.load)(config)
        except RuntimeError as problem:
            # Not before: it brings PyTorch, and the decoder starts while that is imported.
            from models.networks.checkpoint import WeightsError

            if not isinstance(problem, WeightsError):
                raise
            raise click.ClickException(str(problem)) from problem
