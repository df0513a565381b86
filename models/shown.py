"""Names of files and texts of others, as a terminal or a log may have them."""

from __future__ import annotations

import os
import unicodedata

# Joiners make one emoji of several, and part letters in Persian; they mislead nobody.
JOINERS = "\u200c\u200d"
# Controls, marks of direction, ends of lines, and bytes that are no text.
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def shown(path: str | os.PathLike[str]) -> str:
    """Write a file's name on one line: as it is, or as a shell's ``$'...'`` where that misleads.

    So a line break or an escape code in a name does nothing, no two names look alike because of
    one, and what is printed still names the file when it is pasted into bash, zsh or ksh.
    """
    text = os.fspath(path)
    if not text.startswith("$'") and not any(map(_is_unseen, text)):
        return text
    quoted = "".join(f"\\{c}" if c in "\\'" else _escaped(c) for c in text)
    return f"$'{quoted}'"


def printable(text: str) -> str:
    """Write a text of others on one line, with escapes for what cannot be seen."""
    return "".join(map(_escaped, text))


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in UNSEEN and character not in JOINERS


def _escaped(character: str) -> str:
    if not _is_unseen(character):
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # Python's way to keep a byte of a name that is no text
        return f"\\x{code - 0xDC00:02x}"
    if (letter := {"\n": "n", "\r": "r", "\t": "t"}.get(character)) is not None:
        return f"\\{letter}"
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
