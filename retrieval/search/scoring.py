"""Scores: how likely it is that an exemplar shows the scene that was asked for.

A cosine alone says little: 0.35 is much between a description and a photo and nothing between two
photos. So each kind of cosine goes through a logistic curve that was fitted to what people wrote
about photos (``calibration.py`` fits and checks it; docs/library.md has the figures). The
score is the probability that the exemplar *shares the scene*: that its captions agree with those
of the wanted photo at least as well as three quarters of people agree about one and the same photo.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Slopes and offset of each logistic curve, on the cosines named in the functions below."""

    words: tuple[float, float]
    words_and_caption: tuple[float, float, float]
    picture: tuple[float, float]


# Fitted to half of the searches among the 979 Flickr8k development photos, which the embedded CLIP
# pair never saw, and checked on the others: photochrom library evaluate SHARD... --fit
EMBEDDED = Calibration(
    words=(16.93, -7.64),
    words_and_caption=(6.93, 13.98, -9.08),
    picture=(14.23, -10.0),
)
# Below it an exemplar is more likely than not to lend a scene's colours to another: one in twenty
# photos with such a score shares the scene.
FITS = 0.05
# A caption may be wrong or tell of something else: it lowers the odds by no more than this.
CAPTION_DOUBT = 3.0


def words_logit(
    text: FloatArray,
    images: FloatArray,
    captions: FloatArray,
    captioned: NDArray[np.bool_],
    calibration: Calibration = EMBEDDED,
) -> FloatArray:
    """Compare a description (D,) with photos (N, D) and their captions (N, D): log odds (N,).

    All are unit vectors; rows of ``captions`` count where ``captioned`` (N,).
    """
    slope, offset = calibration.words
    seen = images @ text
    plain = slope * seen + offset
    of_image, of_caption, both_offset = calibration.words_and_caption
    both = of_image * seen + of_caption * (captions @ text) + both_offset
    both = np.maximum(both, plain - CAPTION_DOUBT)
    return np.asarray(np.where(captioned, both, plain), np.float32)


def picture_logit(
    picture: FloatArray, images: FloatArray, calibration: Calibration = EMBEDDED
) -> FloatArray:
    """Compare a grey photo (D,) with colour photos (N, D), unit vectors: log odds (N,)."""
    slope, offset = calibration.picture
    return np.asarray(slope * (images @ picture) + offset, np.float32)


def probability(log_odds: FloatArray) -> FloatArray:
    """Turn log odds into probabilities."""
    return np.asarray(1 / (1 + np.exp(-log_odds.astype(np.float64))), np.float32)
