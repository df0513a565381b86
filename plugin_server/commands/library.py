"""``photochrom library``: a person's own colour photos, whose colours grey ones may take."""

from __future__ import annotations

import json
from pathlib import Path

import click

from models.plural import number_of
from models.shown import shown
from plugin_server.commands.bars import counted
from plugin_server.commands.library_evaluate import evaluate
from plugin_server.commands.library_search import search
from plugin_server.commands.library_session import (
    json_option,
    library_option,
    load_clip,
    opened,
    preparer,
    stoppable,
)
from plugin_server.commands.once import Group
from plugin_server.commands.parameters import broker_option, clip_option

STOPPED = 130  # the exit code of a program that Ctrl-C ended
REFUSED = 2  # nothing that was named could be added

EXAMPLES = """\b
Examples:
  photochrom library add ~/Pictures
  photochrom library add --samples
  photochrom library search a street with red trams
  photochrom library list
  photochrom library check --repair
"""
ADD_EXAMPLES = """\b
Examples:
  photochrom library add ~/Pictures ~/scans/slide-042.jpg
  photochrom library add photos-000.tar photos-001.tar
  photochrom library add ~/Pictures --recaption
  photochrom library add --samples
  photochrom library add /archive/photos --broker redis://192.168.1.10:6379/0
"""
LIST_EXAMPLES = """\b
Examples:
  photochrom library list
  photochrom library list tram --limit 5
  photochrom library list --json > library.json
"""
REMOVE_EXAMPLES = """\b
Examples:
  photochrom library remove rbbrzwlfhtgv lfvkdz6lq5pl
  photochrom library remove --under ~/Pictures/screenshots
"""
CHECK_EXAMPLES = """\b
Examples:
  photochrom library check
  photochrom library check --repair
  photochrom library check --re-embed
"""


@click.group(cls=Group, epilog=EXAMPLES)
def library() -> None:
    """Index your own colour photos, so that grey ones can take their colours.

    The photos stay where they are and are never changed.
    """


@library.command(epilog=ADD_EXAMPLES)
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@click.option("--samples", is_flag=True, help="Add the free photos that come with scikit-image.")
@click.option("--recaption", is_flag=True, help="Read the captions of unchanged photos again.")
@click.option("-v", "--verbose", is_flag=True, help="Name every photo that was passed over.")
@broker_option(required=False)
@library_option
@clip_option
@click.pass_context
def add(
    ctx: click.Context,
    paths: tuple[Path, ...],
    samples: bool,
    recaption: bool,
    verbose: bool,
    broker: str | None,
    folder: Path | None,
    clip: str,
) -> None:
    """Add folders, photos and tar shards of photos with captions.

    Captions come from NAME.txt or NAME.json beside a photo, or from its XMP, IPTC or EXIF. What is
    known and unchanged is passed over, so an interrupted run goes on where it stopped.
    """
    from plugin_server.commands.library_report import describe_add, passed_over

    if not paths and not samples:
        raise click.UsageError("name folders, photos or .tar shards, or say --samples", ctx)
    with (
        preparer(broker) as remote,
        opened(folder, load_clip(ctx.obj, clip), apart=ctx.obj is None, may_make=True) as exemplars,
        stoppable() as stop,
    ):
        with counted("Adding", "photos", stays=False) as advance:
            report = exemplars.add(
                paths, samples=samples, recaption=recaption, should_stop=stop,
                on_progress=lambda at: advance(at.done, at.total), remote=remote,
            )  # fmt: skip
        for line in passed_over(report, verbose=verbose):
            click.echo(line, err=True)
        for line in describe_add(report):
            click.echo(line)
        count = number_of(len(exemplars), "exemplar")
        click.echo(f"{count} in {shown(exemplars.folder)}")
    if report.stopped:
        click.echo("stopped: the same command goes on from here", err=True)
        ctx.exit(STOPPED)
    known = (
        report.unchanged, report.moved, report.duplicates, report.near_duplicates,
        report.recaptioned,
    )  # fmt: skip
    if report.refused and not report.added and not any(known):
        ctx.exit(REFUSED)


@library.command("list", epilog=LIST_EXAMPLES, short_help="List the exemplars, or some of them.")
@click.argument("text", required=False, default="")
@click.option("-n", "--limit", default=50, show_default=True, type=click.IntRange(1),
              help="How many at most.")  # fmt: skip
@click.option("--offset", default=0, show_default=True, type=click.IntRange(0),
              help="How many to pass over.")  # fmt: skip
@json_option
@library_option
def list_command(text: str, limit: int, offset: int, as_json: bool, folder: Path | None) -> None:
    """List the exemplars, or those whose caption or path has TEXT in it."""
    from plugin_server.commands.library_report import as_record, print_exemplars

    with opened(folder, None) as exemplars:
        found = exemplars.list(offset=offset, limit=limit, containing=text)
        total = len(exemplars)
    if as_json:
        click.echo(json.dumps([as_record(one) for one in found], indent=2))
        return
    if found:
        print_exemplars(found)
    of_all = f"{len(found):,} of {number_of(total, 'exemplar')}"
    click.echo(of_all if total else "The library is empty.")


@library.command(epilog=REMOVE_EXAMPLES)
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option(
    "--under", type=click.Path(path_type=Path), metavar="PATH",
    help="Remove all that came from this folder or shard, whether it is still there or not.",
)  # fmt: skip
@library_option
@click.pass_context
def remove(
    ctx: click.Context, ids: tuple[str, ...], under: Path | None, folder: Path | None
) -> None:
    """Take exemplars out of the library. Your photos stay where they are.

    Only photos that were uploaded, which the library itself keeps, are deleted.
    """
    if not ids and under is None:
        raise click.UsageError("name the ids (photochrom library list), or --under PATH", ctx)
    with opened(folder, None) as exemplars:
        doomed = set(ids) | {one.id for one in (exemplars.under(under) if under else ())}
        removed = exemplars.remove(doomed)
        left = len(exemplars)
        click.echo(f"{removed:,} removed, {number_of(left, 'exemplar')} left")


@library.command(epilog=CHECK_EXAMPLES, short_help="Compare the library with the photos.")
@click.option("--repair", is_flag=True, help="Put right what can be put right.")
@click.option("--re-embed", is_flag=True, help="Compute the vectors again with this CLIP model.")
@library_option
@clip_option
@click.pass_context
def check(ctx: click.Context, repair: bool, re_embed: bool, folder: Path | None, clip: str) -> None:
    """Compare the library with the photos: deleted, moved and changed ones, damage.

    --repair forgets photos that were deleted, follows those that were renamed or moved inside the
    folder they were added from, and reads changed ones again; those on a disk that is not there
    stay. The exit code is 1 where something is wrong and was not repaired.
    """
    from plugin_server.commands.library_report import describe_check

    model = load_clip(ctx.obj, clip) if repair or re_embed else None
    with opened(folder, model, any_model=re_embed) as exemplars, stoppable() as stop:
        if re_embed:
            with counted("Embedding", "photos", stays=False) as advance:
                count = exemplars.re_embed(
                    on_progress=lambda at: advance(at.done, at.total), should_stop=stop
                )
            click.echo(f"{count:,} vectors computed with the CLIP model {clip}")
            if stop():
                click.echo("stopped: the same command goes on from here", err=True)
                ctx.exit(STOPPED)
        with counted("Checking", "photos", stays=False) as advance:
            report = exemplars.check(
                repair=repair, on_progress=lambda at: advance(at.done, at.total)
            )
    for line in describe_check(report):
        click.echo(line)
    ctx.exit(0 if report.is_clean or (report.repaired and not report.absent) else 1)


library.add_command(search)
library.add_command(evaluate)
