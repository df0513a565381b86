"""Colour words: what has a colour in a description, and the description without its colours.

A word's colour belongs to a place in the picture, not to all of it: what has the colour is looked
for in the photo (``models.networks.grounding``), and the global vector is that of the description
without its colours.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from models.guidance.color_terms import (
    ACHROMATIC,
    COLORS,
    MODIFIERS,
    NAMED,
    ONE_COLOR,
    PLACEHOLDER,
)
from models.guidance.phrases import PEOPLE, NounPhrase, noun_phrases

__all__ = [
    "ACHROMATIC",
    "MODIFIERS",
    "NAMED",
    "PLACEHOLDER",
    "ColorPhrase",
    "color_phrases",
    "without_colors",
]

# What stands between a thing and the colour that is said of it: "the dress is (bright) red",
# "a dress in red", "a wall painted blue", "hat: green".
_LINK = r"is|are|was|were|looks?|in|of|all|very|quite|both|a|an|the|that|which|who|entirely"
_OF_THE_THING = re.compile(rf",?(?:\s+(?:\w+(?:ed|ing)|{_LINK})\b)+\s+|\s*[:=]\s*|\s+", re.I)
_WORN = re.compile(r"\b(?:in|wear(?:s|ing)?|wore)\b", re.I)
# "No red hat", "not in red", "the dress is not red but blue": a colour that is not there.
_DENIED = re.compile(
    r"(\b(?:no|not|never|without|neither|nor|(?:is|are|was|were|do|does)n['’]t)"
    r"(?:\s+(?:an?|any|the|his|her|their|in|wear|wearing|really|quite)\b)*\s+)"
    rf"(?:{COLORS.pattern})(\s*,?\s*but\s+)?",
    COLORS.flags,
)
_PHOTO = re.compile(r"\s+(?:photo(?:graph)?s?|pictures?|images?|prints?|films?|shots?)\b", re.I)
CLOTHES = "clothes"  # what "a woman in white" wears
_SPACES = re.compile(r"\s+(?=[\s,.;:!?]|$)")
_ARTICLE = re.compile(r"\b(an?)(?= (\w))", re.I)


@dataclass(frozen=True, slots=True)
class ColorPhrase:
    """A thing that a description gives a colour, such as "a dark blue and white shirt".

    ``colors`` are the colours' names as written, and ``thing`` what has them, one of
    ``phrases.names_of``, or "clothes" where only a person is named; empty where nothing is.
    ``neutral`` is the whole description with every colour replaced by the PLACEHOLDER, and
    ``spans`` where in it, in letters, the placeholder of this colour and the thing's words stand.
    """

    colors: tuple[str, ...]
    thing: str
    neutral: str
    spans: tuple[tuple[int, int], ...]


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
    return _ARTICLE.sub(_article, re.sub(r"\s+", " ", rest))


def color_phrases(description: str) -> tuple[ColorPhrase, ...]:
    """Find what a description gives colours, in the order of the text.

    "A man in a blue and white shirt and red shoes" gives (blue, white) of "shirt", red of "shoes";
    "a dress in dark green" gives dark green of "dress". "No red hat" gives nothing, and of "not red
    but blue" the blue alone counts.
    """
    return _read(description).phrases


Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """What a description says of colours, and where to cut it so that it says nothing of them.

    ``text`` is the description without the colours that it denies; the cuts are of it.
    """

    text: str
    phrases: tuple[ColorPhrase, ...] = ()
    cuts: tuple[tuple[int, int], ...] = ()


@functools.lru_cache(maxsize=256)
def _read(description: str) -> _Found:
    description = _DENIED.sub(lambda match: "" if match[2] else match[1], description)
    neutral, end = "", 0
    found, cuts = [], []
    for match in COLORS.finditer(description):
        cuts.append(match.span())
        if not _PHOTO.match(description, match.end()):  # "a black and white photo" is no thing
            neutral += description[end : match.start()]
            end = match.end()
            found.append((len(neutral), len(cuts) - 1, match.group()))
            neutral += PLACEHOLDER
    neutral += description[end:]
    things = noun_phrases(neutral)
    worn: list[int] = []  # where in the neutral text clothes are added
    phrases = []
    for start, cut, names in found:
        own = (start, start + len(PLACEHOLDER))
        thing, spans, link = _owner(neutral, own, things)
        cuts[cut] = (cuts[cut][0] - link, cuts[cut][1])
        if thing == CLOTHES:
            worn.append(own[1])
            spans = ((own[1] + 1, own[1] + 1 + len(CLOTHES)),)
        phrases.append((names, thing, (own, *spans)))
    for place in reversed(worn):
        neutral = f"{neutral[:place]} {CLOTHES}{neutral[place:]}"

    def moved(place: int) -> int:
        return place + sum(len(CLOTHES) + 1 for other in worn if other < place - 1)

    return _Found(
        description,
        tuple(
            ColorPhrase(
                tuple(match.group() for match in ONE_COLOR.finditer(names)),
                thing,
                neutral,
                tuple((moved(a), moved(a) + b - a) for a, b in spans),
            )
            for names, thing, spans in phrases
        ),
        tuple(cuts),
    )


def _owner(
    neutral: str, own: tuple[int, int], things: Sequence[NounPhrase]
) -> tuple[str, Spans, int]:
    """Find what has the colour whose placeholder stands at ``own``.

    Returns its name, where its words stand (those after the colour first), and how many letters
    before the colour only say that it has it.
    """
    before = None
    for thing in things:
        after = tuple(span for span in thing.spans if span[0] > own[0])
        if after and neutral[own[1] : after[0][0]].strip(" -") == "":
            first = tuple(span for span in thing.spans if span[0] < own[0])
            return " ".join(thing.words), (*after, *first), 0
        if thing.spans[-1][1] <= own[0]:
            before = thing
    if before is None:
        return "", (), 0
    link = neutral[before.spans[-1][1] : own[0]]
    if _OF_THE_THING.fullmatch(link) is None:
        return "", (), 0
    if _WORN.search(link) and before.words[-1] in PEOPLE:
        return CLOTHES, (), len(link)
    is_said = link.strip() != ""
    return " ".join(before.words), before.spans, len(link) if is_said else 0


def _article(match: re.Match[str]) -> str:
    article = "an" if match[2].lower() in "aeiou" else "a"
    return article.capitalize() if match[1][0].isupper() else article
