"""The descriptions a person has used, the latest first; a small JSON file in GIMP's folder."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

FILE = "photochrom-history.json"
REFERENCES = "photochrom-references.json"  # URIs of the files that this person took colors from
LENGTH = 40  # descriptions that are kept
MAX_LETTERS = 2000  # of one; a longer one is not kept whole
MAX_BYTES = 1_000_000  # a larger file is not ours


def load(folder: Path, name: str = FILE) -> list[str]:
    """Read the descriptions, each once; a file that is absent or damaged has none."""
    try:
        with open(folder / name, "rb") as file:
            read = json.loads(file.read(MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return []
    if not isinstance(read, list):
        return []
    texts = (text.strip() for text in read if isinstance(text, str))
    return list(dict.fromkeys(text for text in texts if text))[:LENGTH]


def remember(folder: Path, description: str, name: str = FILE) -> None:
    """Put a description first. A history that cannot be kept is no reason to stop."""
    description = description.strip()[:MAX_LETTERS]
    if not description:
        return
    others = [text for text in load(folder, name) if text != description]
    fresh = ""
    try:
        # A new file in the old one's place: two GIMPs at once, or a full disk, leave no half file.
        descriptor, fresh = tempfile.mkstemp(".new", f"{name}.", folder)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            json.dump([description, *others][:LENGTH], file, indent=0)
        os.replace(fresh, folder / name)
    except OSError as problem:
        print(f"photochrom: the history was not kept ({problem})", file=sys.stderr)
        if fresh and os.path.exists(fresh):
            os.unlink(fresh)
