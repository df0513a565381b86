"""Is a thing that is not in the photo reported as not found, and one that is there not?

    python -m models.evaluation.found SHARD... --boxes REGIONS.jsonl [--limit 100]

True phrases are those that people drew boxes for, with their colours; strangers are the coloured
phrases of other photos whose thing no caption or box of this photo may mean. Printed for several
thresholds of ``how_found``: the share of strangers that are reported, and of true phrases that are
reported falsely; the product's own threshold is marked, and the best for a bound on false alarms.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import click
import numpy as np

from models.evaluation.evaluate import greyed
from models.guidance.condition import ChromaPredictor, Embedder
from models.guidance.things import LEAST_FOUND, place_things
from models.photos import Photo, read_photos, spread_evenly
from models.pipeline import view_of
from models.training.regions import Boxes, RegionPhoto, read_boxes
from models.training.strangers import ColoredName, strangers_to

ALARMS = 0.15  # of the true phrases, at most


@dataclass(frozen=True, slots=True)
class SoughtPhrase:
    """One phrase in one photo: how sure it is that it was found, and whether it is there."""

    key: str
    phrase: str
    found: float
    is_there: bool


@dataclass(frozen=True, slots=True)
class Point:
    """At one threshold: shares of strangers and of true phrases that are reported as not found."""

    threshold: float
    reported: float
    alarms: float


def phrase_of(name: ColoredName) -> str:
    """Write a phrase as people do: its colours before its thing."""
    return f"a {' and '.join(name.colors)} {name.name}"


def seek(
    photos: Sequence[Photo],
    drawn: dict[str, tuple[Boxes, ...]],
    colorizer: ChromaPredictor,
    clip: Embedder,
    *,
    seed: int = 0,
) -> Iterator[SoughtPhrase]:
    """Look in each photo for its own coloured phrases and for as many of other photos."""
    generator = np.random.default_rng(seed)
    colored = {
        key: [ColoredName(one.name, one.colors) for one in boxes if one.colors]
        for key, boxes in sorted(drawn.items())
    }
    everything = [one for names in colored.values() for one in names]
    for photo in photos:
        own = colored.get(photo.key, [])
        shown = RegionPhoto.of(photo, drawn.get(photo.key, ())).shown
        strangers = strangers_to(shown, everything, generator)
        sought = [(one, True) for one in own]
        sought += [(one, False) for one in islice(strangers, len(own))]
        grey = greyed(photo.pixels)
        view = view_of(grey, colorizer)
        grid = (view.read.shape[0] // 4, view.read.shape[1] // 4)
        for name, is_there in sought:
            phrase = phrase_of(name)
            things, _ = place_things(
                clip.embed_text(phrase, None), view.read, grid, colorizer=view.colorizer
            )
            for thing in things[:1]:  # a phrase that names no colour that is known has none
                yield SoughtPhrase(photo.key, phrase, thing.found, is_there)


def points(sought: Sequence[SoughtPhrase], thresholds: Sequence[float]) -> list[Point]:
    """Count at each threshold what is reported."""
    strangers = np.array([one.found for one in sought if not one.is_there])
    true = np.array([one.found for one in sought if one.is_there])
    return [Point(t, float((strangers < t).mean()), float((true < t).mean())) for t in thresholds]


@click.command()
@click.argument("shards", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--boxes", required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--split", default="dev", show_default=True)
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@click.option("--weights", type=click.Path(exists=True, path_type=Path))
def main(
    shards: tuple[Path, ...], boxes: Path, split: str, limit: int, weights: Path | None
) -> None:
    """Measure on --limit photos of SHARDS, evenly spread, that have a coloured phrase."""
    from models.networks.loading import load_pair

    colorizer, clip = load_pair(weights)
    drawn = read_boxes(boxes, split)
    photos = [p for p in read_photos(shards) if any(b.colors for b in drawn.get(p.key, ()))]
    if not photos:
        raise click.UsageError("no photo of the shards has a coloured phrase in --boxes")
    chosen = spread_evenly(photos, limit)
    sought = list(seek(chosen, drawn, colorizer, clip))
    true = sum(one.is_there for one in sought)
    click.echo(f"{len(chosen)} photos, {true} true phrases, {len(sought) - true} of other photos")
    click.echo("threshold  strangers reported  false alarms")
    steps = sorted({LEAST_FOUND, *np.round(np.arange(0.05, 1.0, 0.05), 2).tolist()})
    for point in points(sought, steps):
        mark = "  (the product's)" if point.threshold == LEAST_FOUND else ""
        click.echo(f"{point.threshold:9.2f}  {point.reported:18.2f}  {point.alarms:12.2f}{mark}")
    fine = points(sought, sorted({one.found for one in sought}))
    best = max((p for p in fine if p.alarms < ALARMS), key=lambda p: p.reported, default=None)
    if best is not None:
        click.echo(
            f"under {ALARMS:.0%} false alarms at most {best.reported:.2f} are reported, at "
            f"{best.threshold:.3f}"
        )


if __name__ == "__main__":
    main()
