"""Pairs of pictures for the matcher: a photo, itself seen otherwise, and its neighbour likewise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.color.lab import srgb_to_lab
from models.networks.colorizer import STRIDES
from models.photos import Photo
from models.training.samples import age

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PairOptions:
    """How pairs are made; every ``p_`` is a probability."""

    side: int = 160
    min_area: float = 0.4
    p_identical: float = 0.25
    p_old: float = 0.4
    p_flip: float = 0.5
    max_angle: float = 15.0
    max_zoom: float = 1.5
    max_shift: float = 0.25


class Pairs(NamedTuple):
    """A batch: N targets, each with its ``twin``, which is itself seen otherwise.

    Photos 0 and 1 are neighbours, 2 and 3, and so on: a twin is a reference for the neighbour too.
    Both are (N, 3, S, S) CIELAB, the target's lightness perhaps aged; ``places`` is
    (N, S/4 * S/4, 2), where in the twin (row, column, in cells of stride 4) each of the target's
    cells lies, far outside where it is not to be seen.
    """

    target: Tensor
    twin: Tensor
    places: Tensor


def make_pairs(
    photos: Sequence[Photo], options: PairOptions, generator: np.random.Generator
) -> Pairs:
    """See every photo twice."""
    targets, twins, places = [], [], []
    for photo in photos:
        crop = _crop(photo.pixels, options, generator)
        target = _view(photo.pixels, crop, options)
        view = crop
        if generator.random() >= options.p_identical:
            view = _turn(options, generator) @ crop
        twins.append(_view(photo.pixels, view, options))
        if generator.random() < options.p_old:
            target[0] = age(target[0], generator)
        targets.append(target)
        places.append(_places(view @ np.linalg.inv(crop), options.side))
    return Pairs(*(torch.from_numpy(np.stack(x)) for x in (targets, twins, places)))


def _crop(
    pixels: NDArray[np.uint8], options: PairOptions, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Choose a part of a photo; return the (3, 3) map from the photo's pixels to the view's."""
    height, width = pixels.shape[:2]
    area = generator.uniform(options.min_area, 1.0)
    shape = np.exp(generator.uniform(-0.15, 0.15))
    h, w = height * min(1.0, area**0.5 * shape), width * min(1.0, area**0.5 / shape)
    y, x = generator.uniform(0, height - h), generator.uniform(0, width - w)
    scale_y, scale_x = options.side / h, options.side / w
    matrix = np.array([[scale_x, 0, -x * scale_x], [0, scale_y, -y * scale_y], [0, 0, 1]])
    return _flip(options) @ matrix if generator.random() < options.p_flip else matrix


def _turn(options: PairOptions, generator: np.random.Generator) -> NDArray[np.float64]:
    """Choose a map of the view onto itself: flipped, turned, zoomed and moved about its middle."""
    angle = np.radians(generator.uniform(-options.max_angle, options.max_angle))
    zoom = options.max_zoom ** generator.uniform(-1, 1)
    shape = np.exp(generator.uniform(-0.15, 0.15))
    shift = generator.uniform(-options.max_shift, options.max_shift, 2) * options.side
    middle = options.side / 2
    cos, sin = np.cos(angle) * zoom, np.sin(angle) * zoom
    turn = np.array([[cos * shape, -sin, 0], [sin, cos / shape, 0], [0, 0, 1]])
    to, back = np.eye(3), np.eye(3)
    to[:2, 2], back[:2, 2] = middle + shift, -middle
    matrix: NDArray[np.float64] = to @ turn @ back
    return matrix @ _flip(options) if generator.random() < options.p_flip else matrix


def _flip(options: PairOptions) -> NDArray[np.float64]:
    return np.array([[-1.0, 0, options.side], [0, 1, 0], [0, 0, 1]])


def _view(
    pixels: NDArray[np.uint8], matrix: NDArray[np.float64], options: PairOptions
) -> FloatArray:
    """Look at a photo through a map of its pixels' corners: (3, S, S) CIELAB."""
    half = np.eye(3)
    half[:2, 2] = 0.5  # from corners to OpenCV's pixel centres
    centred = (np.linalg.inv(half) @ matrix @ half)[:2]
    side = (options.side, options.side)
    rgb = cv2.warpAffine(
        pixels, centred, side, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    lab = srgb_to_lab(rgb.astype(np.float32) / np.float32(255))
    return np.ascontiguousarray(lab.transpose(2, 0, 1))


def _places(matrix: NDArray[np.float64], side: int) -> FloatArray:
    """Map the cells of stride 4 from one view to another: (S/4 * S/4, 2), row and column."""
    stride = STRIDES[0]
    count = side // stride
    y, x = np.divmod(np.arange(count * count), count)
    corners = np.stack([(x + 0.5) * stride, (y + 0.5) * stride, np.ones(count * count)])
    mapped = (matrix @ corners)[:2] / stride - 0.5
    return np.ascontiguousarray(mapped[::-1].T, np.float32)
