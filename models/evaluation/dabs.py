"""How well one dab fills the thing it lies on: a share of its region, and what it takes outside.

    python -m models.evaluation.dabs regions-*-dev-*.tar [--limit 40]

In each photo the largest piece of one named mask, of 2 to 30 % of the picture, gets one dab at the
place that is farthest from its edge, in a colour that is far from the guess there. A pixel is taken
where the dab moves its chroma at least half of the way to the dab's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from models.color.lab import lab_to_srgb_in_gamut, srgb_to_lab, to_hex
from models.evaluation.evaluate import greyed
from models.evaluation.landing import ab_of
from models.guidance.condition import ChromaPredictor, Embedder
from models.job import ColorizeJob, Hint
from models.photos import spread_evenly
from models.pipeline import colorize, view_of
from models.training.regions import RegionPhoto, read_masks

FloatArray = NDArray[np.float32]

AREA = (0.02, 0.3)  # of the picture
CHROMA = 40.0  # of the dab; its hue is the one opposite to the guess's
TAKEN = 0.5  # of the way to the dab's colour


@dataclass(frozen=True, slots=True)
class Dabbed:
    """One dab: the share of its region that it takes, and what it takes outside over the region."""

    key: str
    name: str
    filled: float
    outside: float


def largest_piece(photo: RegionPhoto) -> tuple[str, NDArray[np.bool_]] | None:
    """Return the largest connected piece of a named mask whose size is right, and its name."""
    assert photo.labels is not None, "the shard has masks"
    best: tuple[str, NDArray[np.bool_]] | None = None
    most = 0.0
    for index, name in enumerate(photo.names[1:], 1):
        count, pieces, stats, _ = cv2.connectedComponentsWithStats(
            (photo.labels == index).astype(np.uint8)
        )
        for piece in range(1, count):
            share = float(stats[piece, cv2.CC_STAT_AREA]) / photo.labels.size
            if AREA[0] <= share <= AREA[1] and share > most:
                best, most = (name, pieces == piece), share
    return best


def measure(
    photos: Sequence[RegionPhoto], colorizer: ChromaPredictor, clip: Embedder
) -> Iterator[Dabbed]:
    """Yield what one dab does in each photo that has a region for it."""
    for photo in photos:
        if (found := largest_piece(photo)) is not None:
            yield _dabbed(photo, *found, colorizer, clip)


def _dabbed(
    photo: RegionPhoto,
    name: str,
    region: NDArray[np.bool_],
    colorizer: ChromaPredictor,
    clip: Embedder,
) -> Dabbed:
    grey = greyed(photo.pixels)
    view = view_of(grey, colorizer)

    def colored(*hints: Hint) -> FloatArray:
        job = ColorizeJob(hints=hints)
        result = colorize(grey, job, colorizer=colorizer, clip=clip, view=view)
        return ab_of(result.pixels)

    before = colored()
    inside = cv2.distanceTransform(
        np.pad(region, 1).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
    )[1:-1, 1:-1]
    y, x = (int(i) for i in np.unravel_index(int(inside.argmax()), inside.shape))
    guess = before[y, x]
    away = -guess / max(float(np.linalg.norm(guess)), 1e-3) * CHROMA
    level = srgb_to_lab(np.repeat(grey[y : y + 1, x : x + 1], 3, 2).astype(np.float32) / 255)
    color = lab_to_srgb_in_gamut(level[..., 0], away[None, None].astype(np.float32))[0, 0]
    after = colored(Hint(x, y, to_hex(color)))
    reached = after[y, x] - guess
    taken = (after - before) @ reached >= TAKEN * float(reached @ reached)
    return Dabbed(
        photo.key,
        name,
        float(taken[region].mean()),
        float((taken & ~region).sum() / region.sum()),
    )


@click.command()
@click.argument("shards", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--limit", type=click.IntRange(1), default=40, show_default=True)
@click.option("--weights", type=click.Path(exists=True, path_type=Path))
def main(shards: tuple[Path, ...], limit: int, weights: Path | None) -> None:
    """Measure one dab in each photo of region SHARDS, --limit of them evenly spread."""
    from models.networks.loading import load_pair

    colorizer, clip = load_pair(weights)
    photos = [photo for photo in read_masks(shards) if largest_piece(photo) is not None]
    chosen = spread_evenly(photos, limit)
    rows = []
    for row in measure(chosen, colorizer, clip):
        rows.append(row)
        click.echo(f"{row.key}  {row.name}: {row.filled:.2f} filled, {row.outside:.2f} outside")
    filled, outside = ([getattr(row, what) for row in rows] for what in ("filled", "outside"))
    click.echo(
        f"{len(rows)} dabs: {np.mean(filled):.2f} of the region filled (median "
        f"{np.median(filled):.2f}); outside {np.mean(outside):.2f} of its area (median "
        f"{np.median(outside):.2f})"
    )


if __name__ == "__main__":
    main()
