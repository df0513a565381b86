"""What ``photochrom evaluate`` measures: photos, with a colorizer and a CLIP model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import click

from models.baselines import HINTED, LEARNED

if TYPE_CHECKING:
    from rich.console import Console

    from models.evaluation.references import ReferenceEvaluation
    from models.evaluation.results import Evaluation
    from models.guidance.condition import ChromaPredictor
    from models.networks.clip import Clip
    from models.photos import Photo

T = TypeVar("T")


@dataclass(frozen=True)
class Measurement:
    """What is measured with what: the photos, those that references come from, the models.

    Every method prints a table of what it measured on the ``console``.
    """

    photos: list[Photo]
    candidates: list[Photo]
    colorizer: ChromaPredictor
    clip: Clip
    details: dict[str, Any]
    seed: int
    console: Console

    @classmethod
    def begin(
        cls,
        photos: Sequence[Path],
        *,
        exemplars: Sequence[Path],
        limit: int | None,
        model: str,
        weights: Path | None,
        clip_name: str,
        seed: int,
        console: Console,
    ) -> Self:
        """Load models and photos.

        Raises:
            click.UsageError: weights or photos cannot be read.
        """
        from models.networks.checkpoint import WeightsError
        from models.photos import PhotosError, read_in_colour, read_photos, spread_evenly

        try:
            colorizer, clip = _load(model, weights, clip_name)
            everything, aside = read_in_colour(photos, least=1, what="measuring")
            candidates = [*everything, *(read_photos(exemplars) if exemplars else ())]
        except (WeightsError, PhotosError) as problem:
            raise click.UsageError(str(problem)) from problem
        for sentence in aside:
            click.echo(sentence, err=True)
        found = spread_evenly(everything, limit)
        details = {
            "photos": len(found),
            "from": ", ".join(path.name for path in photos),
            "weights": colorizer.name,
            "seed": seed,
        }
        return cls(found, candidates, colorizer, clip, details, seed, console)

    def guidance(
        self,
        matched: ReferenceEvaluation | None,
        *,
        captions: bool,
        hints: bool,
        keep_pictures: int,
        lpips_features: Path | None,
    ) -> tuple[dict[str, Any], Evaluation]:
        """Measure photos without guidance, with captions and with hints.

        The figures hold those of references as well, where they were ``matched`` before.
        """
        from models.evaluation.evaluate import evaluate
        from models.evaluation.figures import summary
        from models.evaluation.perceptual import Lpips
        from models.evaluation.report import sentences, table

        steps = evaluate(
            self.photos,
            colorizer=self.colorizer,
            clip=self.clip,
            lpips=Lpips(lpips_features) if lpips_features else None,
            captions=captions,
            hints=hints,
            keep_pictures=keep_pictures,
            seed=self.seed,
        )
        result = self._last(steps, "photos")
        figures = summary(result, self.details, matched)
        self.console.print(table(figures))
        for line in sentences(figures):
            self.console.print(line)
        return figures, result

    def references(self, keep_pictures: int) -> ReferenceEvaluation:
        """Measure reference photos; this alone prints nothing.

        Raises:
            click.UsageError: there is no matcher, or no other photo.
        """
        from models.evaluation.references import NoOtherPhoto, evaluate_references
        from models.guidance.condition import NoMatcher

        growing = evaluate_references(
            self.photos,
            self.candidates,
            colorizer=self.colorizer,
            clip=self.clip,
            keep_pictures=keep_pictures,
            seed=self.seed,
        )
        try:
            return self._last(growing, "references")
        except (NoMatcher, NoOtherPhoto) as problem:
            raise click.UsageError(str(problem)) from problem

    def references_alone(self, keep_pictures: int) -> tuple[dict[str, Any], ReferenceEvaluation]:
        """Measure reference photos and nothing else.

        Raises:
            click.UsageError: as ``references``.
        """
        from models.evaluation.references import summary, table

        matched = self.references(keep_pictures)
        figures = summary(matched, self.details | {"candidates": len(self.candidates)})
        self.console.print(table(figures))
        return figures, matched

    def unlearned(self, model: str) -> dict[str, Any]:
        """Measure a baseline without a network beside Photochrom, on hints or on references."""
        from models.evaluation import side_by_side

        if model == HINTED:
            by_hints = side_by_side.hint_painters(self.colorizer, self.clip)
            means = side_by_side.measure_hints(self.photos, by_hints, seed=self.seed)
        else:
            by_reference = side_by_side.reference_painters(self.colorizer, self.clip)
            means = side_by_side.measure_references(self.photos, by_reference, seed=self.seed)
        self.console.print(side_by_side.table(means))
        return {
            "details": self.details | {"model": model},
            "means": [asdict(row) for row in means],
        }

    def _last(self, steps: Iterator[T], what: str) -> T:
        """Run through the steps, one a photo, with a bar and return the last."""
        from rich.progress import track

        last = None
        for last in track(steps, what, total=len(self.photos), console=self.console):  # noqa: B007
            pass
        assert last is not None, "there is at least one photo"
        return last


def _load(model: str, weights: Path | None, clip_name: str) -> tuple[ChromaPredictor, Clip]:
    """Load a colorizer and its CLIP model; Photochrom's own beside a baseline without a network."""
    from models.baselines.predictor import load_predictor
    from models.networks.clip import load_clip
    from models.networks.loading import load_pair

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
