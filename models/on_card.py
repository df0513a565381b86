"""A print on card, a white border or a scanner's lid: coloured as if it lay there alone.

A network reads the whole of what it sees. Card around a print makes the print smaller and the
picture lighter, and a photo then gets other colours than it has without: on six photographs of 1895
to 1916, put on light card with margins of 6 to 30 %, 6 to 13 ab; cut out first, 2 to 3 ab.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from models.color.shrinking import GRID
from models.guidance.condition import (
    ChromaPredictor,
    Condition,
    Distribution,
    HintMap,
    Located,
    NamedThing,
    Prediction,
    Related,
)

FloatArray = NDArray[np.float32]

EDGE = 1  # working pixels; those at a print's edge show some of the card
SMALLEST = 8 * GRID  # working pixels; of a smaller print a network sees no more when it is alone


@dataclass(frozen=True, slots=True)
class Box:
    """The rectangle of a print in working pixels."""

    top: int
    bottom: int
    left: int
    right: int

    def of(self, pixels: NDArray[np.generic], shape: tuple[int, ...]) -> NDArray[np.generic]:
        """Cut it out of the (H, W, C) pixels of a picture of this working ``shape``."""
        height, width = pixels.shape[0] / shape[0], pixels.shape[1] / shape[1]
        rows = slice(round(self.top * height), round(self.bottom * height))
        return pixels[rows, round(self.left * width) : round(self.right * width)]


def print_box(paper: FloatArray) -> Box | None:
    """Find the rectangle around the prints of a sheet; ``paper`` (h, w) is 0 on them, else 1.

    None where there is none, or only a small one.
    """
    shows = paper < 0.5
    if not shows.any():
        return None
    rows, columns = np.nonzero(shows.any(axis=1))[0], np.nonzero(shows.any(axis=0))[0]
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    left, right = int(columns[0]), int(columns[-1]) + 1
    box = Box(top + EDGE, bottom - EDGE, left + EDGE, right - EDGE)
    return box if min(box.bottom - box.top, box.right - box.left) >= SMALLEST else None


@dataclass(frozen=True, slots=True)
class OnCard:
    """Guesses the colours of a print from the print alone; a ``ChromaPredictor``.

    ``read`` is the print's own lightness at the working size, ``box`` where it lies in the picture
    that is asked about. What is asked of the card is answered from the whole picture.
    """

    alone: ChromaPredictor
    whole: ChromaPredictor
    read: FloatArray
    box: Box

    @classmethod
    def of(cls, colorizer: ChromaPredictor, read: FloatArray, box: Box) -> Self:
        """Make one that looks at print and picture only once each."""
        return cls(colorizer.remembering(), colorizer.remembering(), read, box)

    @property
    def name(self) -> str:
        """The colorizer's."""
        return self.whole.name

    @property
    def working_size(self) -> int:
        """The colorizer's."""
        return self.whole.working_size

    @property
    def locates(self) -> bool:
        """The colorizer's."""
        return self.whole.locates

    def remembering(self) -> ChromaPredictor:
        """Return itself: it remembers."""
        return self

    def predict(self, lightness: FloatArray, condition: Condition) -> Prediction:
        """Guess the print's colours; they go on around it, for the paper is taken out later."""
        guess = self.alone.predict(self.read, condition)
        return Prediction(
            self._laid(guess.ab, lightness, cv2.BORDER_REPLICATE),
            self._laid(guess.confidence, lightness, cv2.BORDER_REPLICATE),
        )

    def distribution(
        self, lightness: FloatArray, condition: Condition, *, row: int, column: int
    ) -> Distribution:
        """Say which colours are likely at one place of the (h, w) lightness."""
        box = self.box
        if not (box.top <= row < box.bottom and box.left <= column < box.right):
            return self.whole.distribution(lightness, condition, row=row, column=column)
        rows, columns = self.read.shape
        row = (row - box.top) * rows // (box.bottom - box.top)
        column = (column - box.left) * columns // (box.right - box.left)
        return self.alone.distribution(self.read, condition, row=row, column=column)

    def locate(
        self,
        lightness: FloatArray,
        things: Sequence[NamedThing],
        others: Sequence[NamedThing] = (),
    ) -> Located:
        """Find things in the print, and on the card around it."""
        inside = self.alone.locate(self.read, things, others)
        around = self.whole.locate(lightness, things, others)
        colors = None
        if inside.colors is not None and around.colors is not None:
            colors = self._joined(inside.colors, around.colors, lightness)
        return Located(
            self._joined(inside.probability, around.probability, lightness),
            self._joined(inside.shares, around.shares, lightness),
            inside.vividness,
            colors,
        )

    def relate(self, lightness: FloatArray) -> Related | None:
        """Describe the cells of the whole picture: dabs on the card tell of the card."""
        return self.whole.relate(lightness)

    def match(self, lightness: FloatArray, reference: FloatArray) -> HintMap:
        """Carry the colours of a reference over to the print; the card takes none."""
        carried = self.alone.match(self.read, reference)
        return HintMap(
            self._laid(carried.ab, lightness, cv2.BORDER_CONSTANT),
            self._laid(carried.confidence, lightness, cv2.BORDER_CONSTANT),
        )

    def _joined(self, inside: FloatArray, around: FloatArray, lightness: FloatArray) -> FloatArray:
        """Put what was found in the print, plane by plane, over what was found in the picture."""
        shows = self._laid(np.ones(inside.shape[1:3], np.float32), lightness, cv2.BORDER_CONSTANT)
        shows = shows[..., None] if inside.ndim == 4 else shows
        laid = np.stack([self._laid(one, lightness, cv2.BORDER_REPLICATE) for one in inside])
        return np.asarray(shows * laid + (1 - shows) * around, np.float32)

    def _laid(self, plane: FloatArray, lightness: FloatArray, border: int) -> FloatArray:
        """Lay a plane of the print, (h', w') or (h', w', 2), where the print is in the picture."""
        box, (rows, columns) = self.box, self.read.shape
        step = rows // plane.shape[0]  # 1, or the prediction's cells
        shape = lightness.shape[0] // step, lightness.shape[1] // step
        down, across = rows / (box.bottom - box.top), columns / (box.right - box.left)
        # From the picture's cells to the print's, middle to middle.
        way = np.array(
            [
                [across, 0, across * (0.5 - box.left / step) - 0.5],
                [0, down, down * (0.5 - box.top / step) - 0.5],
            ]
        )
        how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(
            cv2.warpAffine(plane, way, shape[::-1], flags=how, borderMode=border), np.float32
        )
