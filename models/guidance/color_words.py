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
from models.guidance.languages.english import mend_articles
from models.guidance.phrases import GARMENTS, PEOPLE, NounPhrase, is_plural, noun_phrases

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
# "a dress in red", "a wall painted blue", "hat: green".
_LINK = (
    "is|are|was|were|looks?|in|of|all|very|quite|both|a|an|the|that|which|who|entirely|mostly|solid"
)
_OF_THE_THING = re.compile(
    rf",?(?:\s+(?:(?!\w+thing\b)\w+(?:ed|ing)|{_LINK})\b)+\s+|\s*[:=]\s*|\s+", re.I
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
_AND_ANOTHER = re.compile(rf"\s*,?\s*(?:and|or)\s+(?:an?|one|the|two)\s+(?={PLACEHOLDER}\b)", re.I)
_AND = re.compile(r"\s+and\s+(?:matching\s+)?", re.I)
# "No red hat", "not in red", "the dress is not red but blue": a colour that is not there. "Nothing
# but a red hat" denies none.
_DENIED = re.compile(
    r"(\b(?:no|not|never|without|neither|nor|nothing|nobody|anything\s+but|(?:is|are|was|were|do|does)n['’]t)"
    r"(?:\s+(?:an?|any|anything|single|the|his|her|their|in|wears?|wearing|really|quite)\b)*\s+)"
    rf"(?:{COLORS})(\s*,?\s*but\s+)?",
    re.I,
)
# "A dress in different shades of blue" is blue, but "shades of blue" are of the whole picture.
_IN_TONES = re.compile(rf"\bin\s+(?:\w+\s+)?{TONES_OF}", re.I)
_PHOTO = re.compile(r"\s+(?:photo(?:graph)?s?|pictures?|images?|prints?|films?|shots?)\b", re.I)
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
        end = stop
    rest = _SPACES.sub("", rest + found.text[end:]).strip(" ,.;:-")
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
        follows = another is not None and not any(thing.color == one.place for thing in things)
        owners[one.place] = (
            owners[another.end()] if another and follows else _owner(neutral, one, things)
        )
    for one in named:
        owner = owners[one.place]
        if owner is None:  # it is not painted
            continue
        cuts.append((one.cut[0] - owner.link, one.cut[1]))
        phrases.append(ColorPhrase(one.colors, owner.name))
        if owner.shares:
            phrases.append(ColorPhrase(one.colors, owner.shares))
    return _Found(text, tuple(dict.fromkeys(phrases)), tuple(sorted(cuts)))


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
            following = things[i + 1] if i + 1 < len(things) else None
            return _of_thing(thing, one.colors, shares=_shared(neutral, thing, following))
    if worn := _WORN.search(neutral, 0, start):
        return _Owner(CLOTHES, start - worn.start())
    if one_of_them := _ONE_OF_THEM.search(neutral, 0, start):
        return _Owner(CLOTHES, start - one_of_them.start("link"))
    before = [thing for thing in things if thing.spans[-1][1] <= start]
    if _ONES.match(neutral, end) or _STANDS_FOR.search(neutral, 0, start):
        many = [thing for thing in before if is_plural(thing.words[-1])] or before
        return _of_thing(many[-1], one.colors) if many else _Owner("")
    if not before:
        return _hair_or("", one.colors)
    last = before[-1]
    link = neutral[last.spans[-1][1] : start]
    if _OF_THE_THING.fullmatch(link) is None:
        return _hair_or("", one.colors)
    if last.words[-1] in PEOPLE and _IN.search(link):
        return _Owner(CLOTHES, len(link))
    return _of_thing(last, one.colors, link=len(link) if link.strip() else 0)


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


def _shared(neutral: str, thing: NounPhrase, following: NounPhrase | None) -> str:
    """Name the garment that has the colour of the one before it: "a red hat and scarf"."""
    if following is None or following.color is not None:
        return ""
    between = neutral[thing.spans[-1][1] : following.spans[0][0]]
    both = {thing.words[-1], *following.words}
    return following.name if _AND.fullmatch(between) and both <= SHARING else ""


def _are(colors: Sequence[str], names: Collection[str]) -> bool:
    return all(re.split("[ -]", color.lower())[-1] in names for color in colors)
