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
from models.guidance.named_colors import is_neutral
from models.guidance.palette import transport
from models.networks.affinity import Affinity
from models.networks.batch_norm_folding import folded
from models.networks.colorizer import Colorizer, confidence, likely, raised
from models.networks.correspondence import CHECKPOINT as MATCHER
from models.networks.correspondence import Matcher, lay_over
from models.networks.extent import (
    awarded,
    decided,
    extent_inputs,
    held_back,
    kept_where_expected,
    spared,
    trimmed,
)
from models.networks.grounding import Grounder, places, read_names
from models.networks.seen import GRID, Networks, Seen, padded
from models.networks.shared_decoder import SharedDecoder

FloatArray = NDArray[np.float32]


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
        del self.folded.decoder  # nobody needs it beside the shared one
        decoder = SharedDecoder(self.model.decoder)
        self._networks = Networks(self.folded, decoder, grounder, affinity)
        self.working_size = model.config.working_size

    def remembering(self) -> Self:
        """Return one with the same weights that looks at a picture only once.

        The array of lightness that it was asked about last must not be changed meanwhile. Threads
        may share it: at worst both look.
        """
        twin = copy(self)
        twin._remembers, twin._seen = True, None
        return twin

    def look(self, lightness: FloatArray) -> Seen:
        """Return what the networks see of (h, w) lightness in [0, 100], both sides divisible by 4.

        All other methods that take lightness take such.
        """
        seen = self._seen
        if seen is None or seen.lightness is not lightness:
            seen = Seen(lightness, self._networks)
            if self._remembers:
                self._seen = seen
        return seen

    @torch.inference_mode()
    def predict(self, lightness: FloatArray, condition: Condition) -> Prediction:
        """Guess chroma for (h, w) lightness.

        The prediction lies on a grid four times coarser, (h/4, w/4). Its strength moves the
        logits from those without any guidance to those with it.
        """
        seen = self.look(lightness)
        if condition.is_null:
            ab, weights = seen.guess, seen.expected
        else:
            config, gain = self.model.config, self.model.config.chroma_gain
            if condition.embedding is not None:
                gain += condition.strength * (config.described_gain - gain)
            weights = likely(seen.logits(condition))[0]
            ab = seen.evened(raised(self._networks.mean(weights), gain))
        return Prediction(_array(ab.permute(1, 2, 0)), _array(confidence(weights)))

    @torch.inference_mode()
    def distribution(
        self, lightness: FloatArray, condition: Condition, *, row: int, column: int
    ) -> Distribution:
        """Say which colours are likely at one place of (h, w) lightness.

        ``row`` and ``column`` are of the lightness, not of the coarser chroma grid.
        """
        logits = self.look(lightness).logits(condition)[0, :, row // GRID, column // GRID]
        return Distribution(_array(self.model.bins), _array(torch.softmax(logits, dim=0)))

    @torch.inference_mode()
    def match(self, lightness: FloatArray, reference: FloatArray) -> HintMap:
        """Carry the colours of (H, W, 3) sRGB in [0, 1] over to (h, w) lightness.

        The reference is brought to a working size of its own shape. Where nothing in it matches,
        the network's own guess is given in the reference's palette, with a lower confidence.

        Raises:
            NoMatcher: there is none for this colorizer's encoder.
        """
        if self.matcher is None:
            raise NoMatcher(
                f"the colorizer {self.name!r} has an encoder of its own and no matcher for "
                "references: train one with `python -m models.training.correspondence PHOTOS "
                f"--weights FILE` and put its {MATCHER.name} beside the colorizer's weights"
            )
        seen = self.look(lightness)
        size = working_shape(reference.shape[0], reference.shape[1], self.working_size)[::-1]
        shrinks = size[0] < reference.shape[1] or size[1] < reference.shape[0]
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        lab = np.moveaxis(srgb_to_lab(cv2.resize(reference, size, interpolation=how)), -1, 0)
        ours = seen.padded[None, None]
        # Mirrored margins hold true colours, so they may be matched as well as any other part.
        theirs = torch.stack([padded(plane) for plane in lab])[None]
        known = F.avg_pool2d(theirs, GRID)
        carried = self.matcher(
            self.matcher.describe(seen.features, ours),
            self.matcher.describe(self.folded.encode(theirs[:, :1]), theirs[:, :1]),
            known[:, 1:],
        )
        mean = self._networks.mean(likely(self.folded.head(seen.unguided))[0])
        tinted = transport(
            _array(raised(mean, self.model.config.chroma_gain).permute(1, 2, 0)),
            _array(F.avg_pool2d(ours, GRID)[0, 0]),
            _array(known[0, 1:].permute(1, 2, 0)),
            _array(known[0, 0]),
        )
        hints = lay_over(carried, torch.from_numpy(tinted))
        rows, columns = lightness.shape
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
        """Find things in (h, w) lightness, and colour them by name.

        All things compete for each cell, with each other, with ``others`` and with the grounder's
        vocabulary. The grid is the prediction's.
        """
        grounder, seen = self.grounder, self.look(lightness)
        assert grounder is not None, "it locates"
        names = torch.stack([torch.from_numpy(one.vector) for one in (*things, *others)])
        read = read_names(grounder, names)
        colors = [thing.colors for thing in things]
        claims = places(grounder, seen.cells, seen.boxes, read, colors)
        vividness = grounder.vividness(names[: len(things)])
        named = seen.in_named_colors(colors, vividness)
        neutral = torch.tensor([float(is_neutral(one)) for one in colors])
        kept = kept_where_expected(
            named.ab.permute(0, 3, 1, 2), seen.guess, named.evidence, neutral
        )
        inputs = extent_inputs(
            claims,
            evened=seen.averaged(claims.probability),
            evidence=named.evidence,
            colors=kept,
            guess=seen.guess,
            lightness=seen.coarse,
            neutral=neutral,
        )
        extent = grounder.extent(inputs, seen.cells, read.cells[: len(things)])
        shares = held_back(decided(torch.sigmoid(extent), neutral), claims.boxed)
        shares = trimmed(shares, seen.averaged(shares))
        shares = spared(shares, named.evidence, seen.chroma, neutral) * (1 - claims.body)
        shares = awarded(shares, named.evidence, neutral)
        return Located(
            _array(claims.probability),
            _array(shares),
            _array(vividness),
            _array(kept.permute(0, 2, 3, 1)),
        )

    @torch.inference_mode()
    def relate(self, lightness: FloatArray) -> Related | None:
        """Describe the cells of (h, w) lightness for kriging, on the prediction's grid, or None."""
        if self.affinity is None:
            return None
        seen = self.look(lightness)
        return Related(_array(seen.described), _array(seen.expected), _array(self.model.bins))


def _array(tensor: Tensor) -> FloatArray:
    return np.ascontiguousarray(tensor.numpy(), np.float32)
