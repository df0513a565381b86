"""``photochrom evaluate``: how near the colours come, in figures and pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from models.baselines import LEARNED, OURS, UNLEARNED
from models.shown import shown
from plugin_server.commands.measurement import Measurement
from plugin_server.commands.once import Command
from plugin_server.commands.outputs import check_files, write

if TYPE_CHECKING:
    from rich.console import Console

    from models.evaluation.comparison import Comparison

EXAMPLES = """\b
Examples:
  photochrom evaluate dev-000.tar --limit 200 --report out/report.html
  photochrom evaluate my-photos/ --limit 200 --json out/figures.json
  photochrom evaluate dev-000.tar --references --limit 100 --sheet out/references.png
  photochrom evaluate dev-000.tar --limit 100 --turing out/blind.html
  photochrom evaluate dev-000.tar --model zhang2016 --weights runs/field/zhang2016.safetensors
  photochrom evaluate --compare old=old.json --compare new=new.json --report out/models.html
"""
REFERENCES_SHOWN = 8  # on the page
REFERENCES_ON_SHEET = 20


@click.command(cls=Command, epilog=EXAMPLES)
@click.argument("photos", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--report",
    "--html",
    "html_file",
    type=click.Path(path_type=Path),
    help="One page with every measure, charts and pictures; tries references too.",
)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Figures as JSON.")
@click.option(
    "--turing",
    "turing_file",
    type=click.Path(path_type=Path),
    help="A page that asks a person: original or coloured?",
)
@click.option(
    "--compare",
    "compared",
    multiple=True,
    metavar="NAME=JSON",
    help="Put evaluations that --json wrote side by side; may be repeated.",
)
@click.option(
    "--model",
    type=click.Choice((OURS, *LEARNED, *UNLEARNED)),
    default=OURS,
    show_default=True,
    help="Photochrom's own network, or a baseline of the field.",
)
@click.option("--weights", type=click.Path(path_type=Path), help="Weights other than the shipped.")
@click.option(
    "--clip", "clip_name", default="embedded", show_default=True, help="The weights' CLIP model."
)
@click.option("--limit", type=click.IntRange(1), help="Take so many photos, spread evenly.")
@click.option("--hints/--no-hints", default=True, show_default=True, help="Measure hints as well.")
@click.option(
    "--pictures",
    default=40,
    show_default=True,
    type=click.IntRange(1),
    help="Photos drawn at random for the pages.",
)
@click.option(
    "--lpips-features",
    type=click.Path(exists=True, path_type=Path),
    help="AlexNet's ImageNet features (safetensors); without them LPIPS is not available.",
)
@click.option("--references", is_flag=True, help="Measure reference photos alone.")
@click.option(
    "--exemplars",
    multiple=True,
    type=click.Path(path_type=Path),
    help="More photos to find references among; may be repeated.",
)
@click.option(
    "--sheet", "sheet_file", type=click.Path(path_type=Path), help="With --references: a PNG."
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="For other captions and hints.",
)
def evaluate(
    photos: tuple[Path, ...],
    html_file: Path | None,
    json_file: Path | None,
    turing_file: Path | None,
    compared: tuple[str, ...],
    model: str,
    weights: Path | None,
    clip_name: str,
    limit: int | None,
    hints: bool,
    pictures: int,
    lpips_features: Path | None,
    references: bool,
    exemplars: tuple[Path, ...],
    sheet_file: Path | None,
    seed: int,
) -> None:
    """Measure the colorizer on PHOTOS: colour photos in tar shards or folders.

    Each photo is made grey and coloured without guidance, with its caption, with another photo's
    caption and with hints; the result is compared with the original. The grey picture stands beside
    them as the baseline.

    With --references each is coloured with the original itself as the reference, with a mirrored
    part of it, with the photo that CLIP finds most like it, and with one drawn at random.

    With --model a baseline takes the network's place. Those that learn colour without guidance and
    need --weights; levin2004 is measured on hints and sample-colorize on references, both beside
    Photochrom.

    With --compare and no PHOTOS, evaluations made before are put side by side.
    """
    from rich.console import Console

    console = Console()
    check_files((html_file, json_file, turing_file, sheet_file))
    models = _read_figures(compared)
    if not photos:
        _compare(models, html_file, console)
        return
    measurement = Measurement.begin(
        photos, exemplars=exemplars, limit=limit, model=model, weights=weights,
        clip_name=clip_name, seed=seed, console=console,
    )  # fmt: skip
    if model in UNLEARNED:
        _write(json_file, measurement.unlearned(model), console)
        return
    if references:
        figures, alone = measurement.references_alone(min(pictures, REFERENCES_ON_SHEET))
        _write(json_file, figures, console)
        if sheet_file is not None:
            from models.evaluation.references import sheet_png

            _write(sheet_file, sheet_png(alone), console)
        return
    matched = None
    if html_file is not None and model == OURS:
        try:
            matched = measurement.references(min(pictures, REFERENCES_SHOWN))
        except click.UsageError as problem:
            console.print(f"References are not measured: {problem}.")
    figures, result = measurement.guidance(
        matched,
        captions=model == OURS,
        hints=hints and model == OURS,
        keep_pictures=pictures if html_file or turing_file else 0,
        lpips_features=lpips_features,
    )
    side_by_side = _side_by_side(models, figures, console)
    _write(json_file, figures, console)
    if html_file is not None:
        from models.evaluation.page import html_page

        _write(html_file, html_page(figures, result, matched, side_by_side), console)
    if turing_file is not None:
        from models.evaluation.turing import turing_page

        _write(turing_file, turing_page(result.pictures, seed=seed), console)


def _compare(models: Mapping[str, Any], html_file: Path | None, console: Console) -> None:
    """Put evaluations that were made before side by side."""
    from models.evaluation.comparison import ComparisonError, compare, table
    from models.evaluation.page import html_page

    if len(models) < 2:
        raise click.UsageError(
            "nothing to measure: name PHOTOS, or at least two models as --compare NAME=JSON"
        )
    try:
        comparison = compare(models)
    except ComparisonError as problem:
        raise click.UsageError(str(problem)) from problem
    console.print(table(comparison))
    if html_file is not None:
        _write(html_file, html_page(None, comparison=comparison), console)


def _side_by_side(
    models: dict[str, Any], figures: dict[str, Any], console: Console
) -> Comparison | None:
    """Put this run beside those made before, where there are any."""
    from models.evaluation.comparison import ComparisonError, compare, table

    if not models:
        return None
    try:
        comparison = compare(models | {"this run": figures})
    except ComparisonError as problem:  # what was measured is still written
        console.print(f"Models are not compared: {problem}.")
        return None
    console.print(table(comparison))
    return comparison


def _read_figures(compared: Sequence[str]) -> dict[str, Any]:
    """Read NAME=JSON, in the order given."""
    from models.evaluation.comparison import ComparisonError, read_figures

    models = {}
    for entry in compared:
        name, equals, file = entry.partition("=")
        if not name or not equals or not file:
            raise click.UsageError(f"--compare {entry!r}: write NAME=JSON, such as old=old.json")
        if name in models:
            raise click.UsageError(f"--compare {entry!r}: the name {name!r} is given twice")
        try:
            models[name] = read_figures(Path(file))
        except ComparisonError as problem:
            raise click.UsageError(str(problem)) from problem
    return models


def _write(path: Path | None, data: str | bytes | dict[str, Any], console: Console) -> None:
    """Write a file where one is asked for; a dictionary becomes JSON."""
    if path is None:
        return
    if isinstance(data, dict):
        data = json.dumps(data, indent=1) + "\n"
    write(path, data.encode() if isinstance(data, str) else data)
    console.print(f"wrote {shown(path)}", markup=False)
