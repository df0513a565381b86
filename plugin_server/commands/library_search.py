"""``photochrom library search``: exemplars that fit a description, a grey photo, or both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from models.plural import number_of
from models.shown import printable, shown
from plugin_server.commands.library_session import json_option, library_option, load_clip, opened
from plugin_server.commands.once import Command
from plugin_server.commands.outputs import check_files, write
from plugin_server.commands.parameters import clip_option

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plugin_server.commands.contact_sheet import Entry
    from retrieval.library import ExemplarLibrary
    from retrieval.search.search import Match

EXAMPLES = """\b
Examples:
  photochrom library search a street with red trams
  photochrom library search --like grandmother.jpg -k 4
  photochrom library search --like market.tif autumn light --tone warm
  photochrom library search the sea --color '#2060a0' --sheet sea.png
"""


@click.command(cls=Command, epilog=EXAMPLES)
@click.argument("words", nargs=-1, metavar="[WORDS]...")
@click.option(
    "--like", type=click.Path(path_type=Path), metavar="PHOTO",
    help="A photo, grey or not; it is read for its lightness.",
)  # fmt: skip
@click.option(
    "--weight", default=0.5, show_default=True, type=click.FloatRange(0, 1),
    help="The photo's share where words are given too.",
)  # fmt: skip
@click.option(
    "--color", "colors", multiple=True, metavar="#RRGGBB",
    help="Only photos with this colour; may be repeated.",
)  # fmt: skip
@click.option("--tone", type=click.Choice(["warm", "cool"]), help="Only photos of this tone.")
@click.option("-k", default=8, show_default=True, type=click.IntRange(1, 1000), help="How many.")
@click.option(
    "--diversity", default=0.3, show_default=True, type=click.FloatRange(0, 1),
    help="How much the hits shall differ from one another.",
)  # fmt: skip
@click.option(
    "--sheet", type=click.Path(path_type=Path, dir_okay=False), metavar="OUT.png",
    help="Write a picture of the hits with their scores; an older one is replaced.",
)  # fmt: skip
@json_option
@library_option
@clip_option
@click.pass_context
def search(
    ctx: click.Context,
    words: tuple[str, ...],
    like: Path | None,
    weight: float,
    colors: tuple[str, ...],
    tone: Literal["warm", "cool"] | None,
    k: int,
    diversity: float,
    sheet: Path | None,
    as_json: bool,
    folder: Path | None,
    clip: str,
) -> None:
    """Find exemplars by WORDS, by a photo, or by both.

    The score, from 0 to 1, is the probability that a hit shows the same kind of scene.
    """
    from plugin_server.commands.library_report import as_record, print_exemplars
    from retrieval.errors import BadQuery
    from retrieval.search.search import Query

    if sheet is not None and sheet.suffix.lower() != ".png":
        raise click.UsageError(f"--sheet {shown(sheet)}: the sheet is a PNG, name it OUT.png", ctx)
    check_files([sheet])
    try:
        query = Query(
            description=" ".join(words), image=None if like is None else _read(like),
            weight=weight, colors=colors, tone=tone, diversity=diversity,
        )  # fmt: skip
    except BadQuery as problem:
        raise click.UsageError(str(problem), ctx) from problem
    notices: list[str] = []
    with opened(folder, load_clip(ctx.obj, clip)) as exemplars:
        matches = exemplars.search(query, k=k, notices=notices)
        total = len(exemplars)
        if sheet is not None and matches:
            _write_sheet(sheet, exemplars, matches)
    for notice in notices:
        click.echo(f"note: {printable(notice)}", err=True)
    if as_json:
        records = [{"score": round(m.score, 4)} | as_record(m.exemplar) for m in matches]
        click.echo(json.dumps(records, indent=2))
        return
    if matches:
        scores = [match.score for match in matches]
        print_exemplars([match.exemplar for match in matches], scores)
    elif total:
        click.echo(f"None of {number_of(total, 'exemplar')} fits; ask for fewer colours, or none.")
    else:
        click.echo("The library is empty: photochrom library add ~/Pictures")


def _read(photo: Path) -> NDArray[Any]:
    """Read the photo to search with: (H, W, 1..4)."""
    from plugin_server.batch.sources import read_file
    from plugin_server.images.codec import ImageError, Limits, decode

    try:
        return decode(read_file(photo), limits=Limits()).pixels
    except OSError as problem:
        raise click.ClickException(f"cannot read {shown(photo)}: {problem.strerror}") from problem
    except ImageError as problem:
        raise click.ClickException(f"{shown(photo)}: {problem}") from problem


def _write_sheet(path: Path, exemplars: ExemplarLibrary, matches: list[Match]) -> None:
    from plugin_server.commands.contact_sheet import draw_exemplars

    write(path, draw_exemplars([_entry(exemplars, match) for match in matches]))


def _entry(exemplars: ExemplarLibrary, match: Match) -> Entry:
    from plugin_server.commands.contact_sheet import Entry

    one = match.exemplar
    return Entry(exemplars.thumbnail(one.id), one.id, match.score, one.caption or one.source)
