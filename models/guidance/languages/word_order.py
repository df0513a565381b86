"""From words in one language's order to an English text: meaning, number, place of adjectives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.guidance.languages.english import (
    MATERIALS,
    PATTERNS,
    STATES,
    attributive,
    mend_articles,
    plural,
)
from models.guidance.languages.lexicon import EITHER, PLURAL, SINGULAR, Entry, Kind, Lexicon
from models.guidance.languages.tokens import Token, is_material

DESCRIBING = (Kind.COLOR, Kind.SHADE, Kind.ADJECTIVE, Kind.MATERIAL)
JOINERS = ("and", "or", ",")


@dataclass(frozen=True, slots=True)
class Word:
    """One word with the meaning that was chosen; its kind is None for a mark."""

    english: str
    kind: Kind | None
    number: int = EITHER

    @property
    def describes(self) -> bool:
        """Tell whether it is any kind of adjective."""
        return self.kind in DESCRIBING


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun with what belongs to it, or adjectives without a noun."""

    determiners: Sequence[Word]
    describing: Sequence[Word]
    noun: Word | None


def in_english(tokens: Sequence[Token], lexicon: Lexicon) -> str:
    """Write tokens as an English text."""
    words = _meant(tokens, lexicon)
    written: list[str] = []
    place = 0
    while place < len(words):
        phrase, end = _read_phrase(words, place, lexicon)
        before = words[place - 1] if place else None
        if end == place:
            written.append(words[place].english)
            place += 1
            continue
        place = end
        determiners = [word.english for word in phrase.determiners]
        if phrase.noun is None:
            if any(word.kind is Kind.COLOR for word in phrase.describing):
                if written and (written[-1] == "of" or (lexicon.genitives and written[-1] == "on")):
                    written[-1] = "in"  # "una mujer vestida de rojo", "kobieta na czerwono"
                if written and written[-1] == "in":
                    determiners = []  # "in a dark green"
            written += [*determiners, *_ordered(phrase.describing)]
            continue
        is_of = lexicon.genitives and before is not None and before.kind is Kind.NOUN
        written += ["of"] if is_of else []
        usual = _usual_number(phrase, before, lexicon)
        noun = phrase.noun.english
        noun = plural(noun) if _number(phrase, usual) == PLURAL else noun
        written += [*determiners, *_before_noun(phrase.describing), noun]
    text = " ".join(part for part in written if part)
    for mark in ",.;:!?)":
        text = text.replace(f" {mark}", mark)
    return mend_articles(text.replace("( ", "("))


def _meant(tokens: Sequence[Token], lexicon: Lexicon) -> list[Word]:
    """Choose among the meanings of each token by what stands around it."""
    words: list[Word] = []
    for i, token in enumerate(tokens):
        before = words[-1] if words else None
        following = tokens[i + 1].entries if i + 1 < len(tokens) else ()
        for part, after in zip(token.parts, (*token.parts[1:], *token.entries[:1]), strict=False):
            words.append(Word(part.english, part.kind, part.number))
            if part.kind is after.kind is Kind.COLOR:
                words.append(Word("and", Kind.WORD))  # "schwarzweiß"
        if token.entries:
            entry = _choose(token.entries, before, following, lexicon)
            words.append(_in_context(entry, before, following))
        else:
            words.append(Word(token.written, Kind.NOUN if token.is_word else None, SINGULAR))
    return words


def _in_context(entry: Entry, before: Word | None, following: Sequence[Entry]) -> Word:
    """Take what an entry means after a noun; and a state after one as a verb."""
    after_noun = before is not None and (before.kind is Kind.NOUN or before.describes)
    english, kind = entry.english, entry.kind
    if entry.after_noun is not None:
        goes_on = before is not None and before.english == "and" and entry.after_noun == "with"
        english = entry.after_noun if after_noun or goes_on else english
    if english in STATES and (after_noun or not any(e.kind is Kind.NOUN for e in following)):
        kind = Kind.VERB  # "deux filles aux chapeaux jaunes assises sur un banc"
    return Word(english, kind, entry.number)


def _choose(
    entries: Sequence[Entry], before: Word | None, following: Sequence[Entry], lexicon: Lexicon
) -> Entry:
    if before is not None and before.english in lexicon.made_of:
        for entry in entries:  # "di pelle": of leather, not of skin
            if is_material(entry):
                return entry
    kinds = {entry.kind: entry for entry in reversed(entries)}
    noun = kinds.get(Kind.NOUN)
    if noun is None and {Kind.VERB, Kind.WORD} <= kinds.keys():  # "la mujer nada", "nada rojo"
        has_subject = before is not None and (before.kind is Kind.NOUN or before.describes)
        return kinds[Kind.VERB if has_subject else Kind.WORD]
    if noun is None or len(kinds) == 1:
        return entries[0]
    determined = before is not None and (
        before.kind is Kind.DETERMINER or before.english.endswith((" a", " the"))
    )
    after_noun = before is not None and before.kind is Kind.NOUN
    for kind in (Kind.VERB, Kind.WORD):
        if kind in kinds:  # "la porte", "une femme porte"
            described = before is not None and before.describes
            opens = before is None or determined or described or before.kind is Kind.WORD
            return noun if opens else kinds[kind]
    if after_noun or any(entry.kind is Kind.NOUN for entry in following):
        return next(entry for kind, entry in kinds.items() if kind is not Kind.NOUN)
    starts = before is None or before.kind in (Kind.WORD, Kind.VERB)
    described = lexicon.adjectives_follow and any(entry.kind in DESCRIBING for entry in following)
    if before is None and not following and entries[0].kind is not Kind.COLOR:
        return noun  # "vestido: azul", but "rosa"
    return noun if determined or (starts and described) else entries[0]  # "rosas rojas"


def _read_phrase(words: Sequence[Word], start: int, lexicon: Lexicon) -> tuple[Phrase, int]:
    """Read the phrase that begins at ``start``, and where it ends: there, if there is none."""
    place = start
    while place < len(words) and words[place].kind is Kind.DETERMINER:
        place += 1
    determiners = words[start:place]
    describing, place = _read_adjectives(words, place, lexicon, after_noun=False)
    if place == len(words) or words[place].kind is not Kind.NOUN:
        return Phrase(determiners, describing, None), place
    noun, place = words[place], place + 1
    more, place = _read_adjectives(words, place, lexicon, after_noun=True)
    material, place = _read_material(words, place, lexicon)
    last: list[Word] = []
    if material and lexicon.adjectives_follow:  # "une robe de laine verte"
        last, place = _read_adjectives(words, place, lexicon, after_noun=True)
    return Phrase(determiners, [*describing, *more, *material, *last], noun), place


def _read_adjectives(
    words: Sequence[Word], start: int, lexicon: Lexicon, *, after_noun: bool
) -> tuple[list[Word], int]:
    """Read adjectives from ``start`` on, with what joins them, and where they end."""
    place = _run(words, start)
    while place > start and place < len(words) and words[place].english in JOINERS:
        end = _run(words, place + 1)
        next_noun = end < len(words) and words[end].kind is Kind.NOUN
        if end == place + 1 or (after_noun and next_noun):
            break  # "a red dress and a hat", "robe verte et grand chapeau"
        place = end
    next_noun = place < len(words) and words[place].kind is Kind.NOUN
    if after_noun and next_noun and not lexicon.adjectives_follow:
        return [], start  # they belong to it
    return list(words[start:place]), place


def _run(words: Sequence[Word], start: int) -> int:
    """Return where adjectives that follow each other from ``start`` on end."""
    while start < len(words) and words[start].describes:
        start += 1
    return start


def _read_material(words: Sequence[Word], start: int, lexicon: Lexicon) -> tuple[list[Word], int]:
    """Read "of wool", which says what the noun before it is made of."""
    if start == len(words) or words[start].english not in lexicon.made_of:
        return [], start
    end = _run(words, start + 1)
    if end < len(words) and words[end].kind is Kind.NOUN and words[end].english in MATERIALS:
        made = Word(attributive(words[end].english), Kind.MATERIAL)
        return [*words[start + 1 : end], made], end + 1
    return [], start


def _usual_number(phrase: Phrase, before: Word | None, lexicon: Lexicon) -> int:
    """Say which number a noun has when its forms leave that open, by what stands before it."""
    if lexicon.genitives:
        governed = before is not None and (
            before.kind is Kind.NOUN or (before.kind is Kind.WORD and before.english not in JOINERS)
        )
        return SINGULAR if governed else PLURAL
    has_article = bool(phrase.determiners) or (
        before is not None and before.english.endswith((" a", " the"))
    )
    return PLURAL if phrase.describing and not has_article else SINGULAR


def _number(phrase: Phrase, usual: int) -> int:
    """Return the number of a phrase with a noun; ``usual`` where its forms leave that open."""
    assert phrase.noun is not None
    if any(word.number == PLURAL and word.english != "the" for word in phrase.determiners):
        return PLURAL  # counted
    number = phrase.noun.number
    for word in (*phrase.determiners, *phrase.describing):
        number = number & word.number or number
    return usual if number == EITHER else number


def _before_noun(describing: Sequence[Word]) -> list[str]:
    """Order adjectives as before an English noun: others, colours, what it is made of."""
    units = _units(describing)
    colors: list[str] = []
    for i, (text, kind) in enumerate(units):
        if kind is Kind.COLOR:
            if colors and units[i - 1][1] is None:
                joiner = units[i - 1][0]
                colors.append(f"{joiner} {text}" if joiner != "," else f", {text}")
            else:
                colors.append(text)
    before = (Kind.ADJECTIVE, Kind.SHADE)
    others = [text for text, kind in units if kind in before and text not in PATTERNS]
    materials = [text for text, kind in units if kind is Kind.MATERIAL or text in PATTERNS]
    return [*others, *colors, *materials]


def _ordered(describing: Sequence[Word]) -> list[str]:
    """Order adjectives without a noun: as they come, but a shade before its colour."""
    return [text for text, _ in _units(describing)]


def _units(describing: Sequence[Word]) -> list[tuple[str, Kind | None]]:
    """Join shades with their colours: "vert foncé" and "dunkles Grün" are "dark green"."""
    units: list[tuple[str, Kind | None]] = []
    shade = ""
    for i, word in enumerate(describing):
        following = describing[i + 1].kind if i + 1 < len(describing) else None
        match word.kind:
            case Kind.SHADE if following is Kind.COLOR:
                shade = f"{shade}{word.english} "
            case Kind.SHADE if units and units[-1][1] is Kind.COLOR:
                units[-1] = (f"{word.english} {units[-1][0]}", Kind.COLOR)
            case Kind.COLOR:
                units.append((shade + word.english, Kind.COLOR))
                shade = ""
            case Kind.WORD | None:
                units.append((word.english, None))
            case kind:
                units.append((word.english, kind))
    return units
