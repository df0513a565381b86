"""The trained colorizer as the rest of Photochrom sees it: numpy in, numpy out."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Self

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from models.color.lab import srgb_to_lab
from models.color.shrinking import working_shape
from models.guidance.condition import (
    Condition,
    Distribution,
    HintMap,
    Located,
    NamedThing,
    NoMatcher,
    Prediction,
    Related,
)
from models.guidance.kriging import near_of
from models.guidance.named_colors import is_neutral, name_colors
from models.guidance.palette import transport
from models.networks.affinity import Affinity
from models.networks.batch_norm_folding import folded
from models.networks.colorizer import STRIDES, Colorizer, confidence, likely, mean_color, raised
from models.networks.correspondence import CHECKPOINT as MATCHER
from models.networks.correspondence import Matcher, lay_over
from models.networks.extent import (
    decided,
    extent_inputs,
    held_back,
    kept_where_expected,
    trimmed,
)
from models.networks.grounding import Grounder, look_alike, places, read_names
from models.networks.nonlocal_means import likeness, nonlocal_mean
from models.networks.seen import NamedColors, Seen, Sought
from models.networks.shared_decoder import SharedDecoder

FloatArray = NDArray[np.float32]

GRID = STRIDES[0]  # the chroma grid has one cell for so many working pixels
COARSEST = STRIDES[-1]
ONE_COLOR = 7.0  # of L; a standard deviation of the lightness of what has one colour
EVENED = 0.4  # of the colours are those of what looks alike


class Predictor:
    """A colorizer ready for use.

    One instance may be shared by threads: it holds no state that a call changes, but for what
    those that ``remembering`` gives have seen last.
    """

    def __init__(
        self,
        model: Colorizer,
        *,
        name: str = "colorizer",
        matcher: Matcher | None = None,
        grounder: Grounder | None = None,
        affinity: Affinity | None = None,
    ) -> None:
        self.name = name
        self.matcher = matcher
        self.grounder = grounder
        self.affinity = affinity
        self.locates = grounder is not None
        self._remembers = False
        self._seen: Seen | None = None
        self.model = model.eval().requires_grad_(False)
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.folded = folded(self.model)
        self.decoder = SharedDecoder(self.model.decoder)
        del self.folded.decoder  # nobody needs it beside the shared one
        self.working_size = model.config.working_size

    def remembering(self) -> Self:
        """Return one with the same weights that looks at a picture only once.

        The array of lightness that it was asked about last must not be changed meanwhile. Threads
        may share it: at worst both look.
        """
        twin = copy(self)
        twin._remembers, twin._seen = True, None
        return twin

    @torch.inference_mode()
    def predict(self, lightness: FloatArray, condition: Condition) -> Prediction:
        """Guess chroma for (h, w) lightness in [0, 100]; both sides must be multiples of 4.

        The prediction lies on a grid four times coarser, (h/4, w/4). Its strength moves the
        logits from those without any guidance to those with it.
        """
        if not self._remembers:  # it is looked at more than once
            return self.remembering().predict(lightness, condition)
        if condition.is_null:
            ab, weights = self._guess(lightness), self._expected(lightness)
        else:
            config, gain = self.model.config, self.model.config.chroma_gain
            if condition.embedding is not None:
                gain += condition.strength * (config.described_gain - gain)
            weights = likely(self._logits(lightness, condition))[0]
            ab = self._evened(raised(self._mean(weights), gain), lightness)
        return Prediction(_array(ab.permute(1, 2, 0)), _array(confidence(weights)))

    @torch.inference_mode()
    def distribution(
        self, lightness: FloatArray, condition: Condition, *, row: int, column: int
    ) -> Distribution:
        """Say which colours are likely at one place of (h, w) lightness, both sides divisible by 4.

        ``row`` and ``column`` are of the lightness, not of the coarser chroma grid.
        """
        logits = self._logits(lightness, condition)[0, :, row // GRID, column // GRID]
        return Distribution(_array(self.model.bins), _array(torch.softmax(logits, dim=0)))

    @torch.inference_mode()
    def match(self, lightness: FloatArray, reference: FloatArray) -> HintMap:
        """Carry the colours of (H, W, 3) sRGB in [0, 1] over to (h, w) lightness in [0, 100].

        Both sides of the lightness must be multiples of 4. The reference is brought to a working
        size of its own shape. Where nothing in it matches, the network's own guess is given in
        the reference's palette, with a lower confidence.

        Raises:
            NoMatcher: there is none for this colorizer's encoder.
        """
        rows, columns = lightness.shape
        assert rows % GRID == columns % GRID == 0, lightness.shape
        if self.matcher is None:
            raise NoMatcher(
                f"the colorizer {self.name!r} has an encoder of its own and no matcher for "
                "references: train one with `python -m models.training.correspondence PHOTOS "
                f"--weights FILE` and put its {MATCHER.name} beside the colorizer's weights"
            )
        size = working_shape(reference.shape[0], reference.shape[1], self.working_size)[::-1]
        shrinks = size[0] < reference.shape[1] or size[1] < reference.shape[0]
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        lab = np.moveaxis(srgb_to_lab(cv2.resize(reference, size, interpolation=how)), -1, 0)
        ours = _padded(lightness)[None, None]
        # Mirrored margins hold true colours, so they may be matched as well as any other part.
        theirs = torch.stack([_padded(plane) for plane in lab])[None]
        seen = self._look(lightness)
        known = F.avg_pool2d(theirs, GRID)
        carried = self.matcher(
            self.matcher.describe(seen.features, ours),
            self.matcher.describe(self.folded.encode(theirs[:, :1]), theirs[:, :1]),
            known[:, 1:],
        )
        mean = self._mean(likely(self.folded.head(self._unguided(seen)))[0])
        tinted = transport(
            _array(raised(mean, self.model.config.chroma_gain).permute(1, 2, 0)),
            _array(F.avg_pool2d(ours, GRID)[0, 0]),
            _array(known[0, 1:].permute(1, 2, 0)),
            _array(known[0, 0]),
        )
        hints = lay_over(carried, torch.from_numpy(tinted))
        grown = (
            plane.repeat_interleave(GRID, 0).repeat_interleave(GRID, 1)[:rows, :columns]
            for plane in hints
        )
        return HintMap(*(_array(plane) for plane in grown))

    @torch.inference_mode()
    def locate(
        self,
        lightness: FloatArray,
        things: Sequence[NamedThing],
        others: Sequence[NamedThing] = (),
    ) -> Located:
        """Find things in (h, w) lightness, both sides multiples of 4, and colour them by name.

        All things compete for each cell, with each other, with ``others`` and with the grounder's
        vocabulary. The grid is the prediction's.
        """
        assert self.grounder is not None, "it locates"
        if not self._remembers:
            return self.remembering().locate(lightness, things, others)
        sought = self.seek(lightness, things, others)
        extent = self.grounder.extent(sought.inputs, self.cells(lightness), sought.phrases)
        shares = decided(torch.sigmoid(extent), sought.neutral)
        shares = held_back(shares, sought.claims.boxed)
        shares = trimmed(shares, self._averaged(shares, lightness))
        return Located(
            _array(sought.claims.probability),
            _array(shares),
            _array(sought.vividness),
            _array(sought.named.ab),
        )

    def seek(
        self, lightness: FloatArray, things: Sequence[NamedThing], others: Sequence[NamedThing]
    ) -> Sought:
        """Work out what the grounder's extent decides by: see ``locate``."""
        assert self.grounder is not None, "it locates"
        names = torch.stack([torch.from_numpy(one.vector) for one in (*things, *others)])
        read = read_names(self.grounder, names)
        colors = [thing.colors for thing in things]
        claims = places(self.grounder, self.cells(lightness), self._boxes(lightness), read, colors)
        vividness = self.grounder.vividness(names[: len(things)])
        named = self.in_named_colors(lightness, colors, vividness)
        neutral = torch.tensor([float(is_neutral(one)) for one in colors])
        kept = kept_where_expected(
            named.ab.permute(0, 3, 1, 2), self._guess(lightness), named.evidence, neutral
        )
        named = NamedColors(kept.permute(0, 2, 3, 1), named.evidence)
        inputs = extent_inputs(
            claims,
            evened=self._averaged(claims.probability, lightness),
            evidence=named.evidence,
            colors=kept,
            guess=self._guess(lightness),
            lightness=_coarse(lightness),
            neutral=neutral,
        )
        return Sought(read.cells[: len(things)], claims, named, vividness, neutral, inputs)

    def in_named_colors(
        self, lightness: FloatArray, colors: Sequence[tuple[str, ...]], vividness: Tensor
    ) -> NamedColors:
        """Say what the colours of things would be in each cell of (h, w) lightness."""
        weights, bins = self._expected(lightness).permute(2, 0, 1), _array(self.model.bins)
        grey = _array(_coarse(lightness))
        both = [
            name_colors(names, weights.numpy(), bins, grey, float(share))
            for names, share in zip(colors, vividness, strict=True)
        ]
        ab, evidence = (torch.from_numpy(np.stack(planes)) for planes in zip(*both, strict=True))
        return NamedColors(ab, evidence)

    @torch.inference_mode()
    def relate(self, lightness: FloatArray) -> Related | None:
        """Describe the cells of (h, w) lightness for kriging, on the prediction's grid, or None."""
        if self.affinity is None:
            return None
        described, expected = self._described(lightness), self._expected(lightness)
        return Related(_array(described), _array(expected), _array(self.model.bins))

    def _logits(self, lightness: FloatArray, condition: Condition) -> Tensor:
        """Return (1, Q, h/4, w/4) logits of colours."""
        rows, columns = lightness.shape
        assert rows % GRID == columns % GRID == 0, lightness.shape
        seen = self._look(lightness)
        described = condition.embedding is not None
        reach = condition.strength * (self.model.config.guidance if described else 1.0)
        # Never two answers in one pass, which is a little faster: the last bits of each would
        # depend on whether the other is remembered.
        if condition.is_null:
            decoded = self._unguided(seen)
        else:
            decoded = self._decode(seen, condition)
            if reach != 1.0:  # the head is linear: so its logits are moved as well
                decoded = self._unguided(seen).lerp(decoded, reach)
        logits: Tensor = self.folded.head(decoded)
        return logits[..., : rows // GRID, : columns // GRID]

    def _mean(self, weights: Tensor) -> Tensor:
        """Turn an (h, w, Q) distribution over colours into (2, h, w) ab."""
        temperature = self.model.config.temperature
        if temperature != 1:
            weights = weights ** (1 / temperature)
            weights /= weights.sum(dim=2, keepdim=True)
        return mean_color(weights, self.model.bins).permute(2, 0, 1)

    def _expected(self, lightness: FloatArray) -> Tensor:
        """Return the unguided distribution over colours for (h, w) lightness: (h/4, w/4, Q)."""
        seen = self._look(lightness)
        if seen.expected is None:
            seen.expected = likely(self._logits(lightness, Condition()))[0]
        return seen.expected

    def _guess(self, lightness: FloatArray) -> Tensor:
        """Return the network's own guess for (h, w) lightness: (2, h/4, w/4) ab."""
        seen = self._look(lightness)
        if seen.guess is None:
            mean = self._mean(self._expected(lightness))
            seen.guess = self._evened(raised(mean, self.model.config.chroma_gain), lightness)
        return seen.guess

    def pale_guess(self, lightness: FloatArray) -> Tensor:
        """Return the guess for (h, w) lightness before it is raised: (2, h/4, w/4) ab."""
        return self._evened(self._mean(self._expected(lightness)), lightness)

    def _look(self, lightness: FloatArray) -> Seen:
        seen = self._seen
        if seen is None or seen.lightness is not lightness:
            seen = Seen(lightness, self.folded.encode(_padded(lightness)[None, None]))
            if self._remembers:
                self._seen = seen
        return seen

    def features(self, lightness: FloatArray) -> list[Tensor]:
        """Return the encoder's features of (h, w) lightness, padded, at strides 4 to 32."""
        return self._look(lightness).features

    def cells(self, lightness: FloatArray) -> Tensor:
        """Return what the grounder says of the cells of (h, w) lightness: (D, h/4, w/4)."""
        assert self.grounder is not None
        seen = self._look(lightness)
        if seen.cells is None:
            f4, f8 = seen.features[:2]
            seen.cells = self.grounder.decode(f4, f8, *self._deep(seen))[0]
        rows, columns = lightness.shape
        return seen.cells[:, : rows // GRID, : columns // GRID]

    def _boxes(self, lightness: FloatArray) -> Tensor:
        """Return what the grounder's box head says: (D, h/8, w/8), rounded up."""
        assert self.grounder is not None
        seen = self._look(lightness)
        if seen.boxes is None:
            seen.boxes = self.grounder.boxes(seen.features[1], *self._deep(seen))[0]
        rows, columns = (-(-side // (2 * GRID)) for side in lightness.shape)
        return seen.boxes[:, :rows, :columns]

    def _deep(self, seen: Seen) -> tuple[Tensor, Tensor]:
        assert self.grounder is not None
        if seen.deep is None:
            seen.deep = self.grounder.deepen(seen.features[1])
        return seen.deep

    def _evened(self, colors: Tensor, lightness: FloatArray) -> Tensor:
        """Draw (2, h/4, w/4) ab towards one colour where they are likely to be wrong alike."""
        if self.affinity is None:
            return colors
        seen = self._look(lightness)
        if seen.like_colors is None:
            near = near_of(self._described(lightness)).permute(2, 0, 1)
            seen.like_colors = likeness(near, _coarse(lightness), ONE_COLOR)
        return nonlocal_mean(colors, seen.like_colors, EVENED)

    def _averaged(self, planes: Tensor, lightness: FloatArray) -> Tensor:
        """Return the means of (C, h/4, w/4) planes over what looks alike to the grounder."""
        seen = self._look(lightness)
        if seen.like_cells is None:
            seen.like_cells = look_alike(self.cells(lightness), _coarse(lightness))
        return nonlocal_mean(planes, seen.like_cells)

    def _described(self, lightness: FloatArray) -> Tensor:
        """Return what the affinity says of the cells: (h/4, w/4, WIDTH)."""
        assert self.affinity is not None
        seen = self._look(lightness)
        if seen.described is None:
            small = F.avg_pool2d(_padded(lightness)[None], GRID)
            described = self.affinity(seen.features, small)[0]
            seen.described = described.unflatten(0, small.shape[1:])
        rows, columns = lightness.shape
        return seen.described[: rows // GRID, : columns // GRID]

    def _unguided(self, seen: Seen) -> Tensor:
        if seen.unguided is None:
            seen.unguided = self._decode(seen, Condition())
        return seen.unguided

    def _decode(self, seen: Seen, condition: Condition) -> Tensor:
        """Return the features that the head turns into logits: (1, C, h/4, w/4), padded."""
        if seen.read is None:
            seen.read = self.decoder.read(seen.features)
        model, embedding = self.folded, condition.embedding
        vector = model.null if embedding is None else torch.from_numpy(embedding)
        palette = None if condition.palette is None else torch.from_numpy(condition.palette)[None]
        decoded: Tensor = self.decoder(
            seen.read, model.condition(seen.features, vector[None], palette)
        )
        return decoded


def _coarse(lightness: FloatArray) -> Tensor:
    """Bring (h, w) lightness to the chroma grid."""
    return F.avg_pool2d(torch.from_numpy(lightness)[None], GRID)[0]


def _padded(plane: FloatArray) -> Tensor:
    """Extend to multiples of the coarsest stride, mirrored."""
    margins = [(0, -side % COARSEST) for side in plane.shape]
    padded = np.pad(plane, margins, mode="symmetric")
    return torch.from_numpy(np.ascontiguousarray(padded, np.float32))


def _array(tensor: Tensor) -> FloatArray:
    return np.ascontiguousarray(tensor.numpy(), np.float32)
