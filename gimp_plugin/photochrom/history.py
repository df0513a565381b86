"""What a person has used, the latest first: descriptions, and files that gave their colors.

Each kind is a small JSON file in GIMP's folder.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

FILE = "photochrom-history.json"
REFERENCES = "photochrom-references.json"  # URIs of the files that this person took colors from
LENGTHS = {FILE: 40, REFERENCES: 400}  # how many are kept; of the longest they fit in MAX_BYTES
MAX_LETTERS = 2000  # of one; a longer one is not kept whole
MAX_BYTES = 1_000_000  # a larger file is not ours


def load(folder: Path, name: str = FILE) -> list[str]:
    """Read the texts, each once; a file that is absent or damaged has none."""
    try:
        with open(folder / name, "rb") as file:
            read = json.loads(file.read(MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return []
    if not isinstance(read, list):
        return []
    texts = (text.strip() for text in read if isinstance(text, str))
    return list(dict.fromkeys(text for text in texts if text))[: LENGTHS[name]]


def remember(folder: Path, text: str, name: str = FILE) -> None:
    """Put a text first. A history that cannot be kept is no reason to stop."""
    text = text.strip()[:MAX_LETTERS]
    if not text:
        return
    others = [other for other in load(folder, name) if other != text]
    fresh = ""
    try:
        # A new file in the old one's place: two GIMPs at once, or a full disk, leave no half file.
        descriptor, fresh = tempfile.mkstemp(".new", f"{name}.", folder)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            json.dump([text, *others][: LENGTHS[name]], file, indent=0)
        os.replace(fresh, folder / name)
    except OSError as problem:
        print(f"photochrom: the history was not kept ({problem})", file=sys.stderr)
        if fresh and os.path.exists(fresh):
            os.unlink(fresh)
