"""What words do to photos: do their colours land, and do they harm?

    python -m models.evaluation.words flickr8k-dev-000.tar --boxes flickr8k-regions.jsonl

Four measures, each on photos of its own: captions whose hues the photo shows (``hues``), captions
without colours (``neutral``), a caption's colour word replaced by seven (``obedience``), and
coloured phrases alone against the boxes that people drew for them (``places``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from models.color.lab import lab_to_srgb_in_gamut, srgb_to_lab
from models.evaluation.evaluate import greyed
from models.evaluation.figures import plain, sum_gains, sum_landing, sum_obedience
from models.evaluation.landing import (
    NEAR,
    ORIGINAL_CHROMA,
    Landing,
    Neutral,
    Placing,
    UInt8Array,
    ab_of,
    has_hue,
    landing_caption,
    measure_landing,
    measure_neutral,
    measure_placing,
    named_areas,
    neutral_caption,
)
from models.evaluation.obedience import Obedience, colored_caption, measure_obedience
from models.evaluation.report import number, write_json
from models.evaluation.results import mean
from models.guidance.condition import ChromaPredictor, Embedder
from models.guidance.named_colors import ab_at
from models.job import ColorizeJob
from models.photos import Photo, PhotosError, read_photos, spread_evenly
from models.pipeline import colorize, view_of
from models.training.color_naming import WORDS, color_words, only_color_word, replace_color_word
from models.training.regions import FloatArray, box_mask, read_drawn

# Turns a description into an (H, W, 3) sRGB result; an empty one into the undescribed result.
Painter = Callable[[str], UInt8Array]

MEASURES = ("hues", "neutral", "obedience", "places")
TRIED = ("red", "green", "blue")  # the colours of a phrase that is looked for
BOX = (0.005, 0.5)  # of the picture that a phrase's boxes must cover


@dataclass(frozen=True, slots=True, eq=False)
class Phrase:
    """A phrase with one hue, and the (K, 4) boxes of its name: x0, y0, x1, y1 as shares."""

    words: str
    boxes: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Words that a photo is asked for one of the MEASURES; ``box`` is (H, W), for places."""

    measure: str
    words: str
    box: NDArray[Any] | None = None


@dataclass(slots=True)
class Words:
    """Everything measured."""

    hues: list[Landing] = field(default_factory=list)
    neutral: list[Neutral] = field(default_factory=list)
    obedience: list[Obedience] = field(default_factory=list)
    places: list[Placing] = field(default_factory=list)


def painters(colorizer: ChromaPredictor, clip: Embedder) -> Callable[[UInt8Array], Painter]:
    """Return what makes a painter of an (H, W, 1) grey photo, which is looked at only once."""

    def painter(grey: UInt8Array) -> Painter:
        view = view_of(grey, colorizer)

        def paint(words: str) -> UInt8Array:
            job = ColorizeJob(words)
            return colorize(grey, job, colorizer=colorizer, clip=clip, view=view).pixels

        return paint

    return painter


def read_phrases(path: Path) -> dict[str, list[Phrase]]:
    """Read the phrases with exactly one hue, by photo, from drawn boxes."""
    return {
        key: [
            Phrase(
                region["phrase"],
                np.array([r["box"] for r in regions if r["name"] == region["name"]], np.float32),
            )
            for region in regions
            if sum(color in WORDS for color in region.get("attributes", ())) == 1
        ]
        for key, regions in read_drawn(path)
    }


def choose(
    photos: Sequence[Photo],
    phrases: Mapping[str, Sequence[Phrase]],
    *,
    limit: int | None,
    measures: Sequence[str] = MEASURES,
) -> list[tuple[Photo, list[Asked]]]:
    """Choose ``limit`` photos (phrases for places) for each measure, evenly spread."""
    found: dict[str, list[tuple[int, Asked]]] = {name: [] for name in measures}
    for i, photo in enumerate(photos):
        for one in _candidates(photo, phrases.get(photo.key, ())):
            if one.measure in found:
                found[one.measure].append((i, one))
    chosen: dict[int, list[Asked]] = {}
    for some in found.values():
        for i, one in spread_evenly(some, limit):
            chosen.setdefault(i, []).append(one)
    return [(photos[i], chosen[i]) for i in sorted(chosen)]


def _candidates(photo: Photo, phrases: Sequence[Phrase]) -> Iterator[Asked]:
    if (caption := landing_caption(photo.captions)) and named_areas(photo.pixels, caption):
        yield Asked("hues", caption)
    if caption := neutral_caption(photo.captions):
        yield Asked("neutral", caption)
    if caption := colored_caption(photo.captions):
        yield Asked("obedience", caption)
    for phrase in phrases:
        box = box_mask(phrase.boxes, photo.pixels.shape[:2])
        if BOX[0] < box.mean() < BOX[1]:
            yield Asked("places", phrase.words, box)


def knowing_places(paint: Painter, original: UInt8Array, asked: Asked) -> Painter:
    """Return a painter that knows where things are: what perfect places would bring.

    The usual colour of each word is laid over the undescribed result, all over the place and
    nowhere else. The place is the box, or where the original has the hue of the word asked for.
    """
    undescribed = srgb_to_lab(paint("").astype(np.float32) / 255)
    true = ab_of(original)
    places = [
        has_hue(true, word, NEAR, ORIGINAL_CHROMA) if asked.box is None else asked.box
        for word in color_words(asked.words)
    ]

    def painted(words: str) -> UInt8Array:
        lab = undescribed.copy()
        for place, word in zip(places, color_words(words), strict=False):
            lab[place, 1:] = ab_at([word], lab[place, 0])
        rgb = lab_to_srgb_in_gamut(lab[..., 0], lab[..., 1:])
        return np.asarray((rgb * 255).round(), np.uint8)

    return painted


def measure(
    chosen: Sequence[tuple[Photo, Sequence[Asked]]],
    painter_of: Callable[[UInt8Array], Painter],
    *,
    places_known: bool = False,
) -> Iterator[Words]:
    """Yield the growing result after each photo; the same words are painted once.

    With ``places_known`` no description is painted, but what perfect places would bring.
    """
    result = Words()
    for photo, some in chosen:
        original = photo.pixels
        own = cache(painter_of(greyed(original)))
        for asked in some:
            words = asked.words
            paint = knowing_places(own, original, asked) if places_known else own
            match asked.measure:
                case "hues":
                    landed = measure_landing(paint(words), paint(""), original, words)
                    assert landed is not None, "it was chosen for the hues that it shows"
                    result.hues.append(landed)
                case "neutral":
                    result.neutral.append(measure_neutral(paint(words), paint(""), original))
                case "obedience":
                    true = only_color_word(words)
                    assert true is not None, "it was chosen for its one colour word"
                    ab = {w: ab_of(paint(replace_color_word(words, w))) for w in WORDS}
                    result.obedience.append(measure_obedience(ab, ab_of(original), true))
                case _:
                    assert asked.box is not None, "places are looked for by their boxes"
                    tried = [paint(replace_color_word(words, color)) for color in TRIED]
                    result.places.append(measure_placing(tried, asked.box))
        yield result


def summary(words: Words) -> dict[str, Any]:
    """Return the figures of what was measured, as plain numbers."""
    figures: dict[str, Any] = {}
    if words.hues:
        figures["hues"] = sum_landing(words.hues)
    if neutral := words.neutral:
        without = mean([one.colourfulness_without for one in neutral])
        figures["neutral"] = {
            "photos": len(neutral),
            **sum_gains([one.gain for one in neutral]),
            "colourfulness_ratio": (
                mean([one.colourfulness for one in neutral]) / without if without else None
            ),
        }
    if words.obedience:
        figures["obedience"] = sum_obedience(words.obedience)
    if places := words.places:
        names = ("pointing", "inside", "chance", "overlap")
        figures["places"] = {"phrases": len(places)} | {
            name: mean([getattr(one, name) for one in places]) for name in names
        }
    numbers: dict[str, Any] = plain(figures)
    return numbers


def table(figures: Mapping[str, Any]) -> Table:
    """Lay the figures out for the terminal."""
    result = Table("what", "number", "value", "beside", title="What words do")
    for rows in (_hues, _neutral, _obedience, _places):
        if lines := rows(figures):
            for line in lines:
                result.add_row(*line)
            result.add_section()
    return result


Rows = list[tuple[str, str, str, str]]


def _hues(figures: Mapping[str, Any]) -> Rows:
    if not (at := figures.get("hues")):
        return []
    without = f"{number(at['seen_without'], '.2f')} without words"
    return [
        ("caption's hue: nearer there, ab", str(at["photos"]),
         number(at["nearer"], ".1f"), ""),
        ("  farther elsewhere, ab", "", number(at["farther"], ".1f"), ""),
        ("  share within 30 degrees of it", "", number(at["seen"], ".2f"), without),
        *_gains(at),
    ]  # fmt: skip


def _neutral(figures: Mapping[str, Any]) -> Rows:
    if not (at := figures.get("neutral")):
        return []
    ratio = number(at["colourfulness_ratio"], ".2f")
    return [
        ("no colour named: colourfulness", str(at["photos"]), ratio, "1 is as without words"),
        *_gains(at),
    ]


def _gains(at: Mapping[str, Any]) -> Rows:
    return [
        ("  photos that lose 0.5 dB", "", number(at["hurt"], ".2f"), ""),
        ("  photos that gain 0.5 dB", "", number(at["helped"], ".2f"), ""),
        ("  PSNR by the words, dB", "", number(at["gain"], "+.2f"), ""),
    ]


def _obedience(figures: Mapping[str, Any]) -> Rows:
    if not (at := figures.get("obedience")):
        return []
    chance, chance_aim = number(at["chance_obeyed"], ".2f"), number(at["chance_aim"], ".2f")
    return [
        ("another colour: obeyed", str(at["photos"]), number(at["obeyed"], ".2f"),
         f"chance {chance}"),
        ("  leak, ab", "", number(at["leak"], ".1f"), ""),
        ("  aim", str(at["photos_aim"]), number(at["aim"], ".2f"), f"chance {chance_aim}"),
    ]  # fmt: skip


def _places(figures: Mapping[str, Any]) -> Rows:
    if not (at := figures.get("places")):
        return []
    chance = f"chance {number(at['chance'], '.2f')}"
    return [
        ("coloured phrase: hits its box", str(at["phrases"]),
         number(at["pointing"], ".2f"), chance),
        ("  share of all change in it", "", number(at["inside"], ".2f"), chance),
        ("  overlap of change with it", "", number(at["overlap"], ".2f"), ""),
    ]  # fmt: skip


EXAMPLES = """\b
Examples:
  python -m models.evaluation.words flickr8k-dev-000.tar --boxes flickr8k-regions.jsonl
  python -m models.evaluation.words extra-dev-000.tar --only hues,neutral --json words.json
"""
_PATH = click.Path(exists=True, path_type=Path)


@click.command(epilog=EXAMPLES)
@click.argument("photos", nargs=-1, required=True, type=_PATH)
@click.option("--boxes", type=_PATH, help="Drawn boxes, one JSON object a photo: for places.")
@click.option("--only", metavar="NAMES", help=f"Some of {','.join(MEASURES)}.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True,
              help="Photos (phrases for places) of each measure, evenly spread.")  # fmt: skip
@click.option(
    "--known-places",
    is_flag=True,
    help="Lay usual colours on the true places: what perfect places would bring.",
)
@click.option("--weights", type=_PATH, help="Weights other than the shipped.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Figures as JSON.")
def main(
    photos: tuple[Path, ...],
    boxes: Path | None,
    only: str | None,
    limit: int,
    known_places: bool,
    weights: Path | None,
    json_file: Path | None,
) -> None:
    """Measure what descriptions do to PHOTOS, captioned photos in tar shards or folders."""
    from models.networks.loading import load_pair

    measures = tuple(only.split(",")) if only else MEASURES
    if unknown := set(measures) - set(MEASURES):
        raise click.BadParameter(f"{', '.join(sorted(unknown))}: choose from {', '.join(MEASURES)}")
    if boxes is None and only and "places" in measures:
        raise click.UsageError("places need --boxes")
    try:
        everything = list(read_photos(photos))
    except PhotosError as problem:
        raise click.UsageError(str(problem)) from problem
    chosen = choose(
        everything, read_phrases(boxes) if boxes else {}, limit=limit, measures=measures
    )
    if not chosen:
        raise click.UsageError("no photo has words to measure: name photos with captions")
    del everything
    colorizer, clip = load_pair(weights)
    console = Console()
    steps = measure(chosen, painters(colorizer, clip), places_known=known_places)
    *_, result = track(steps, "photos", total=len(chosen), console=console)
    figures = summary(result)
    console.print(table(figures))
    if json_file is not None:
        write_json(json_file, figures, photos=photos, weights=colorizer.name, limit=limit)
        console.print(f"wrote {json_file}")


if __name__ == "__main__":
    main()
