"""``photochrom evaluate``: how near the colours come, in figures and pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

EXAMPLES = """\b
Examples:
  photochrom evaluate dev-000.tar --html out/report.html
  photochrom evaluate my-photos/ --limit 200 --json out/figures.json
  photochrom evaluate dev-000.tar --references --limit 100 --sheet out/references.png
"""


@click.command(epilog=EXAMPLES)
@click.argument("photos", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--html", "html_file", type=click.Path(path_type=Path), help="Page with pictures.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Figures as JSON.")
@click.option("--weights", type=click.Path(path_type=Path), help="Weights other than the shipped.")
@click.option(
    "--clip", "clip_name", default="embedded", show_default=True, help="The weights' CLIP model."
)
@click.option("--limit", type=click.IntRange(1), help="Take so many photos, spread evenly.")
@click.option("--hints/--no-hints", default=True, show_default=True, help="Measure hints as well.")
@click.option("--pictures", default=48, show_default=True, help="Photos shown on the page.")
@click.option(
    "--lpips-features",
    type=click.Path(exists=True, path_type=Path),
    help="AlexNet's ImageNet features (safetensors); without them LPIPS is not available.",
)
@click.option("--references", is_flag=True, help="Measure reference photos instead.")
@click.option(
    "--exemplars",
    multiple=True,
    type=click.Path(path_type=Path),
    help="With --references: more photos to find references among; may be repeated.",
)
@click.option(
    "--sheet", "sheet_file", type=click.Path(path_type=Path), help="With --references: a PNG."
)
@click.option("--seed", default=0, show_default=True, help="For other captions and hints.")
def evaluate(
    photos: tuple[Path, ...],
    html_file: Path | None,
    json_file: Path | None,
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
    """
    from rich.console import Console
    from rich.progress import track

    from models.checkpoint import WeightsError
    from models.evaluation.evaluate import Evaluation
    from models.evaluation.evaluate import evaluate as run
    from models.evaluation.perceptual import Lpips
    from models.evaluation.report import html_page, sentences, summary, table
    from models.predictor import load_pair
    from models.training.photos import PhotosError, read_photos

    try:
        colorizer, clip = load_pair(weights, clip_name)
        found = list(read_photos(photos))
    except (WeightsError, PhotosError) as problem:
        raise click.UsageError(str(problem)) from problem
    everything = found
    if limit is not None and limit < len(found):
        found = [found[i * len(found) // limit] for i in range(limit)]
    console = Console()
    details: dict[str, Any] = {
        "photos": len(found),
        "from": ", ".join(path.name for path in photos),
        "weights": colorizer.name,
        "seed": seed,
    }
    if references:
        from models.evaluation import references as by_reference

        candidates = [*everything, *(read_photos(exemplars) if exemplars else ())]
        growing = by_reference.evaluate_references(
            found,
            candidates,
            colorizer=colorizer,
            clip=clip,
            keep_pictures=min(pictures, 20) if sheet_file else 0,
            seed=seed,
        )
        for matched in track(growing, "photos", total=len(found), console=console):  # noqa: B007
            pass
        figures = by_reference.summary(matched, details | {"candidates": len(candidates)})
        console.print(by_reference.table(figures))
        if json_file is not None:
            _write(json_file, (json.dumps(figures, indent=1) + "\n").encode(), console)
        if sheet_file is not None:
            _write(sheet_file, by_reference.sheet_png(matched), console)
        return
    lpips = Lpips(lpips_features) if lpips_features else None
    result = Evaluation()
    steps = run(
        found,
        colorizer=colorizer,
        clip=clip,
        lpips=lpips,
        hints=hints,
        keep_pictures=pictures if html_file else 0,
        seed=seed,
    )
    for result in track(steps, "photos", total=len(found), console=console):  # noqa: B007
        pass
    figures = summary(result, details)
    console.print(table(figures))
    for line in sentences(figures):
        console.print(line)
    for path, text in (
        (json_file, json.dumps(figures, indent=1) + "\n"),
        (html_file, html_page(result, figures) if html_file else ""),
    ):
        if path is not None:
            _write(path, text.encode(), console)


def _write(path: Path, data: bytes, console: Console) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    console.print(f"wrote {path}")
