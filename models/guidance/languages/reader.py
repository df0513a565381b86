"""Reading a description: any of the languages in, English out, and what to tell about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from models.captions import cut_at_word
from models.guidance.languages.lexicon import Kind, Lexicon, fold, load_lexicon
from models.guidance.languages.people import without_names, without_surnames
from models.guidance.languages.recognition import (
    ENGLISH,
    LEAST_KNOWN,
    english_words,
    known_in_english,
    recognise,
)
from models.guidance.languages.spelling import likely_word
from models.guidance.languages.tokens import LONGEST, SHORTEST_PART, TOKEN, Token, tokenize
from models.guidance.languages.word_order import in_english
from models.guidance.phrases import ADJECTIVES
from models.job import LANGUAGES

LETTERS = "abcdefghijklmnopqrstuvwxyz"
NAMES = (Kind.COLOR, Kind.SHADE, Kind.ADJECTIVE, Kind.MATERIAL, Kind.NOUN)
MOST_NAMED = 8  # words that a notice names
MOST_SHOWN = 300  # letters of a reading that a notice repeats: notices are sent as HTTP headers
MOST_MENDED = 32  # words that are looked at again: a whole page of another language is no error

_NEW_LINE = re.compile(r"(?<=[^\W_])[^\S\n]*\n\s*(?=[\W\d]*[A-ZÀ-ÖØ-ÞА-Я])")
_APOSTROPHE = re.compile(r"(?<=\w)’(?=\w)")  # "girl’s", but not at the end of a quotation


@dataclass(frozen=True, slots=True)
class Reading:
    """A description in English, the language it was in, and what the user should know.

    ``unknown`` are its words, in small letters, that neither the lexicon nor the text tower has.
    """

    english: str
    language: str
    notices: tuple[str, ...] = ()
    unknown: frozenset[str] = frozenset()

    def understands(self, name: str) -> bool:
        """Tell whether any noun of a thing's name is known: what "old qwrt" is, nobody can say."""
        nouns = [word for word in name.lower().split() if word not in ADJECTIVES]
        return not nouns or not self.unknown.issuperset(nouns)


class _Unknown(NamedTuple):
    """A word that was not understood, and the known one that was perhaps meant."""

    written: str
    likely: str | None


def read_description(
    text: str, language: str | None = None, *, knows: Callable[[str], bool]
) -> Reading:
    """Read a description into English.

    ``language`` is one of ``models.job.LANGUAGES``, None to recognise it. ``knows`` tells whether
    the text tower has an English word, in small letters, as a whole.
    """
    if text.isupper():  # "RED TRAM": in capitals throughout no word can be told from a name
        text = text.lower()
    text = _in_one_line(text)
    language = language or recognise(text, knows)
    if language == ENGLISH:
        text = _APOSTROPHE.sub("'", text)
        renamed = without_names(text, english_words())
        said = tuple(_read_as(written, meant) for written, meant in renamed.said)
        read = _read_english(renamed.text, knows)
        return replace(read, notices=(*said, *read.notices))
    lexicon = load_lexicon(language)
    tokens = without_surnames(tokenize(text, lexicon))
    english = in_english(tokens, lexicon)
    notice = f"The {LANGUAGES[language]} description was read as: {_shortened(english, MOST_SHOWN)}"
    unknown = _unknown(tokens, lexicon)
    notices = (notice, *_not_understood(unknown))
    return Reading(english, language, notices, _strange(unknown, knows))


def _in_one_line(text: str) -> str:
    """End a sentence where a line ends and the next begins with a capital: lists have no stops."""
    return _NEW_LINE.sub(". ", text)


def _unknown(tokens: Sequence[Token], lexicon: Lexicon) -> list[_Unknown]:
    """List words that were not understood, each with the one that was perhaps meant.

    They are not mended: words that the lexicon lacks are more common than typing errors.
    """
    unknown: list[_Unknown] = []
    for i, token in enumerate(tokens):
        if not token.is_word or token.entries or fold(token.written.lower()) in english_words():
            continue
        if _is_name(token.written, i, lexicon) or len(unknown) == MOST_MENDED:
            continue
        word = token.written.lower()
        likely = _likely(word, lexicon) if len(word) <= LONGEST else None
        unknown.append(_Unknown(token.written, likely))
    return unknown


def _strange(unknown: Sequence[_Unknown], knows: Callable[[str], bool]) -> frozenset[str]:
    """Gather the unknown words that the text tower does not know as a whole either."""
    words = {word.written.lower().replace("’", "'").removesuffix("'s") for word in unknown}
    return frozenset(word for word in words if not knows(word))


def _likely(word: str, lexicon: Lexicon) -> str | None:
    """Find the word that was likely meant, a name before others; one side of a compound too."""

    def is_name(form: str) -> bool:
        return any(entry.kind in NAMES for entry in lexicon.forms.get(form, ()))

    for is_known in (is_name, lexicon.forms.__contains__):
        if likely := likely_word(word, is_known, lexicon.alphabet):
            return likely
    if lexicon.has_compounds:
        for cut in range(SHORTEST_PART, len(word) - SHORTEST_PART + 1):
            before, after = word[:cut], word[cut:]
            if lexicon.find(before) and (meant := likely_word(after, is_name, lexicon.alphabet)):
                return before + meant
            if lexicon.find(after) and (meant := likely_word(before, is_name, lexicon.alphabet)):
                return meant + after
    return None


def _is_name(written: str, place: int, lexicon: Lexicon) -> bool:
    """Tell whether a word may be a name; where every noun has a capital, none can be told."""
    return place > 0 and written[0].isupper() and not lexicon.capital_nouns


def _read_english(text: str, knows: Callable[[str], bool]) -> Reading:
    """Mend typing errors in an English text and name words that no one knows.

    Where most words are unknown it may be another language, and nothing is mended: what was
    perhaps meant is said instead.
    """
    small = [word for word in TOKEN.findall(text) if word[0].islower()]
    is_english = known_in_english(small, knows) >= LEAST_KNOWN * len(small)
    english, end = "", 0
    notices: list[str] = []
    unknown: list[_Unknown] = []
    for i, found in enumerate(TOKEN.finditer(text)):
        word = found[0]
        if not word[0].isalpha() or (i and word[0].isupper()) or len(word) > LONGEST:
            continue  # it may be a name
        if len(notices) + len(unknown) == MOST_MENDED:
            break
        if _is_english(word.lower(), knows):
            continue
        likely = likely_word(word.lower(), english_words().__contains__, LETTERS)
        if likely is None or not is_english:
            unknown.append(_Unknown(word, likely))
            continue
        notices.append(_read_as(word, likely))
        english += text[end : found.start()] + likely
        end = found.end()
    notices += _not_understood(unknown)
    return Reading(english + text[end:], ENGLISH, tuple(notices), _strange(unknown, knows))


def _is_english(word: str, knows: Callable[[str], bool]) -> bool:
    """Tell whether a word is known, inflected, or put together of words that are."""

    def is_known(part: str) -> bool:
        return part in english_words() or knows(part) or knows(fold(part))

    word = word.replace("’", "'")  # the one after a last letter: "girls’"
    if word.endswith("n't") or any(is_known(form) for form in _plain_forms(word)):
        return True
    for prefix in ("un", "re", "out", "over", "up", "mid"):
        if word.startswith(prefix) and is_known(word.removeprefix(prefix)):
            return True
    if "-" in word or "'" in word:
        parts = word.replace("'", "-").split("-")
        return all(_is_english(part, knows) for part in parts if len(part) > 1)
    cuts = range(3, len(word) - 2)
    return any(
        is_known(word[:cut]) and any(is_known(form) for form in _plain_forms(word[cut:]))
        for cut in cuts
    )


def _plain_forms(word: str) -> set[str]:
    """Take endings off an English word: "dresses", "hatted", "smoking", "greener"."""
    forms = {word}
    for ending in ("s", "es", "ed", "d", "ing", "er", "r", "est", "ers", "ly", "y", "ish", "less"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= 3:
            forms |= {stem, f"{stem}e"}
            if stem[-1] == stem[-2]:
                forms.add(stem[:-1])
            if stem.endswith("i"):
                forms.add(f"{stem[:-1]}y")
    return forms


def _quoted(word: str) -> str:
    return f'"{_shortened(word, LONGEST)}"'


def _shortened(text: str, most: int) -> str:
    """Cut a text to about so many letters, at a word's end, and show that there is more."""
    return text if len(text) <= most else f"{cut_at_word(text, most).rstrip(' ,.;:')}..."


def _read_as(written: str, likely: str) -> str:
    return f'"{written}" was read as "{likely}".'


def _not_understood(words: Sequence[_Unknown]) -> tuple[str, ...]:
    if not words:
        return ()
    shown = [
        _quoted(word.written) + (f' (perhaps "{word.likely}"?)' if word.likely else "")
        for word in words[:MOST_NAMED]
    ]
    named = ", ".join(dict.fromkeys(shown))
    more = "" if len(words) <= MOST_NAMED else f" and {len(words) - MOST_NAMED} more"
    remedy = "Use another word for it, or the English one."
    return (f"Not understood: {named}{more}. {remedy}",)
