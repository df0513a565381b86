"""The figures of an evaluation for the terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from models.evaluation.evaluate import MATCHED
from models.evaluation.recall import DEPTHS
from models.plural import number_of

_COLUMNS = {
    "PSNR": ("psnr", ".2f"),
    "against\ngrey": ("psnr_against_grey", "+.2f"),
    "SSIM": ("ssim", ".3f"),
    "CIEDE2000": ("ciede2000", ".2f"),
    "LPIPS-\nalex": ("lpips", ".3f"),
    "colour-\nfulness": ("colourfulness_ratio", ".2f"),
}


def table(figures: dict[str, Any]) -> Table:
    """Lay the figures out for the terminal; 80 columns hold it, and what nobody measured is out."""
    rows = figures["guidance"]
    columns = [
        title for title, (key, _) in _COLUMNS.items()
        if any(row[key] is not None for row in rows.values())
    ]  # fmt: skip
    result = Table(
        "guidance", "photos", *columns, title="Mean over photos",
        box=None, pad_edge=False, padding=(0, 2, 0, 0),
    )  # fmt: skip
    for name, row in rows.items():
        cells = (number(row[key], form) for key, form in map(_COLUMNS.__getitem__, columns))
        result.add_row(name, str(row["photos"]), *cells)
    return result


def sentences(figures: dict[str, Any]) -> list[str]:
    """Say the figures that are no table."""
    lines = []
    if gain := figures.get("caption_gain"):
        lines.append(
            f"Caption gain: {gain['over_none']:+.2f} dB over none, "
            f"{gain['over_other_caption']:+.2f} dB over another photo's caption."
        )
    if len(equal := figures["equally_colourful"]) == len(MATCHED):
        said = ", ".join(f"{g} {row['psnr_against_grey']:+.2f}" for g, row in equal.items())
        lines.append(f"As colourful as the originals, captioned photos, dB against grey: {said}.")
    own = figures["originals"]
    shares = {g: row["bleeding"] for g, row in figures["guidance"].items()}
    said = ", ".join(f"{g} {share:.3f}" for g, share in shares.items() if share is not None)
    if said and own["bleeding"] is not None:
        lines.append(
            f"Bleeding: {said} (originals {own['bleeding']:.3f}, "
            f"chance {own['bleeding_by_chance']:.3f})."
        )
    if o := figures.get("obedience"):
        lines.append(
            f"Colour obedience on {number_of(o['photos'], 'photo')}: {o['obeyed']:.2f} "
            f"(chance {o['chance_obeyed']:.2f}), leak {o['leak']:.1f} ab, "
            f"aim {number(o['aim'], '.2f')} (chance {number(o['chance_aim'], '.2f')})."
        )
    if at := figures.get("landing"):
        lines.append(
            f"Captions' hues in {number_of(at['photos'], 'photo')}: nearer there by "
            f"{at['nearer']:.1f} ab, farther elsewhere by {at['farther']:.1f}; the hue shows in "
            f"{at['seen']:.2f} of it ({at['seen_without']:.2f} without words); {at['hurt']:.2f} of "
            f"the photos lose half a dB, {at['helped']:.2f} gain it."
        )
    if off := figures.get("hints"):
        said = ", ".join(f"{name} {row['median']:.2f}" for name, row in off.items())
        lines.append(f"CIEDE2000 at the hints themselves, median: {said}.")
    for search, row in figures["retrieval"].items():
        said = ", ".join(f"{row[f'recall@{k}']:.2f}" for k in DEPTHS)
        lines.append(f"Recall at 1, 5, 10, {search}, among {row['among']}: {said}.")
    return lines


def write_json(
    path: Path, figures: Mapping[str, Any], *, photos: Sequence[Path], weights: str, **details: Any
) -> None:
    """Write figures, and first what they are of: the photos' files, the weights, and details."""
    made_of = {"from": ", ".join(photo.name for photo in photos), "weights": weights} | details
    path.write_text(json.dumps({"details": made_of, **figures}, indent=1) + "\n", "utf-8")


def number(value: float | None, form: str) -> str:
    """Write a number; a dash for what is not there."""
    return "–" if value is None else f"{value:{form}}".replace("-", "−")
