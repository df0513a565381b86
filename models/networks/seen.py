"""One picture as the networks see it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from models.guidance.condition import Condition
from models.guidance.kriging import near_of
from models.guidance.named_colors import name_colors
from models.networks.affinity import Affinity
from models.networks.colorizer import STRIDES, Colorizer, likely, mean_color, raised
from models.networks.grounding import Grounder, look_alike
from models.networks.nonlocal_means import likeness, nonlocal_mean
from models.networks.shared_decoder import SharedDecoder

FloatArray = NDArray[np.float32]
Value = TypeVar("Value")

GRID: Final = STRIDES[0]  # the chroma grid has one cell for so many working pixels
COARSEST: Final = STRIDES[-1]
ONE_COLOR: Final = 7.0  # of L; a standard deviation of the lightness of what has one colour
EVENED: Final = 0.4  # of the colours are those of what looks alike


class once(Generic[Value]):
    """A property that is worked out when it is first asked for, and then kept.

    Not ``functools.cached_property``, whose lock lets one thread at a time work on any picture.
    """

    def __init__(self, work: Callable[[Any], Value]) -> None:
        self._work = work
        self.__doc__ = work.__doc__

    def __get__(self, instance: object, owner: type) -> Value:
        value = self._work(instance)
        vars(instance)[self._work.__name__] = value
        return value


@dataclass(frozen=True, slots=True, eq=False)
class Networks:
    """What looks at a picture: a colorizer for inference, its decoder, and what reads its encoder.

    The last two are None where there are none.
    """

    colorizer: Colorizer
    decoder: SharedDecoder
    grounder: Grounder | None = None
    affinity: Affinity | None = None

    def mean(self, weights: Tensor) -> Tensor:
        """Turn an (h, w, Q) distribution over colours into (2, h, w) ab."""
        temperature = self.colorizer.config.temperature
        if temperature != 1:
            weights = weights ** (1 / temperature)
            weights /= weights.sum(dim=2, keepdim=True)
        return mean_color(weights, self.colorizer.bins).permute(2, 0, 1)


@dataclass(frozen=True, slots=True, eq=False)
class NamedColors:
    """What named colours would be in each cell, (K, h, w, 2) ab, and the evidence, (K, h, w)."""

    ab: Tensor
    evidence: Tensor


class Seen:
    """One picture, (h, w) ``lightness`` in [0, 100], both sides divisible by 4, as networks see it.

    Nothing is worked out before it is asked for, and nothing twice. The grid is that of the
    prediction, (h/4, w/4), unless it is said otherwise; *padded* are sides divisible by 32. Threads
    may share it: at worst both work something out.
    """

    def __init__(self, lightness: FloatArray, networks: Networks) -> None:
        rows, columns = lightness.shape
        assert rows % GRID == columns % GRID == 0, lightness.shape
        self.lightness = lightness
        self._networks = networks
        self._rows, self._columns = rows // GRID, columns // GRID

    @once
    def padded(self) -> Tensor:
        """The lightness, padded: (H, W)."""
        return padded(self.lightness)

    @once
    def coarse(self) -> Tensor:
        """The lightness of the cells: (h/4, w/4)."""
        return F.avg_pool2d(torch.from_numpy(self.lightness)[None], GRID)[0]

    @once
    def features(self) -> list[Tensor]:
        """The encoder's features, padded, at strides 4 to 32."""
        return self._networks.colorizer.encode(self.padded[None, None])

    @once
    def unguided(self) -> Tensor:
        """The decoder's features without any guidance, as ``decoded``."""
        return self.decoded(Condition())

    @once
    def expected(self) -> Tensor:
        """The unguided distribution over colours: (h/4, w/4, Q)."""
        return likely(self.logits(Condition()))[0]

    @once
    def chroma(self) -> Tensor:
        """The mean chroma of what is expected: (h/4, w/4)."""
        chroma: Tensor = self.expected @ self._networks.colorizer.bins.norm(dim=1)
        return chroma

    @once
    def guess(self) -> Tensor:
        """The network's own guess: (2, h/4, w/4) ab."""
        gain = self._networks.colorizer.config.chroma_gain
        return self.evened(raised(self._networks.mean(self.expected), gain))

    @property
    def pale_guess(self) -> Tensor:
        """The guess before it is raised: (2, h/4, w/4) ab."""
        return self.evened(self._networks.mean(self.expected))

    @once
    def cells(self) -> Tensor:
        """What the grounder says of the cells: (D, h/4, w/4)."""
        f4, f8 = self.features[:2]
        cells: Tensor = self._grounder.decode(f4, f8, *self._deep)[0]
        return cells[:, : self._rows, : self._columns]

    @once
    def boxes(self) -> Tensor:
        """What the grounder's box head says: (D, h/8, w/8), rounded up."""
        boxes: Tensor = self._grounder.boxes(self.features[1], *self._deep)[0]
        return boxes[:, : -(-self._rows // 2), : -(-self._columns // 2)]

    @once
    def described(self) -> Tensor:
        """What the affinity says of the cells: (h/4, w/4, WIDTH)."""
        assert self._networks.affinity is not None
        small = F.avg_pool2d(self.padded[None], GRID)
        flat = self._networks.affinity(self.features, small)[0]
        described: Tensor = flat.unflatten(0, small.shape[1:])
        return described[: self._rows, : self._columns]

    def decoded(self, condition: Condition) -> Tensor:
        """Return the features that the head turns into logits: (1, C, H/4, W/4), padded."""
        model, embedding = self._networks.colorizer, condition.embedding
        vector = model.null if embedding is None else torch.from_numpy(embedding)
        palette = None if condition.palette is None else torch.from_numpy(condition.palette)[None]
        decoded: Tensor = self._networks.decoder(
            self._read, model.condition(self.features, vector[None], palette)
        )
        return decoded

    def logits(self, condition: Condition) -> Tensor:
        """Return (1, Q, h/4, w/4) logits of colours.

        The condition's strength moves them from those without any guidance to those with it.
        """
        model = self._networks.colorizer
        described = condition.embedding is not None
        reach = condition.strength * (model.config.guidance if described else 1.0)
        # Never two answers in one pass, which is a little faster: the last bits of each would
        # depend on whether the other is remembered.
        if condition.is_null:
            decoded = self.unguided
        else:
            decoded = self.decoded(condition)
            if reach != 1.0:  # the head is linear: so its logits are moved as well
                decoded = self.unguided.lerp(decoded, reach)
        logits: Tensor = model.head(decoded)
        return logits[..., : self._rows, : self._columns]

    def evened(self, colors: Tensor) -> Tensor:
        """Draw (2, h/4, w/4) ab towards one colour where they are likely to be wrong alike."""
        if self._networks.affinity is None:
            return colors
        return nonlocal_mean(colors, self._like_colors, EVENED)

    def averaged(self, planes: Tensor) -> Tensor:
        """Return the means of (C, h/4, w/4) planes over what looks alike to the grounder."""
        return nonlocal_mean(planes, self._like_cells)

    def in_named_colors(self, colors: Sequence[tuple[str, ...]], vividness: Tensor) -> NamedColors:
        """Say what the colours of K things, as vivid as (K,) shares, would be in each cell."""
        weights = self.expected.permute(2, 0, 1).numpy()
        bins, grey = self._networks.colorizer.bins.numpy(), self.coarse.numpy()
        both = [
            name_colors(names, weights, bins, grey, float(share))
            for names, share in zip(colors, vividness, strict=True)
        ]
        ab, evidence = (torch.from_numpy(np.stack(planes)) for planes in zip(*both, strict=True))
        return NamedColors(ab, evidence)

    @property
    def _grounder(self) -> Grounder:
        assert self._networks.grounder is not None
        return self._networks.grounder

    @once
    def _read(self) -> list[Tensor]:
        """What the decoder reads of the features."""
        return self._networks.decoder.read(self.features)

    @once
    def _deep(self) -> tuple[Tensor, Tensor]:
        """The grounder's features at strides 16 and 32."""
        return self._grounder.deepen(self.features[1])

    @once
    def _like_cells(self) -> Tensor:
        """How alike cells look to the grounder, to blocks of cells."""
        return look_alike(self.cells, self.coarse)

    @once
    def _like_colors(self) -> Tensor:
        """How likely cells have one colour, by the affinity."""
        near = near_of(self.described).permute(2, 0, 1)
        return likeness(near, self.coarse, ONE_COLOR)


def padded(plane: FloatArray) -> Tensor:
    """Extend a plane to sides divisible by the coarsest stride, mirrored."""
    margins = [(0, -side % COARSEST) for side in plane.shape]
    extended = np.pad(plane, margins, mode="symmetric")
    return torch.from_numpy(np.ascontiguousarray(extended, np.float32))
