"""Counterfactual recolouring: the one thing that explains the colour is the guidance.

For a caption with one colour word, the pixels of that word's hue are turned to another word's
hue, and the word in the caption is replaced. For hints any hue of the photo is turned, and a hint
lies on what has turned.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

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
COVERAGE = (0.01, 0.55)
_PATTERN = re.compile(rf"\b({'|'.join(WORDS)})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Recoloring:
    """A caption and the ab, (H, W, 2) float32, that goes with it."""

    caption: str
    ab: FloatArray


def only_color_word(caption: str) -> str | None:
    """Return the caption's colour word if it has exactly one, lower case."""
    found = _PATTERN.findall(caption)
    return found[0].lower() if len(found) == 1 else None


def names_a_color(caption: str) -> bool:
    """Tell whether a caption has any colour word."""
    return _PATTERN.search(caption) is not None


def replace_color_word(caption: str, word: str) -> str:
    """Put another word in the place of the caption's colour word, mending "a" and "an"."""
    text = _PATTERN.sub(word, caption, count=1)
    article = "an" if word[0] in "aeiou" else "a"
    return re.sub(rf"\b[Aa]n?(?= {word}\b)", lambda m: _like(article, m.group()), text)


def word_area(ab: FloatArray, word: str) -> NDArray[np.bool_]:
    """Mark the pixels of (H, W, 2) ab whose hue is nearest to the word's among all words'."""
    chroma = np.hypot(ab[..., 0], ab[..., 1])
    return np.asarray((chroma > MIN_CHROMA) & (nearest_word(ab) == WORDS.index(word)))


def nearest_word(ab: FloatArray) -> NDArray[np.intp]:
    """Return the index into WORDS whose hue is nearest to that of (..., 2) ab."""
    hue = np.degrees(np.arctan2(ab[..., 1], ab[..., 0]))
    hues = np.array(list(HUES.values()))
    distance = np.abs((hue[..., None] - hues + 180) % 360 - 180)
    return np.asarray(distance.argmin(-1))


def recolor_caption(
    caption: str, ab: FloatArray, generator: np.random.Generator
) -> Recoloring | None:
    """Turn what the caption's colour word names to another colour; None where that cannot be done.

    ``ab`` is (H, W, 2) float32.
    """
    word = only_color_word(caption)
    if word is None:
        return None
    area = word_area(ab, word)
    if not COVERAGE[0] <= area.mean() <= COVERAGE[1]:
        return None
    other = WORDS[int(generator.integers(len(WORDS)))]
    if other == word:
        return None
    return Recoloring(replace_color_word(caption, other), turn(ab, area, other, generator))


def recolor_anything(
    ab: FloatArray, generator: np.random.Generator
) -> tuple[FloatArray, NDArray[np.bool_]] | None:
    """Turn one hue of a photo to another, so that only hints can tell; the new ab and the area."""
    word, other = (WORDS[int(i)] for i in generator.choice(len(WORDS), 2, replace=False))
    area = word_area(ab, word)
    if not COVERAGE[0] <= area.mean() <= COVERAGE[1]:
        return None
    return turn(ab, area, other, generator), area


def turn(
    ab: FloatArray, area: NDArray[np.bool_], word: str, generator: np.random.Generator
) -> FloatArray:
    """Turn an area of (H, W, 2) ab to a word's hue, with soft edges and a chroma of 25 to 45."""
    soft = cv2.GaussianBlur(area.astype(np.float32), (0, 0), max(ab.shape[0] / 128, 0.5))[..., None]
    hue = np.radians(HUES[word] + generator.uniform(-10, 10))
    chroma = np.maximum(np.hypot(ab[..., 0], ab[..., 1]), generator.uniform(25, 45))
    turned = np.stack([chroma * np.cos(hue), chroma * np.sin(hue)], -1)
    return np.asarray(soft * turned + (1 - soft) * ab, np.float32)


def _like(article: str, original: str) -> str:
    return article.capitalize() if original[0].isupper() else article
