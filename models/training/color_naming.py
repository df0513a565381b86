"""Colour words: which pixels of a photo have a colour that people would call by a name?"""

from __future__ import annotations

import re

import cv2
import numpy as np
from numpy.typing import NDArray

from models.color.lab import parse_hex, srgb_to_lab
from models.guidance.color_terms import ACHROMATIC, MODIFIERS, NAMED

FloatArray = NDArray[np.float32]
Area = NDArray[np.bool_]

# CIELAB hue angles of the colour words, degrees.
HUES = {
    "red": 35.0,
    "orange": 62.0,
    "yellow": 95.0,
    "green": 140.0,
    "blue": 275.0,
    "purple": 315.0,
    "pink": 0.0,
}
WORDS = tuple(HUES)
MIN_CHROMA = 14.0
MIN_NAMED_CHROMA = 25.0  # paler names (beige, cream) say too little about the hue
_PATTERN = re.compile(rf"\b({'|'.join(WORDS)})\b", re.IGNORECASE)
_PARTS = re.compile(rf"^(?:{'|'.join(MODIFIERS)})[ -]|(?:ish)?(?:[- ]colou?red)?$", re.I)


def only_color_word(caption: str) -> str | None:
    """Return the caption's colour word if it has exactly one, lower case."""
    found = _PATTERN.findall(caption)
    return found[0].lower() if len(found) == 1 else None


def color_words(caption: str) -> tuple[str, ...]:
    """Return the colour words of a caption, lower case, each once."""
    return tuple(dict.fromkeys(word.lower() for word in _PATTERN.findall(caption)))


def replace_color_word(caption: str, word: str) -> str:
    """Put another word in the place of the first colour word, mending "a" and "an"."""
    text = _PATTERN.sub(word, caption, count=1)
    article = "an" if word[0] in "aeiou" else "a"
    return re.sub(rf"\b[Aa]n?(?= {word}\b)", lambda m: _like(article, m.group()), text)


def word_area(ab: FloatArray, word: str) -> NDArray[np.bool_]:
    """Mark the pixels of (H, W, 2) ab whose hue is nearest to the word's among all words'."""
    chroma = np.hypot(ab[..., 0], ab[..., 1])
    return np.asarray((chroma > MIN_CHROMA) & (nearest_word(ab) == WORDS.index(word)))


def off_hue(ab: FloatArray, word: str) -> FloatArray:
    """Return how many degrees the hue of (..., 2) ab lies from a word's, 0 to 180."""
    hue = np.degrees(np.arctan2(ab[..., 1], ab[..., 0]))
    return np.asarray(np.abs((hue - HUES[word] + 180) % 360 - 180), np.float32)


def nearest_word(ab: FloatArray) -> NDArray[np.intp]:
    """Return the index into WORDS whose hue is nearest to that of (..., 2) ab."""
    hue = np.degrees(np.arctan2(ab[..., 1], ab[..., 0]))
    hues = np.array(list(HUES.values()))
    distance = np.abs((hue[..., None] - hues + 180) % 360 - 180)
    return np.asarray(distance.argmin(-1))


def named_area(lab: FloatArray, colors: tuple[str, ...]) -> Area | None:
    """Mark the pixels of (H, W, 3) Lab with any of the named colours, specks left out.

    None where no name says clearly enough which pixels are meant.
    """
    areas = [area for color in colors if (area := _area(lab, basic_name(color))) is not None]
    return clean_regions(np.logical_or.reduce(areas)) if areas else None


def basic_name(color: str) -> str:
    """Take modifiers away: "dark bluish" is "blue"."""
    name = _PARTS.sub("", _PARTS.sub("", color.strip().lower()))
    return {"gray": "grey", "redd": "red"}.get(name, name)


def _area(lab: FloatArray, name: str) -> Area | None:
    lightness, ab = lab[..., 0], lab[..., 1:]
    chroma = np.hypot(ab[..., 0], ab[..., 1])
    if name in WORDS:
        return word_area(ab, name)
    if name == "brown":
        hue = np.degrees(np.arctan2(ab[..., 1], ab[..., 0]))
        return np.asarray((chroma > 10) & (lightness < 62) & (hue > 30) & (hue < 88))
    if name in ACHROMATIC:
        match name:
            case "white":
                return np.asarray((chroma < 12) & (lightness > 68))
            case "black":
                return np.asarray((chroma < 14) & (lightness < 28))
            case "grey" | "silver":
                return np.asarray((chroma < 9) & (lightness > 25) & (lightness < 80))
            case _:
                return None
    if name in NAMED:
        ab_of_name = srgb_to_lab(parse_hex(NAMED[name]))[1:]
        if np.hypot(*ab_of_name) > MIN_NAMED_CHROMA:
            return word_area(ab, WORDS[int(nearest_word(ab_of_name))])
    return None


def clean_regions(area: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep what hangs together: no specks, no region far smaller than the largest."""
    opened = cv2.morphologyEx(area.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=8)
    if count < 2:
        return np.zeros_like(area)
    sizes = stats[:, cv2.CC_STAT_AREA].copy()
    sizes[0] = 0
    return np.asarray((sizes >= 0.1 * sizes.max())[labels] & (labels > 0))


def _like(article: str, original: str) -> str:
    return article.capitalize() if original[0].isupper() else article
