"""Paper and card around prints and under writing: they have no colour to find.

A scan of a mounted print, of a photo with its white border or of a typed page has light, even paper
on all four sides. What is not paper is either writing, which is low, or a print, which is a
rectangle; anything else, such as a kite in a pale sky, is a scene, and nothing is taken for paper.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

LIGHT = 85.0  # L; paper is no darker
EVEN = 6.0  # L; paper differs so little from its median
EDGE = 2  # pixels at each side that are looked at
MOST = 0.97  # of each side must be paper
LOW = 0.07  # of the height; writing is no higher, as signs or as lines
LINES = 8  # signs or lines that make a page
WRITTEN = 0.02  # of the page, at least, that they cover
STRAIGHT = 0.9  # of its own rectangle, which may be turned, that a print fills
SPECK = 1e-4  # of the picture; what is smaller is dust


def paper_of(lightness: FloatArray) -> FloatArray | None:
    """Say where paper and ink are, (h, w) float32, 1 or 0; None where the picture is no such scan.

    ``lightness`` is (h, w) float32 in [0, 100] at a working size.
    """
    sides = (lightness[:EDGE], lightness[-EDGE:], lightness[:, :EDGE], lightness[:, -EDGE:])
    level = float(np.median(np.concatenate([side.reshape(-1) for side in sides])))
    if level < LIGHT or any(np.mean(np.abs(s - level) < EVEN) < MOST for s in sides):
        return None
    near = (np.abs(lightness - level) < EVEN).astype(np.uint8)
    _, labels = cv2.connectedComponents(near, connectivity=4)
    at_edge = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    other = ~np.isin(labels, at_edge[at_edge > 0])
    contours, _ = cv2.findContours(other.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    height, width = lightness.shape
    paper = np.ones((height, width), np.float32)
    lines, written, prints = 0, 0, 0
    for contour in contours:
        _, _, across, down = cv2.boundingRect(contour)
        if across * down < SPECK * height * width:
            continue
        if min(across, down) < LOW * height:
            lines, written = lines + 1, written + across * down
            continue
        # A contour runs through the middles of pixels, which cuts half a pixel from each side.
        (_, (first, second), _) = cv2.minAreaRect(contour)
        if cv2.contourArea(contour) < STRAIGHT * first * second:
            return None
        cv2.drawContours(paper, [contour], -1, 0.0, cv2.FILLED)
        prints += 1
    is_page = lines >= LINES and written >= WRITTEN * height * width
    return paper if prints or is_page else None
