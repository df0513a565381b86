"""Colours of a reference carried over by lightness alone, as GIMP's *Sample Colorize* does.

The target's lightness is brought to the histogram of the reference's; every level of it then takes
the mean ab of the reference's pixels of that level. No training, nothing reduced. Unlike the
filter, whose levels a person sets, it matches the histograms by itself, and it always keeps the
target's own lightness ("original intensity").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.exposure import match_histograms

from models.color.lab import srgb_to_lab

FloatArray = NDArray[np.float32]

LEVELS = 256


def transfer(lightness: FloatArray, reference: FloatArray) -> FloatArray:
    """Return (h, w, 2) float32 ab for (h, w) lightness in [0, 100].

    ``reference`` is (H, W, 3) float32 sRGB in [0, 1].
    """
    lab = srgb_to_lab(reference)
    theirs = _levels(lab[..., 0])
    ours = match_histograms(_levels(lightness), theirs)
    colours = colours_by_level(theirs, lab[..., 1:])
    return np.stack(
        [np.interp(ours, np.arange(LEVELS), colours[:, channel]) for channel in range(2)], axis=-1
    ).astype(np.float32)


def colours_by_level(levels: NDArray[np.int_], ab: FloatArray) -> FloatArray:
    """Return the mean ab of each level, (LEVELS, 2) float32; interpolated where none has it."""
    flat = levels.reshape(-1)
    counts = np.bincount(flat, minlength=LEVELS)
    occurring = np.flatnonzero(counts)
    means = np.empty((LEVELS, 2), np.float32)
    for channel in range(2):
        sums = np.bincount(flat, ab[..., channel].reshape(-1), minlength=LEVELS)
        mean = sums[occurring] / counts[occurring]
        means[:, channel] = np.interp(np.arange(LEVELS), occurring, mean)
    return means


def _levels(lightness: FloatArray) -> NDArray[np.int_]:
    scaled = lightness.clip(0, 100) * (LEVELS - 1) / 100
    return np.asarray(np.rint(scaled).astype(int), np.int_)
