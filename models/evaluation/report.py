"""An evaluation as a table for the terminal, as JSON, and as one HTML page with pictures."""

from __future__ import annotations

import base64
import html
import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from models.evaluation.evaluate import MATCHED, Evaluation

_COLUMNS = ("PSNR", "against grey", "SSIM", "CIEDE2000", "LPIPS-alex", "colourfulness")


def summary(evaluation: Evaluation, details: dict[str, Any]) -> dict[str, Any]:
    """Return the figures as plain numbers; ``details`` say what was evaluated."""
    guidances = list(dict.fromkeys(row.guidance for row in evaluation.rows))
    grey = _per_source(evaluation, "grey")
    table = {}
    for guidance in guidances:
        photos = sum(row.guidance == guidance for row in evaluation.rows)
        table[guidance] = {
            "photos": photos,
            "psnr": evaluation.mean(guidance, "psnr"),
            "psnr_against_grey": evaluation.mean(guidance, "psnr")
            - evaluation.on_same("grey", guidance, "psnr"),
            "ssim": evaluation.mean(guidance, "ssim"),
            "ciede2000": evaluation.mean(guidance, "ciede2000"),
            "lpips": evaluation.mean(guidance, "lpips"),
            "colourfulness_ratio": evaluation.ratio(guidance),
            "colourfulness_absolute_ratio": evaluation.ratio(guidance, "colourfulness absolute"),
        }
    figures: dict[str, Any] = {"details": details, "guidance": table}
    figures["psnr_by_source"] = {"grey": grey} | {
        g: _per_source(evaluation, g) for g in ("none", "caption")
    }
    if "caption" in table:
        same = evaluation.on_same("none", "caption", "psnr")
        true = evaluation.mean("caption", "psnr")
        figures["caption_gain"] = {
            "over_none": true - same,
            "over_other_caption": true - evaluation.mean("other caption", "psnr"),
        }
    equal = {g: evaluation.matched(g, "caption") for g in MATCHED}
    figures["equally_colourful"] = {
        g: {"scale": m.scale, "psnr": m.psnr, "psnr_against_grey": m.psnr - plain}
        for plain in [evaluation.on_same("grey", "caption", "psnr")]
        for g, m in equal.items()
        if m is not None
    }
    if evaluation.obedience:
        figures["obedience"] = {
            "photos": len(evaluation.obedience),
            "obeyed": float(np.mean([o.obeyed for o in evaluation.obedience])),
            "chance_obeyed": 1 / 7,
            "leak": float(np.mean([o.leak for o in evaluation.obedience])),
            "aim": float(np.mean([o.aim for o in evaluation.obedience])),
            "chance_aim": float(np.mean([o.chance for o in evaluation.obedience])),
        }
    return {key: _plain(value) for key, value in figures.items()}


def table(figures: dict[str, Any]) -> Table:
    """Lay the figures out for the terminal."""
    result = Table("guidance", "photos", *_COLUMNS, title="Mean over photos")
    for name, row in figures["guidance"].items():
        result.add_row(name, str(row["photos"]), *_cells(row))
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
    if o := figures.get("obedience"):
        lines.append(
            f"Colour obedience on {o['photos']} photos: {o['obeyed']:.2f} "
            f"(chance {o['chance_obeyed']:.2f}), leak {o['leak']:.1f} ab, "
            f"aim {o['aim']:.2f} (chance {o['chance_aim']:.2f})."
        )
    return lines


def html_page(evaluation: Evaluation, figures: dict[str, Any]) -> str:
    """Make one self-contained page: the table and a grid of pictures."""
    head = "".join(f"<th>{name}" for name in ("guidance", "photos", *_COLUMNS))
    body = "".join(
        f"<tr><th>{html.escape(name)}<td>{row['photos']}"
        + "".join(f"<td>{cell}" for cell in _cells(row))
        for name, row in figures["guidance"].items()
    )
    grid = ""
    for shown in evaluation.pictures:
        cells = "".join(
            f"<figure><img src='{_data_url(picture)}' alt=''>"
            f"<figcaption>{html.escape(name)}</figcaption></figure>"
            for name, picture in shown.pictures.items()
        )
        words = f"<b>{html.escape(shown.caption or '(no caption)')}</b>"
        if shown.other:
            words += f" / other: {html.escape(shown.other)}"
        grid += f"<section><p>{words}</p><div>{cells}</div></section>"
    said = "".join(f"<p>{html.escape(line)}</p>" for line in sentences(figures))
    details = html.escape(", ".join(f"{k}: {v}" for k, v in figures["details"].items()))
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Photochrom evaluation</title>"
        "<style>body{font:15px system-ui;margin:2em;background:#fafafa;color:#222}"
        "td,th{padding:.3em .8em;text-align:right}th:first-child{text-align:left}"
        "section div{display:flex;gap:6px;flex-wrap:wrap}figure{margin:0}img{height:200px}"
        "figcaption{font-size:12px;color:#666}</style>"
        f"<h1>Evaluation</h1><p>{details}</p><table><tr>{head}{body}</table>{said}{grid}</html>\n"
    )


def _cells(row: dict[str, Any]) -> list[str]:
    lpips = row["lpips"]
    return [
        f"{row['psnr']:.2f}",
        f"{row['psnr_against_grey']:+.2f}",
        f"{row['ssim']:.3f}",
        f"{row['ciede2000']:.2f}",
        "not available" if lpips is None else f"{lpips:.3f}",
        f"{row['colourfulness_ratio']:.2f}",
    ]


def _per_source(evaluation: Evaluation, guidance: str) -> dict[str, float]:
    sources = sorted({row.source for row in evaluation.rows})
    return {source: evaluation.mean(guidance, "psnr", source) for source in sources}


def _plain(value: Any) -> Any:
    """Turn nan into None, which JSON knows."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value


def _data_url(picture: NDArray[np.uint8]) -> str:
    data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii")
