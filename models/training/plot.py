"""Plot a training log."""

from __future__ import annotations

import json
from pathlib import Path


def plot_log(log: Path, output: Path) -> None:
    """Draw loss and held-out PSNR over the steps of ``log.jsonl`` as a PNG."""
    from matplotlib.figure import Figure

    entries = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    scored = [entry for entry in entries if "caption" in entry]
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot([e["step"] for e in entries], [e["loss"] for e in entries])
    left.set(xlabel="step", ylabel="balanced cross-entropy", title="Loss")
    for name in ("grey", "none", "caption"):
        known = [e for e in scored if e[name] is not None]  # no photo may have a caption
        right.plot([e["step"] for e in known], [e[name] for e in known], "o-", label=name)
    right.set(xlabel="step", ylabel="PSNR, dB", title="Held-out photos")
    right.legend()
    figure.savefig(output, dpi=100)
