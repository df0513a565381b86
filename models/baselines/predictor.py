"""A learned baseline as the rest of Photochrom sees a colorizer: numpy in, numpy out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from models.baselines.baseline import Baseline
from models.baselines.catalogue import load_baseline
from models.guidance.condition import (
    Condition,
    Distribution,
    HintMap,
    Located,
    NamedThing,
    NoMatcher,
    Prediction,
)

FloatArray = NDArray[np.float32]


class BaselinePredictor:
    """Colours by itself; takes no guidance and is as sure of everything."""

    locates: bool = False

    def __init__(self, model: Baseline, *, name: str, working_size: int) -> None:
        self.name = name
        self.working_size = working_size
        self.model = model.eval().requires_grad_(False)

    def remembering(self) -> Self:
        """Return itself: it is asked about a picture only once."""
        return self

    def locate(
        self,
        lightness: FloatArray,
        things: Sequence[NamedThing],
        others: Sequence[NamedThing] = (),
    ) -> Located:
        """Find nothing, on a grid of (h/4, w/4) cells."""
        rows, columns = lightness.shape
        nowhere = np.zeros((len(things), rows // 4, columns // 4), np.float32)
        return Located(nowhere, nowhere, np.ones(len(things), np.float32))

    @torch.inference_mode()
    def predict(self, lightness: FloatArray, condition: Condition) -> Prediction:
        """Guess chroma for (h, w) lightness in [0, 100], both sides multiples of 4.

        The prediction lies on the network's own grid: (h, w), or two or four times coarser.
        """
        rows, columns = lightness.shape
        margins = [(0, -side % self.model.multiple) for side in lightness.shape]
        padded = np.pad(lightness, margins, mode="symmetric")
        grey = torch.from_numpy(np.ascontiguousarray(padded, np.float32))[None, None]
        ab = self.model(grey)[0].permute(1, 2, 0).numpy()
        stride = padded.shape[0] // ab.shape[0]
        ab = np.ascontiguousarray(ab[: rows // stride, : columns // stride], np.float32)
        return Prediction(ab, np.ones(ab.shape[:2], np.float32))

    def distribution(
        self, lightness: FloatArray, condition: Condition, *, row: int, column: int
    ) -> Distribution:
        """Hold the one predicted colour likely."""
        ab = self.predict(lightness, condition).ab
        stride = lightness.shape[0] // ab.shape[0]
        here = ab[row // stride, column // stride]
        return Distribution(here[None], np.ones(1, np.float32))

    def relate(self, lightness: FloatArray) -> None:
        """Tell nothing of which places are alike."""

    def match(self, lightness: FloatArray, reference: FloatArray) -> HintMap:
        """Refuse: there is no matcher.

        Raises:
            NoMatcher: always.
        """
        raise NoMatcher(f"the baseline {self.name!r} takes no reference: leave the reference out")


def load_predictor(path: Path) -> BaselinePredictor:
    """Load a learned baseline from its file.

    Raises:
        WeightsError: the file is missing, damaged or of another kind.
    """
    model, config = load_baseline(path)
    return BaselinePredictor(model, name=config.name, working_size=config.working_size)
