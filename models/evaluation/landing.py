"""Do words land? A caption's hues where the photo shows them, a coloured phrase in its drawn box.

What a caption does that names no colour is judged, too: it must do no harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.color.lab import srgb_to_lab
from models.guidance.color_words import without_colors
from models.measures import colourfulness, psnr
from models.training.color_naming import color_words, off_hue

Area = NDArray[np.bool_]
FloatArray = NDArray[np.float32]
UInt8Array = NDArray[np.uint8]

NEAR = 25.0  # degrees: so near to a name's hue the original must be
SEEN = 30.0  # degrees, and so near the result
ORIGINAL_CHROMA, SEEN_CHROMA = 14.0, 12.0
AREA = (0.01, 0.6)  # of the picture that the hue must cover
SMOOTH = 2.0  # pixels: sigma of the Gaussian over a phrase's changes
NO_CHANGE = 1.0  # ab: a phrase that changes less lands nowhere


@dataclass(frozen=True, slots=True)
class Landing:
    """What a caption's colours did to one photo.

    Inside the area that has a named hue: ``nearer`` is by how many ab units the described result is
    nearer to the original than the undescribed one; ``seen`` and ``seen_without`` are the shares of
    it that show the hue. ``farther`` is outside of it. ``gain`` is in dB of PSNR.
    """

    nearer: float
    farther: float
    seen: float
    seen_without: float
    gain: float


@dataclass(frozen=True, slots=True)
class Placing:
    """Where a coloured phrase alone changes a photo, against the box that people drew for it.

    ``pointing`` is 1 where the largest change lies in the box, ``inside`` the share of all change
    that does, ``chance`` the box's share of the picture, ``overlap`` the intersection over union of
    the box and of what changes at least half as much as the most.
    """

    pointing: float
    inside: float
    chance: float
    overlap: float


@dataclass(frozen=True, slots=True)
class Neutral:
    """What a caption without colours did: ``gain`` in dB, and the colourfulness of both results."""

    gain: float
    colourfulness: float
    colourfulness_without: float


def landing_caption(captions: Sequence[str]) -> str | None:
    """Return the first caption that names a hue."""
    return next((caption for caption in captions if color_words(caption)), None)


def neutral_caption(captions: Sequence[str]) -> str | None:
    """Return the first caption that names no colour at all."""
    return next((caption for caption in captions if without_colors(caption) == caption), None)


def named_areas(original: UInt8Array, caption: str) -> list[tuple[str, Area]]:
    """Return each hue that a caption names and an (H, W, 3) sRGB photo shows, with its (H, W)."""
    true = ab_of(original)
    areas = [(word, has_hue(true, word, NEAR, ORIGINAL_CHROMA)) for word in color_words(caption)]
    return [(word, area) for word, area in areas if AREA[0] < area.mean() < AREA[1]]


def measure_landing(
    described: UInt8Array, undescribed: UInt8Array, original: UInt8Array, caption: str
) -> Landing | None:
    """Judge (H, W, 3) sRGB results; None where the original shows no hue that the caption names."""
    areas = named_areas(original, caption)
    if not areas:
        return None
    true, with_words, without = (ab_of(picture) for picture in (original, described, undescribed))
    inside = np.any([area for _, area in areas], axis=0)
    closer = np.linalg.norm(without - true, axis=-1) - np.linalg.norm(with_words - true, axis=-1)

    def seen(ab: FloatArray) -> float:
        return float(np.mean([has_hue(ab, w, SEEN, SEEN_CHROMA)[area].mean() for w, area in areas]))

    return Landing(
        nearer=float(closer[inside].mean()),
        farther=-float(closer[~inside].mean()),
        seen=seen(with_words),
        seen_without=seen(without),
        gain=psnr(original, described) - psnr(original, undescribed),
    )


def measure_neutral(
    described: UInt8Array, undescribed: UInt8Array, original: UInt8Array
) -> Neutral:
    """Judge (H, W, 3) sRGB results of a caption that names no colour."""
    return Neutral(
        gain=psnr(original, described) - psnr(original, undescribed),
        colourfulness=colourfulness(described),
        colourfulness_without=colourfulness(undescribed),
    )


def measure_placing(results: Sequence[UInt8Array], box: Area) -> Placing:
    """Judge the (H, W, 3) sRGB results of one phrase in several colours, by its (H, W) box.

    Change is the mean distance in ab of the results from their mean, smoothed.
    """
    stack = np.stack([ab_of(result) for result in results])
    change = smoothed(np.linalg.norm(stack - stack.mean(axis=0), axis=-1).mean(axis=0))
    chance = float(box.mean())
    if change.max() < NO_CHANGE:
        return Placing(0.0, 0.0, chance, 0.0)
    most = change > change.max() / 2
    return Placing(
        pointing=float(box.flat[change.argmax()]),
        inside=float(change[box].sum() / change.sum()),
        chance=chance,
        overlap=float((most & box).sum() / (most | box).sum()),
    )


def ab_of(picture: UInt8Array) -> FloatArray:
    """Return the (H, W, 2) ab of (H, W, 3) sRGB."""
    return srgb_to_lab(picture.astype(np.float32) / 255)[..., 1:]


def has_hue(ab: FloatArray, word: str, near: float, least: float) -> Area:
    """Mark (H, W, 2) ab within ``near`` degrees of a word's hue and of a chroma over ``least``."""
    chroma = np.hypot(ab[..., 0], ab[..., 1])
    return np.asarray((off_hue(ab, word) < near) & (chroma > least))


def smoothed(plane: FloatArray) -> FloatArray:
    """Smooth an (H, W) plane by a Gaussian of ``SMOOTH`` pixels."""
    size = 2 * round(4 * SMOOTH) + 1
    border = cv2.BORDER_REFLECT
    return np.asarray(cv2.GaussianBlur(plane, (size, size), SMOOTH, borderType=border), np.float32)
