"""Tone words made from a photo's own statistics, so that "warm golden light" means something."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

WARM = ("warm golden light", "warm tones", "golden hour", "warm evening light", "warm colours")
COLD = ("cold blue evening", "cold tones", "cool blue light", "cold winter light", "cool colours")
VIVID = ("vivid", "vivid colours", "saturated colours", "colourful", "bright colours")
MUTED = ("muted", "muted colours", "pale colours", "faded colours", "desaturated")

# Tails of the training photos: mean b and mean chroma of about one photo in five each.
WARM_B, COLD_B = 14.0, -3.0
VIVID_CHROMA, MUTED_CHROMA = 27.0, 9.0


def tone_words(ab: FloatArray, generator: np.random.Generator) -> str | None:
    """Name the tone of (H, W, 2) ab, or None where it is not striking."""
    mean_b = float(ab[..., 1].mean())
    chroma = float(np.hypot(ab[..., 0], ab[..., 1]).mean())
    fitting = [
        phrases
        for fits, phrases in (
            (mean_b > WARM_B, WARM),
            (mean_b < COLD_B, COLD),
            (chroma > VIVID_CHROMA, VIVID),
            (chroma < MUTED_CHROMA, MUTED),
        )
        if fits
    ]
    if not fitting:
        return None
    phrases = fitting[int(generator.integers(len(fitting)))]
    return phrases[int(generator.integers(len(phrases)))]
