"""The English side: plurals, what things are made of, articles."""

from __future__ import annotations

import re

IRREGULAR = {
    "man": "men",
    "woman": "women",
    "child": "children",
    "person": "people",
    "foot": "feet",
    "tooth": "teeth",
    "goose": "geese",
    "mouse": "mice",
    "leaf": "leaves",
    "knife": "knives",
    "shelf": "shelves",
    "wolf": "wolves",
    "loaf": "loaves",
    "scarf": "scarves",
    "calf": "calves",
    "potato": "potatoes",
    "tomato": "tomatoes",
}
# Their plural is the same, or nobody uses one.
UNCOUNTED = frozenset(
    (
        *("sheep", "fish", "deer", "cattle", "people", "hair", "grass", "snow", "sand", "clothing"),
        *("furniture", "jewellery", "water", "fog", "smoke", "hay", "straw", "wheat", "corn"),
        *("bread", "ice", "fruit", "skin", "sky", "underwear", "firewood", "seaweed", "police"),
        *("background", "foreground", "make-up", "luggage", "earth", "mud", "rain", "light"),
    )
)
# Nouns that say what something is made of, and how they stand before it.
MATERIALS = {
    **{
        name: name
        for name in (
            *("wool", "cotton", "silk", "leather", "linen", "velvet", "lace", "fur", "felt"),
            *("denim", "satin", "straw", "brick", "stone", "marble", "concrete", "metal", "iron"),
            *("steel", "copper", "brass", "bronze", "glass", "paper", "plastic", "porcelain"),
            *("pearl", "clay", "rubber", "wicker", "tile", "gravel", "granite", "cardboard"),
            *("tweed", "lawn", "plaster", "ceramic", "corduroy"),
        )
    },
    "wood": "wooden",
}
# Adjectives that stand after colours: "a blue and white striped apron".
PATTERNS = frozenset(("striped", "checked", "floral", "spotted", "patterned", "knitted", "painted"))
# What a thing does: after its noun such a word tells of all that was said before.
STATES = frozenset(
    (
        *("sitting", "standing", "lying", "leaning", "hanging", "parked", "covered", "surrounded"),
        *("dressed", "made"),
    )
)
_ARTICLE = re.compile(r"\b(an?)(?= ([a-z0-9]))", re.I)
# "A uniform", but "an unidentified man".
_AS_CONSONANT = re.compile(r"uni(?![dmnr])|uku|use|euro|one")


def attributive(noun: str) -> str:
    """Put a noun before another: "wood" is "wooden"."""
    return MATERIALS.get(noun, noun)


def plural(noun: str) -> str:
    """Return the plural of a noun, which may be several words; "pair of trousers" has its own."""
    head, found, rest = noun.partition(" of ")
    if found:
        return f"{plural(head)} of {rest}"
    first, _, last = noun.rpartition(" ")
    return f"{first} {_plural(last)}".strip()


def _plural(word: str) -> str:
    if word in IRREGULAR.values():
        return word
    if word in IRREGULAR:
        return IRREGULAR[word]
    for ending in ("man", "child"):
        if word.endswith(ending) and word != "human":
            return word.removesuffix(ending) + IRREGULAR[ending]
    if word in UNCOUNTED or (word.endswith("s") and not word.endswith(("ss", "us", "is"))):
        return word
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("s", "x", "ch", "sh", "z")) else f"{word}s"


def mend_articles(text: str) -> str:
    """Write "a" or "an" as the next word asks for."""
    return _ARTICLE.sub(_article, text)


def _article(match: re.Match[str]) -> str:
    start = match.end() + 1
    word = re.split(r"\W", match.string[start:].lower(), maxsplit=1)[0]
    vowel = word[:1] in "aeiou" and not _AS_CONSONANT.match(word)
    article = "an" if vowel else "a"
    return article.capitalize() if match[1][0].isupper() else article
