"""A description cut into words, and each word looked up: whole, at hyphens, as a compound."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models.guidance.languages.english import MATERIALS, attributive
from models.guidance.languages.lexicon import Entry, Kind, Lexicon

SHORTEST_PART = 3  # letters of a compound's part
LONGEST = 40  # letters of a word that is more than looked up: each cut of it costs time
TOKEN = re.compile(r"#[0-9a-fA-F]{6}\b|[^\W\d_]+(?:[-'’][^\W\d_]+)*['’]?|\d+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Token:
    """A word as written, and what it can be in English; nothing where it is not understood.

    ``parts`` are what stands before it where it is a compound, in English order.
    """

    written: str
    entries: tuple[Entry, ...] = ()
    parts: tuple[Entry, ...] = ()

    @property
    def is_word(self) -> bool:
        return self.written[0].isalpha()


def tokenize(text: str, lexicon: Lexicon) -> list[Token]:
    """Cut a text into tokens and look them up; the longest expression of several words first."""
    words = list(_elided(TOKEN.findall(text.replace("’", "'")), lexicon))
    tokens, i = [], 0
    while i < len(words):
        for count in range(min(lexicon.longest, len(words) - i), 0, -1):
            written = " ".join(words[i : i + count])
            if count == 1 or lexicon.find(written.lower()):
                tokens.append(look_up(written, lexicon))
                i += count
                break
    return tokens


def look_up(written: str, lexicon: Lexicon) -> Token:
    """Find out what a word means."""
    small = written.lower()
    if not small[0].isalpha():
        return Token(written)
    if entries := lexicon.find(small):
        return Token(written, entries)
    *before, last = small.split("-")
    found = _compound(last, lexicon)
    if found is None:
        return Token(written)
    parts = [_part(piece, lexicon) for piece in before]
    if not all(parts):
        return Token(written)
    return _joined(written, [entry for part in parts for entry in part], found)


def _elided(words: Sequence[str], lexicon: Lexicon) -> Iterator[str]:
    """Cut "l'arbre" into "l'" and "arbre"."""
    for word in words:
        first, apostrophe, rest = word.partition("'")
        if rest and not lexicon.find(word.lower()) and lexicon.find(f"{first}'".lower()):
            yield from (first + apostrophe, rest)
        else:
            yield word


def _compound(word: str, lexicon: Lexicon) -> Token | None:
    """Look a word up, or cut it into one that is known and what stands before that."""
    if entries := lexicon.find(word):
        return Token(word, entries)
    if not lexicon.has_compounds or len(word) > LONGEST:
        return None
    for cut in range(SHORTEST_PART, len(word) - SHORTEST_PART + 1):  # the longest last part wins
        head = lexicon.find(word[cut:])
        if head and head[0].kind in _HEADS and (before := _part(word[:cut], lexicon)):
            return _joined(word, before, Token(word[cut:], head))
    return None


_HEADS = (Kind.NOUN, Kind.COLOR, Kind.ADJECTIVE, Kind.MATERIAL)


def _part(word: str, lexicon: Lexicon) -> list[Entry]:
    """Find what the first part of a compound means, perhaps a compound itself."""
    forms = [word, word + "e", word + "en"]
    forms += [word.removesuffix(link) for link in lexicon.links if word.endswith(link)]
    for form in forms:
        for entry in lexicon.find(form) if len(form) > 1 else ():
            if entry.kind in (*_HEADS, Kind.SHADE):
                return [entry]
    if lexicon.has_compounds and (found := _compound(word, lexicon)):
        return [*found.parts, found.entries[0]]
    return []


def _joined(written: str, before: list[Entry], head: Token) -> Token:
    """Put parts before a head: nouns describe it, and a thing beside a colour only its shade."""
    before = [*before, *head.parts]
    entries = tuple(e for e in head.entries if e.kind in _HEADS) or head.entries
    if entries[0].kind in (Kind.COLOR, Kind.ADJECTIVE):
        return Token(written, entries, tuple(e for e in before if e.kind is not Kind.NOUN))
    parts = tuple(
        Entry(Kind.MATERIAL, attributive(e.english)) if e.kind is Kind.NOUN else e for e in before
    )
    return Token(written, entries, parts)


def is_material(entry: Entry) -> bool:
    """Tell whether a noun says what something is made of."""
    return entry.kind is Kind.NOUN and entry.english in MATERIALS
