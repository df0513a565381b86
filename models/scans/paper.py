"""Paper and card around prints and under writing: they have no colour to find.

A scan of a mounted print, of a photo with its white border or of a typed page has light, even paper
on all four sides; round that, the dark lid of a scanner may show. Paper is what is as light as the
picture's sides, or as a plane through them, and hangs together with them. The rest is writing,
which is low, or prints: rectangles, which may be turned, and upright ovals. A print is known by its
outline, not by its area: a sky as light as the paper opens one of its sides, and still belongs to
it. Anything else, such as a kite in a pale sky, is a scene, and nothing is taken for paper.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

LIGHT = 70.0  # L; paper is no darker
DARK = 15.0  # L; the lid of a scanner is no lighter
SLOPE = 15.0  # L; light falls off by no more from one side of the paper to the other
EVEN = (1.5, 2.5, 4.0, 6.0)  # L from the plane; the first at which all is clear
EDGE = 2  # pixels at each side that are looked at
MOST = 0.97  # of each side must be paper
LOW = 0.07  # of the height; writing is no higher, as signs or as lines
LINES = 8  # signs or lines that make a page
WRITTEN = 0.02  # of the page, at least, that they cover
OUTLINE = 0.6  # of a print's outline that must be seen
SIDE = 0.5  # of a side that makes it one that is seen; three must be
NEAR = 1.5  # pixels from the outline that count as on it
OVAL = 0.8  # of an oval's outline that must be seen
LARGE = 0.15  # of the picture; an oval print is no smaller
LEANING = 8.0  # degrees; an oval leans no further
SPECK = 1e-4  # of the picture; what is smaller is dust


def paper_of(lightness: FloatArray) -> FloatArray | None:
    """Say where paper and ink are, (h, w) float32, 1 or 0; None where the picture is no such scan.

    ``lightness`` is (h, w) float32 in [0, 100] at a working size.
    """
    return _paper_of(lightness, on_a_lid=False)


def _paper_of(lightness: FloatArray, *, on_a_lid: bool) -> FloatArray | None:
    if min(lightness.shape) < 8 * EDGE:
        return None
    off, level = _off_the_sides(lightness)
    is_lid = level < DARK and not on_a_lid
    if level < LIGHT and not is_lid:
        return None
    for even in EVEN:
        near = np.abs(off) < even
        sides = (near[:EDGE], near[-EDGE:], near[:, :EDGE], near[:, -EDGE:])
        if any(side.mean() < MOST for side in sides):
            continue
        paper = _on_the_lid(lightness, near) if is_lid else _without_prints(near)
        if paper is not None:
            return paper
    return None


def _off_the_sides(lightness: FloatArray) -> tuple[FloatArray, float]:
    """Subtract the plane through the picture's sides; say how light it is at its darkest."""
    height, width = lightness.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    terms = np.stack([np.ones_like(x), x, y], axis=-1)
    at_side = np.ones(lightness.shape, bool)
    at_side[EDGE:-EDGE, EDGE:-EDGE] = False
    known, values = terms[at_side], lightness[at_side]
    plane = np.array([np.median(values), 0, 0])
    for reach in (2 * EVEN[-1], EVEN[-1]):  # what lies at a side but is no paper has no say
        used = np.abs(values - known @ plane) < reach
        if used.sum() < len(used) / 2:
            break
        plane = np.linalg.lstsq(known[used], values[used], rcond=None)[0]
    if 2 * np.abs(plane[1:]).sum() > SLOPE:
        plane = np.array([np.median(values), 0, 0])
    lowest = plane[0] - np.abs(plane[1:]).sum()
    return np.asarray(lightness - terms @ plane, np.float32), float(lowest)


def _within(near: NDArray[np.bool_]) -> list[NDArray[np.int32]]:
    """Return the contours of what does not hang together with the sides."""
    _, labels = cv2.connectedComponents(near.astype(np.uint8), connectivity=4)
    at_edge = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    other = ~np.isin(labels, at_edge[at_edge > 0])
    contours, _ = cv2.findContours(other.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return [np.asarray(contour, np.int32) for contour in contours]


def _without_prints(near: NDArray[np.bool_]) -> FloatArray | None:
    height, width = near.shape
    paper = np.ones((height, width), np.float32)
    lines, written, prints = 0, 0, 0
    for contour in _within(near):
        _, _, across, down = cv2.boundingRect(contour)
        if across * down < SPECK * height * width:
            continue
        if min(across, down) < LOW * height:
            lines, written = lines + 1, written + across * down
            continue
        outline = _outline(contour, height * width)
        if outline is None:
            return None
        cv2.fillConvexPoly(paper, outline, 0.0)
        prints += 1
    is_page = lines >= LINES and written >= WRITTEN * height * width
    return paper if prints or is_page else None


def _on_the_lid(lightness: FloatArray, near: NDArray[np.bool_]) -> FloatArray | None:
    """Look for paper in each upright rectangle on a lid; what has none is a print."""
    height, width = lightness.shape
    paper = np.ones((height, width), np.float32)
    found = False
    for contour in _within(near):
        left, top, across, down = cv2.boundingRect(contour)
        if min(across, down) < LOW * height:
            continue
        inside = slice(top + 1, top + down - 1), slice(left + 1, left + across - 1)
        own = _paper_of(lightness[inside], on_a_lid=True)
        found |= own is not None
        paper[inside] = 0.0 if own is None else own
    return paper if found else None


def _outline(contour: NDArray[np.int32], area: int) -> NDArray[np.int32] | None:
    """Return the rectangle or the oval that a contour is, though it may be open somewhere."""
    rectangle = cv2.minAreaRect(contour)
    corners = cv2.boxPoints(rectangle)
    points = contour[:, 0].astype(np.float32)
    seen = []
    for first, second in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        seen.append(_seen(np.linspace(first, second, 64), points))
    if np.mean(seen) >= OUTLINE and sorted(seen)[1] >= SIDE:
        return np.asarray(np.rint(corners), np.int32)
    if len(contour) < 5 or cv2.contourArea(contour) < LARGE * area:
        return None
    hull = cv2.convexHull(contour)
    middle, (across, down), angle = cv2.fitEllipse(hull)
    lean = min(angle % 90, 90 - angle % 90)
    round_enough = max(across, down) < 1.1 * min(across, down)
    if lean > LEANING and not round_enough:
        return None
    size = (round(across / 2), round(down / 2))
    place = (round(middle[0]), round(middle[1]))
    oval = np.asarray(cv2.ellipse2Poly(place, size, round(angle), 0, 360, 3), np.int32)
    return oval if _seen(oval.astype(np.float32), points) >= OVAL else None


def _seen(line: NDArray[np.float32], points: NDArray[np.float32]) -> float:
    """Say which share of a line's points has one of a contour's near it."""
    apart = np.linalg.norm(line[:, None] - points[None], axis=2).min(axis=1)
    return float(np.mean(apart <= NEAR))
