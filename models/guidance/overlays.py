"""What is laid over the network's answer, one after the other.

An overlay is a pure function of the chroma that was there. The order is that in which people
correct themselves: a palette, colours carried from a reference, things, regions, dabs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.color.upsampling import Patch
from models.guidance.condition import HintMap, Related
from models.guidance.palette import Palette, transport_to_given
from models.guidance.propagation import settle_carried, spread_hints
from models.guidance.regions import PlacedRegion, colored, shaded
from models.guidance.things import PlacedThing

FloatArray = NDArray[np.float32]

WHOLE = 0.6  # share of the asked colour where a description is nothing but a colour


@dataclass(frozen=True, slots=True, eq=False)
class Chroma:
    """The colours of a picture: (h, w, 2) float32 ab, and patches of full size over it."""

    ab: FloatArray
    patches: tuple[Patch, ...] = ()

    def flat(self) -> FloatArray:
        """Return patches and all as one (h, w, 2) plane, as coarse as it is."""
        ab = self.ab
        for patch in self.patches:
            share = patch.mask.shrunk(ab.shape[:2])[..., None]
            ab = ab + share * (patch.ab - ab)
        return np.asarray(ab, np.float32)


class Overlay(Protocol):
    """Something laid over chroma, by the picture's (h, w) lightness on the same grid."""

    @property
    def name(self) -> str: ...

    def apply(self, chroma: Chroma, lightness: FloatArray) -> Chroma: ...


@dataclass(frozen=True, slots=True, eq=False)
class PaletteOverlay:
    """Moves everything to a palette."""

    palette: Palette
    strength: float
    name: str = "palette"

    def apply(self, chroma: Chroma, lightness: FloatArray) -> Chroma:
        """See ``Overlay``."""
        moved = transport_to_given(chroma.ab, lightness, self.palette)
        return replace(chroma, ab=_towards(chroma.ab, moved, self.strength))


@dataclass(frozen=True, slots=True, eq=False)
class CarriedOverlay:
    """Lays on the colours that were carried from a reference.

    ``kept`` is (h, w) float32, 0 where paper is, which takes none; None where there is no paper.
    """

    carried: HintMap
    strength: float
    kept: FloatArray | None = None
    name: str = "reference"

    def apply(self, chroma: Chroma, lightness: FloatArray) -> Chroma:
        """See ``Overlay``."""
        settled = settle_carried(chroma.ab, self.carried, lightness)
        if self.kept is not None:
            settled = settled * self.kept[..., None]
        return replace(chroma, ab=_towards(chroma.ab, settled, self.strength))


@dataclass(frozen=True, slots=True, eq=False)
class ThingsOverlay:
    """Gives things their colours where they were found, or where a person says that they are.

    A colour that is named is as vivid as such things usually are; one that was typed is meant
    exactly.
    """

    things: tuple[PlacedThing, ...]
    strength: float
    name: str = "things"

    def growing(self) -> Iterator[ThingsOverlay]:
        """Give the overlay of the first thing, of the first two, and so on."""
        for count in range(1, len(self.things) + 1):
            yield replace(self, things=self.things[:count])

    def apply(self, chroma: Chroma, lightness: FloatArray) -> Chroma:
        """See ``Overlay``."""
        ab, patches = chroma.ab, chroma.patches
        used = [thing for thing in self.things if thing.is_used]
        found = [thing for thing in used if thing.given is None]
        places = [thing.place(lightness) for thing in found]
        # Cells that several things claim, such as two shirts, are shared.
        claims = np.maximum(np.sum(places, axis=0, initial=0.0), 1.0)
        laid = ab
        for thing, place in zip(found, places, strict=True):
            color = (
                thing.natural(lightness)
                if thing.typed is None
                else shaded(thing.ab, ab, lightness, place)
            )
            whole = WHOLE if thing.is_everywhere and thing.typed is None else 1.0
            share = np.float32(self.strength * whole) * place / claims
            laid = laid + share[..., None] * (color - ab)
        for thing in used:
            if thing.given is not None:
                weight = thing.given.shrunk(lightness.shape)
                color = shaded(thing.ab, laid, lightness, weight)
                patches = (*patches, Patch(_towards(laid, color, self.strength), thing.given))
        return Chroma(np.asarray(laid, np.float32), patches)


@dataclass(frozen=True, slots=True, eq=False)
class RegionOverlay:
    """Colours a region; everything outside it stays as it is, to the last bit."""

    region: PlacedRegion
    strength: float

    @property
    def name(self) -> str:
        """Name the layer."""
        return self.region.label

    def apply(self, chroma: Chroma, lightness: FloatArray) -> Chroma:
        """See ``Overlay``."""
        there = chroma.flat()
        ab = _towards(there, colored(self.region, there, lightness), self.strength)
        return replace(chroma, patches=(*chroma.patches, Patch(ab, self.region.mask)))


@dataclass(frozen=True, slots=True, eq=False)
class HintsOverlay:
    """Spreads dabs and painted hints, over patches as well; ``related`` as ``spread_hints``."""

    hints: HintMap
    related: Related | None
    strength: float
    name: str = "hints"

    def apply(self, chroma: Chroma, lightness: FloatArray) -> Chroma:
        """See ``Overlay``.

        What the hints change outside the patches does not depend on them. Inside one they start
        from its own colours, and its surroundings keep them from running over its edge.
        """
        flat = chroma.flat() if chroma.patches else chroma.ab
        patches = []
        for patch in chroma.patches:
            inside = patch.mask.shrunk(lightness.shape)[..., None] > 0
            seen = np.where(inside, patch.ab, flat)
            patches.append(replace(patch, ab=patch.ab + self._spread(seen, lightness) - seen))
        return Chroma(self._spread(chroma.ab, lightness), tuple(patches))

    def _spread(self, ab: FloatArray, lightness: FloatArray) -> FloatArray:
        spread = spread_hints(ab, self.hints, lightness, self.related)
        return _towards(ab, spread, self.strength)


def _towards(ab: FloatArray, other: FloatArray, share: float | FloatArray) -> FloatArray:
    return np.asarray(ab + np.float32(share) * (other - ab), np.float32)
