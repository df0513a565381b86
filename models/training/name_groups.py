"""Names that may be of the same place in a photo: a shirt is clothes, a man is a person.

Such names are no counter-examples of each other when the grounder is trained.
"""

from __future__ import annotations

import functools
import re

# What competes for every place of every photo, whatever a description names.
VOCABULARY = (
    *("sky", "clouds", "skin", "face", "hair", "grass", "tree", "leaves", "bush", "flower"),
    *("water", "sea", "snow", "sand", "ground", "dirt", "road", "pavement", "wall", "building"),
    *("house", "roof", "window", "door", "floor", "ceiling", "rug", "curtain", "furniture"),
    *("table", "chair", "couch", "bed", "wood", "stone", "rock", "mountain", "fence", "shirt"),
    *("dress", "trousers", "skirt", "coat", "hat", "shoes", "bag", "dog", "cat", "horse", "cow"),
    *("sheep", "bird", "car", "bus", "train", "boat", "bicycle", "motorcycle", "food", "plate"),
    *("cup", "book", "paper", "hand", "sign", "ball"),
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Shorter than ``PEOPLE`` of ``guidance.phrases``, which knows every word for people. By that one
# other names would be counter-examples of each other, and the grounder would learn otherwise.
TRAINED_PEOPLE = _words(
    "man men woman women boy boys girl girls child children people person persons kid kids lady "
    "guy crowd group baby player players someone toddler couple spectators rider cyclist surfer "
    "climber skateboarder snowboarder skier teenager audience onlookers team family"
)
GROUPS = tuple(
    _words(group)
    for group in (
        "suit blazer coat jacket cardigan sweater hoodie sweatshirt vest top tops blouse shirt "
        "shirts t-shirt jumper cape jersey uniform uniforms clothes clothing outfit costume",
        "pants jeans trousers shorts leggings tights stockings socks",
        "dress skirt romper bodysuit gown robe outfit clothes jumper",
        "shoes boots heels sandals pumps flats loafers sneakers clogs wedges",
        "hat hats cap helmet helmets",
        "bag purse handbag backpack wallet",
        "sky clouds cloud",
        "grass lawn field meadow plants ground yard",
        "tree trees forest bush bushes plant plants leaves woods branches",
        "water sea ocean river lake pool pond waves wave surf",
        "road street pavement sidewalk path ground floor dirt sand beach track",
        "wall walls building buildings house houses facade window windows door roof bricks brick",
        "snow mountain mountains hill slope ice",
        "rock rocks stone stones cliff mountain boulder",
        "chair couch sofa bench furniture seat bed table desk",
        "cup bowl plate glass bottle vase food",
        "wood fence floor table",
        "hand hands arms arm skin face head mouth legs",
        "car cars bus truck vehicle van",
        "bicycle bike bikes motorcycle",
        "sunglasses glasses",
    )
)
_WORD = re.compile(r"[a-z'-]+")


@functools.cache
def words_of(name: str) -> frozenset[str]:
    """Return the words of a name."""
    return frozenset(_WORD.findall(name.lower()))


def is_person(name: str) -> bool:
    """Tell whether a name is of people, who have clothes, hair and hands in their place."""
    return bool(words_of(name) & TRAINED_PEOPLE)


@functools.cache
def may_overlap(name: str, other: str) -> bool:
    """Tell whether two names may be of the same place."""
    a, b = words_of(name), words_of(other)
    if a & b or (a & TRAINED_PEOPLE and b & TRAINED_PEOPLE):
        return True
    return any(a & group and b & group for group in GROUPS)
