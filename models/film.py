"""FiLM: features modulated by a condition vector (Perez et al. 2018, arXiv:1709.07871).

Spatial FiLM is the same with a gamma and a beta for every position: each position attends to the
words of the description, or to none of them, and what it reads there modulates its features.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

HEADS = 4
HEAD_WIDTH = 32
READ_WIDTH = HEADS * HEAD_WIDTH


@dataclass(frozen=True, slots=True)
class Words:
    """Descriptions word piece by word piece.

    ``tokens`` is (N, T, W), each piece in its context; ``known`` is (N, T) bool, False for padding.
    """

    tokens: Tensor
    known: Tensor


@dataclass(frozen=True, slots=True)
class Reading:
    """What each position read in the words, (N, width, H, W), and where: (N, T, H, W) shares."""

    read: Tensor
    attention: Tensor


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

    def forward(self, features: Tensor, condition: Tensor, local: Tensor | None = None) -> Tensor:
        """Modulate (N, C, H, W) features by (N, condition_width) conditions.

        ``local`` is (N, 2 C, H, W): what words add to gamma and beta, position by position.
        """
        gamma_beta = self.to_gamma_beta(condition)[:, :, None, None]
        if local is not None:
            gamma_beta = gamma_beta + local
        gamma, beta = gamma_beta.chunk(2, dim=1)
        return torch.addcmul(beta, features, 1 + gamma)


class WordAttention(nn.Module):
    """What each position reads in the words of a description (Vaswani et al. 2017).

    A position may attend to nothing, which reads as zero, so that words leave alone what they do
    not speak of.
    """

    def __init__(self, channels: int, token_width: int) -> None:
        super().__init__()
        width = READ_WIDTH
        self.query = nn.Sequential(
            nn.Conv2d(channels, width, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 1),
        )
        self.read = nn.LayerNorm(token_width)
        self.key = nn.Linear(token_width, width)
        self.value = nn.Linear(token_width, width)
        self.nothing = nn.Parameter(torch.zeros(HEADS, HEAD_WIDTH))

    def forward(self, features: Tensor, words: Words) -> tuple[Tensor, Tensor]:
        """Return (N, width, H, W) read and (N, T, H, W) attention, the mean over the heads."""
        n, _, h, w = features.shape
        tokens = self.read(words.tokens)
        query = self.query(features).reshape(n, HEADS, HEAD_WIDTH, h * w)
        key = self.key(tokens).reshape(n, -1, HEADS, HEAD_WIDTH)
        value = self.value(tokens).reshape(n, -1, HEADS, HEAD_WIDTH)
        scores = torch.einsum("nhdp,nthd->nhpt", query, key) / HEAD_WIDTH**0.5
        scores = scores.float().masked_fill(~words.known[:, None, None], float("-inf"))
        none = torch.einsum("nhdp,hd->nhp", query, self.nothing.to(query.dtype))
        none = none.float()[..., None] / HEAD_WIDTH**0.5
        shares = torch.softmax(torch.cat([none, scores], -1), -1)[..., 1:]
        read = torch.einsum("nhpt,nthd->nhdp", shares.to(value.dtype), value)
        attention = shares.mean(1).transpose(1, 2).reshape(n, -1, h, w)
        return read.reshape(n, -1, h, w), attention


class FiLMBlock(nn.Module):
    """Two convolutions, each normalised, modulated and rectified, with a shortcut.

    With a ``token_width`` the words of a description modulate them as well.
    """

    def __init__(
        self, condition_width: int, channels_in: int, channels: int, *, token_width: int = 0
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.film1 = FiLM(condition_width, channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.film2 = FiLM(condition_width, channels)
        self.words: WordAttention | None = None
        if token_width:
            self.words = WordAttention(channels_in, token_width)
            self.to_local = nn.Conv2d(READ_WIDTH, 4 * channels, 1, bias=False)
            nn.init.zeros_(self.to_local.weight)

    def forward(
        self, features: Tensor, condition: Tensor, words: Words | None = None
    ) -> tuple[Tensor, Reading | None]:
        """Map (N, channels_in, H, W) to (N, channels, H, W), and say what was read where."""
        local1 = local2 = reading = None
        if self.words is not None and words is not None:
            reading = Reading(*self.words(features, words))
            local1, local2 = self.to_local(reading.read).chunk(2, dim=1)
        first = torch.relu(self.film1(self.norm1(self.conv1(features)), condition, local1))
        second = self.film2(self.norm2(self.conv2(first)), condition, local2)
        return torch.relu(first + second), reading
