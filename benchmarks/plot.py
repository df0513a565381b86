"""The time of whole requests over the size of the photo, drawn."""

from __future__ import annotations

from pathlib import Path

from benchmarks.photos import FORMATS
from benchmarks.requests import Request

# One hue a format, darker than the paper and told apart without colour by their marks as well.
LOOKS = {"PNG": ("#1f77b4", "o"), "JPEG": ("#d95f02", "s"), "TIFF": ("#1b9e77", "^"),
         "npy": ("#7b3294", "D")}  # fmt: skip


def draw(requests: list[Request], path: Path) -> None:
    """Draw requests as lines and their floors as dotted ones, both axes logarithmic."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for kind in FORMATS:
        color, mark = LOOKS[kind]
        own = [one for one in requests if one.kind == kind]
        sizes = [one.megapixels for one in own]
        axes.plot(sizes, [one.request for one in own], color=color, marker=mark, label=kind)
        axes.plot(sizes, [one.floor for one in own], color=color, linestyle=":", linewidth=1)
    axes.set(xscale="log", yscale="log", xlabel="megapixels", ylabel="seconds",
             title="Whole requests; dotted: decoding and encoding alone")  # fmt: skip
    ticks = sorted({one.megapixels for one in requests})
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.grid(visible=True, color="#dddddd", linewidth=0.6)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)
