"""Grounding: where in a photo is what a phrase names, such as the shirt of "a red shirt"?

the colorizer's features at strides 4 and 8 -> blocks of an encoder of its own, strides 16 and 32
-> one dense decoding to a unit vector for every cell of a grid with stride 4
a name without its colours -> CLIP text vector -> a unit vector of the same space
-> their cosine, scaled, is the logit of "this cell shows that name"

One decoding serves any number of names, so all names of a sentence and a fixed vocabulary of what
photographs hold compete for every cell. A second, coarser decoding says where the boxes of names
are (``models.networks.box_head``). Dense image features against text vectors: LSeg (Li et al.
2022, arXiv:2201.03546), OpenSeg (Ghiasi et al. 2022, arXiv:2112.12143).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.networks.batch_norm_folding import folded
from models.networks.box_head import BoxHead
from models.networks.checkpoint import (
    GROUNDER,
    WEIGHTS,
    encoder_digest,
    load_network,
    read_checkpoint,
)
from models.networks.claims import Claims
from models.networks.colorizer import ENCODER_CHANNELS, ResidualBlock, build_encoder, double
from models.networks.efficientnet import TO_STRIDE_8, EfficientNetLite0
from models.networks.extent import Extent
from models.networks.nonlocal_means import likeness

CHECKPOINT = WEIGHTS / "grounding.safetensors"
VIVIDNESS = (0.35, 1.1)
ALIKE = 0.05  # one minus the cosine of two cells, where their likeness has fallen to 1 / e
BODY = ("skin", "face", "hair", "hand")  # names of the vocabulary, as far as it has them
OF_BODY = 0.45  # cosine with one of the first three of what is part of a body, or lies on it
SHARED_BLOCKS = 3  # the encoder's blocks up to stride 8 are the colorizer's own


@dataclass(frozen=True, slots=True)
class GrounderConfig:
    """Everything needed to build the network again.

    ``encoder`` is the digest of what it reads of the colorizer's encoder, ``clip`` names the
    model of the text vectors. ``vocabulary`` are the names that always compete; names whose vectors
    have a cosine above ``kinship`` do not. ``sharpness`` and ``offset`` calibrate the logits.
    """

    encoder: str
    clip: str = "embedded"
    embedding_width: int = 384
    width: int = 64
    coarse: int = 128
    middle: int = 96
    fine: int = 48
    hidden: int = 256
    vocabulary: tuple[str, ...] = ()
    sharpness: float = 1.0
    offset: float = 0.0
    kinship: float = 0.5


class Grounder(nn.Module):
    """Describe every cell of a grid with stride 4 so that names can be looked for."""

    vocabulary: Tensor
    blocks: nn.Sequential

    def __init__(self, config: GrounderConfig) -> None:
        super().__init__()
        self.config = config
        c4, c8, c16, c32 = ENCODER_CHANNELS
        coarse, middle, fine = config.coarse, config.middle, config.fine
        self.blocks = deep_blocks(build_encoder())
        self.lateral32, self.lateral16 = nn.Conv2d(c32, coarse, 1), nn.Conv2d(c16, coarse, 1)
        self.lateral8, self.lateral4 = nn.Conv2d(c8, middle, 1), nn.Conv2d(c4, fine, 1)
        self.scene = nn.Linear(c32, coarse)
        self.block32 = ResidualBlock(coarse)
        self.block16, self.block16b = ResidualBlock(coarse), ResidualBlock(coarse)
        self.block8, self.block8b = ResidualBlock(middle), ResidualBlock(middle)
        self.block4 = ResidualBlock(fine)
        self.down16, self.down8 = nn.Conv2d(coarse, middle, 1), nn.Conv2d(middle, fine, 1)
        self.write = nn.Conv2d(fine, config.width, 1)
        self.read = nn.Sequential(
            nn.Linear(config.embedding_width, config.hidden),
            nn.SiLU(),
            nn.Linear(config.hidden, config.width),
        )
        self.scale = nn.Parameter(torch.tensor(2.3))  # a logarithm
        self.bias = nn.Parameter(torch.tensor(-3.0))
        self.read_vividness = nn.Linear(config.embedding_width, 1)
        self.boxes = BoxHead(config.embedding_width, hidden=config.hidden)
        self.extent = Extent(config.width)
        names = len(config.vocabulary)
        self.register_buffer("vocabulary", torch.zeros(names, config.embedding_width))

    def deepen(self, f8: Tensor) -> tuple[Tensor, Tensor]:
        """Turn (N, 40, H/8, W/8) features into those at strides 16 and 32."""
        first, second, third, fourth = self.blocks
        f16: Tensor = second(first(f8))
        return f16, fourth(third(f16))

    def decode(self, f4: Tensor, f8: Tensor, f16: Tensor, f32: Tensor) -> Tensor:
        """Turn features at strides 4 to 32 into (N, width, H/4, W/4) unit vectors."""
        scene = self.scene(f32.mean((2, 3)))[:, :, None, None]
        x = self.block32(torch.relu(self.lateral32(f32) + scene))
        x = self.block16b(self.block16(torch.relu(self.lateral16(f16) + double(x))))
        x = self.block8b(self.block8(torch.relu(self.lateral8(f8) + double(self.down16(x)))))
        x = self.block4(torch.relu(self.lateral4(f4) + double(self.down8(x))))
        return F.normalize(self.write(x), dim=1)

    def look(self, f4: Tensor, f8: Tensor) -> tuple[Tensor, Tensor]:
        """Describe pictures from the colorizer's features at strides 4 and 8.

        Returns the unit vectors of ``decode``, and those of the box head at stride 8.
        """
        f16, f32 = self.deepen(f8)
        return self.decode(f4, f8, f16, f32), self.boxes(f8, f16, f32)

    def phrases(self, vectors: Tensor) -> Tensor:
        """Turn (P, embedding_width) text vectors into (P, width) unit vectors."""
        return F.normalize(self.read(vectors), dim=-1)

    def vividness(self, vectors: Tensor) -> Tensor:
        """Say how vivid a named colour is on (P, embedding_width) names: (P,), 1 is usual."""
        shares: Tensor = self.read_vividness(vectors)[:, 0].exp().clamp(*VIVIDNESS)
        return shares

    def logits(self, cells: Tensor, phrases: Tensor) -> Tensor:
        """Return (P, h, w) logits of (width, h, w) cells and (P, width) phrases."""
        agreement = torch.einsum("dhw,pd->phw", cells, phrases)
        logits: Tensor = agreement * self.scale.exp() + self.bias
        return logits


def shared_digest(encoder: EfficientNetLite0) -> str:
    """Name what a grounder reads of a colorizer's encoder: the digest of all up to stride 8."""
    return encoder_digest(encoder, parts=TO_STRIDE_8)


def deep_blocks(encoder: EfficientNetLite0) -> nn.Sequential:
    """Return an encoder's blocks from stride 16 on, under their own names."""
    blocks = list(encoder.blocks.named_children())[SHARED_BLOCKS:]
    return nn.Sequential(OrderedDict(blocks))


@dataclass(frozen=True, slots=True, eq=False)
class Names:
    """What is looked for: (P, D) unit vectors for ``cells`` of stride 4, and for ``boxes``."""

    cells: Tensor
    boxes: Tensor


def read_names(grounder: Grounder, vectors: Tensor) -> Names:
    """Read (P, embedding_width) text vectors, and the vocabulary after them."""
    everything = torch.cat([vectors, grounder.vocabulary])
    return Names(grounder.phrases(everything), grounder.boxes.phrases(everything))


def places(
    grounder: Grounder,
    cells: Tensor,
    boxes: Tensor,
    names: Names,
    colors: Sequence[tuple[str, ...]],
) -> Claims:
    """Say how likely (width, h, w) cells show each of the first names, those with ``colors``.

    ``boxes`` is (described, h/2, w/2), rounded up. A cell shows a name as far as the name fits it,
    and as far as no other name fits it better. Names that mean nearly the same do not take it from
    each other.
    """
    config, count, phrases = grounder.config, len(colors), names.cells
    logits = grounder.logits(cells, phrases)
    fits = torch.sigmoid(config.sharpness * logits[:count] + config.offset)
    cosines = phrases[:count] @ phrases.T
    alike = cosines >= config.kinship
    boxed = double(grounder.boxes.logits(boxes[None], names.boxes))[0]
    boxed = boxed[:, : cells.shape[1], : cells.shape[2]]
    rivals, probability, boxed_rivals = [], [], []
    for i in range(count):  # what else is coloured must not change a bit of where a thing is
        others = logits[~alike[i]]
        best = torch.logsumexp(others, 0) if len(others) else torch.full_like(logits[i], -1e4)
        rivals.append(best)
        probability.append(fits[i] * torch.sigmoid(logits[i] - best))
        none = torch.full_like(logits[i], -10.0)
        boxed_rivals.append(boxed[~alike[i]].amax(0) if len(others) else none)
    found = torch.stack(probability)
    mates = []
    for i in range(count):
        same = [j for j in range(count) if j != i and alike[i, j] and colors[j] != colors[i]]
        mates.append(found[same].amax(0) if same else torch.zeros_like(found[i]))
    return Claims(
        logits[:count],
        torch.stack(rivals),
        found,
        torch.stack(mates),
        boxed[:count],
        torch.stack(boxed_rivals),
        _body(grounder.config, logits, cosines),
    )


def _body(config: GrounderConfig, logits: Tensor, cosines: Tensor) -> Tensor:
    """Say how likely cells show skin or hair: (K, h, w), 0 for names of what is there.

    ``logits`` (P, h, w) are those of all names, the vocabulary last; ``cosines`` (K, P) are between
    the first and all.
    """
    known = len(config.vocabulary)
    body = [config.vocabulary.index(name) - known for name in BODY if name in config.vocabulary]
    if not body:
        return torch.zeros_like(logits[: len(cosines)])
    shown = torch.softmax(logits[-known:], 0)[body].sum(0) * torch.sigmoid(logits[body].amax(0))
    is_there = cosines[:, body[:3]].amax(1) >= OF_BODY
    return shown * ~is_there[:, None, None]


def look_alike(cells: Tensor, lightness: Tensor) -> Tensor:
    """Say which (width, h, w) cells look alike, by (h, w) L, as ``nonlocal_mean`` takes it."""
    return likeness(cells / ALIKE**0.5, lightness)


def load_grounder(path: Path = CHECKPOINT) -> Grounder:
    """Load the grounder that came with Photochrom, or that of a training run, for inference.

    Raises:
        WeightsError: the file is missing, damaged or of another kind.
    """
    return folded(load_network(path, build_grounder, kind=GROUNDER))


def load_trainable(path: Path) -> tuple[Grounder, dict[str, Any]]:
    """Load a grounder to be trained on, and the header of its file.

    Raises:
        WeightsError: the file is missing or damaged.
    """
    tensors, header = read_checkpoint(path)
    grounder = build_grounder(header["config"])
    grounder.load_state_dict(tensors)
    return grounder, header


def build_grounder(config: dict[str, Any]) -> Grounder:
    """Build the network again by a checkpoint's config."""
    return Grounder(_read_config(config))


def _read_config(values: dict[str, Any]) -> GrounderConfig:
    """Read a config back from JSON, where tuples have become lists."""
    read: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    return GrounderConfig(**read)
