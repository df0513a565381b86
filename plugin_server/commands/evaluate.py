"""``photochrom evaluate``: how near the colours come, in figures and pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from models.baselines import HINTED, LEARNED, OURS, UNLEARNED

if TYPE_CHECKING:
    from rich.console import Console

    from models.guidance.condition import ChromaPredictor
    from models.networks.clip import Clip
    from models.photos import Photo

T = TypeVar("T")

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


@click.command(epilog=EXAMPLES)
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
@click.option("--seed", default=0, show_default=True, help="For other captions and hints.")
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

    from models.evaluation import references as by_reference
    from models.evaluation.comparison import ComparisonError, compare
    from models.evaluation.comparison import table as models_table
    from models.evaluation.evaluate import evaluate as measure
    from models.evaluation.figures import summary
    from models.evaluation.page import html_page
    from models.evaluation.perceptual import Lpips
    from models.evaluation.report import sentences, table
    from models.evaluation.turing import turing_page
    from models.guidance.condition import NoMatcher
    from models.networks.checkpoint import WeightsError
    from models.photos import PhotosError, in_colour, read_photos

    console = Console()
    models = _read_figures(compared)
    if not photos:
        if len(models) < 2:
            raise click.UsageError(
                "nothing to measure: name PHOTOS, or at least two models as --compare NAME=JSON"
            )
        try:
            comparison = compare(models)
        except ComparisonError as problem:
            raise click.UsageError(str(problem)) from problem
        console.print(models_table(comparison))
        if html_file is not None:
            _write(html_file, html_page(None, comparison=comparison), console)
        return

    try:
        colorizer, clip = _load(model, weights, clip_name)
        everything, aside = in_colour(read_photos(photos), least=1, what="measuring")
        candidates = [*everything, *(read_photos(exemplars) if exemplars else ())]
    except (WeightsError, PhotosError) as problem:
        raise click.UsageError(str(problem)) from problem
    for sentence in aside:
        click.echo(sentence, err=True)
    found = _spread(everything, limit)
    details: dict[str, Any] = {
        "photos": len(found),
        "from": ", ".join(path.name for path in photos),
        "weights": colorizer.name,
        "seed": seed,
    }
    if model in UNLEARNED:
        _measure_unlearned(model, found, colorizer, clip, details, json_file, console)
        return
    matched = None
    if references or (html_file is not None and model == OURS):
        growing = by_reference.evaluate_references(
            found,
            candidates,
            colorizer=colorizer,
            clip=clip,
            keep_pictures=min(pictures, REFERENCES_ON_SHEET if references else REFERENCES_SHOWN),
            seed=seed,
        )
        try:
            matched = _last(growing, "references", len(found), console)
        except NoMatcher as problem:
            if references:
                raise click.UsageError(str(problem)) from problem
            console.print(f"References are not measured: {problem}.")
    if references and matched is not None:
        figures = by_reference.summary(matched, details | {"candidates": len(candidates)})
        console.print(by_reference.table(figures))
        if json_file is not None:
            _write(json_file, _json(figures), console)
        if sheet_file is not None:
            _write(sheet_file, by_reference.sheet_png(matched), console)
        return

    steps = measure(
        found,
        colorizer=colorizer,
        clip=clip,
        lpips=Lpips(lpips_features) if lpips_features else None,
        captions=model == OURS,
        hints=hints and model == OURS,
        keep_pictures=pictures if html_file or turing_file else 0,
        seed=seed,
    )
    result = _last(steps, "photos", len(found), console)
    figures = summary(result, details, matched)
    console.print(table(figures))
    for line in sentences(figures):
        console.print(line)
    side_by_side = None
    if models:
        try:
            side_by_side = compare(models | {"this run": figures})
            console.print(models_table(side_by_side))
        except ComparisonError as problem:  # what was measured is still written
            console.print(f"Models are not compared: {problem}.")
    if json_file is not None:
        _write(json_file, _json(figures), console)
    if html_file is not None:
        _write(html_file, html_page(figures, result, matched, side_by_side), console)
    if turing_file is not None:
        _write(turing_file, turing_page(result.pictures, seed=seed), console)


def _load(model: str, weights: Path | None, clip_name: str) -> tuple[ChromaPredictor, Clip]:
    """Load a colorizer and its CLIP model; Photochrom's own beside a baseline without a network."""
    from models.baselines.predictor import load_predictor
    from models.networks.clip import load_clip
    from models.networks.predictor import load_pair

    if model not in LEARNED:
        return load_pair(weights, clip_name)
    if weights is None:
        raise click.UsageError(
            f"--model {model} needs --weights: name the file that "
            f"`photochrom train --model {model}` wrote"
        )
    baseline = load_predictor(weights)
    if baseline.name != model:
        raise click.UsageError(f"--weights {weights} holds {baseline.name}, not {model}")
    return baseline, load_clip(clip_name)


def _measure_unlearned(
    model: str,
    photos: Sequence[Photo],
    colorizer: ChromaPredictor,
    clip: Clip,
    details: dict[str, Any],
    json_file: Path | None,
    console: Console,
) -> None:
    """Measure a baseline without a network beside Photochrom, on hints or on references."""
    from dataclasses import asdict

    from models.evaluation import side_by_side

    seed = details["seed"]
    if model == HINTED:
        by_hints = side_by_side.hint_painters(colorizer, clip)
        means = side_by_side.measure_hints(photos, by_hints, seed=seed)
    else:
        by_reference = side_by_side.reference_painters(colorizer, clip)
        means = side_by_side.measure_references(photos, by_reference, seed=seed)
    console.print(side_by_side.table(means))
    if json_file is not None:
        figures = {"details": details | {"model": model}, "means": [asdict(row) for row in means]}
        _write(json_file, _json(figures), console)


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


def _spread(photos: Sequence[Photo], limit: int | None) -> list[Photo]:
    """Take so many photos, spread evenly."""
    if limit is None or limit >= len(photos):
        return list(photos)
    return [photos[i * len(photos) // limit] for i in range(limit)]


def _last(steps: Iterator[T], what: str, count: int, console: Console) -> T:
    """Run through the steps with a bar and return the last."""
    from rich.progress import track

    last = None
    for last in track(steps, what, total=count, console=console):  # noqa: B007
        pass
    assert last is not None, "there is at least one photo"
    return last


def _json(figures: dict[str, Any]) -> str:
    return json.dumps(figures, indent=1) + "\n"


def _write(path: Path, data: str | bytes, console: Console) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    console.print(f"wrote {path}")
