"""``photochrom describe``: what is known of the photos of a folder, as a table to fill in."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from models.plural import number_of
from models.shown import printable, shown
from plugin_server.commands.once import Command

EXAMPLES = """\b
Examples:
  photochrom describe scans -r
  photochrom describe scans -r --template -o catalogue.csv
  photochrom colorize scans -o coloured -r --descriptions catalogue.csv
"""


@click.command(cls=Command, epilog=EXAMPLES)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("-r", "--recursive", is_flag=True, help="Look into folders below, too.")
@click.option(
    "--template", is_flag=True,
    help="Write a table for colorize --descriptions: every photo, with what is known of it.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.csv",
    help="The file to write; without it the table goes to stdout.",
)  # fmt: skip
def describe(folder: Path, recursive: bool, template: bool, output: Path | None) -> None:
    """List what the photos of a folder are said to show, beside them or inside their files."""
    from plugin_server.batch.sources import SourceError, Sources

    if output is not None and output.exists():
        raise click.ClickException(f"{shown(output)} exists already: choose another name")
    try:
        # The place of results does not matter here; it only must not lie in the folder.
        nowhere = folder.absolute().parent / ".photochrom-nowhere"
        sources = Sources.parse([folder], nowhere, recursive=recursive)
    except SourceError as problem:
        raise click.ClickException(str(problem)) from problem
    rows = list(_rows(sources))
    if not rows:
        below = "" if recursive else "; --recursive looks into folders below, too"
        raise click.ClickException(f"there is no photo in {shown(folder)}{below}")
    if template or output is not None:
        _write(rows, output)
    else:
        for name, description, _ in rows:
            click.echo(f"{shown(name)}: {printable(description) or '-'}")
    empty = sum(1 for _, description, _ in rows if not description)
    click.echo(f"{number_of(len(rows), 'photo')}, {empty:,} without a description", err=True)


def _rows(sources: object) -> Iterator[tuple[str, str, str]]:
    """Yield name, description and where it comes from."""
    from plugin_server.batch.descriptions import Descriptions
    from plugin_server.batch.sources import SkippedPhoto, Sources

    assert isinstance(sources, Sources)
    known = Descriptions()
    for one in sources:
        if isinstance(one, SkippedPhoto):
            click.echo(f"{shown(one.name)}: {one.reason}", err=True)
            continue
        try:
            given = known.given(one.name, one.path)
            described = known.completed(given, one.path.read_bytes())
        except OSError as problem:
            click.echo(f"{shown(one.name)}: {problem.strerror}", err=True)
            continue
        for note in described.notes:
            click.echo(f"{shown(one.name)}: note: {printable(note)}", err=True)
        yield one.name, described.text, described.by


def _write(rows: list[tuple[str, str, str]], output: Path | None) -> None:
    from plugin_server.batch.writing import replace_file

    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(("file", "description", "described_by"))
    writer.writerows(rows)
    text = table.getvalue()
    if output is None:
        sys.stdout.write(text)
        return
    try:
        # Excel needs the mark to see UTF-8.
        replace_file(output, text.encode("utf-8-sig", "backslashreplace"))
    except OSError as problem:
        raise click.ClickException(f"cannot write {shown(output)}: {problem.strerror}") from problem
    click.echo(shown(output))
