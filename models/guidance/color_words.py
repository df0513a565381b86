"""Colour words: what has a colour in a description, and the description without its colours.

A word's colour belongs to a place in the picture, not to all of it: what has the colour is looked
for in the photo (``models.networks.grounding``), and the global vector is that of the description
without its colours.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from models.guidance.color_terms import (
    ACHROMATIC,
    COLORS,
    OF_HAIR,
    ONE_COLOR,
    PLACEHOLDER,
    TONES_OF,
    colors_in,
)
from models.guidance.languages.english import MATERIALS, mend_articles
from models.guidance.phrases import (
    ADJECTIVES,
    DETERMINERS,
    ENDS,
    GARMENTS,
    PEOPLE,
    NounPhrase,
    is_plural,
    noun_phrases,
)

CLOTHES = "clothes"  # what "a woman in white" wears
HAIR = "hair"  # what "a blonde woman" has
# What is said of a person or a thing in one word: "a red-haired girl", "a blue-shirted boy".
PARTS = {
    "haired": HAIR,
    "headed": HAIR,
    "bearded": "beard",
    "eyed": "eyes",
    "clad": CLOTHES,
    "dressed": CLOTHES,
    "robed": "robe",
    **{f"{noun}ed": noun for noun in ("shirt", "jacket", "coat", "skirt", "suit", "vest", "roof")},
}
TEAMS = frozenset(("team", "teams", "player", "players", "opponent", "opponents", "teammate"))
# Jeans and what stands on the nose have colours of their own.
SHARING = GARMENTS - {"jeans", "glasses", "sunglasses", "goggles", "tie", "ties"}
SKIN = frozenset((*ACHROMATIC, "brown", "tan"))  # of a person they tell no paint

_PART = re.compile(rf"(?:[ -]({'|'.join(PARTS)}))\b", re.I)
_REDHEAD = re.compile(r"\b(red)[ -]?head(?:ed)?\b", re.I)
# What stands between a thing and the colour that is said of it: "the dress is (bright) red",
# "a dress in red", "a wall painted blue", "hat: green", "a hat (green)", "it should be green".
_LINK = (
    "is|are|was|were|be|been|being|looks?|seems?|in|to|into|of|as|all|very|quite|both|a|an|the|that"
    "|which|who|entirely|mostly|solid|should|must|could|would|will|can|may|might|(?:has|have|had)"
    r"(?=\s+been)|he|she|they|colou?rs?"
)
_ADJECTIVE = "|".join(sorted(ADJECTIVES))  # "the dog is big and brown"
_OF_THE_THING = re.compile(
    rf"(?:['’]s\b)?(?:[\s,:=>(\"“”’'‘–—-]|\b(?:(?!\w+thing\b)\w+(?:ed|ing|ly)|{_LINK})\b|\b(?:{_ADJECTIVE})\b(?:\s+and\b)?)+",
    re.I,
)
# Before a colour of two words, which has no article: "the dress is sky blue", "hair: ash brown".
_SAYS = re.compile(
    r"\s*[:=>–—-]\s*|\s+(?:[\w-]+\s+)?(?:is|are|was|were|be|in)\s+|\s+\w+ed\s+", re.I
)
_AMOUNT = r"(?:\s+(?:all|both|mostly|entirely|completely|solid|the|a))*\s+$"
_WORN = re.compile(
    r"\b(?:wear(?:s|ing)?|wore|donning|"
    rf"(?:dressed|clad|clothed|attired|outfitted|garbed)(?: up| all)* in){_AMOUNT}",
    re.I,
)
_IN = re.compile(rf"\bin{_AMOUNT}", re.I)
# "One in red, the other in blue".
_ONE_OF_THEM = re.compile(
    rf"\b(?:ones?|two|three|four|some|others?|another|both|all|those|someone)\s+(?P<link>in{_AMOUNT})",
    re.I,
)
# "Two dogs, one black and the other brown", "a black dog and a brown one".
_STANDS_FOR = re.compile(
    r"\b(?:ones?|two|three|four|some|others?|another)\s+(?:(?:is|are|was|were)\s+)?$", re.I
)
_ONES = re.compile(r"\s+ones?\b", re.I)
# "A black and a white dog".
_ONE_DOG = re.compile(r"\b(?:an?|one|the|two|three|his|her|their)\s+$", re.I)
_AND_ANOTHER = re.compile(rf"\s*,?\s*(?:and|or)\s+(?:an?|one|the|two)\s+(?={PLACEHOLDER}\b)", re.I)
# "A coat of brown wool", "a man in blue silk".
_MADE_OF = re.compile(r"\s+(?:\w+ed\s+|made\s+)?(of|from|in)\s+(?:an?\s+|the\s+)?", re.I)
STUFFS = frozenset((*MATERIALS, "cloth", "fabric", "material"))
# "Blue for the dress, red for her hat".
_BEFORE_FOR = re.compile(r"(?:^|[,;.:]|\band)\s*$")
_FOR = re.compile(r"\s+for\s+(?:(?:an?|the|his|her|their|my|our|its|all)\s+)?", re.I)
_AND = re.compile(r"\s+and\s+(?:matching\s+)?", re.I)
# "The hat and the scarf are red", "hat and scarf: red".
_AND_THE = re.compile(r"\s+and\s+(?:(?:an?|the|his|her|their)\s+)?", re.I)
_BOTH = re.compile(r"[:=]|\b(?:are|were|be|both|all)\b", re.I)
# "No red hat", "not in red", "the dress is not red but blue": a colour that is not there. "Nothing
# but a red hat" denies none.
_END = "|".join(sorted(ENDS))
_NOUNS = rf"(?:(?!(?:{_END})\b)[\w'’-]+\s+){{1,3}}"
_THE = rf"(?:(?:{'|'.join(sorted(DETERMINERS))})\s+)?"
_DENIED = re.compile(
    r"(\b(?:no\s+one|none|no|not|never|cannot|without|neither|nor|nothing|nobody|anything\s+but|\w+n['’]t"
    # "None of the hats are red", "no hat is red", but "a man with no hat is in red".
    rf"|(?:none\s+of|neither\s+of|nor|(?<!\w\s)no)\s+{_THE}{_NOUNS}"
    r"(?:is|are|was|were|has|have|wears?|looks?|should|must|may|will|can))"
    r"(?:\s+(?:an?|any|anything|single|the|his|her|their|in|wears?|wearing|really|quite|be|is|are|was"
    r"|were|should|must|may|use|ever|at\s+all|been|looks?|seems?|appears?|turns?|becomes?|get|ha(?:s|ve|d)"
    r"|painted|colou?red|dressed))*\s+)"
    rf"(?:{COLORS})(\s*,?\s*but\s+)?",
    re.I,
)
# "Don't make the hat red", "do not paint it green but blue"; "don't paint the old red car" denies
# no colour.
_NOT_MADE = re.compile(
    r"(\b(?:(?:do|does|did|can|could|will|would|shall|should|must|may|might)\s+(?:not|never)|cannot"
    rf"|never|\w+n['’]t)\s+(?!(?:{_END})\b)\w+\s+)((?:(?:it|them|him|her)\s+|{_THE}{_NOUNS}"
    rf"(?:of\s+{_THE}{_NOUNS})?)(?:(?:in|into|to|be|as|all)\s+)*)(?:{COLORS})"
    rf"(?!-|\s+(?!(?:{_END})\b)\w)(\s*,?\s*but\s+(?={COLORS}))?",
    re.I,
)
# "A dress in different shades of blue" is blue, but "shades of blue" are of the whole picture.
_IN_TONES = re.compile(rf"\bin\s+(?:\w+\s+)?{TONES_OF}", re.I)
_PHOTO = re.compile(r"\s+(?:photo(?:graph)?s?|pictures?|images?|prints?|films?|shots?)\b", re.I)
_CLOSING = (")", '"', "”", "'", "’")
_EMPTY = re.compile(r"\(\s*\)|([\"'])\s*\1|“\s*”|‘\s*’")
_SPACES = re.compile(r"\s+(?=[\s,.;:!?]|$)|,(?=\s*,)")


@dataclass(frozen=True, slots=True)
class ColorPhrase:
    """A thing that a description gives a colour, such as "a dark blue and white shirt".

    ``colors`` are the colours' names as written, and ``thing`` what has them: one of
    ``phrases.names_of``, "clothes" or "hair" where only a person is named; empty where nothing is.
    """

    colors: tuple[str, ...]
    thing: str


def without_colors(description: str) -> str:
    """Take the names of colours out of a description; empty where nothing else is said.

    "A man in a dark blue and white shirt" becomes "A man in a shirt", "the hat is red" "the hat".
    """
    found = _read(description)
    if not found.cuts and found.text == description:
        return description
    rest, end = "", 0
    for start, stop in found.cuts:
        rest += found.text[end:start]
        end = max(end, stop)
    rest = _SPACES.sub("", _EMPTY.sub("", rest + found.text[end:])).strip(" ,.;:-!?=")
    return mend_articles(re.sub(r"\s+", " ", rest))


def color_phrases(description: str) -> tuple[ColorPhrase, ...]:
    """Find what a description gives colours, in the order of the text.

    "A man in a blue and white shirt and red shoes" gives (blue, white) of "shirt", red of "shoes";
    "a dress in dark green" gives dark green of "dress", "a girl in pink" pink of "clothes". "No red
    hat" gives nothing, nor does "a black man", and of "not red but blue" the blue alone counts.
    """
    return _read(description).phrases


@dataclass(frozen=True, slots=True)
class _Found:
    """What a description says of colours, and where to cut it so that it says nothing of them.

    ``text`` is the description without the colours that it denies; the cuts are of it.
    """

    text: str
    phrases: tuple[ColorPhrase, ...] = ()
    cuts: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class _Named:
    """Colours in a text, where their placeholder stands, and where they stand themselves.

    ``part`` is the thing that the same word names, "" for none.
    """

    colors: tuple[str, ...]
    place: int
    cut: tuple[int, int]
    part: str = ""


@functools.lru_cache(maxsize=256)
def _read(description: str) -> _Found:
    text = _DENIED.sub(lambda match: "" if match[2] else match[1], description)
    text = _NOT_MADE.sub(lambda match: match[2] if match[3] else match[1] + match[2], text)
    text = _IN_TONES.sub("in ", text)
    text = _REDHEAD.sub(r"\1-headed", text)
    neutral, named, cuts = _take_colors(text)
    things = noun_phrases(neutral)
    phrases: list[ColorPhrase] = []
    owners: dict[int, _Owner | None] = {}
    for one in reversed(named):  # "a black and a white dog": the former has what the latter has
        if one.part:
            owners[one.place] = _Owner(one.part)
            continue
        end = one.place + len(PLACEHOLDER)
        another = _AND_ANOTHER.match(neutral, end)
        stands_alone = not any(thing.color == one.place for thing in things)
        is_other = stands_alone and _ONE_DOG.search(neutral, 0, one.place)
        owners[one.place] = (
            owners[another.end()] if another and is_other else _owner(neutral, one, things)
        )
    for one in named:
        owner = owners[one.place]
        if owner is None:  # it is not painted
            continue
        start, end = _in_text(one.place - owner.link, named), one.cut[1]
        closes = owner.link and text[end : end + 1] in _CLOSING  # "a hat (green)"
        cuts.append((start, end + 1 if closes else end))
        phrases.append(ColorPhrase(one.colors, owner.name))
        if owner.shares:
            phrases.append(ColorPhrase(one.colors, owner.shares))
    return _Found(text, tuple(dict.fromkeys(phrases)), tuple(sorted(cuts)))


def _in_text(place: int, named: Sequence[_Named]) -> int:
    """Tell where in a text stands what is at a place of the one with placeholders."""
    moved = 0
    for one in named:
        if one.place >= place:
            break
        moved = one.cut[1] - one.place - (0 if one.part else len(PLACEHOLDER))
    return place + moved


def _take_colors(text: str) -> tuple[str, list[_Named], list[tuple[int, int]]]:
    """Put the placeholder for each colour of a text; tell which there were, and what else to cut.

    A part that the same word names is taken out with its colour, and leaves no placeholder.
    """
    neutral, end = "", 0
    named: list[_Named] = []
    cuts: list[tuple[int, int]] = []
    for match in colors_in(text):
        if _PHOTO.match(text, match.end()):  # "a black and white photo" is no thing
            cuts.append(match.span())
            continue
        neutral += text[end : match.start()]
        colors = tuple(color.group() for color in ONE_COLOR.finditer(match.group()))
        part = _PART.match(text, match.end())
        end = part.end() if part else match.end()
        thing = PARTS[part[1].lower()] if part else ""
        named.append(_Named(colors, len(neutral), (match.start(), end), thing))
        if not part:
            neutral += PLACEHOLDER
            if text[end : end + 1] == "-":  # "blue-striped"
                neutral, end = f"{neutral} ", end + 1
    return neutral + text[end:], named, cuts


@dataclass(frozen=True, slots=True)
class _Owner:
    """What has a colour.

    ``link`` says how many letters before the colour only say that it has it; ``shares`` is another
    thing that has it too, as of "a red hat and scarf".
    """

    name: str
    link: int = 0
    shares: str = ""


def _owner(neutral: str, one: _Named, things: Sequence[NounPhrase]) -> _Owner | None:
    """Find what has the colours of a placeholder; None where they are no paint."""
    start, end = one.place, one.place + len(PLACEHOLDER)
    for i, thing in enumerate(things):
        if thing.color == start:
            if i and STUFFS.issuperset(thing.words) and _is_of(neutral, things[i - 1], start):
                made = things[i - 1]
                return _Owner(CLOTHES if made.words[-1] in PEOPLE else made.name)
            following = things[i + 1] if i + 1 < len(things) else None
            return _of_thing(thing, one.colors, shares=_shared(neutral, thing, following))
    before = [thing for thing in things if thing.spans[-1][1] <= start]
    said_at = before.pop().spans[0][0] if _is_shade(neutral, before, start) else start
    if worn := _WORN.search(neutral, 0, said_at):
        return _Owner(CLOTHES, start - worn.start())
    if one_of_them := _ONE_OF_THEM.search(neutral, 0, start):
        return _Owner(CLOTHES, start - one_of_them.start("link"))
    if (aim := _FOR.match(neutral, end)) and _BEFORE_FOR.search(neutral, 0, start):
        for thing in things:
            if thing.spans[0][0] == aim.end():
                return _of_thing(thing, one.colors)
    if _ONES.match(neutral, end) or _STANDS_FOR.search(neutral, 0, start):
        many = [thing for thing in before if is_plural(thing.words[-1])] or before
        return _of_thing(many[-1], one.colors) if many else _Owner("")
    if not before:
        return _hair_or("", one.colors)
    last = before[-1]
    link, length = neutral[last.spans[-1][1] : said_at], start - last.spans[-1][1]
    if _OF_THE_THING.fullmatch(link) is None:
        return _hair_or("", one.colors)
    if last.words[-1] in PEOPLE and _IN.search(link):
        return _Owner(CLOTHES, length)
    shares = ""
    if len(before) > 1 and _BOTH.search(link):
        shares = _shared(neutral, before[-2], last, _AND_THE) and before[-2].name
    return _of_thing(last, one.colors, link=length if link.strip() else 0, shares=shares)


def _is_shade(neutral: str, before: Sequence[NounPhrase], start: int) -> bool:
    """Tell whether the last thing only says which colour it is: "the dress is sky blue"."""
    if not before or neutral[before[-1].spans[-1][1] : start].strip():
        return False
    (*others, shade) = before
    word, at = shade.words[-1], shade.spans[0][0]
    if len(shade.words) > 1 or is_plural(word) or word in GARMENTS or word in PEOPLE:
        return False
    return _WORN.search(neutral, 0, at) is not None or (
        bool(others) and _SAYS.fullmatch(neutral, others[-1].spans[-1][1], at) is not None
    )


def _is_of(neutral: str, thing: NounPhrase, start: int) -> bool:
    """Tell whether what begins at ``start`` is what a thing, or a person's clothing, is made of."""
    link = _MADE_OF.fullmatch(neutral, thing.spans[-1][1], start)
    head = thing.words[-1]
    return link is not None and (link[1].lower() != "in" or head in GARMENTS or head in PEOPLE)


def _hair_or(name: str, colors: Sequence[str]) -> _Owner:
    return _Owner(HAIR if _are(colors, OF_HAIR) else name)


def _of_thing(
    thing: NounPhrase, colors: Sequence[str], *, link: int = 0, shares: str = ""
) -> _Owner | None:
    """Say what is painted where a thing has colours: of a person the clothes, or the hair."""
    head = thing.words[-1]
    if head not in PEOPLE:
        return _Owner(thing.name, link, shares)
    if _are(colors, OF_HAIR):
        return _Owner(HAIR, link)
    if _are(colors, SKIN) and head not in TEAMS:
        return None
    return _Owner(CLOTHES, link)


def _shared(
    neutral: str, thing: NounPhrase, following: NounPhrase | None, joined: re.Pattern[str] = _AND
) -> str:
    """Name the garment that has the colour of the one before it: "a red hat and scarf"."""
    if following is None or following.color is not None:
        return ""
    between = neutral[thing.spans[-1][1] : following.spans[0][0]]
    both = {thing.words[-1], *following.words}
    return following.name if joined.fullmatch(between) and both <= SHARING else ""


def _are(colors: Sequence[str], names: Collection[str]) -> bool:
    return all(re.split("[ -]", color.lower())[-1] in names for color in colors)
