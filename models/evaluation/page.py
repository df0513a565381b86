"""An evaluation as one HTML page that holds everything: tables, charts and pictures."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray

from models.evaluation.charts import Dot, Line, dots, lines
from models.evaluation.comparison import Comparison
from models.evaluation.evaluate import WORST
from models.evaluation.references import ReferenceEvaluation
from models.evaluation.report import number
from models.evaluation.results import Evaluation

UInt8Array = NDArray[np.uint8]

HEIGHT = 320  # rows of a picture on the page, at most
QUALITY = 85
MEASURES = (  # what a row of figures shows: key, heading, format
    ("psnr", "PSNR, dB", ".2f"),
    ("psnr_against_grey", "against grey, dB", "+.2f"),
    ("ssim", "SSIM", ".3f"),
    ("ciede2000", "CIEDE2000", ".2f"),
    ("lpips", "LPIPS-alex", ".3f"),
    ("colourfulness_ratio", "colourfulness ratio", ".2f"),
    ("bleeding", "bleeding", ".3f"),
)
GAIN = "dB, with standard error"
SPREAD = 41  # places at which the share of photos is drawn


def environment() -> Environment:
    """Return the templates of the pages; values are escaped unless they are markup."""
    made = Environment(
        loader=PackageLoader("models.evaluation", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["number"] = number
    made.globals["source"] = lambda name: Markup(made.get_template(name).render())  # our own files
    return made


def html_page(
    figures: Mapping[str, Any] | None,
    evaluation: Evaluation | None = None,
    references: ReferenceEvaluation | None = None,
    comparison: Comparison | None = None,
) -> str:
    """Make the page of an evaluation, of a comparison, or of both; nothing on it is fetched."""
    grids = []
    if evaluation is not None:
        grids = [
            (
                "worst",
                f"The worst {min(WORST, len(evaluation.worst))}",
                "The photos whose colours are farthest off without guidance, by mean CIEDE2000.",
                evaluation.worst,
            ),
            (
                "random",
                "At random",
                "Drawn before anything was measured.",
                evaluation.pictures,
            ),
            (
                "words",
                "One word changed",
                "The caption's only colour word, replaced by each of seven.",
                evaluation.words,
            ),
        ]
    if references is not None:
        title, text = "References", "What the photo takes over from four reference photos."
        grids.append(("by-reference", title, text, references.pictures))
    return (
        environment()
        .get_template("report.html")
        .render(
            figures=figures,
            comparison=comparison,
            measures=MEASURES,
            charts=charts(figures) if figures else [],
            grids=[grid for grid in grids if grid[-1]],
            picture=data_url,
        )
        .lstrip()
    )


def charts(figures: Mapping[str, Any]) -> list[tuple[str, Markup]]:
    """Draw the figures, each chart with its title; those without figures are left out."""
    guidance, by_kind = figures["guidance"], figures["kinds"]
    none, caption = (
        {kind: row["guidance"][name] for kind, row in by_kind.items() if name in row["guidance"]}
        for name in ("none", "caption")
    )
    gains = {
        "PSNR against grey": {name: row for name, row in guidance.items() if name != "grey"},
        "PSNR against grey by kind, no guidance": none,
        "PSNR against grey by kind, with the caption": caption,
    }
    made = [(title, dots(title, _gains(rows), unit=GAIN)) for title, rows in gains.items()]
    title = "PSNR when all chroma is scaled"
    scaled = [
        Line(name, _known(curve["colourfulness_ratio"], curve["psnr"]))
        for name, curve in ((n, row["curve"]) for n, row in figures["equally_colourful"].items())
    ]
    chart = lines(title, scaled, across="colourfulness ratio", up="PSNR, dB", mark=1.0)
    made.append((title, chart))
    title = "Share of photos whose colours are no farther off"
    shares = [Line(name, _shares(figures, name)) for name in ("grey", "none", "caption")]
    shares = [line for line in shares if line.points]
    made.append((title, lines(title, shares, across="CIEDE2000", up="share of photos")))
    return [(title, chart) for title, chart in made if chart]


def _known(across: Sequence[float | None], up: Sequence[float | None]) -> list[tuple[float, float]]:
    """Pair values up, where both are: grey photos met exactly have no PSNR."""
    pairs = zip(across, up, strict=True)
    return [(x, y) for x, y in pairs if x is not None and y is not None]


def _gains(rows: Mapping[str, Mapping[str, Any]]) -> list[Dot]:
    return [
        Dot(name, row["psnr_against_grey"], row["psnr_against_grey_error"] or 0.0)
        for name, row in rows.items()
        if row["psnr_against_grey"] is not None
    ]


def _shares(figures: Mapping[str, Any], guidance: str) -> list[tuple[float, float]]:
    """Return, for rising CIEDE2000, the share of photos at or below it."""
    values = [
        entry["guidance"][guidance]["ciede2000"]
        for entry in figures["photos"].values()
        if guidance in entry["guidance"]
    ]
    if not values:
        return []
    places = np.linspace(0, max(values), SPREAD)
    below = np.searchsorted(np.sort(values), places, side="right") / len(values)
    return list(zip(places.tolist(), below.tolist(), strict=True))


def data_url(picture: UInt8Array, *, height: int = HEIGHT) -> str:
    """Encode (H, W, 3) uint8 sRGB as a JPEG of at most ``height`` rows inside a URL."""
    scale = min(height / picture.shape[0], 1.0)
    if scale < 1:
        size = (max(round(picture.shape[1] * scale), 1), height)
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii")
