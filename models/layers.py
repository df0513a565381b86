"""A coloured photo as layers: the base guess, one for each thing and region, and the hints.

Each layer has the colours of the picture as they are once it is laid on, and is opaque where it
changes them: laid one over the other they give the picture again, and each may be changed alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.color.mask import Mask
from models.color.upsampling import Patch, recolor, upsampled
from models.guidance.overlays import (
    CarriedOverlay,
    Chroma,
    HintsOverlay,
    Overlay,
    PaletteOverlay,
    ThingsOverlay,
)

FloatArray = NDArray[np.float32]

BASE = "base guess"
SEEN = (0.5, 3.0)  # ab between which a change comes to be seen


@dataclass(frozen=True, slots=True, eq=False)
class ColorLayer:
    """Colours, and where they lie: everywhere, on a (h, w) grid in [0, 1], or in a mask."""

    name: str
    chroma: Chroma
    place: FloatArray | Mask | None = None


def layers_of(
    overlays: Sequence[Overlay], steps: Sequence[Chroma], lightness: FloatArray
) -> tuple[ColorLayer, ...]:
    """Part the colours of a picture into layers, the lowest first.

    ``steps`` are the network's guess and what each of the overlays made of what was there.
    """
    # They change the whole picture, and lie below all else.
    whole = sum(isinstance(overlay, PaletteOverlay | CarriedOverlay) for overlay in overlays)
    layers = [ColorLayer(BASE, steps[whole])]
    for overlay, (below, above) in zip(overlays[whole:], pairwise(steps[whole:]), strict=True):
        match overlay:
            case ThingsOverlay():
                fewer = below
                for part in overlay.growing():
                    more, thing = part.apply(below, lightness), part.things[-1]
                    layers += _between(thing.phrase, fewer, more, thing.place(lightness))
                    fewer = more
            case HintsOverlay():
                moved = np.hypot(*np.moveaxis(above.flat() - below.flat(), -1, 0))
                layers.append(ColorLayer(overlay.name, above, _seen(moved)))
            case _:
                layers += _between(overlay.name, below, above)
    return tuple(layers)


def render(
    layer: ColorLayer,
    pixels: NDArray[Any],
    lightness: FloatArray,
    *,
    saturation: float,
    mask: NDArray[np.float32] | None = None,
) -> tuple[NDArray[Any], int, int]:
    """Draw a layer of a photo: (rows, columns, 4) of the photo's dtype, its left and its top.

    ``pixels`` and ``mask`` are as for ``recolor``, ``lightness`` is the (h, w) guide.
    """
    vivid = np.float32(saturation)
    patches = [Patch(patch.ab * vivid, patch.mask) for patch in layer.chroma.patches]
    ab = layer.chroma.ab * vivid
    height, width = pixels.shape[:2]
    if isinstance(layer.place, Mask):
        place = layer.place
    elif layer.place is not None:
        place = Mask.of_levels(upsampled(layer.place, pixels, lightness))
    else:
        place = Mask.of_box(0, 0, width, height, height=height, width=width)
    colored = recolor(pixels, ab, lightness, patches=patches, mask=mask)
    left, top, columns, rows = place.box
    colored = colored[top : top + rows, left : left + columns]
    levels = place.levels
    whole = 1 if pixels.dtype == np.float32 else np.iinfo(pixels.dtype).max
    alpha = levels.astype(np.float32) * np.float32(1 / 255)
    if colored.shape[2] == 4:
        alpha *= colored[..., 3] / np.float32(whole)
    scaled = alpha * np.float32(whole)
    out = np.empty((*levels.shape, 4), pixels.dtype)
    out[..., :3] = colored[..., :3]
    out[..., 3] = scaled if pixels.dtype == np.float32 else np.rint(scaled)
    return out, left, top


def _between(
    name: str, below: Chroma, above: Chroma, place: FloatArray | None = None
) -> list[ColorLayer]:
    """Name what one overlay has changed: a patch of its own, or the coarse plane."""
    new = above.patches[len(below.patches) :]
    if new:
        return [ColorLayer(name, Chroma(patch.ab), patch.mask) for patch in new]
    moved = _seen(np.hypot(*np.moveaxis(above.ab - below.ab, -1, 0)))
    if not moved.any():
        return []
    return [ColorLayer(name, above, moved if place is None else np.maximum(moved, place))]


def _seen(moved: NDArray[Any]) -> FloatArray:
    share = ((moved - SEEN[0]) / (SEEN[1] - SEEN[0])).clip(0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)
