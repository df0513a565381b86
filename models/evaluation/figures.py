"""The figures of an evaluation as plain numbers, which JSON can hold: means, deviations, photos."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from models.evaluation.evaluate import HINTED, MATCHED
from models.evaluation.kinds import KINDS
from models.evaluation.landing import Landing
from models.evaluation.obedience import Obedience
from models.evaluation.recall import retrieval
from models.evaluation.references import ReferenceEvaluation
from models.evaluation.references import summary as references_summary
from models.evaluation.results import ORIGINAL, Evaluation, deviation, error_of_mean, mean

PLAIN = ("psnr", "ssim", "ciede2000", "lpips", "bleeding")
NOTABLE = 0.5  # dB
RATIOS = {
    "colourfulness_ratio": "colourfulness",
    "colourfulness_absolute_ratio": "colourfulness absolute",
    "bleeding_ratio": "bleeding",
}


def summary(
    evaluation: Evaluation,
    details: dict[str, Any],
    references: ReferenceEvaluation | None = None,
) -> dict[str, Any]:
    """Return all figures; ``details`` say what was evaluated. None stands for what is not there."""
    kinds = {kind: evaluation.photos(kind=kind) for kind in KINDS}
    figures: dict[str, Any] = {
        "details": details,
        "guidance": _by_guidance(evaluation),
        "kinds": {
            kind: {"photos": len(photos)}
            | {"guidance": _by_guidance(evaluation, photos)}
            | {"obedience": _obedience(evaluation, photos)}
            for kind, photos in kinds.items()
            if photos
        },
        "psnr_by_source": {
            guidance: {
                source: evaluation.mean(guidance, "psnr", evaluation.photos(source=source))
                for source in sorted({subject.source for subject in evaluation.subjects})
            }
            for guidance in ("grey", "none", "caption")
        },
        "originals": {
            "colourfulness": evaluation.mean(ORIGINAL, "colourfulness"),
            "bleeding": evaluation.mean(ORIGINAL, "bleeding"),
            "bleeding_by_chance": evaluation.mean(ORIGINAL, "bleeding by chance"),
        },
        "equally_colourful": _equally_colourful(evaluation),
    }
    if evaluation.given("caption"):
        figures["caption_gain"] = _caption_gain(evaluation)
    if evaluation.obedience:
        figures["obedience"] = _obedience(evaluation, evaluation.photos())
    if evaluation.landing:
        figures["landing"] = sum_landing(list(evaluation.landing.values()))
    if any(evaluation.given(name) for name in HINTED.values()):
        figures["hints"] = _at_hints(evaluation)
    if references is not None:
        figures["reference"] = references_summary(references, {})["reference"]
    figures["retrieval"] = retrieval(evaluation.subjects)
    figures["speed"] = _speed(evaluation)
    figures["photos"] = _by_photo(evaluation, references)
    numbers: dict[str, Any] = plain(figures)
    return numbers


def _by_guidance(evaluation: Evaluation, photos: set[int] | None = None) -> dict[str, Any]:
    table = {}
    for guidance in evaluation.guidances:
        given = evaluation.given(guidance) & (evaluation.photos() if photos is None else photos)
        if not given:
            continue
        against = evaluation.differences(guidance, "grey", "psnr", given)
        table[guidance] = (
            {"photos": len(given)}
            | {measure: evaluation.mean(guidance, measure, given) for measure in PLAIN}
            | {
                "psnr_against_grey": mean(against),
                "psnr_against_grey_error": error_of_mean(against),
            }
            | {name: evaluation.ratio(guidance, measure, given) for name, measure in RATIOS.items()}
            | {
                "deviation": {m: evaluation.deviation(guidance, m, given) for m in PLAIN}
                | {"psnr_against_grey": deviation(against)}
                | {"colourfulness_ratio": _ratio_deviation(evaluation, guidance, given)}
            }
        )
    return table


def _equally_colourful(evaluation: Evaluation) -> dict[str, Any]:
    """Accuracy at the originals' colourfulness, on the photos with a caption if there are any."""
    photos = evaluation.given("caption") or evaluation.photos()
    table: dict[str, Any] = {}
    for guidance in MATCHED:
        if found := evaluation.matched(guidance, photos):
            table[guidance] = {
                "scale": found.scale,
                "psnr": found.psnr,
                "psnr_against_grey": found.psnr - evaluation.mean("grey", "psnr", photos),
                "ciede2000": found.ciede2000,
            }
            curves = list(evaluation.curves(guidance, photos).values())
            whole = mean([curve.original for curve in curves])
            table[guidance]["curve"] = {
                "colourfulness_ratio": (
                    np.mean([curve.colourfulness for curve in curves], axis=0) / whole
                ).tolist(),
                "psnr": np.mean([curve.psnr for curve in curves], axis=0).tolist(),
                "ciede2000": np.mean([curve.ciede2000 for curve in curves], axis=0).tolist(),
            }
    return table


def _caption_gain(evaluation: Evaluation) -> dict[str, float]:
    over = {
        "over_none": evaluation.differences("caption", "none", "psnr"),
        "over_other_caption": evaluation.differences("caption", "other caption", "psnr"),
    }
    return {name: mean(gains) for name, gains in over.items()} | {
        f"{name}_error": error_of_mean(gains) for name, gains in over.items()
    }


def sum_landing(judged: Sequence[Landing]) -> dict[str, float]:
    """Sum up where captions' colours went; a loss or a gain is half a dB or more."""
    return (
        {"photos": len(judged)}
        | {
            name: mean([getattr(one, name) for one in judged])
            for name in ("nearer", "farther", "seen", "seen_without")
        }
        | sum_gains([one.gain for one in judged])
    )


def sum_gains(gains: Sequence[float]) -> dict[str, float]:
    """Tell the shares of photos that lose and that gain, half a dB or more, and the mean in dB."""
    return {
        "hurt": mean([float(gain < -NOTABLE) for gain in gains]),
        "helped": mean([float(gain > NOTABLE) for gain in gains]),
        "gain": mean(list(gains)),
    }


def sum_obedience(judged: Sequence[Obedience]) -> dict[str, float] | None:
    """Sum up what seven words each did to photos; None without any."""
    if not judged:
        return None
    columns = {
        name: [value for one in judged if (value := getattr(one, name)) is not None]
        for name in ("obeyed", "leak", "aim", "chance")
    }
    return {
        "photos": len(judged),
        "obeyed": mean(columns["obeyed"]),
        "obeyed_deviation": deviation(columns["obeyed"]),
        "chance_obeyed": 1 / 7,
        "leak": mean(columns["leak"]),
        "leak_deviation": deviation(columns["leak"]),
        "photos_aim": len(columns["aim"]),
        "aim": mean(columns["aim"]),
        "aim_deviation": deviation(columns["aim"]),
        "chance_aim": mean(columns["chance"]),
    }


def _obedience(evaluation: Evaluation, photos: set[int]) -> dict[str, float] | None:
    return sum_obedience([one for photo, one in evaluation.obedience.items() if photo in photos])


def _at_hints(evaluation: Evaluation) -> dict[str, dict[str, float]]:
    """CIEDE2000 at the hints themselves: the median and the 90th percentile over all of them."""
    table = {}
    for guidance in HINTED.values():
        rows = [row for row in evaluation.rows if row.guidance == guidance]
        if off := [difference for row in rows for difference in row.at_hints]:
            median, high = np.percentile(off, (50, 90))
            table[guidance] = {"median": float(median), "percentile_90": float(high)}
    return table


def _speed(evaluation: Evaluation) -> dict[str, float]:
    """Median seconds of one colouring, and of coding and decoding the same photo as PNG."""
    seconds = {
        guidance: list(evaluation.values(guidance, "seconds").values())
        for guidance in (ORIGINAL, "none", "caption")
    }
    names = {ORIGINAL: "png", "none": "none", "caption": "caption"}
    return {names[g]: float(np.median(values)) for g, values in seconds.items() if values}


def _by_photo(
    evaluation: Evaluation, references: ReferenceEvaluation | None
) -> dict[str, dict[str, Any]]:
    """Return every value of every photo, so that two evaluations can be compared pair by pair."""
    table: dict[str, dict[str, Any]] = {
        subject.key: {"source": subject.source, "kind": subject.kind, "guidance": {}}
        for subject in evaluation.subjects
    }
    keys = [subject.key for subject in evaluation.subjects]
    for row in evaluation.rows:
        values = {name: value for name, value in row.values.items() if name != "seconds"}
        table[keys[row.photo]]["guidance"][row.guidance] = values
    for guidance in MATCHED:
        # All photos that have the guidance, so that a model that takes no words is scaled alike.
        given = evaluation.given(guidance)
        if found := evaluation.matched(guidance, given):
            for photo, curve in evaluation.curves(guidance, given).items():
                near, far = curve.at(found.scale)
                values = table[keys[photo]]["guidance"][guidance]
                values |= {"psnr, equally colourful": near, "ciede2000, equally colourful": far}
    for photo, judged in evaluation.obedience.items():
        table[keys[photo]]["obedience"] = _judged(judged)
    for one in references.rows if references else ():
        values = {"psnr": one.psnr, "intersection": one.intersection}
        table[one.key]["guidance"][f"reference: {one.kind}"] = values
    return table


def _judged(judged: Obedience) -> dict[str, float | None]:
    return {"obeyed": judged.obeyed, "leak": judged.leak, "aim": judged.aim}


def _ratio_deviation(evaluation: Evaluation, guidance: str, photos: set[int]) -> float:
    """Standard deviation over photos of the result's colourfulness over the originals' mean."""
    own = mean(list(evaluation.values(ORIGINAL, "colourfulness", photos).values()))
    spread = evaluation.deviation(guidance, "colourfulness", photos)
    return spread / own if own else float("nan")


def plain(value: Any) -> Any:
    """Turn what JSON does not know, nan and infinity, into None, also inside dicts and lists."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
