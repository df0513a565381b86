"""Does the picture obey a colour word, does the colour stay in its place, and in the right one?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.evaluation.landing import NEAR, ORIGINAL_CHROMA, has_hue
from models.training.color_naming import WORDS, nearest_word, only_color_word

FloatArray = NDArray[np.float32]

SHARE = 0.1  # of the pixels: those that change most
LEAST_CHROMA = 8.0  # a paler colour has no name
AREA = (0.01, 0.5)  # of the picture that the true hue must cover where aim is measured


@dataclass(frozen=True, slots=True)
class Obedience:
    """What seven captions, alike but for the colour word, did to one photo.

    ``obeyed`` is the share of the words whose colour came out (chance 1/7); ``leak`` is how far the
    other pixels moved, in ab; ``aim`` is the share of the changed pixels that lie where the
    original had the true word's hue, and ``chance`` that area's share of the picture; both None
    where the original shows hardly any of that hue, or little else.
    """

    obeyed: float
    leak: float
    aim: float | None
    chance: float | None


def colored_caption(captions: tuple[str, ...]) -> str | None:
    """Return the first caption with exactly one colour word."""
    return next((caption for caption in captions if only_color_word(caption)), None)


def measure_obedience(
    results: Mapping[str, FloatArray], original: FloatArray, word: str
) -> Obedience:
    """Judge the (H, W, 2) ab that each of the WORDS gave; ``word`` is the true one.

    Change is measured against the median of the seven results; of the tenth of the pixels that
    change most, the mean colour must be no grey and its hue nearest to the word's among all words'.
    """
    stack = np.stack([results[name] for name in WORDS])
    change = np.linalg.norm(stack - np.median(stack, axis=0), axis=-1)
    area = has_hue(original, word, NEAR, ORIGINAL_CHROMA)
    is_shown = AREA[0] < area.mean() < AREA[1]
    obeyed, leak, aim = [], [], []
    for i in range(len(WORDS)):
        most = change[i] >= np.quantile(change[i], 1 - SHARE)
        color = stack[i][most].mean(axis=0)
        obeyed.append(nearest_word(color) == i and np.hypot(*color) > LEAST_CHROMA)
        leak.append(change[i][~most].mean() if not most.all() else 0.0)
        aim.append(area[most].mean())
    return Obedience(
        obeyed=float(np.mean(obeyed)),
        leak=float(np.mean(leak)),
        aim=float(np.mean(aim)) if is_shown else None,
        chance=float(area.mean()) if is_shown else None,
    )
