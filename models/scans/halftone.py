"""The dots of printed photos, smoothed away before the colorizer reads a scan of one.

Only what the network reads is changed; the lightness of the result is the photo's own.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

FINE = 0.15  # cycles a pixel; a screen at the working size is no coarser
STRENGTH = 0.7  # L; the amplitude of a wave that disturbs
ISOLATED = 9.0  # times the mean around it: of 394 photos none reaches it, screens reach 15 to 40
RING = np.ones((15, 15), np.uint8)
RING[4:11, 4:11] = 0
LINE = 1.5  # times the most in the ring: an edge makes a line in the spectrum, a screen a point
SMOOTH = 1.5  # pixels; the spread of the Gaussian that takes a screen away


def without_screen(lightness: FloatArray) -> FloatArray:
    """Return (h, w) lightness smoothed where it has a printed screen, else as it is."""
    if not is_screened(lightness):
        return lightness
    return np.asarray(cv2.GaussianBlur(lightness, (0, 0), SMOOTH), np.float32)


def is_screened(lightness: FloatArray) -> bool:
    """Tell whether (h, w) lightness has a fine regular pattern, as halftone prints have.

    Its spectrum has an isolated point then.
    """
    height, width = lightness.shape
    window = np.outer(np.hanning(height), np.hanning(width))
    waves = np.abs(np.fft.rfft2((lightness - lightness.mean()) * window))
    height_of = (waves * (2 / max(window.sum(), 1.0))).astype(np.float32)
    size = (RING.shape[1], RING.shape[0])
    mean = cv2.blur(height_of, size, borderType=cv2.BORDER_REFLECT)
    around = cv2.dilate(height_of, RING, borderType=cv2.BORDER_REFLECT)
    fine = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)) > FINE
    point = (height_of > STRENGTH) & (height_of > ISOLATED * mean) & (height_of > LINE * around)
    return bool((point & fine).any())
