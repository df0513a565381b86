"""The descriptions a person has used, the latest first; a small JSON file in GIMP's folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path

FILE = "photochrom-history.json"
LENGTH = 40


def load(folder: Path) -> list[str]:
    """Read the descriptions; a file that is absent or damaged has none."""
    try:
        read = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [text for text in read if isinstance(text, str)] if isinstance(read, list) else []


def remember(folder: Path, description: str) -> None:
    """Put a description first."""
    description = description.strip()
    if not description:
        return
    others = [text for text in load(folder) if text != description]
    try:
        (folder / FILE).write_text(
            json.dumps([description, *others][:LENGTH], indent=0), encoding="utf-8"
        )
    except OSError as problem:
        print(f"photochrom: the history was not kept ({problem})", file=sys.stderr)
