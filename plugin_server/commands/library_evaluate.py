"""``photochrom library evaluate``: how well searches find the right photo."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from models.shown import shown
from plugin_server.commands.library_session import load_clip
from plugin_server.commands.once import Command
from plugin_server.commands.outputs import check_files, write
from plugin_server.commands.parameters import clip_option

EXAMPLES = """\b
Examples:
  photochrom library evaluate dev-000.tar
  photochrom library evaluate my-photos/ --among 100 --json out/retrieval.json
"""


@click.command(cls=Command, epilog=EXAMPLES, short_help="Measure how well searches find.")
@click.argument("photos", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--among", "sizes", multiple=True, default=(300,), show_default=True, type=click.IntRange(2),
    help="Search among so many photos, drawn at random, as well as among all; repeatable.",
)  # fmt: skip
@click.option("--fit", is_flag=True, help="Fit the curves of the scores anew and show them.")
@click.option("--limit", type=click.IntRange(2), help="Take so many photos, spread evenly.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Figures as JSON.")
@clip_option
@click.pass_context
def evaluate(
    ctx: click.Context,
    photos: tuple[Path, ...],
    sizes: tuple[int, ...],
    fit: bool,
    limit: int | None,
    json_file: Path | None,
    clip: str,
) -> None:
    """Measure searches on PHOTOS: colour photos with captions, in tar shards or folders.

    Each caption and each photo's grey version is searched for among the photos; of photos with
    several captions the library knows the first and the others are searched. Your library is not
    touched.
    """
    from rich.console import Console
    from rich.progress import track

    from models.photos import PhotosError, read_photos
    from retrieval.search import calibration, evaluation
    from retrieval.search.scoring import EMBEDDED

    console = Console(width=None if Console().is_terminal else 120)  # not cut in a report
    check_files([json_file])
    model = load_clip(ctx.obj, clip)
    try:
        found = list(read_photos(photos))
    except PhotosError as problem:
        raise click.UsageError(str(problem)) from problem
    if limit is not None and limit < len(found):
        found = [found[i * len(found) // limit] for i in range(limit)]
    vectors = evaluation.embed(track(found, "photos", console=console), model)
    try:
        curves = calibration.fit(vectors) if fit else EMBEDDED
    except ValueError as problem:
        raise click.UsageError(str(problem)) from problem
    figures: dict[str, Any] = {"clip": clip, "from": [path.name for path in photos]}
    figures |= evaluation.evaluate(vectors, calibration=curves, sizes=sizes)
    figures["scores"] = calibration.check_scores(vectors, curves)
    figures["calibration"] = asdict(curves)
    show(console, figures)
    if json_file is not None:
        write(json_file, (json.dumps(figures, indent=1) + "\n").encode())
        console.print(f"wrote {shown(json_file)}", markup=False)


def show(console: Any, figures: dict[str, Any]) -> None:
    """Draw the figures as tables."""
    from rich.table import Table

    table = Table("search", "among", "searches", "recall@1", "recall@5", "recall@10", "chance@10")
    for name, entries in figures["searches"].items():
        for entry in entries:
            recalls = (f"{entry[f'recall@{k}']:.3f}" for k in (1, 5, 10))
            table.add_row(
                name, str(entry["among"]), f"{entry['count']:,}", *recalls,
                f"{entry['chance@10']:.3f}",
            )  # fmt: skip
    console.print(table)
    for name, checked in figures["scores"].items():
        pairs = ", ".join(f"{row['score']:.2f} {row['true']:.2f}" for row in checked["tenths"])
        console.print(f"scores by {name}: error {checked['error']:.3f} (score true: {pairs})")
    for name, curve in figures["calibration"].items():
        console.print(f"curve {name}: {', '.join(f'{number:g}' for number in curve)}")
