"""Which photos have a colour, or a warm or cool tone, by their dominant colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from models.color.lab import parse_hex, srgb_to_lab

FloatArray = NDArray[np.float32]
Tone = Literal["warm", "cool"]

NEUTRAL: Final = 8.0  # CIELAB chroma below which a colour that is asked for has no hue
HUE_APART: Final = 25.0  # degrees
LIGHTNESS_APART: Final = 35.0  # a thing is light on its sunny side and dark on the other
GREY_CHROMA: Final = 12.0  # what still passes for grey
GREY_LIGHTNESS_APART: Final = 25.0
VIVIDNESS: Final = 3.0  # a third to three times as vivid; a mean is duller than its best pixel
# The mean of ab along the line from blue (235 degrees) to orange (55 degrees), the first colour
# counting most. A third of the photos measured are above WARM and a third below COOL.
WARM_HUE: Final = np.deg2rad(55.0)
WARM: Final = 8.0
COOL: Final = 0.0


def has_color(colors: Sequence[str], wanted: str) -> bool:
    """Tell whether one of a photo's dominant colours ("#rrggbb") looks like the wanted one."""
    if not colors:
        return False
    lightness, chroma, hue = _lch(colors)
    (own_lightness,), (own_chroma,), (own_hue,) = _lch([wanted])
    apart = np.abs(lightness - own_lightness)
    if own_chroma < NEUTRAL:
        return bool(((chroma < GREY_CHROMA) & (apart <= GREY_LIGHTNESS_APART)).any())
    turned = np.abs((hue - own_hue + 180) % 360 - 180)
    least, most = max(NEUTRAL, own_chroma / VIVIDNESS), own_chroma * VIVIDNESS
    vivid = (chroma >= least) & (chroma <= most)
    return bool(((turned <= HUE_APART) & vivid & (apart <= LIGHTNESS_APART)).any())


def has_tone(colors: Sequence[str], tone: Tone) -> bool:
    """Tell whether dominant colours, the most frequent first, are warm or cool on the whole."""
    if not colors:
        return False
    weights = 0.5 ** np.arange(len(colors))
    ab = _lab(colors)[:, 1:]
    mean = (ab * weights[:, None]).sum(axis=0) / weights.sum()
    warmth = float(mean @ [np.cos(WARM_HUE), np.sin(WARM_HUE)])
    return warmth >= WARM if tone == "warm" else warmth <= COOL


def _lab(colors: Sequence[str]) -> FloatArray:
    return np.asarray(
        srgb_to_lab(np.stack([parse_hex(color) for color in colors]))[...], np.float32
    )


def _lch(colors: Sequence[str]) -> tuple[FloatArray, FloatArray, FloatArray]:
    lab = _lab(colors)
    hue = np.rad2deg(np.arctan2(lab[:, 2], lab[:, 1]))
    return lab[:, 0], np.hypot(lab[:, 1], lab[:, 2]), hue
