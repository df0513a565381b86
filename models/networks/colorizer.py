"""The colorizer: a U-Net on EfficientNet-lite0 features, every decoder block modulated by FiLM.

lightness -> encoder (strides 4, 8, 16, 32)
condition = text or image embedding, or the learned null, + the palette + what the picture shows
decoder: 32 -> 16 -> 8 -> 4, at every stride (skip, FiLM)
-> a distribution over quantised ab at stride 4 -> annealed mean (Zhang et al. 2016)

FiLM modulates features by a condition vector (Perez et al. 2018, arXiv:1709.07871).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.networks.efficientnet import EfficientNetLite0

ENCODER = "tf_efficientnet_lite0"
ENCODER_CHANNELS = (24, 40, 112, 320)
STRIDES = (4, 8, 16, 32)
PALETTE_SIZE = 6
PALETTE_WIDTH = 128
ACROSS = 0.65  # of how far colours are moved along the hue of a picture's mean


@dataclass(frozen=True, slots=True)
class ColorizerConfig:
    """Everything needed to build the network again and to read its answer.

    ``bins`` are the ab centres (Q of them); ``temperature`` sharpens the distribution before its
    mean is taken (below 1) or keeps it (1); ``chroma_gain`` makes up for the paleness of such means
    (see ``raised``), ``described_gain`` does where there is a description; ``guidance`` is how far
    a description at full strength moves the logits from the unguided ones to the guided ones, or
    beyond (1); ``clip`` names the CLIP model whose embeddings it was trained on.
    """

    bins: tuple[tuple[float, float], ...]
    embedding_width: int = 384
    condition_width: int = 256
    widths: tuple[int, int, int, int] = (64, 128, 192, 256)
    working_size: int = 224
    temperature: float = 1.0
    chroma_gain: float = 1.0
    described_gain: float = 1.0
    guidance: float = 1.0
    clip: str = "embedded"


def read_config(values: Mapping[str, Any]) -> ColorizerConfig:
    """Read a config back from JSON, where tuples have become lists."""
    known = {field.name for field in fields(ColorizerConfig)}
    if unknown := values.keys() - known:
        raise ValueError(f"unknown settings {sorted(unknown)}")
    bins = tuple((float(a), float(b)) for a, b in values["bins"])
    return ColorizerConfig(**{**values, "bins": bins, "widths": tuple(values["widths"])})


class Colorizer(nn.Module):
    """Predict a distribution over ab for every cell of a grid with stride 4."""

    bins: Tensor

    def __init__(self, config: ColorizerConfig, encoder: EfficientNetLite0) -> None:
        super().__init__()
        self.config = config
        self.encoder = encoder
        self.register_buffer("bins", torch.tensor(config.bins), persistent=False)
        width = config.condition_width
        self.null = nn.Parameter(torch.zeros(config.embedding_width))
        nn.init.normal_(self.null, std=config.embedding_width**-0.5)
        self.read_embedding = nn.Sequential(
            nn.Linear(config.embedding_width, width), nn.SiLU(), nn.Linear(width, width)
        )
        read_color = nn.Linear(PALETTE_WIDTH, width, bias=False)
        nn.init.zeros_(read_color.weight)
        self.read_palette = nn.Sequential(nn.Linear(2, PALETTE_WIDTH), nn.SiLU(), read_color)
        self.read_picture = nn.Linear(ENCODER_CHANNELS[-1], width)
        self.condition_norm = nn.LayerNorm(width)
        self.decoder = Decoder(width, config.widths, ENCODER_CHANNELS)
        self.head = nn.Conv2d(config.widths[0], len(config.bins), 1)

    def encode(self, lightness: Tensor) -> list[Tensor]:
        """Turn (N, 1, H, W) lightness in [0, 100], sides divisible by 32, into four features."""
        grey = (lightness / 50.0 - 1.0).expand(-1, 3, -1, -1)  # the encoder's own mean and spread
        features: list[Tensor] = self.encoder(grey)
        return features

    def condition(
        self, features: list[Tensor], embedding: Tensor, palette: Tensor | None = None
    ) -> Tensor:
        """Join an (N, embedding_width) vector with what the picture shows: (N, condition_width).

        ``palette`` is (N, P, 3): ab / AB_SCALE of each colour and its weight, 0 for none.
        """
        unit = F.normalize(embedding, dim=-1) * self.config.embedding_width**0.5
        picture = self.read_picture(features[-1].mean(dim=(2, 3)))
        asked = self.read_embedding(unit)
        if palette is not None:
            colors, weights = palette[..., :2], palette[..., 2:]
            asked = asked + (weights * self.read_palette(colors)).sum(dim=1)
        joined: Tensor = self.condition_norm(asked + picture)
        return joined

    def decode(self, features: list[Tensor], condition: Tensor) -> Tensor:
        """Return (N, Q, H/4, W/4) logits."""
        logits: Tensor = self.head(self.decoder(features, condition))
        return logits

    def forward(
        self, lightness: Tensor, embedding: Tensor, palette: Tensor | None = None
    ) -> Tensor:
        """Return logits from lightness (N, 1, H, W), embeddings (N, D) and palettes (N, P, 3)."""
        features = self.encode(lightness)
        return self.decode(features, self.condition(features, embedding, palette))


class FiLM(nn.Module):
    """Scale and shift every channel by values read from a condition vector.

    Starts as the identity: gamma is 1 + a linear map of the condition, beta a linear map, both
    maps zero at first.
    """

    def __init__(self, condition_width: int, channels: int) -> None:
        super().__init__()
        self.to_gamma_beta = nn.Linear(condition_width, 2 * channels)
        nn.init.zeros_(self.to_gamma_beta.weight)
        nn.init.zeros_(self.to_gamma_beta.bias)

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        """Modulate (N, C, H, W) features by (N, condition_width) conditions."""
        gamma, beta = self.to_gamma_beta(condition)[:, :, None, None].chunk(2, dim=1)
        return torch.addcmul(beta, features, 1 + gamma)


class FiLMBlock(nn.Module):
    """Two convolutions, each normalised, modulated and rectified, with a shortcut."""

    def __init__(self, condition_width: int, channels_in: int, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.film1 = FiLM(condition_width, channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.film2 = FiLM(condition_width, channels)

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        """Map (N, channels_in, H, W) to (N, channels, H, W)."""
        first = self.film1(self.norm1(self.conv1(features)), condition).relu_()
        second: Tensor = self.film2(self.norm2(self.conv2(first)), condition)
        return second.add_(first).relu_()


class ResidualBlock(nn.Module):
    """A convolution, normalised, with a shortcut: a block of the decoders that nothing steers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, width, H, W) to the same shape."""
        out: Tensor = (x + self.norm(self.conv(x))).relu_()
        return out


class Decoder(nn.Module):
    """A U-Net's way up: features enlarged, joined with the encoder's own and modulated by FiLM.

    ``widths`` and ``encoder_channels`` are given from stride 4 to stride 32.
    """

    def __init__(
        self,
        condition_width: int,
        widths: tuple[int, int, int, int],
        encoder_channels: tuple[int, int, int, int],
    ) -> None:
        super().__init__()
        w4, w8, w16, w32 = widths
        c4, c8, c16, c32 = encoder_channels
        # Narrowed before they are enlarged: half the work of the blocks that follow.
        self.up32, self.up16, self.up8 = (nn.Conv2d(w, w // 2, 1) for w in (w32, w16, w8))
        self.block32 = FiLMBlock(condition_width, c32, w32)
        self.block16 = FiLMBlock(condition_width, w32 // 2 + c16, w16)
        self.block8 = FiLMBlock(condition_width, w16 // 2 + c8, w8)
        self.block4 = FiLMBlock(condition_width, w8 // 2 + c4, w4)

    def forward(self, features: list[Tensor], condition: Tensor) -> Tensor:
        """Map features (N, C, H/s, W/s), s = 4..32, and (N, K) conditions to (N, w4, H/4, W/4)."""
        f4, f8, f16, f32 = features
        x = self.block32(f32, condition)
        x = self.block16(torch.cat([double(self.up32(x)), f16], 1), condition)
        x = self.block8(torch.cat([double(self.up16(x)), f8], 1), condition)
        out: Tensor = self.block4(torch.cat([double(self.up8(x)), f4], 1), condition)
        return out


def likely(logits: Tensor, *, temperature: float = 1.0) -> Tensor:
    """Return the sharpened distribution, (N, Q, h, w) logits -> (N, h, w, Q)."""
    rows = logits.permute(0, 2, 3, 1)  # as they lie in memory
    return torch.softmax(rows if temperature == 1 else rows / temperature, dim=-1)


def annealed_mean(logits: Tensor, bins: Tensor, *, temperature: float) -> Tensor:
    """Mean of the sharpened distribution, (N, Q, h, w) -> (N, 2, h, w) ab (Zhang et al. 2016)."""
    return mean_color(likely(logits, temperature=temperature), bins).permute(0, 3, 1, 2)


def mean_color(weights: Tensor, bins: Tensor) -> Tensor:
    """Mean of a (..., Q) distribution over (Q, 2) ab: (..., 2)."""
    # Multiplied from this side: the other way takes five times as long.
    means = bins.T.contiguous() @ weights.flatten(0, -2).T
    return means.T.reshape(*weights.shape[:-1], 2)


def raised(ab: Tensor, gain: float) -> Tensor:
    """Move (..., 2, h, w) ab away from their mean over the picture, ``gain`` times as far.

    Means of what is likely are paler than photos because they differ less from place to place. The
    picture's own mean is not too pale: raising it as well would only strengthen a cast.

    Along the hue of that mean nothing crosses grey, or a white dog on a lawn would turn lilac; what
    is of the opposite hue is moved away from grey instead. Across it, by the perpendicular part of
    ab, colours are moved ``ACROSS`` as much.
    """
    mean = ab.mean((-2, -1), keepdim=True)
    cast = torch.linalg.vector_norm(mean, dim=-3, keepdim=True)
    hue = mean / cast.clamp_min(1e-6)
    along = (ab * hue).sum(-3, keepdim=True)
    across = ab - along * hue
    moved = torch.where(along < 0, gain * along, torch.lerp(cast, along, gain).clamp_min(0))
    out: Tensor = moved * hue + (1 + ACROSS * (gain - 1)) * across
    return out


def confidence(weights: Tensor) -> Tensor:
    """How sure a (..., Q) distribution is: (...) in [0, 1], 1 - entropy / log Q."""
    # Not entr: its logarithm takes one number at a time.
    entropy = -weights.clamp_min(1e-30).log_().mul_(weights).sum(dim=-1)
    sure: Tensor = (1 - entropy / math.log(weights.shape[-1])).clamp(0, 1)
    return sure


def build_colorizer(config: ColorizerConfig) -> Colorizer:
    """Build the network with random weights; ``models.networks.checkpoint`` fills them."""
    return Colorizer(config, build_encoder())


def build_encoder() -> EfficientNetLite0:
    """Build the EfficientNet-lite0 trunk that returns its features at strides 4, 8, 16 and 32."""
    return EfficientNetLite0()


def double(features: Tensor) -> Tensor:
    """Bring (N, C, H, W) to twice its height and width, bilinearly."""
    return F.interpolate(features, scale_factor=2, mode="bilinear", align_corners=False)
