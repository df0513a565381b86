"""What names say of the cells of a picture."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Claims:
    """What names say of cells: (K, h, w) logits, their best rivals', and the probability.

    ``mates`` is the probability of other names of the same kind with other colours. ``boxed`` are
    the box head's logits, ``boxed_rivals`` those of the name that fits best of the others. ``body``
    is the probability of skin and hair, 0 for names of what is part of a body or lies on it.
    """

    logits: Tensor
    rivals: Tensor
    probability: Tensor
    mates: Tensor
    boxed: Tensor
    boxed_rivals: Tensor
    body: Tensor
