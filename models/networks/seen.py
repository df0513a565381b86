"""What the networks worked out about one picture, kept so that it is worked out once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from models.networks.claims import Claims

FloatArray = NDArray[np.float32]


@dataclass(slots=True)
class Seen:
    """What was worked out about one picture; None is still to do."""

    lightness: FloatArray
    features: list[Tensor]
    read: list[Tensor] | None = None  # what the decoder reads of them
    unguided: Tensor | None = None  # the decoder's features without any guidance
    expected: Tensor | None = None  # the distribution that comes of them, (h/4, w/4, Q)
    guess: Tensor | None = None  # without any guidance, (2, h/4, w/4) ab
    deep: tuple[Tensor, Tensor] | None = None  # the grounder's features at strides 16 and 32
    cells: Tensor | None = None  # as the grounder describes them
    boxes: Tensor | None = None  # as its box head does
    described: Tensor | None = None  # as the affinity describes the cells, (h/4, w/4, WIDTH)
    like_cells: Tensor | None = None  # how alike cells look to the grounder, to blocks of cells
    like_colors: Tensor | None = None  # how likely they have one colour, by the affinity


@dataclass(frozen=True, slots=True, eq=False)
class NamedColors:
    """What named colours would be in each cell, (K, h, w, 2) ab, and the evidence, (K, h, w)."""

    ab: Tensor
    evidence: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Sought:
    """Where things may be, in which colours, and what the extent reads.

    That is (K, INPUTS, h, w) ``inputs`` and the (K, D) unit vectors of the ``phrases``. ``neutral``
    (K,) is 1 for names of greys.
    """

    phrases: Tensor
    claims: Claims
    named: NamedColors
    vividness: Tensor
    neutral: Tensor
    inputs: Tensor
