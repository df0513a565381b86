"""Which language a description is in, by the words that only it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from models.guidance.color_terms import ACHROMATIC, MODIFIERS, NAMED
from models.guidance.languages.lexicon import FOLDER, english_sides, load_lexicon
from models.guidance.languages.tokens import TOKEN, look_up
from models.guidance.phrases import ADJECTIVES, ENDS, NOUNS, PLURALS, VERBS
from models.job import LANGUAGES

ENGLISH, *FOREIGN = LANGUAGES
# Words that no other language here writes so: a text with one of them, in plain letters, is
# English. "Front" is none of them, French and German have it.
ONLY_ENGLISH = frozenset(
    ("the", "and", "with", "wearing", "behind", "beside", "his", "white", "black")
)
LEAST_KNOWN = 0.5  # share of the words in small letters
GUESS = 0.6  # what a word counts that the text tower alone knows: it knows foreign ones as well


@cache
def english_words() -> frozenset[str]:
    """Gather the English words of all lexicons, of colours and of grammar."""
    sides = frozenset().union(*map(english_sides, FOREIGN))
    grammar = ADJECTIVES | ENDS | NOUNS | PLURALS | VERBS
    return frozenset(sides | rare_words() | grammar | {*ACHROMATIC, *MODIFIERS, *NAMED})


@cache
def rare_words() -> frozenset[str]:
    """Gather the English words of their own list, most of them things such as a kimono."""
    listed = (FOLDER / "english.txt").read_text("utf-8").splitlines()
    return frozenset(word for line in listed if line[:1] != "#" for word in line.split())


def recognise(text: str, knows: Callable[[str], bool]) -> str:
    """Tell the language of a text: the one that knows most of its words, English in doubt.

    One that is not among LANGUAGES must not pass for its neighbour: "en röd katt" is not Spanish
    for its first word. So a language has to know LEAST_KNOWN of the words, and letters that it
    never writes speak against it. ``knows`` tells whether the text tower has a word, in small
    letters, as a whole.
    """
    written = [word for word in TOKEN.findall(text) if word[0].isalpha()]
    words = [word.lower() for word in written]
    if not words or (text.isascii() and not ONLY_ENGLISH.isdisjoint(words)):
        return ENGLISH
    best, most = ENGLISH, known_in_english(words, knows)
    for code in FOREIGN:
        lexicon = load_lexicon(code)
        unknown = [
            word for word, small in zip(written, words, strict=True)
            if not look_up(small, lexicon).entries
        ]  # fmt: skip
        small = [word for word in unknown if word.islower()]  # others may be names
        found = len(words) - len(unknown)
        if found < LEAST_KNOWN * (found + len(small)):
            continue
        letters = set(lexicon.alphabet)
        for word in small:
            if word in rare_words():
                found += 1  # as in English: "kimono" speaks for none
            elif not set(filter(str.isalpha, word)) <= letters:
                found -= 1
        if found > most + 1e-6:
            best, most = code, found
    return best


def known_in_english(words: Sequence[str], knows: Callable[[str], bool]) -> float:
    """Count the words that English has, in small letters; see ``recognise``."""
    known = english_words()
    return sum(1 if word in known else GUESS * knows(word) for word in words)
