"""A contact sheet for figures: a row of pictures for each photo."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

UInt8Array = NDArray[np.uint8]

BORDER = 2  # pixels of white around each picture


def sheet_of(rows: Iterable[Iterable[UInt8Array]], *, height: int) -> bytes:
    """Lay rows of (H, W, 3) sRGB pictures out, each brought to ``height`` pixels; return a PNG."""
    joined = []
    for row in rows:
        cells = []
        for picture in row:
            width = round(picture.shape[1] * height / picture.shape[0])
            cell = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
            cells.append(_bordered(cell, BORDER, BORDER, BORDER, BORDER))
        joined.append(np.hstack(cells))
    widest = max(row.shape[1] for row in joined)
    filled = [_bordered(row, 0, 0, 0, widest - row.shape[1]) for row in joined]
    encoded: bytes = cv2.imencode(".png", np.vstack(filled)[..., ::-1])[1].tobytes()
    return encoded


def _bordered(picture: NDArray[Any], top: int, bottom: int, left: int, right: int) -> UInt8Array:
    how = cv2.BORDER_CONSTANT
    return np.asarray(
        cv2.copyMakeBorder(picture, top, bottom, left, right, how, value=(255,) * 3), np.uint8
    )
