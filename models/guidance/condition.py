"""What steers the colours: guidance from a person becomes one condition for the network.

Everything travels on two paths (docs/architecture.md): a global one, a single CLIP vector that
modulates features (FiLM), and a local one, a map of colour hints with their confidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

AB_SCALE = 25.0  # palettes are fed divided by this, so that they are as large as features are


class NoMatcher(RuntimeError):
    """A colorizer that cannot take colours from a reference; the message names the remedy."""


@dataclass(frozen=True, slots=True)
class NamedThing:
    """A thing that a description names.

    ``vector`` is (D,) float32 of unit length, the name without its colours as CLIP reads it;
    ``colors`` are the names of its colours as written, none where the description gives it none;
    ``thing`` is the name, empty where only a colour is said. One whose words nobody knows is not
    looked for.
    """

    vector: FloatArray
    colors: tuple[str, ...]
    thing: str
    is_understood: bool = True

    @property
    def phrase(self) -> str:
        """The colours and the thing, for people."""
        return f"{' and '.join(self.colors)} {self.thing}".strip()


@dataclass(frozen=True, slots=True)
class TextEmbedding:
    """A description as CLIP sees it.

    ``vector`` is (D,) float32 of unit length; ``notices`` say what the user should know, such as
    that the text was cut. ``named`` are the things that it gives a colour, ``others`` those that it
    names without one: they keep their place from the former. ``scene`` is the vector of the
    description without colours, None where it says nothing else.
    """

    vector: FloatArray
    notices: tuple[str, ...] = ()
    named: tuple[NamedThing, ...] = ()
    others: tuple[NamedThing, ...] = ()
    scene: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class Located:
    """Where things are, on the prediction's grid, and which colours they have there.

    ``probability`` is (K, h, w) float32: that a cell shows the thing; ``shares`` of the same shape:
    how strongly it takes the thing's colour. ``colors`` is (K, h, w, 2)
    float32 ab: what its named colours would be in each cell, None for what such colours usually
    are. ``vividness`` is (K,) float32: the chroma of a named colour on it, as a share of what the
    colour usually has.
    """

    probability: FloatArray
    shares: FloatArray
    vividness: FloatArray
    colors: FloatArray | None = None


class TextEmbedder(Protocol):
    """Anything that turns a description into a vector; in life ``models.networks.clip.Clip``."""

    @property
    def name(self) -> str: ...

    def embed_text(self, text: str, language: str | None = None) -> TextEmbedding:
        """Embed a description in any of the languages that are read; None: recognise it."""
        ...


class ImageEmbedder(Protocol):
    """Anything that turns a photo into a vector of the same space; in life ``Clip``.

    ``rgb`` is (H, W, 3) float32 sRGB in [0, 1]; the vector is (D,) float32 of unit length.
    """

    @property
    def name(self) -> str: ...

    def embed_image(self, rgb: FloatArray) -> FloatArray: ...


class Embedder(TextEmbedder, ImageEmbedder, Protocol):
    """Both towers of a CLIP model."""


@dataclass(frozen=True, slots=True, eq=False)
class Related:
    """What a colorizer says of the cells of a photo, so that known colours may tell of others.

    ``descriptors`` is (h, w, D) float32: what looks alike is likely to be wrong alike (see
    ``models.guidance.kriging``). ``weights`` is (h, w, Q) float32: how likely each of the (Q, 2)
    ``bins`` of ab is.
    """

    descriptors: FloatArray
    weights: FloatArray
    bins: FloatArray


@dataclass(frozen=True, slots=True)
class HintMap:
    """Colour hints on the working grid.

    ``ab`` is (h, w, 2) float32, CIELAB a and b; ``confidence`` is (h, w) float32 in [0, 1], 0 where
    nothing is known.
    """

    ab: FloatArray
    confidence: FloatArray

    @property
    def mean_confidence(self) -> float:
        """The mean confidence where anything is known; 0 where nothing is."""
        known = self.confidence > 0
        return float(self.confidence[known].mean()) if known.any() else 0.0


@dataclass(frozen=True, slots=True)
class Condition:
    """What the colorizer consumes besides lightness.

    ``embedding`` is (D,) float32 or None for the learned null; ``strength`` in [0, 1] moves the
    result from the network's own guess (0) to the guided one (1). ``palette`` is (P, 3) float32:
    ab / AB_SCALE of each colour and its weight, the weights summing to one; None for none.
    """

    embedding: FloatArray | None = None
    strength: float = 1.0
    palette: FloatArray | None = None

    @property
    def is_null(self) -> bool:
        """Tell whether the network is left to its own guess."""
        return self.strength == 0.0 or (self.embedding is None and self.palette is None)


def join_embeddings(text: FloatArray | None, image: FloatArray | None) -> FloatArray | None:
    """Join a description and a reference into the one vector of the global path.

    Both are (D,) float32 of unit length in one space. Together they are the normalised sum: the
    point between them, as near to the one as to the other, so the words keep half the say.
    """
    if text is None or image is None:
        return image if text is None else text
    joined = text + image
    length = float(np.linalg.norm(joined))
    return text if length < 1e-6 else (joined / np.float32(length)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Prediction:
    """The colorizer's answer, on its own grid, which may be coarser than the working grid.

    ``ab`` is (h, w, 2) float32, CIELAB; ``confidence`` is (h, w) float32 in [0, 1]: 1 minus the
    entropy of the colour distribution as a share of the largest possible entropy.
    """

    ab: FloatArray
    confidence: FloatArray


@dataclass(frozen=True, slots=True)
class Distribution:
    """The colours that the colorizer holds possible at one place.

    ``ab`` is (Q, 2) float32, CIELAB; ``weights`` is (Q,) float32 and sums to one.
    """

    ab: FloatArray
    weights: FloatArray


class ChromaPredictor(Protocol):
    """Anything that guesses chroma from lightness; in life ``networks.predictor.Predictor``."""

    @property
    def name(self) -> str: ...

    @property
    def working_size(self) -> int: ...

    def remembering(self) -> ChromaPredictor:
        """Return one that looks at a picture only once, however much it is asked about it.

        The array of lightness must not change meanwhile.
        """
        ...

    @property
    def locates(self) -> bool:
        """Tell whether it can find things by their names."""
        ...

    def locate(
        self,
        lightness: FloatArray,
        things: Sequence[NamedThing],
        others: Sequence[NamedThing] = (),
    ) -> Located:
        """Find things in (h, w) lightness.

        All things compete for each cell, with each other, with ``others`` and with a fixed
        vocabulary. The grid is the prediction's.
        """
        ...

    def predict(self, lightness: FloatArray, condition: Condition) -> Prediction: ...

    def distribution(
        self, lightness: FloatArray, condition: Condition, *, row: int, column: int
    ) -> Distribution:
        """Say which colours are likely at one place of the (h, w) lightness."""
        ...

    def relate(self, lightness: FloatArray) -> Related | None:
        """Describe the cells of its grid, (h/4, w/4), for ``models.guidance.kriging``.

        None where it cannot: dabs then tell nothing of places that they do not reach.
        """
        ...

    def match(self, lightness: FloatArray, reference: FloatArray) -> HintMap:
        """Carry the colours of (H, W, 3) sRGB in [0, 1] over to (h, w) lightness.

        Raises:
            NoMatcher: it has none for its encoder.
        """
        ...
