"""Colour words: what they name, and a description without them.

A word's colour belongs to a place in the picture, not to all of it, so it travels with the words'
own tokens (spatial FiLM); the global vector is that of the description without its colours.
"""

from __future__ import annotations

import re

# Named colours as sRGB; the hues are the usual ones, the names those that people write.
NAMED = {
    "red": "#c8202a",
    "orange": "#e8781e",
    "yellow": "#e6c81e",
    "green": "#3c9a3c",
    "blue": "#2a5fc8",
    "purple": "#7a3aa8",
    "pink": "#e87aa0",
    "brown": "#7a4e2a",
    "teal": "#1e8080",
    "turquoise": "#30c8c0",
    "cyan": "#28c8dc",
    "aqua": "#40d0d0",
    "navy": "#1e2a6e",
    "indigo": "#3c2a96",
    "violet": "#8a4ad0",
    "lavender": "#b8a0e0",
    "lilac": "#c8a0d2",
    "magenta": "#d028a0",
    "crimson": "#b41432",
    "scarlet": "#dc2814",
    "maroon": "#701824",
    "burgundy": "#6e1432",
    "coral": "#f07858",
    "salmon": "#f09080",
    "peach": "#f8c09a",
    "rust": "#b0481e",
    "gold": "#d2a428",
    "golden": "#d2a428",
    "mustard": "#c8a01e",
    "khaki": "#b4a878",
    "beige": "#dccaa8",
    "tan": "#c8a478",
    "cream": "#f4eacc",
    "olive": "#78782a",
    "lime": "#96d228",
    "emerald": "#1ea064",
    "mint": "#a0e0be",
}
ACHROMATIC = ("black", "white", "grey", "gray", "silver", "ivory", "charcoal")
MODIFIERS = ("dark", "light", "bright", "pale", "deep", "vivid", "soft", "dull")

_NAME = rf"(?:{'|'.join((*NAMED, *ACHROMATIC))})(?:ish)?(?:[- ]colou?red)?|#[0-9a-f]{{6}}"
_COLOR = rf"(?:(?:{'|'.join(MODIFIERS)})[ -])?(?<![\w#])(?:{_NAME})(?!\w)"
_COLORS = re.compile(rf"{_COLOR}(?:[\s,-]+(?:(?:and|or|&)[\s-]+)?{_COLOR})*", re.I)
_SPACES = re.compile(r"\s+(?=[\s,.;:!?]|$)")
_ARTICLE = re.compile(r"\b(an?)(?= (\w))", re.I)


def without_colors(description: str) -> str:
    """Take the names of colours out of a description; empty where nothing else is said.

    "A man in a dark blue and white shirt" becomes "A man in a shirt".
    """
    if not _COLORS.search(description):
        return description
    rest = _SPACES.sub("", _COLORS.sub("", description)).strip(" ,.;:-")
    return _ARTICLE.sub(_article, re.sub(r"\s+", " ", rest))


def _article(match: re.Match[str]) -> str:
    article = "an" if match[2].lower() in "aeiou" else "a"
    return article.capitalize() if match[1][0].isupper() else article
