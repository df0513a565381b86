"""Scans of prints: what the print added to the scene, its tone, its screen and its paper.

Only what the network reads is changed; the lightness of the result is the photo's own.

**Tone**: sepia, yellowed paper, cyanotypes. Their one colour is the paper's, not the scene's. In a
toned scan every grey became one colour, so a and b lie on one narrow curve over L; in a colour
photo things as light as each other have different colours. Thresholds: of twelve scans of old
photographs the eight that are toned lie at 0.7 to 2.4, but one, stained, at 5.8; of 1,700 colour
photos (snow, sea and sky among them) the least lies at 3.5.

**Black and white**: a scan of one bit has no greys, so there is nothing to colour. Once it is made
small it has some, so the pixels themselves are looked at, a few thousand of them.

**Screen**: the dots of a printed photo are smoothed away before the colorizer reads it.

**Paper** and card around prints and under writing have no colour to find. A scan of a mounted
print, of a photo with its white border or of a typed page has light, even paper on all four sides;
round that, the dark lid of a scanner may show. Paper is what is as light as the picture's sides, or
as a plane through them, and hangs together with them. The rest is writing, which is low, or prints:
rectangles, which may be turned, and upright ovals. A print is known by its outline, not by its
area: a sky as light as the paper opens one of its sides, and still belongs to it. Anything else,
such as a kite in a pale sky, is a scene, and nothing is taken for paper.
"""

from __future__ import annotations

from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from models.color.lab import srgb_to_lab

FloatArray = NDArray[np.float32]
Tone = Literal["sepia", "yellowed", "cyanotype", "one colour"]

# Black and white
SAMPLED = 128  # rows and columns of pixels that are looked at

# Tone
AREA = 128 * 128  # pixels that are looked at
LEVELS = 24  # of L, each with a colour of its own
NARROW = 3.0  # ab; 95 % of a toned scan's pixels lie nearer to the curve
FAINT = 1.5  # mean chroma below which a scan is as good as grey
VIVID = 45.0  # chroma that toning does not reach: drawings in one ink do
FLAT = 10.0  # L; with less contrast there is no curve to see
SEPIA, YELLOW, BLUE = (20, 80), (80, 135), (195, 300)  # hues in degrees

# Screen
FINE = 0.15  # cycles a pixel; a screen at the working size is no coarser
STRENGTH = 0.7  # L; the amplitude of a wave that disturbs
ISOLATED = 9.0  # times the mean around it: of 394 photos none reaches it, screens reach 15 to 40
RING = np.ones((15, 15), np.uint8)
RING[4:11, 4:11] = 0
LINE = 1.5  # times the most in the ring: an edge makes a line in the spectrum, a screen a point
SMOOTH = 1.5  # pixels; the spread of the Gaussian that takes a screen away

# Paper
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


def is_black_and_white(pixels: NDArray[Any]) -> bool:
    """Tell whether (H, W, 1..4) pixels are black or white and nothing between, as in a fax.

    ``pixels`` are uint8, uint16 or float32 in [0, 1]; those of a grid of rows and columns are
    looked at. Alpha does not count.
    """
    down, across = (max(side // SAMPLED, 1) for side in pixels.shape[:2])
    sample = pixels[::down, ::across]
    colours = sample[..., : 1 if sample.shape[2] < 3 else 3]
    top = 1 if pixels.dtype == np.float32 else np.iinfo(pixels.dtype).max
    black, white = (colours == 0).all(-1), (colours == top).all(-1)
    return bool(black.any() and white.any() and (black | white).all())


def tone_of(rgb: FloatArray) -> Tone | None:
    """Name the one tone of a scan, or None for a grey photo or one in colours.

    ``rgb`` is (h, w, 3) float32 sRGB in [0, 1].
    """
    height, width = rgb.shape[:2]
    scale = min((AREA / (height * width)) ** 0.5, 1.0)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).reshape(-1, 3)
    lab = srgb_to_lab(small)
    level, ab = lab[:, 0], lab[:, 1:]
    chroma = np.hypot(ab[:, 0], ab[:, 1])
    dark, light = np.percentile(level, [1, 99])
    if chroma.mean() < FAINT or np.percentile(chroma, 95) > VIVID or light - dark < FLAT:
        return None
    step = (level * (LEVELS / 100)).astype(int).clip(0, LEVELS - 1)
    curve = np.zeros((LEVELS, 2), np.float32)
    for here in np.unique(step):
        curve[here] = np.median(ab[step == here], axis=0)  # a pencil mark must not move it
    off = np.hypot(*(ab - curve[step]).T)
    return _name(ab) if np.percentile(off, 95) < NARROW else None


def _name(ab: FloatArray) -> Tone:
    a, b = ab.mean(axis=0)
    hue = np.degrees(np.arctan2(b, a)) % 360
    names: tuple[tuple[Tone, tuple[int, int]], ...] = (
        ("sepia", SEPIA),
        ("yellowed", YELLOW),
        ("cyanotype", BLUE),
    )
    return next((name for name, (low, high) in names if low <= hue < high), "one colour")


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
