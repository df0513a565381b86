"""Grounding: where in a photo is what a phrase names, such as the shirt of "a red shirt"?

phrase = word pieces of the colour's place in the sentence and of the words after it, their colours
left out, so that every colour finds the same place
-> condition, with what the whole picture shows -> the colorizer's kind of decoder on its encoder's
features -> at stride 4 the agreement of the features with the phrase, as a logit
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.networks.checkpoint import WEIGHTS, load_network
from models.networks.decoder import Decoder

FloatArray = NDArray[np.float32]

CHECKPOINT = WEIGHTS / "grounding.safetensors"
PARTS = 3  # the place of the colour, and up to two words after it


@dataclass(frozen=True, slots=True)
class GrounderConfig:
    """Everything needed to build the network again.

    ``encoder`` is the digest of the encoder on whose features it was trained; ``token_width`` is
    the width of the word pieces it reads, ``clip`` the name of the model they come from.
    """

    encoder: str
    token_width: int = 384
    condition_width: int = 256
    widths: tuple[int, int, int, int] = (64, 128, 192, 256)
    encoder_channels: tuple[int, int, int, int] = (24, 40, 112, 320)
    clip: str = "embedded"


class Grounder(nn.Module):
    """Say for every cell of a grid with stride 4 whether it shows what a phrase names."""

    def __init__(self, config: GrounderConfig) -> None:
        super().__init__()
        self.config = config
        width, w4 = config.condition_width, config.widths[0]
        self.norm = nn.LayerNorm(config.token_width)
        self.read_phrase = nn.Sequential(
            nn.Linear(PARTS * config.token_width, width), nn.SiLU(), nn.Linear(width, width)
        )
        self.read_picture = nn.Linear(config.encoder_channels[-1], width)
        self.condition_norm = nn.LayerNorm(width)
        self.decoder = Decoder(width, config.widths, config.encoder_channels)
        self.to_key = nn.Conv2d(w4, w4, 1)
        self.to_query = nn.Linear(width, w4)
        self.bias = nn.Parameter(torch.tensor(-2.0))

    def forward(self, features: list[Tensor], phrases: Tensor) -> Tensor:
        """Return (N, H/4, W/4) logits from encoder features and (N, PARTS, token_width) phrases."""
        asked = self.read_phrase(self.norm(phrases).flatten(1))
        picture = self.read_picture(features[-1].mean(dim=(2, 3)))
        condition = self.condition_norm(asked + picture)
        keys = self.to_key(self.decoder(features, condition))
        query = self.to_query(condition)
        agreement = torch.einsum("nchw,nc->nhw", keys, query) / query.shape[1] ** 0.5
        logits: Tensor = agreement + self.bias
        return logits


def phrase_parts(
    tokens: NDArray[Any], pieces: Sequence[tuple[int, int]], spans: Sequence[tuple[int, int]]
) -> FloatArray:
    """Sum up the word pieces of a phrase: (PARTS, W) float32, zeros where it has fewer words.

    ``tokens`` is (T, W), the pieces of the whole description in their context, ``pieces`` where
    each stands in it, in letters, and ``spans`` where the phrase's words stand.
    """
    parts = np.zeros((PARTS, tokens.shape[1]), np.float32)
    for i, (start, end) in enumerate(spans[:PARTS]):
        rows = [j for j, (a, b) in enumerate(pieces[: len(tokens)]) if a < end and b > start]
        if rows:
            parts[i] = tokens[rows].mean(axis=0)
    return parts


def load_grounder(path: Path = CHECKPOINT) -> Grounder:
    """Load the grounder that came with Photochrom, or that of a training run.

    Raises:
        WeightsError: the file is missing, damaged or of another kind.
    """
    grounder = load_network(path, lambda config: Grounder(_read_config(config)))
    grounder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return grounder


def _read_config(values: dict[str, Any]) -> GrounderConfig:
    """Read a config back from JSON, where tuples have become lists."""
    read: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    return GrounderConfig(**read)
