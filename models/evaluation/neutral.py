"""How neutral teeth, beards and white hair stay in photos that are coloured without a description.

    python -m models.evaluation.neutral flickr8k-dev-000.tar regions-lfw-parts-dev-000.tar

Twenty places that were chosen by eye. Each has its mean chroma (the length of ab) in the result and
in the photo's own colours, which lamps and films tint too; the aim is a mean below 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
import numpy as np

from models.evaluation.evaluate import greyed
from models.evaluation.landing import ab_of
from models.guidance.condition import ChromaPredictor, Embedder
from models.job import ColorizeJob
from models.photos import Photo, read_photos
from models.pipeline import colorize

AIM: Final = 8.0
# Kind, photo, and a box inside it: left, top, width and height as shares of the photo.
PLACES: Final = (
    ("teeth", "2374247382_023a86b9ca", (0.43, 0.235, 0.07, 0.02)),
    ("teeth", "621000329_84f48948eb", (0.505, 0.412, 0.095, 0.022)),
    ("teeth", "519228867_2fd25e38d4", (0.54, 0.42, 0.07, 0.025)),
    ("teeth", "3231880001_193a579b97", (0.28, 0.745, 0.05, 0.03)),
    ("teeth", "3231880001_193a579b97", (0.57, 0.905, 0.07, 0.025)),
    ("teeth", "2909081008_9a7bfc599a", (0.27, 0.5, 0.07, 0.025)),
    ("teeth", "2909081008_9a7bfc599a", (0.67, 0.56, 0.05, 0.02)),
    ("teeth", "1528205014_1323aa9dfd", (0.49, 0.235, 0.05, 0.015)),
    ("teeth", "2204695848_3d1b140212", (0.45, 0.625, 0.08, 0.02)),
    ("teeth", "lfw-Zhu_Rongji_0005", (0.52, 0.675, 0.08, 0.025)),
    ("beard", "2551344688_17a12a6948", (0.47, 0.5, 0.12, 0.1)),
    ("beard", "2679565682_91ecd283ff", (0.7, 0.22, 0.06, 0.12)),
    ("beard", "2458033289_f0616879df", (0.275, 0.465, 0.03, 0.03)),
    ("hair", "3550276904_19de3561c5", (0.17, 0.04, 0.12, 0.1)),
    ("hair", "2448210587_9fe7ea5f42", (0.425, 0.19, 0.06, 0.07)),
    ("hair", "2883907436_82bf4a36b8", (0.6, 0.06, 0.12, 0.06)),
    ("hair", "1387443857_602ab6f9bf", (0.35, 0.075, 0.06, 0.03)),
    ("hair", "lfw-George_Voinovich_0002", (0.22, 0.13, 0.12, 0.12)),
    ("hair", "lfw-Yasar_Yakis_0001", (0.18, 0.35, 0.08, 0.12)),
    ("hair", "lfw-Micky_Ward_0001", (0.5, 0.14, 0.22, 0.07)),
)


@dataclass(frozen=True, slots=True)
class Tinted:
    """One place: its mean chroma in the result and in the photo's own colours."""

    kind: str
    key: str
    chroma: float
    original: float


def measure(
    photos: Iterable[Photo], colorizer: ChromaPredictor, clip: Embedder
) -> Iterator[Tinted]:
    """Yield every place that lies in one of the photos."""
    for photo in photos:
        places = [(kind, box) for kind, key, box in PLACES if key == photo.key]
        if not places:
            continue
        result = colorize(greyed(photo.pixels), ColorizeJob(), colorizer=colorizer, clip=clip)
        chroma, own = (
            np.hypot(*np.moveaxis(ab_of(pixels), -1, 0)) for pixels in (result.pixels, photo.pixels)
        )
        height, width = chroma.shape
        for kind, (left, top, across, down) in places:
            rows = slice(round(top * height), max(round((top + down) * height), 1))
            columns = slice(round(left * width), max(round((left + across) * width), 1))
            there = rows, columns
            yield Tinted(kind, photo.key, float(chroma[there].mean()), float(own[there].mean()))


@click.command()
@click.argument("shards", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--weights", type=click.Path(exists=True, path_type=Path))
def main(shards: tuple[Path, ...], weights: Path | None) -> None:
    """Measure the places whose photos are in SHARDS."""
    from models.networks.loading import load_pair

    colorizer, clip = load_pair(weights)
    rows = []
    for row in measure(read_photos(shards), colorizer, clip):
        rows.append(row)
        click.echo(f"{row.kind:6} {row.key:26} {row.chroma:5.1f}  (original {row.original:.1f})")
    for kind in ("teeth", "beard", "hair", ""):
        some = [row for row in rows if kind in row.kind]
        if some:
            chroma, own = ([getattr(row, name) for row in some] for name in ("chroma", "original"))
            below = sum(one < AIM for one in chroma)
            click.echo(
                f"{kind or 'all'}: mean chroma {np.mean(chroma):.1f}, below {AIM:g} in {below} of "
                f"{len(some)}; originals {np.mean(own):.1f}"
            )
    if len(rows) < len(PLACES):
        click.echo(f"{len(PLACES) - len(rows)} places are in photos that these shards lack")


if __name__ == "__main__":
    main()
