"""What people wrote beside a photo: the captions in its JSON or text file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

MOST_CAPTIONS: Final = 16
LONGEST_CAPTION: Final = 1000  # letters
LARGEST_SIDECAR: Final = 1 << 20  # bytes; a larger file is no caption
JSON_KEYS: Final = ("captions", "caption", "description", "title")


def captions_in_sidecar(suffix: str, data: bytes) -> tuple[str, ...]:
    """Read a ``.json`` or ``.txt`` file; what cannot be understood says nothing."""
    return captions_in_json(data) if suffix == ".json" else captions_in_text(data)


def captions_in_json(data: bytes) -> tuple[str, ...]:
    """Read ``captions`` (a list), ``caption``, ``description`` or ``title`` of a JSON object."""
    try:
        record: Any = json.loads(decoded(data))
    except (ValueError, RecursionError):
        return ()
    if not isinstance(record, dict):
        return ()
    for key in JSON_KEYS:
        value = record.get(key)
        texts = value if isinstance(value, list) else [value]
        if found := clean(text for text in texts if isinstance(text, str)):
            return found
    return ()


def captions_in_text(data: bytes) -> tuple[str, ...]:
    """Read one caption a line of UTF-8, of UTF-16 with its mark, or else of Latin-1."""
    return clean(decoded(data).splitlines())


def clean(texts: Iterable[str]) -> tuple[str, ...]:
    """Put each caption on one line, drop empty and repeated ones, cut what is too long."""
    lines = ("".join(c if c.isprintable() else " " for c in text) for text in texts)
    lines = (cut_at_word(" ".join(line.split()), LONGEST_CAPTION) for line in lines)
    return tuple(dict.fromkeys(line for line in lines if line))[:MOST_CAPTIONS]


def cut_at_word(text: str, most: int) -> str:
    """Cut a text to at most so many letters, at a word's end if there is one."""
    if len(text) <= most:
        return text
    kept = text[:most]
    if text[most].isspace() or kept[-1].isspace():
        return kept.rstrip()
    parts = kept.rsplit(maxsplit=1)
    return parts[0] if len(parts) > 1 else kept


def is_json(data: bytes) -> bool:
    """Tell whether it is JSON at all."""
    try:
        json.loads(decoded(data))
    except (ValueError, RecursionError):
        return False
    return True


def decoded(data: bytes) -> str:
    """Decode UTF-8, UTF-16 with its mark, or else Latin-1."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
