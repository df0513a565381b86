"""On photos with masks: is one thing one colour, and are named things found where they are?

    python -m models.evaluation.masks regions-ccp-dev-000.tar

Patchiness: the spread of ab inside each masked thing, coloured without words, against the spread in
the original. Places: intersection over union of the mask of a name with where the name is found,
for the names that are on most photos; the names of one photo are looked for together.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from models.evaluation.evaluate import greyed
from models.evaluation.landing import ab_of, smoothed
from models.evaluation.report import number, write_json
from models.evaluation.results import mean
from models.guidance.condition import ChromaPredictor, Embedder, NamedThing
from models.job import ColorizeJob
from models.photos import PhotosError, spread_evenly
from models.pipeline import colorize, view_of
from models.training.regions import NOT_NAMES, UNKNOWN, RegionPhoto, read_masks

Area = NDArray[np.bool_]
FloatArray = NDArray[np.float32]

# People are not one thing, and skin and hair have many colours.
MANY_COLORS = frozenset({"background", "person", "skin", "hair"})
AREA = (0.02, 0.6)  # of the picture that a thing must cover where its patches are measured
COMMONEST = 20
LIKELY = 0.5  # a pixel shows a name from this probability on


@dataclass(frozen=True, slots=True)
class Patches:
    """The spread of ab in one thing, in its result and in its original."""

    source: str
    name: str
    result: float
    original: float


@dataclass(slots=True)
class Overlap:
    """Pixels of one name's masks and places over many photos."""

    photos: int = 0
    both: int = 0
    either: int = 0

    @property
    def share(self) -> float:
        """Return the intersection over union."""
        return self.both / self.either if self.either else 0.0


@dataclass(slots=True)
class Masked:
    """Everything measured; overlaps by name."""

    patches: list[Patches] = field(default_factory=list)
    overlaps: dict[str, Overlap] = field(default_factory=lambda: defaultdict(Overlap))


def spread(ab: FloatArray, mask: Area) -> float:
    """Return the root mean square distance from its mean of (H, W, 2) ab inside an (H, W) mask.

    It is smoothed inside the mask first: grain is no patch.
    """
    weight = smoothed(mask.astype(np.float32)) + np.float32(1e-6)
    inside = np.stack([smoothed(ab[..., c] * mask) / weight for c in (0, 1)], axis=-1)[mask]
    return float(np.sqrt(np.square(inside - inside.mean(axis=0)).sum(axis=-1).mean()))


def names_in(photo: RegionPhoto) -> dict[str, Area]:
    """Return the (H, W) masks of the names that a photo shows."""
    assert photo.labels is not None, "the shard has masks"
    shown = np.unique(photo.labels)
    return {
        photo.names[i]: photo.labels == i
        for i in shown
        if i != UNKNOWN and photo.names[i] not in NOT_NAMES
    }


def commonest(photos: Sequence[RegionPhoto]) -> tuple[str, ...]:
    """Return the names that are on most photos, the commonest first."""
    counts = Counter(name for photo in photos for name in names_in(photo))
    return tuple(sorted(counts, key=lambda name: (-counts[name], name))[:COMMONEST])


def measure(
    photos: Sequence[RegionPhoto],
    names: Sequence[str],
    colorizer: ChromaPredictor,
    clip: Embedder,
) -> Iterator[Masked]:
    """Yield the growing result after each photo; overlaps are of ``names`` alone."""
    result = Masked()
    for photo in photos:
        grey = greyed(photo.pixels)
        view = view_of(grey, colorizer)
        masks = names_in(photo)
        if not photo.grey:
            made = colorize(grey, ColorizeJob(), colorizer=colorizer, clip=clip, view=view).pixels
            ours, true = ab_of(made), ab_of(photo.pixels)
            result.patches += [
                Patches(photo.source, name, spread(ours, mask), spread(true, mask))
                for name, mask in masks.items()
                if name not in MANY_COLORS and AREA[0] < mask.mean() < AREA[1]
            ]
        found = _found(list(masks), view.colorizer, view.read, clip, photo.pixels.shape[:2])
        known = photo.labels != UNKNOWN
        for name in masks.keys() & set(names):
            at = result.overlaps[name]
            at.photos += 1
            at.both += int((masks[name] & found[name]).sum())
            at.either += int((masks[name] | (found[name] & known)).sum())
        yield result


def _found(
    names: Sequence[str],
    colorizer: ChromaPredictor,
    lightness: FloatArray,
    clip: Embedder,
    shape: tuple[int, int],
) -> dict[str, Area]:
    """Look for names together and mark the pixels that are likely to show each."""
    if not names:
        return {}
    # By the name itself: read as a description, a person's colour would be that of the clothes.
    # ``locate`` colours what it finds, and any colour does.
    things = [NamedThing(clip.embed_text(name, "en").vector, ("red",), name) for name in names]
    places = colorizer.locate(lightness, things).probability
    return {
        name: cv2.resize(place, shape[::-1], interpolation=cv2.INTER_LINEAR) >= LIKELY
        for name, place in zip(names, places, strict=True)
    }


def summary(masked: Masked) -> dict[str, Any]:
    """Return the figures as plain numbers."""
    figures: dict[str, Any] = {"patchiness": {}, "places": {}}
    sources = sorted({one.source for one in masked.patches})
    for source in (*sources, *(("all",) if len(sources) > 1 else ())):
        some = [one for one in masked.patches if source in (one.source, "all")]
        result, original = (mean([getattr(p, w) for p in some]) for w in ("result", "original"))
        figures["patchiness"][source] = {
            "things": len(some),
            "result": result,
            "original": original,
            "ratio": result / original if original else None,
        }
    for name, at in sorted(masked.overlaps.items(), key=lambda item: -item[1].photos):
        figures["places"][name] = {"photos": at.photos, "overlap": at.share}
    if masked.overlaps:
        figures["mean_overlap"] = mean([at.share for at in masked.overlaps.values()])
    return figures


def tables(figures: dict[str, Any]) -> Iterator[Table]:
    """Lay the figures out for the terminal."""
    patches = Table("source", "things", "result, ab", "original, ab", "ratio",
                    title="Spread of colour inside one thing")  # fmt: skip
    for source, row in figures["patchiness"].items():
        numbers = (number(row[name], ".2f") for name in ("result", "original", "ratio"))
        patches.add_row(source, str(row["things"]), *numbers)
    yield patches
    places = Table("name", "photos", "intersection over union", title="Where names are found")
    for name, row in figures["places"].items():
        places.add_row(name, str(row["photos"]), f"{row['overlap']:.2f}")
    if figures["places"]:
        places.add_section()
        places.add_row("mean of names", "", f"{figures['mean_overlap']:.2f}")
    yield places


EXAMPLES = """\b
Examples:
  python -m models.evaluation.masks regions-ccp-dev-000.tar
  python -m models.evaluation.masks regions-*-dev-000.tar --json masks.json
"""
_PATH = click.Path(exists=True, path_type=Path)


@click.command(epilog=EXAMPLES)
@click.argument("shards", nargs=-1, required=True, type=_PATH)
@click.option("--limit", type=click.IntRange(1), help="Take so many photos, spread evenly.")
@click.option("--weights", type=_PATH, help="Weights other than the shipped.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Figures as JSON.")
def main(
    shards: tuple[Path, ...], limit: int | None, weights: Path | None, json_file: Path | None
) -> None:
    """Measure patches and places on the photos with masks of region SHARDS."""
    from models.networks.loading import load_pair

    try:
        photos = spread_evenly(list(read_masks(shards)), limit)
    except PhotosError as problem:
        raise click.UsageError(str(problem)) from problem
    colorizer, clip = load_pair(weights)
    console = Console()
    steps = measure(photos, commonest(photos), colorizer, clip)
    *_, result = track(steps, "photos", total=len(photos), console=console)
    figures = summary(result)
    for table in tables(figures):
        console.print(table)
    if json_file is not None:
        write_json(json_file, figures, photos=shards, weights=colorizer.name)
        console.print(f"wrote {json_file}")


if __name__ == "__main__":
    main()
