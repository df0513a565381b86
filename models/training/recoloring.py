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

from models.color import parse_hex, srgb_to_lab
from models.words import NAMED

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
MAX_CHROMA = 60.0  # photographs seldom have more
COVERAGE = (0.01, 0.55)
_PATTERN = re.compile(rf"\b({'|'.join(WORDS)})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Recoloring:
    """A caption turned to another colour.

    ``word`` names the old colour and ``other`` the new one; ``ab`` is (H, W, 2) float32, and
    ``area`` (H, W) float32 in [0, 1] is the share that was turned.
    """

    caption: str
    word: str
    other: str
    ab: FloatArray
    area: FloatArray


def only_color_word(caption: str) -> str | None:
    """Return the caption's colour word if it has exactly one, lower case."""
    found = _PATTERN.findall(caption)
    return found[0].lower() if len(found) == 1 else None


def names_a_color(caption: str) -> bool:
    """Tell whether a caption has any colour word."""
    return _PATTERN.search(caption) is not None


def color_words(caption: str) -> list[str]:
    """Return the colour words that a caption has once each, lower case."""
    found = [word.lower() for word in _PATTERN.findall(caption)]
    return [word for word in found if found.count(word) == 1]


def replace_color_word(caption: str, word: str, *, old: str | None = None) -> str:
    """Put another word in the place of a colour word, mending "a" and "an".

    ``old`` is the word to replace; None takes the caption's first colour word.
    """
    pattern = _PATTERN if old is None else re.compile(rf"\b{old}\b", re.IGNORECASE)
    text = pattern.sub(word, caption, count=1)
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
    caption: str, ab: FloatArray, generator: np.random.Generator, *, p_named: float = 0.35
) -> Recoloring | None:
    """Turn what one colour word of a caption names to another colour; None where that cannot be.

    ``ab`` is (H, W, 2) float32. The new colour is another of the colour words, or with
    ``p_named`` any named one, in its own chroma.
    """
    words = color_words(caption)
    if not words:
        return None
    word = words[int(generator.integers(len(words)))]
    area = _regions(word_area(ab, word))
    if not COVERAGE[0] <= area.mean() <= COVERAGE[1]:
        return None
    if generator.random() < p_named:
        other = list(NAMED)[int(generator.integers(len(NAMED)))]
        a, b = srgb_to_lab(parse_hex(NAMED[other]))[1:]
        hue, chroma = float(np.degrees(np.arctan2(b, a))), float(np.hypot(a, b))
        chroma = min(chroma * generator.uniform(0.8, 1.2), MAX_CHROMA)
        exactly = True
    else:
        other = WORDS[int(generator.integers(len(WORDS)))]
        hue, chroma, exactly = HUES[other], generator.uniform(25, 45), False
    if other == word or other in caption.lower():
        return None
    soft = soften(area)
    turned = turn(ab, soft, hue + generator.uniform(-8, 8), chroma, exactly=exactly)
    return Recoloring(
        replace_color_word(caption, other, old=word), word, other, turned, soft[..., 0]
    )


def recolor_anything(
    ab: FloatArray, generator: np.random.Generator
) -> tuple[FloatArray, NDArray[np.bool_]] | None:
    """Turn one hue of a photo to another, so that only hints can tell; the new ab and the area."""
    word, other = (WORDS[int(i)] for i in generator.choice(len(WORDS), 2, replace=False))
    area = word_area(ab, word)
    if not COVERAGE[0] <= area.mean() <= COVERAGE[1]:
        return None
    hue, chroma = HUES[other] + generator.uniform(-10, 10), generator.uniform(25, 45)
    return turn(ab, soften(area), hue, chroma), area


def soften(area: NDArray[np.bool_]) -> FloatArray:
    """Give an area soft edges: (H, W, 1) float32 in [0, 1]."""
    sigma = max(area.shape[0] / 128, 0.5)
    soft = cv2.GaussianBlur(area.astype(np.float32), (0, 0), sigma)
    return np.asarray(soft, np.float32)[..., None]


def turn(
    ab: FloatArray, soft: FloatArray, hue: float, least: float, *, exactly: bool = False
) -> FloatArray:
    """Turn a soft area of (H, W, 2) ab to a hue in degrees, with a chroma of at least ``least``.

    ``exactly`` keeps the ups and downs of the chroma but makes ``least`` its mean.
    """
    radians = np.radians(hue)
    own = np.hypot(ab[..., 0], ab[..., 1])
    if exactly:
        mean = float((own * soft[..., 0]).sum() / max(float(soft.sum()), 1.0))
        chroma = own * (least / max(mean, 1.0))
    else:
        chroma = np.maximum(own, least)
    turned = np.stack([chroma * np.cos(radians), chroma * np.sin(radians)], -1)
    return np.asarray(soft * turned + (1 - soft) * ab, np.float32)


def _regions(area: NDArray[np.bool_]) -> NDArray[np.bool_]:
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
