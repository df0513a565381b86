"""What ``photochrom train`` says of a run that is finished and asked for again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from models.plural import number_of
from models.shown import shown

BUDGETS: Final = ("cpu_seconds", "minutes", "steps")  # the first that is given counts


def told(
    run: Path, made_with: Mapping[str, Any], asked: Mapping[str, Any], given: Collection[str]
) -> str:
    """Say that a run is finished, and which options have no effect because it was made with others.

    Both mappings are as ``EarlierRun.made_with``; what the older one lacks is not compared, nor
    what is not among the ``given`` parameters.
    """
    before, now = _in_words(made_with), _in_words(asked)
    named = {"budget" if name in BUDGETS else name for name in given}
    others = [name for name in now if name in named and before.get(name, now[name]) != now[name]]
    sentence = f"The run in {shown(run)} is finished and learns no more."
    if not others:
        return sentence
    made, idle = (" and ".join(words[name] for name in others) for words in (before, now))
    weights = shown(run / "colorizer.safetensors")
    return (
        f"{sentence} It was made with {made}; {idle} had no effect. To train with that, give "
        f"another --run; with --from {weights} it goes on from what this one learned."
    )


def _in_words(made_with: Mapping[str, Any]) -> dict[str, str]:
    """Word what decides how a run goes, as on the command line."""
    budget = next(name for name in BUDGETS if made_with[name] is not None)
    photos = made_with["photos"] + made_with["held_out"]
    sources = ", ".join(map(shown, made_with["from"]))
    words = {
        "budget": f"--{budget.replace('_', '-')} {made_with[budget]:.10g}",
        "rate": f"--rate {made_with['rate']:g}",
        "side": f"--side {made_with['side']}",
        "batch": f"--batch {made_with['batch_size']}",
        "seed": f"--seed {made_with['seed']}",
        "photos": f"{number_of(photos, 'photo')} of {sources}",
    }
    if (references := made_with.get("references")) is not None:
        words["references"] = "--references" if references else "--no-references"
    if (hold_out := made_with.get("hold_out")) is not None:
        words["hold_out"] = f"--hold-out {hold_out}"
    return words
