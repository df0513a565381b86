"""The vocabulary of colours: their names, words that change them, and how they stand in a text."""

from __future__ import annotations

import re
from collections.abc import Iterator

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
    "azure": "#3c82d2",
    "cobalt": "#1e46b4",
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
    "ochre": "#c88c28",
    "khaki": "#b4a878",
    "beige": "#dccaa8",
    "tan": "#c8a478",
    "cream": "#f4eacc",
    "olive": "#78782a",
    "lime": "#96d228",
    "emerald": "#1ea064",
    "mint": "#a0e0be",
    "navy blue": "#1e2a6e",
    "royal blue": "#2646b4",
    "powder blue": "#a8c4e0",
    "olive green": "#78782a",
    "olive drab": "#78782a",
    "lime green": "#96d228",
    "mint green": "#a0e0be",
    "emerald green": "#1ea064",
    "off white": "#f0ead8",
    # Of hair.
    "blond": "#c4a57b",
    "blonde": "#c4a57b",
    "brunette": "#5a3e28",
    "auburn": "#7a3a22",
    "ginger": "#a8552a",
}
OF_HAIR = ("blond", "blonde", "brunette", "auburn", "ginger")
ACHROMATIC = ("black", "white", "grey", "gray", "silver", "ivory", "charcoal")
MODIFIERS = ("dark", "light", "bright", "pale", "deep", "vivid", "soft", "dull", "hot", "neon")

PLACEHOLDER = "colored"  # stands for any colour where only what has it matters

_NAMES = "|".join(sorted((*NAMED, *ACHROMATIC), key=len, reverse=True)).replace(" ", "[ -]")
# "Reddish" and the like, whose spelling differs before the ending.
BEFORE_ISH = {"redd": "red", "blu": "blue", "purpl": "purple", "whit": "white", "orang": "orange"}
_PLAIN = rf"(?:(?:{_NAMES})(?:ish)?|(?:{'|'.join(BEFORE_ISH)})ish)"
# Atomic groups, not possessive quantifiers, which take too much before CPython 3.11.5 (gh-106052).
_NAME = rf"{_PLAIN}(?>(?:[- ]colou?red(?!\w))?)|#[0-9a-f]{{6}}"
# "Wine-red", "all-white": a word before a hyphen says which red.
_KIND_OF = rf"(?<![\w-])(?!{_PLAIN}-)[^\W\d_]+-"
_COLOR = rf"(?:(?:{'|'.join(MODIFIERS)})[ -])?(?:{_KIND_OF})?(?<![\w#])(?:{_NAME})(?!\w)"
_NEXT = rf"[\s,/-]+(?:(?:and|or|&)[\s-]+)?{_COLOR}"
# "Golden light" and "blue tones" are of the whole picture: they stay in the scene.
_TONES = "light|lighting|hour|tones?|evening|morning|colou?rs|glow|mood|hues?|tints?"
# Things that have a colour's name: "ice cream", "olive trees", "an orange on a plate", and names.
_NOT_A_COLOR = (
    r"(?<!\bice )(?<!\bwhipped )(?<!\bsour )(?<!\bshaving )(?<!\bface )"
    r"(?!(?:olive|lime|peach|orange|mint|mustard)s?\s+"
    r"(?:trees?|oil|juice|branch|leaf|leaves|orchards?|groves?)\b)"
    r"(?!(?:coral\s+reefs?|cream\s+(?:cheese|puffs?|pie)|tan\s+lines?|ginger\s+(?:ale|beer))\b)"
    r"(?!white[ -]water\s+(?:raft|kayak|canoe|rapid))"
    rf"(?!(?<=\ban )orange(?!{_NEXT})(?:\s+(?:in|on|and|is|with|at|lies|lying|while|from|to|for|as"
    r"|by|next|near)\b|\s*(?:$|[.,;])))"
    r"(?!(?<=\ba )(?:lime|peach|salmon|coral|mint)(?:\s+(?:in|on|and|with|at)\b|\s*(?:$|[.,;])))"
    rf"(?!(?<=\ba )tan(?!{_NEXT})\s*(?:$|[.,;]))"
    r"(?!(?-i:White House|White Sox|Red Sox|Red Bull|Red Cross|Red Wings|Blue Jays?|Blue Angels|"
    r"Green Bay|Golden Gate|Golden State|Black Sea|Red Sea|Red Square|Orange County)\b)"
)
# A run of colours is taken whole, never again in part: time grows with a text's length alone.
_RUN = rf"{_NOT_A_COLOR}{_COLOR}(?>(?:{_NEXT})*)"
_OF_ALL = rf"\s+(?:{_TONES})\b"
TONES_OF = r"\b(?:shades?|tones?|hues?|tints?)\s+(?:of|in)\s+"  # before the colours themselves
_TONES_OF_THEM = rf"{TONES_OF}{_RUN}(?>(?:\s+and\s+(?:of|in)\s+{_RUN})*)"
COLORS = rf"{_RUN}(?!{_OF_ALL})"  # as part of a pattern, in any case of letters
ONE_COLOR = re.compile(_COLOR, re.I)
_RUN_OR_TONES = re.compile(rf"(?P<of>{_TONES_OF_THEM})|{_RUN}(?P<tones>{_OF_ALL})?", re.I)


def colors_in(text: str) -> Iterator[re.Match[str]]:
    """Find the colours of a text, run by run: "dark blue and white" is one."""
    # Tones are passed over with their colours, which else were each the start of another try.
    return (run for run in _RUN_OR_TONES.finditer(text) if not run["of"] and not run["tones"])


def with_placeholders(text: str) -> str:
    """Put the PLACEHOLDER for every colour of a text, whatever has it."""
    neutral = _RUN_OR_TONES.sub(
        lambda run: run[0] if run["of"] or run["tones"] else PLACEHOLDER, text
    )
    return neutral.replace(f"{PLACEHOLDER}-", f"{PLACEHOLDER} ")
