"""The words of one language and what they are in English.

A file names words by their plain form and says how words of the language are inflected; all forms
are made from that once, and reading a word is looking it up.
"""

from __future__ import annotations

import functools
import tomllib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, Self

FOLDER = Path(__file__).parent

SINGULAR, PLURAL, EITHER = 1, 2, 3


class Kind(StrEnum):
    """What a word does in a phrase; the values are the names in the files."""

    COLOR = "colors"
    SHADE = "shades"  # dark, light: before a colour a part of it, else an adjective
    ADJECTIVE = "adjectives"
    MATERIAL = "materials"  # an adjective that stands next to the noun: wooden, brick
    NOUN = "nouns"
    DETERMINER = "determiners"  # articles, numbers, possessives
    VERB = "verbs"
    WORD = "words"  # whatever else: it stands where it stands


INFLECTED = {
    Kind.COLOR: "adjective",
    Kind.SHADE: "adjective",
    Kind.ADJECTIVE: "adjective",
    Kind.MATERIAL: "adjective",
    Kind.NOUN: "noun",
}
FIXED = "!"  # ends a word that is never inflected
# Letters with a mark that Unicode does not take apart, and marks that are left out by some.
PLAIN = str.maketrans({"ß": "ss", "ł": "l", "œ": "oe", "æ": "ae"})
WRITTEN_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
SHORT_I = "й"  # a letter of its own: its mark is never left out


class Entry(NamedTuple):
    """What a form of a word is in English; ``number`` says which of SINGULAR and PLURAL it can be.

    ``after_noun`` is the English after a noun where that differs: "des" is "of the" or nothing.
    """

    kind: Kind
    english: str
    after_noun: str | None = None
    number: int = EITHER


@dataclass(frozen=True, slots=True)
class Paradigm:
    """How words with an ending are inflected: the endings of the singular and of the plural."""

    ending: str
    singular: tuple[str, ...]
    plural: tuple[str, ...]

    def forms(self, word: str) -> Mapping[str, int]:
        """Make all forms of a word, each with its number."""
        stem = word[: len(word) - len(self.ending)]
        numbers = {word: SINGULAR}
        for endings, number in ((self.singular, SINGULAR), (self.plural, PLURAL)):
            for ending in endings:
                form = stem + ending
                numbers[form] = numbers.get(form, 0) | number
        return numbers


@dataclass(frozen=True)
class Lexicon:
    """One language.

    ``adjectives_follow`` their noun, or stand before it; with ``genitives`` a noun says its case
    itself; with ``capital_nouns`` a capital letter makes no name. ``links`` are letters between
    the parts of a compound, ``made_of`` the English words before what a thing is made of.
    ``forms`` are by word in small letters, ``folded`` those without accents.
    """

    code: str
    adjectives_follow: bool
    has_compounds: bool
    genitives: bool
    capital_nouns: bool
    links: tuple[str, ...]
    made_of: tuple[str, ...]
    longest: int  # words of an expression
    alphabet: str = field(repr=False)
    forms: Mapping[str, tuple[Entry, ...]] = field(repr=False)
    folded: Mapping[str, tuple[Entry, ...]] = field(repr=False)

    def find(self, word: str) -> tuple[Entry, ...]:
        """Look a word up, in small letters; accents may be missing. Empty where it is unknown."""
        return self.forms.get(word) or self.folded.get(word) or self.folded.get(fold(word), ())


@functools.cache
def load_lexicon(code: str) -> Lexicon:
    """Read a language's file and make all forms of its words."""
    data = _read(code)
    paradigms = {
        name: [Paradigm(end, _endings(one), _endings(many)) for end, one, many in rows]
        for name, rows in data["paradigms"].items()
    }
    numbered = _Numbered.of(data)
    numbers: defaultdict[str, dict[Entry, int]] = defaultdict(dict)
    for kind in Kind:
        own = paradigms.get(INFLECTED.get(kind, ""), ())
        for words, english in _lines(data.get(kind.value, "")):
            entry = _entry(kind, english)
            for form, number in _inflected(kind, words, own, numbered):
                meanings = numbers[form]
                meanings[entry] = meanings.get(entry, 0) | number
            if kind is Kind.WORD:
                the = Entry(kind, f"{entry.english} the")
                for form in _contracted(words, data.get("contracted", {})):
                    numbers[form].setdefault(the, EITHER)
    forms = {
        form: tuple(Entry(*entry[:3], number) for entry, number in meanings.items())
        for form, meanings in numbers.items()
    }
    folded: dict[str, tuple[Entry, ...]] = {}
    for form, entries in forms.items():
        if not form.isascii():
            folded.setdefault(fold(form), entries)
            folded.setdefault(form.translate(WRITTEN_OUT), entries)
    return Lexicon(
        code=code,
        adjectives_follow=data.get("adjectives_follow", False),
        has_compounds=data.get("has_compounds", False),
        genitives=data.get("genitives", False),
        capital_nouns=data.get("capital_nouns", False),
        links=_endings(data.get("links", "")),
        made_of=_endings(data.get("made_of", "of in from")),
        longest=max(form.count(" ") + 1 for form in forms),
        alphabet="".join(sorted({letter for letter in "".join(forms) if letter.isalpha()})),
        forms=forms,
        folded=folded,
    )


@functools.cache
def english_sides(code: str) -> frozenset[str]:
    """Gather the English words of a language's file."""
    data = _read(code)
    lines = (line for kind in Kind for line in _lines(data.get(kind.value, "")))
    return frozenset(word for _, english in lines for word in english.split() if word != "|")


def fold(word: str) -> str:
    """Take accents off: what people type who lack the keys."""
    if word.isascii():
        return word
    plain = unicodedata.normalize("NFD", word.translate(PLAIN).replace(SHORT_I, "\0"))
    return "".join(c for c in plain if not unicodedata.combining(c)).replace("\0", SHORT_I)


@functools.cache
def _read(code: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{code}.toml").read_text("utf-8"))


def _lines(text: str) -> Iterator[tuple[list[str], str]]:
    """Read lines "word, more forms = English"; several stand on one line between semicolons."""
    for line in text.replace("\n", ";").split(";"):
        words, equals, english = line.partition("=")
        if equals:
            yield [word.strip().lower() for word in words.split(",")], english.strip()
        else:
            assert not line.strip(), line


def _contracted(words: Sequence[str], contractions: Mapping[str, str]) -> Iterator[str]:
    """Write expressions whose last word is one with an article: "au-dessus de" with "du"."""
    for word in words:
        start, _, last = word.rpartition(" ")
        if start:
            yield from (f"{start} {form}" for form in contractions.get(last, "").split())


def _entry(kind: Kind, english: str) -> Entry:
    """Read the English side: "of the", or "some | of the" where it differs after a noun."""
    usual, bar, after_noun = english.partition("|")
    return Entry(kind, usual.strip(), after_noun.strip() if bar else None)


def _endings(text: str) -> tuple[str, ...]:
    return tuple("" if ending == "_" else ending for ending in text.split())


@dataclass(frozen=True, slots=True)
class _Numbered:
    """How the further forms that a noun lists get their number.

    Each is made with every one of ``endings``. All are plurals, unless endings are marks of the
    ``singular`` and of the ``plural``: where cases are listed, those that have neither are EITHER.
    """

    endings: tuple[str, ...]
    singular: tuple[str, ...]
    plural: tuple[str, ...]

    @classmethod
    def of(cls, data: Mapping[str, str]) -> Self:
        """Read a language's file."""
        names = ("plural_endings", "_"), ("singular_marks", ""), ("plural_marks", "")
        return cls(*(_endings(data.get(name, usual)) for name, usual in names))

    def forms(self, listed: str) -> Iterator[tuple[str, int]]:
        """Make the forms of one that is listed."""
        for ending in self.endings:
            form = listed + ending
            if form.endswith(self.plural) or not self.plural:
                yield form, PLURAL
            else:
                yield form, SINGULAR if form.endswith(self.singular) else EITHER


def _inflected(
    kind: Kind, words: Sequence[str], paradigms: Sequence[Paradigm], numbered: _Numbered
) -> Iterator[tuple[str, int]]:
    """Make all forms of a word, each with its number.

    A line of nouns names the plain form and then further ones, one of adjectives several words.
    """
    if kind is Kind.DETERMINER:  # it says its number itself: "les+ = the", "une- = a"
        for word in words:
            yield word.rstrip("+-"), {"+": PLURAL, "-": SINGULAR}.get(word[-1], EITHER)
    elif kind is Kind.NOUN:
        plain, *others = words
        only = SINGULAR if others and not numbered.plural else EITHER  # it names its plurals
        for form, number in _own_forms(plain, paradigms, SINGULAR):
            if number & only:
                yield form, number & only
        for listed in others:
            yield from numbered.forms(listed.removesuffix(FIXED))
    else:
        for word in words:
            yield from _own_forms(word, paradigms, EITHER)


def _own_forms(word: str, paradigms: Sequence[Paradigm], alone: int) -> Iterable[tuple[str, int]]:
    """Inflect a word by the first paradigm that fits; ``alone`` is its number where none does."""
    fixed = word.endswith(FIXED) or " " in word
    own = None if fixed else next((p for p in paradigms if word.endswith(p.ending)), None)
    return own.forms(word).items() if own else [(word.removesuffix(FIXED), alone)]
