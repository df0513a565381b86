"""all-MiniLM-L6-v2, the text tower: a BERT of six layers (arXiv:1810.04805, arXiv:2002.10957).

The names of its parts are transformers', whose import takes seconds, before anything is read.
"""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

VOCABULARY, POSITIONS, KINDS = 30_522, 512, 2
WIDTH, INNER, HEADS, LAYERS = 384, 1536, 12, 6
EPSILON: Final = 1e-12
PADDING: Final = 0  # the id behind a text's end


class Embeddings(nn.Module):
    """What a word piece and its place stand for."""

    def __init__(self) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(VOCABULARY, WIDTH, padding_idx=PADDING)
        self.position_embeddings = nn.Embedding(POSITIONS, WIDTH)
        self.token_type_embeddings = nn.Embedding(KINDS, WIDTH)
        self.LayerNorm = nn.LayerNorm(WIDTH, eps=EPSILON)

    def forward(self, ids: Tensor) -> Tensor:
        places = torch.arange(ids.shape[1], device=ids.device)
        kind = self.token_type_embeddings.weight[0]
        embedded: Tensor = self.LayerNorm(
            self.word_embeddings(ids) + kind + self.position_embeddings(places)
        )
        return embedded


class SelfAttention(nn.Module):
    """Attention of the pieces that are no padding."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))

    def forward(self, x: Tensor, known: Tensor) -> Tensor:
        batch, length, _ = x.shape
        query, key, value = (
            part(x).view(batch, length, HEADS, WIDTH // HEADS).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        mask = known[:, None, None, :]
        read = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return read.transpose(1, 2).reshape(batch, length, WIDTH)


class Added(nn.Module):
    """A linear layer whose output is added to what was there, and normalised."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, WIDTH)
        self.LayerNorm = nn.LayerNorm(WIDTH, eps=EPSILON)

    def forward(self, x: Tensor, before: Tensor) -> Tensor:
        joined: Tensor = self.LayerNorm(self.dense(x) + before)
        return joined


class Attention(nn.Module):
    """Attention, added."""

    def __init__(self) -> None:
        super().__init__()
        self.self = SelfAttention()
        self.output = Added(WIDTH)

    def forward(self, x: Tensor, known: Tensor) -> Tensor:
        attended: Tensor = self.output(self.self(x, known), x)
        return attended


class Intermediate(nn.Module):
    """The wide layer between."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(WIDTH, INNER)

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(self.dense(x))


class Layer(nn.Module):
    """Attention and two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = Attention()
        self.intermediate = Intermediate()
        self.output = Added(INNER)

    def forward(self, x: Tensor, known: Tensor) -> Tensor:
        attended = self.attention(x, known)
        out: Tensor = self.output(self.intermediate(attended), attended)
        return out


class Encoder(nn.Module):
    """The layers, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.ModuleList(Layer() for _ in range(LAYERS))

    def forward(self, x: Tensor, known: Tensor) -> Tensor:
        for layer in self.layer:
            x = layer(x, known)
        return x


class MiniLm(nn.Module):
    """(N, T) ids of word pieces -> (N, T, 384): each piece in its context."""

    def __init__(self) -> None:
        super().__init__()
        self.embeddings = Embeddings()
        self.encoder = Encoder()

    def forward(self, ids: Tensor, known: Tensor) -> Tensor:
        pieces: Tensor = self.encoder(self.embeddings(ids), known)
        return pieces
