"""Names of people that are colours, such as "Mrs. Brown" and "Tom Green": they paint nothing.

A surname says nothing of the picture, so it is left out: "Mrs. Brown in a blue dress" is read as
"woman in a blue dress".
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from models.guidance.color_terms import ACHROMATIC, MODIFIERS, NAMED
from models.guidance.languages.english import IRREGULAR, plural
from models.guidance.languages.lexicon import Kind
from models.guidance.languages.tokens import Token
from models.guidance.phrases import (
    ENDS,
    GARMENTS,
    NO_THINGS,
    NOUNS,
    PEOPLE,
    is_participle,
    is_third_person,
)

TITLES = {
    **dict.fromkeys(("mr", "sir"), "man"),
    **dict.fromkeys(("mrs", "ms", "miss", "mme", "mlle"), "woman"),
    **dict.fromkeys(
        ("dr", "prof", "rev", "capt", "col", "gen", "maj", "lt", "sgt", "cpl", "pvt"), "person"
    ),
}
ONLY_TITLES = frozenset(("mr", "mrs", "ms", "dr"))  # small letters make them no other word
UNABRIDGED = frozenset(("miss", "sir"))  # "Miss." is Mississippi
# Those that tell more than a name, and stay: "Aunt Violet", "Captain Brown".
CALLED = frozenset(
    (
        *("aunt", "uncle", "grandma", "grandpa", "granny", "cousin", "sister"),
        *("brother", "father", "mother", "grandmother", "grandfather", "lady", "lord"),
        *("captain", "colonel", "judge", "doctor", "professor", "nurse", "officer"),
        *("king", "queen", "prince", "princess"),
    )
)
NAMELESS = "person"
MOST_INITIALS = 3
FIRST_NAMES = frozenset(("violet", "olive", "scarlet", "ginger", "coral"))
COLORS = frozenset((*NAMED, *ACHROMATIC))
SHADES = frozenset(  # "Midnight Blue" is nobody
    (
        *("royal", "midnight", "racing", "forest", "kelly", "hunter", "bottle", "prussian"),
        *("steel", "slate", "powder", "baby", "electric", "brick", "blood", "wine"),
        *("ruby", "cherry", "pearl", "canary", "chocolate", "shocking", "jet", "snow"),
        *("dusty", "burnt"),
    )
)
# After these even a capital makes a colour: "a coat in Racing Green", "the dress is Royal Blue".
LEADS_TO_COLOR = frozenset(("in", "is", "are", "was", "were", "be", "a", "an", "the"))
MARKS = ":=(-–—"  # "hair: Ash Brown", but "left: Tom Green", "two men (Tom Green)"
TELLS_COLOR = COLORS | frozenset(MODIFIERS)
NO_FIRST_NAMES = TELLS_COLOR | SHADES | GARMENTS
_SINGULARS = {many: one for one, many in IRREGULAR.items()}
_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]{2,})*|[^\w\s]|\d+")


@dataclass(frozen=True, slots=True)
class Renamed:
    """A text in which people have no names; ``said`` are the names that are colours, as read."""

    text: str
    said: tuple[tuple[str, str], ...] = ()


def without_names(text: str, is_common: Collection[str]) -> Renamed:
    """Put "man", "woman" or "person" for people whose title is given, or whose name is a colour.

    ``is_common`` has the words that at the beginning of a sentence or of an item of a list are no
    names, nor are their plurals: "Car Red" is a red car.
    """
    words = [_Written(found[0], found.start(), found.end()) for found in _WORD.finditer(text)]
    named = _Named(words, is_common)
    renamed, end, i = "", 0, 0
    said: list[tuple[str, str]] = []
    while i < len(words):
        stop, meant = named.person_at(i)
        if stop > i:
            start, last = words[i].start, words[stop - 1].end
            renamed += text[end:start] + meant
            end = last
            if any(word.small in COLORS for word in words[i:stop]):
                said.append((text[start:last], meant))
        i = max(stop, i + 1)
    return Renamed(renamed + text[end:], tuple(said))


def without_surnames(tokens: Sequence[Token]) -> list[Token]:
    """Leave out colours that are names in another language: "Frau Braun", "Tom Weiß"."""
    kept: list[Token] = []
    for token in tokens:
        is_color = any(entry.kind is Kind.COLOR for entry in token.entries)
        if is_color and token.written.istitle() and kept and _is_person(kept[-1]):
            continue
        kept.append(token)
    return kept


def _is_person(token: Token) -> bool:
    if not token.entries:
        return token.is_word and token.written.istitle()
    return any(
        entry.kind is Kind.NOUN and entry.english in (*PEOPLE, "gentleman", "lady")
        for entry in token.entries
    )


@dataclass(frozen=True, slots=True)
class _Written:
    """A word or mark, and where it stands."""

    word: str
    start: int
    end: int

    @property
    def small(self) -> str:
        return self.word.lower()

    @property
    def is_name(self) -> bool:
        """Tell whether it is written as names are, and is no word of grammar."""
        return self.word[:1].isupper() and self.small not in ENDS and not is_participle(self.small)


class _Named:
    """Finds people's names among the words of an English text."""

    def __init__(self, words: Sequence[_Written], is_common: Collection[str]) -> None:
        self._words = words
        self._is_common = is_common
        content = [word for word in words if word.word[0].isalpha() and word.small not in ENDS]
        self._is_title_case = all(word.word[0].isupper() for word in content)

    def person_at(self, i: int) -> tuple[int, str]:
        """Return where the name of a person that begins with a word ends, and what to say for it.

        It ends at ``i`` where none begins.
        """
        for find in (self._with_title, self._with_surname, self._with_first_name):
            stop, meant = find(i)
            if stop > i:
                return stop, meant
        return i, ""

    def _at(self, i: int) -> _Written:
        return self._words[i] if 0 <= i < len(self._words) else _Written(".", 0, 0)

    def _with_title(self, i: int) -> tuple[int, str]:
        """Read "Mrs. J. Brown", "mr white" and the first of "Mr and Mrs Brown"."""
        title = self._at(i)
        meant = TITLES.get(title.small)
        if meant is None or not (title.word[0].isupper() or title.small in ONLY_TITLES):
            return i, ""
        stop = i + 1 if title.small in UNABRIDGED else self._after_stop(i + 1)
        for _ in range(MOST_INITIALS):  # "Lt. Col. Gray"
            if self._at(stop).small in TITLES and self._at(stop).word[0].isupper():
                stop = self._after_stop(stop + 1)
        if self._at(stop).small in ("and", "&") and self._at(stop + 1).small in TITLES:
            return stop, meant
        if title.small in ONLY_TITLES and self._at(stop).small in COLORS:
            return stop + 1, meant
        end = self._initials_end(stop)
        while self._at(end).is_name:
            end = self._initials_end(end + 1)
        return (end, meant) if end > stop else (i, "")

    def _with_surname(self, i: int) -> tuple[int, str]:
        """Read "Tom Green", "Aunt Violet" and the colour of "the Green family"."""
        first, following = self._at(i), self._at(i + 1)
        if following.small in ("family", "families") and self._at(i - 1).small == "the":
            is_name = self._is_color_name(i) and not self._is_title_case
            return (i + 2, following.word) if is_name else (i, "")
        last = self._initials_end(i + 1)
        if not first.is_name or not self._is_color_name(last) or self._goes_on(last + 1):
            return i, ""
        if first.small in NO_FIRST_NAMES or self._leads_to_color(i):
            return i, ""
        if first.small in CALLED:
            return last + 1, first.word
        begins = i == 0 or self._at(i - 1).word in ".!?;,"
        if (begins or self._is_title_case) and self._is_of_things(first.small):
            return i, ""
        return last + 1, NAMELESS

    def _with_first_name(self, i: int) -> tuple[int, str]:
        """Read "Violet" where she does something or is with somebody."""
        name, following = self._at(i), self._at(i + 1)
        if name.small not in FIRST_NAMES or not name.word[0].isupper() or self._is_title_case:
            return i, ""
        if self._leads_to_color(i):
            return i, ""
        acts = is_third_person(following.small) or is_participle(following.small)
        acts = acts and following.small not in GARMENTS  # "Violet dresses"
        other = self._at(i + 2)  # "Olive and Tom", but "Olive and Cream walls"
        joined = following.small == "and" and other.is_name and other.small not in TELLS_COLOR
        is_there = following.small in ("in", "with", "on", "at", "beside", "is", "was", "has")
        return (i + 1, NAMELESS) if acts or joined or is_there else (i, "")

    def _after_stop(self, i: int) -> int:
        return i + (self._at(i).word == ".")

    def _initials_end(self, i: int) -> int:
        """Pass over the letters of "J. R. Brown"."""
        for _ in range(MOST_INITIALS):
            letter = self._at(i).word
            if len(letter) == 1 and letter.isupper() and self._at(i + 1).word == ".":
                i += 2
        return i

    def _leads_to_color(self, i: int) -> bool:
        before, of_whom = self._at(i - 1).small, self._at(i - 2).small
        if before in MARKS:
            return of_whom not in NO_THINGS and of_whom not in PEOPLE
        return before in LEADS_TO_COLOR

    def _is_color_name(self, i: int) -> bool:
        return self._at(i).small in COLORS and self._at(i).word[0].isupper()

    def _is_of_things(self, word: str) -> bool:
        """Tell whether a word, or what it is the plural of, is a common one: "Walls White"."""
        singulars = {word[:-1], word[:-2], f"{word[:-3]}y", _SINGULARS.get(word, word)}
        return word in self._is_common or any(
            one in self._is_common and plural(one) == word for one in singulars
        )

    def _goes_on(self, i: int) -> bool:
        """Tell whether a noun follows, or a hyphen: what the colour stands before is no person."""
        word = self._at(i).small
        if word in NOUNS or word in GARMENTS:
            return True  # "Royal Blue dress"
        ends = word in ENDS or is_participle(word) or is_third_person(word)
        return word == "-" or (word[0].isalnum() and not ends)
