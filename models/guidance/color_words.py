"""Colour words: what they name, and a description without them.

A word's colour belongs to a place in the picture, not to all of it: what has the colour is looked
for in the photo (``models.networks.grounding``), and the global vector is that of the description
without its colours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

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

PLACEHOLDER = "colored"  # stands for any colour where only what has it matters
_FOLLOWING = 2  # words after a colour that may say what has it
# Words that end what a colour may be of: "red and ...", "red on ...".
_LINKS = frozenset(
    (
        *("and", "or", "is", "are", "was", "were", "in", "on", "with", "of", "at", "to", "from"),
        *("by", "near", "over", "under", "behind", "beside", "through", "into", "the", "a", "an"),
        *("who", "that", "while", "which", "his", "her", "its", "their"),
    )
)

_NAME = rf"(?:{'|'.join((*NAMED, *ACHROMATIC))})(?:ish)?(?:[- ]colou?red)?|#[0-9a-f]{{6}}"
_COLOR = rf"(?:(?:{'|'.join(MODIFIERS)})[ -])?(?<![\w#])(?:{_NAME})(?!\w)"
# "Golden light" and "blue tones" are of the whole picture: they stay in the scene.
_TONES = "light|lighting|hour|tones?|evening|morning|colou?rs|glow|mood|hues?|tints?"
_COLORS = re.compile(
    rf"{_COLOR}(?:[\s,-]+(?:(?:and|or|&)[\s-]+)?{_COLOR})*(?!\s+(?:{_TONES})\b)", re.I
)
_ONE_COLOR = re.compile(_COLOR, re.I)
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


@dataclass(frozen=True, slots=True)
class ColorPhrase:
    """A thing that a description gives a colour, such as "a dark blue and white shirt".

    ``colors`` are the colours' names as written; ``neutral`` is the whole description with every
    colour replaced by the PLACEHOLDER, and ``spans`` where in it, in letters, the placeholder of
    this colour and up to two words after it stand.
    """

    colors: tuple[str, ...]
    neutral: str
    spans: tuple[tuple[int, int], ...]

    @property
    def thing(self) -> str:
        """The words after the colour, empty where the description says it another way."""
        return " ".join(self.neutral[start:end] for start, end in self.spans[1:])


def color_phrases(description: str) -> tuple[ColorPhrase, ...]:
    """Find what a description gives colours, in the order of the text.

    "A man in a blue and white shirt and red shoes" gives (blue, white) of "shirt", red of "shoes".
    """
    neutral, starts, colors, end = "", [], [], 0
    for found in _COLORS.finditer(description):
        neutral += description[end : found.start()]
        end = found.end()
        starts.append(len(neutral))
        colors.append(tuple(m.group() for m in _ONE_COLOR.finditer(found.group())))
        neutral += PLACEHOLDER
    neutral += description[end:]
    return tuple(
        ColorPhrase(names, neutral, _spans(neutral, start))
        for names, start in zip(colors, starts, strict=True)
    )


def _spans(neutral: str, start: int) -> tuple[tuple[int, int], ...]:
    spans = [(start, start + len(PLACEHOLDER))]
    for word in re.finditer(r"[ -]+([\w'-]+)|.", neutral[spans[0][1] :]):
        if word[1] is None or word[1].lower() in _LINKS or len(spans) > _FOLLOWING:
            break
        spans.append((spans[0][1] + word.start(1), spans[0][1] + word.end(1)))
    return tuple(spans)


def _article(match: re.Match[str]) -> str:
    article = "an" if match[2].lower() in "aeiou" else "a"
    return article.capitalize() if match[1][0].isupper() else article
