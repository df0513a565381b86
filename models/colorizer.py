"""The colorizer: a U-Net on EfficientNet-lite0 features, every decoder block modulated by FiLM.

lightness -> encoder (strides 4, 8, 16, 32)
condition = text or image embedding, or the learned null, + what the whole picture shows
words = the word pieces of a description, read by each position (spatial FiLM, strides 16 and 8);
        what is read at stride 8 also speaks for colours directly, so that a colour named is given
decoder: 32 -> 16 -> 8 -> 4, at every stride (skip, hints at that stride, FiLM)
-> a distribution over quantised ab at stride 4 -> annealed mean (Zhang et al. 2016)
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.film import READ_WIDTH, FiLMBlock, Words

ENCODER = "tf_efficientnet_lite0"
ENCODER_CHANNELS = (24, 40, 112, 320)
STRIDES = (4, 8, 16, 32)
AB_SCALE = 25.0  # hints are fed divided by this, so that they are as large as features are
HINT_CHANNELS = 3


@dataclass(frozen=True, slots=True)
class ColorizerConfig:
    """Everything needed to build the network again and to read its answer.

    ``bins`` are the ab centres (Q of them); ``temperature`` sharpens the distribution before its
    mean is taken (below 1) or keeps it (1); ``chroma_gain`` makes up for the paleness of a mean,
    ``described_gain`` does where there is a description; ``guidance`` is how far a description at
    full strength moves the logits from the unguided ones to the guided ones, or beyond (1);
    ``clip`` names the CLIP model whose embeddings it was trained on; ``token_width`` is the width
    of its word pieces, 0 for a network that reads descriptions as one vector only.
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
    token_width: int = 0


class Colorizer(nn.Module):
    """Predict a distribution over ab for every cell of a grid with stride 4."""

    bins: Tensor

    def __init__(self, config: ColorizerConfig, encoder: nn.Module) -> None:
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
        self.read_picture = nn.Linear(ENCODER_CHANNELS[-1], width)
        self.condition_norm = nn.LayerNorm(width)
        w4, w8, w16, w32 = config.widths
        c4, c8, c16, c32 = ENCODER_CHANNELS
        # Narrowed before they are enlarged: half the work of the blocks that follow.
        self.up32, self.up16, self.up8 = (_narrow(w) for w in (w32, w16, w8))
        self.block32 = FiLMBlock(width, c32 + HINT_CHANNELS, w32)
        own = config.token_width
        self.block16 = FiLMBlock(width, w32 // 2 + c16 + HINT_CHANNELS, w16, token_width=own)
        self.block8 = FiLMBlock(width, w16 // 2 + c8 + HINT_CHANNELS, w8, token_width=own)
        self.block4 = FiLMBlock(width, w8 // 2 + c4 + HINT_CHANNELS, w4)
        self.head = nn.Conv2d(w4, len(config.bins), 1)
        if own:
            self.name_colors = nn.Conv2d(READ_WIDTH, len(config.bins), 1, bias=False)
            nn.init.zeros_(self.name_colors.weight)

    def encode(self, lightness: Tensor) -> list[Tensor]:
        """Turn (N, 1, H, W) lightness in [0, 100], sides divisible by 32, into four features."""
        grey = (lightness / 50.0 - 1.0).expand(-1, 3, -1, -1)  # the encoder's own mean and spread
        features: list[Tensor] = self.encoder(grey)
        return features

    def condition(self, features: list[Tensor], embedding: Tensor) -> Tensor:
        """Join an (N, embedding_width) vector with what the picture shows: (N, condition_width)."""
        unit = F.normalize(embedding, dim=-1) * self.config.embedding_width**0.5
        picture = self.read_picture(features[-1].mean(dim=(2, 3)))
        joined: Tensor = self.condition_norm(self.read_embedding(unit) + picture)
        return joined

    def decode(
        self,
        features: list[Tensor],
        condition: Tensor,
        hints: Tensor | None,
        words: Words | None = None,
    ) -> Tensor:
        """Return (N, Q, H/4, W/4) logits.

        ``hints`` is (N, 3, H, W): ab / AB_SCALE where known, then the confidence; None means none.
        """
        return self.decode_attending(features, condition, hints, words)[0]

    def decode_attending(
        self,
        features: list[Tensor],
        condition: Tensor,
        hints: Tensor | None,
        words: Words | None,
    ) -> tuple[Tensor, list[Tensor]]:
        """Return the logits, and at strides 16 and 8 where each word is read, (N, T, h, w)."""
        f4, f8, f16, f32 = features
        h4, h8, h16, h32 = hint_pyramid(hints, features)
        x, _ = self.block32(torch.cat([f32, h32], 1), condition)
        x, r16 = self.block16(torch.cat([_double(self.up32(x)), f16, h16], 1), condition, words)
        x, r8 = self.block8(torch.cat([_double(self.up16(x)), f8, h8], 1), condition, words)
        x, _ = self.block4(torch.cat([_double(self.up8(x)), f4, h4], 1), condition)
        logits: Tensor = self.head(x)
        if r16 is None or r8 is None:
            return logits, []
        return logits + _double(self.name_colors(r8.read)), [r16.attention, r8.attention]

    def forward(
        self,
        lightness: Tensor,
        embedding: Tensor,
        hints: Tensor | None = None,
        words: Words | None = None,
    ) -> Tensor:
        """Return logits from lightness (N, 1, H, W), embeddings (N, D) and hints (N, 3, H, W)."""
        features = self.encode(lightness)
        return self.decode(features, self.condition(features, embedding), hints, words)


def hint_pyramid(hints: Tensor | None, features: list[Tensor]) -> list[Tensor]:
    """Bring hints to every stride: ab averaged by confidence, the largest confidence kept."""
    if hints is None:
        return [f.new_zeros(f.shape[0], HINT_CHANNELS, *f.shape[2:]) for f in features]
    ab, confidence = hints[:, :2] * hints[:, 2:], hints[:, 2:]
    levels = []
    for stride in STRIDES:
        weight = F.avg_pool2d(confidence, stride)
        mean = F.avg_pool2d(ab, stride) / weight.clamp_min(1e-6)
        levels.append(torch.cat([mean, F.max_pool2d(confidence, stride)], 1))
    return levels


def annealed_mean(logits: Tensor, bins: Tensor, *, temperature: float) -> Tensor:
    """Mean of the sharpened distribution, (N, Q, h, w) -> (N, 2, h, w) ab (Zhang et al. 2016)."""
    weights = torch.softmax(logits / temperature, dim=1)
    return torch.einsum("nqhw,qc->nchw", weights, bins)


def confidence(logits: Tensor) -> Tensor:
    """How sure the network is, (N, Q, h, w) -> (N, h, w) in [0, 1]: 1 - entropy / log Q."""
    log_weights = torch.log_softmax(logits, dim=1)
    entropy = -(log_weights.exp() * log_weights).sum(dim=1)
    sure: Tensor = (1 - entropy / torch.log(torch.tensor(float(logits.shape[1])))).clamp(0, 1)
    return sure


def build_colorizer(config: ColorizerConfig) -> Colorizer:
    """Build the network with random weights; ``models.checkpoint`` fills them."""
    return Colorizer(config, build_encoder())


def build_encoder() -> nn.Module:
    """Build the EfficientNet-lite0 trunk that returns its features at strides 4, 8, 16 and 32."""
    from models.clip import declare_torchvision_operators

    declare_torchvision_operators()
    import timm

    encoder: nn.Module = timm.create_model(ENCODER, features_only=True, out_indices=(1, 2, 3, 4))
    return encoder


def _narrow(channels: int) -> nn.Module:
    return nn.Conv2d(channels, channels // 2, 1)


def _double(features: Tensor) -> Tensor:
    return F.interpolate(features, scale_factor=2, mode="bilinear", align_corners=False)
