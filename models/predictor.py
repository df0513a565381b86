"""The trained colorizer as the rest of Photochrom sees it: numpy in, numpy out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from models.checkpoint import (
    WEIGHTS,
    WeightsError,
    WeightsFile,
    inspect_file,
    known_checksums,
    read_checkpoint,
    remedy_for,
)
from models.clip import EMBEDDED, Clip, inspect_clip, load_clip
from models.color import srgb_to_lab
from models.colorizer import (
    AB_SCALE,
    STRIDES,
    Colorizer,
    ColorizerConfig,
    annealed_mean,
    build_colorizer,
    confidence,
)
from models.correspondence import CHECKPOINT as MATCHER
from models.correspondence import Matcher, encoder_digest, lay_over, load_matcher
from models.film import Words
from models.guidance import Condition, Distribution, HintMap, NoMatcher, Prediction
from models.palette import transport
from models.pipeline import working_shape

FloatArray = NDArray[np.float32]

CHECKPOINT = WEIGHTS / "colorizer.safetensors"
GRID = STRIDES[0]  # the chroma grid has one cell for so many working pixels
COARSEST = STRIDES[-1]


class Predictor:
    """A colorizer ready for use.

    One instance may be shared by threads: it holds no state that a call changes.
    """

    def __init__(
        self, model: Colorizer, *, name: str = "colorizer", matcher: Matcher | None = None
    ) -> None:
        self.name = name
        self.matcher = matcher
        self.model = model.eval().requires_grad_(False)
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.working_size = model.config.working_size
        self.reads_words = model.config.token_width > 0

    @torch.inference_mode()
    def predict(self, lightness: FloatArray, condition: Condition) -> Prediction:
        """Guess chroma for (h, w) lightness in [0, 100]; both sides must be multiples of 4.

        The prediction lies on a grid four times coarser, (h/4, w/4). Its strength moves the
        logits from those without any guidance to those with it.
        """
        model, config = self.model, self.model.config
        logits = self._logits(lightness, condition)
        mean = annealed_mean(logits, model.bins, temperature=config.temperature)
        described = condition.embedding is not None or condition.tokens is not None
        more = condition.strength * (config.described_gain - config.chroma_gain)
        gain = config.chroma_gain + (more if described else 0.0)
        ab = gain * mean[0].permute(1, 2, 0)
        return Prediction(_array(ab), _array(confidence(logits)[0]))

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
        features = self.model.encode(ours)
        known = F.avg_pool2d(theirs, GRID)
        carried = self.matcher(
            self.matcher.describe(features, ours),
            self.matcher.describe(self.model.encode(theirs[:, :1]), theirs[:, :1]),
            known[:, 1:],
        )
        logits = self._decode(features, Condition(None, None), None)
        mean = annealed_mean(logits, self.model.bins, temperature=self.model.config.temperature)
        tinted = transport(
            _array(self.model.config.chroma_gain * mean[0].permute(1, 2, 0)),
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

    def _logits(self, lightness: FloatArray, condition: Condition) -> Tensor:
        """Return (1, Q, h/4, w/4) logits of colours."""
        rows, columns = lightness.shape
        assert rows % GRID == columns % GRID == 0, lightness.shape
        features = self.model.encode(_padded(lightness)[None, None])
        described = condition.embedding is not None or condition.tokens is not None
        reach = condition.strength * (self.model.config.guidance if described else 1.0)
        logits = None
        if reach != 1.0 or condition.is_null:
            logits = self._decode(features, Condition(None, None), None)
        if not condition.is_null:
            hints = None
            if condition.hints is not None and not condition.hints.is_empty:
                known = condition.hints.confidence[..., None]
                channels = np.dstack([condition.hints.ab / AB_SCALE * (known > 0), known])
                hints = torch.stack([_padded(c, fill=0.0) for c in np.moveaxis(channels, -1, 0)])
            guided = self._decode(features, condition, hints)
            logits = guided if logits is None else logits.lerp(guided, reach)
        assert logits is not None
        return logits[..., : rows // GRID, : columns // GRID]

    def _decode(self, features: list[Tensor], condition: Condition, hints: Tensor | None) -> Tensor:
        model, embedding, words = self.model, condition.embedding, None
        vector = model.null if embedding is None else torch.from_numpy(embedding)
        if condition.tokens is not None and self.reads_words:
            tokens = torch.from_numpy(condition.tokens)[None]
            words = Words(tokens, torch.ones(tokens.shape[:2], dtype=torch.bool))
        batch = None if hints is None else hints[None]
        modulation = model.condition(features, vector[None])
        logits: Tensor = model.decode(features, modulation, batch, words)
        return logits


def load_colorizer(path: Path | None = None) -> Predictor:
    """Load the weights that came with Photochrom, or those of a training run.

    The matcher for references is the one beside them, else the one that came with Photochrom,
    where it was trained on this colorizer's encoder.

    Raises:
        WeightsError: a file is missing, damaged or of another kind.
    """
    path = CHECKPOINT if path is None else path
    tensors, header = read_checkpoint(path)
    try:
        model = build_colorizer(read_config(header["config"]))
        model.load_state_dict(tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as problem:
        raise WeightsError(
            f"the weights {path} do not fit this version: {remedy_for(path)}"
        ) from problem
    beside = path.with_name(MATCHER.name)
    matcher = load_matcher(beside if beside.is_file() else MATCHER)
    fits = matcher.config.encoder == encoder_digest(model.encoder)
    return Predictor(model, name=path.stem, matcher=matcher if fits else None)


def load_pair(weights: Path | None = None, clip: str = EMBEDDED) -> tuple[Predictor, Clip]:
    """Load a colorizer and the CLIP model it was trained with.

    Raises:
        WeightsError: a file is missing or damaged, or the two do not belong together.
    """
    colorizer = load_colorizer(weights)
    wanted = colorizer.model.config.clip
    if clip != wanted:
        raise WeightsError(
            f"the colorizer {colorizer.name!r} was trained with the CLIP model {wanted!r} and "
            f"cannot read the embeddings of {clip!r}: use the CLIP model {wanted!r}"
        )
    return colorizer, load_clip(clip)


def read_config(values: Mapping[str, Any]) -> ColorizerConfig:
    """Read a config back from JSON, where tuples have become lists."""
    known = {field.name for field in fields(ColorizerConfig)}
    if unknown := values.keys() - known:
        raise ValueError(f"unknown settings {sorted(unknown)}")
    bins = tuple((float(a), float(b)) for a, b in values["bins"])
    return ColorizerConfig(**{**values, "bins": bins, "widths": tuple(values["widths"])})


def inspect_weights() -> list[WeightsFile]:
    """Describe every file of weights that came with Photochrom, for ``photochrom doctor``."""
    checksums = known_checksums()
    colorizer = inspect_file("colorizer", CHECKPOINT, checksums.get(CHECKPOINT.name))
    matcher = inspect_file("matcher", MATCHER, checksums.get(MATCHER.name))
    return [colorizer, matcher, *inspect_clip(checksums)]


def _padded(plane: FloatArray, *, fill: float | None = None) -> Tensor:
    """Extend to multiples of the coarsest stride, mirrored or filled."""
    margins = [(0, -side % COARSEST) for side in plane.shape]
    if fill is None:
        padded = np.pad(plane, margins, mode="symmetric")
    else:
        padded = np.pad(plane, margins, constant_values=fill)
    return torch.from_numpy(np.ascontiguousarray(padded, np.float32))


def _array(tensor: Tensor) -> FloatArray:
    return np.ascontiguousarray(tensor.numpy(), np.float32)
