"""Do a caption's colours land? On photos that really show a hue that their caption names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.color.lab import srgb_to_lab
from models.measures import psnr
from models.training.color_naming import color_words, off_hue

FloatArray = NDArray[np.float32]
UInt8Array = NDArray[np.uint8]

NEAR = 25.0  # degrees: so near to a name's hue the original must be
SEEN = 30.0  # degrees, and so near the result
ORIGINAL_CHROMA, SEEN_CHROMA = 14.0, 12.0
AREA = (0.01, 0.6)  # of the picture that the hue must cover


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


def landing_caption(captions: Sequence[str]) -> str | None:
    """Return the first caption that names a hue."""
    return next((caption for caption in captions if color_words(caption)), None)


def measure_landing(
    described: UInt8Array, undescribed: UInt8Array, original: UInt8Array, caption: str
) -> Landing | None:
    """Judge (H, W, 3) sRGB results; None where the original shows no hue that the caption names."""
    true, with_words, without = (
        srgb_to_lab(picture.astype(np.float32) / 255)[..., 1:]
        for picture in (original, described, undescribed)
    )
    areas = []
    for word in color_words(caption):
        area = _has(true, word, NEAR, ORIGINAL_CHROMA)
        if AREA[0] < area.mean() < AREA[1]:
            areas.append((word, area))
    if not areas:
        return None
    inside = np.any([area for _, area in areas], axis=0)
    closer = np.linalg.norm(without - true, axis=-1) - np.linalg.norm(with_words - true, axis=-1)

    def seen(ab: FloatArray) -> float:
        return float(np.mean([_has(ab, w, SEEN, SEEN_CHROMA)[area].mean() for w, area in areas]))

    return Landing(
        nearer=float(closer[inside].mean()),
        farther=-float(closer[~inside].mean()),
        seen=seen(with_words),
        seen_without=seen(without),
        gain=psnr(original, described) - psnr(original, undescribed),
    )


def _has(ab: FloatArray, word: str, near: float, least: float) -> NDArray[np.bool_]:
    chroma = np.hypot(ab[..., 0], ab[..., 1])
    return np.asarray((off_hue(ab, word) < near) & (chroma > least))
