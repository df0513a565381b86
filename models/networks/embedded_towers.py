"""The embedded CLIP pair: EfficientNet-lite0 and MiniLM, each with a linear projection.

Parts are named as open_clip names them, so that weights trained with it load as they are.
"""

from __future__ import annotations

import math
from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.networks.efficientnet import HEAD, PooledEfficientNetLite0
from models.networks.minilm import WIDTH, MiniLm

IMAGE_SIZE = 192  # pixels a side
TEMPERATURE = 0.07  # that training begins with (Radford et al. 2021)


class ImageTower(nn.Module):
    """(N, 3, H, W) photos -> (N, 384)."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = PooledEfficientNetLite0()
        self.head = nn.Sequential(OrderedDict(proj=nn.Linear(HEAD, WIDTH, bias=False)))

    def forward(self, photos: Tensor) -> Tensor:
        projected: Tensor = self.head(self.trunk(photos))
        return projected


class TextTower(nn.Module):
    """Word pieces in their context, and the projection of their mean."""

    def __init__(self) -> None:
        super().__init__()
        self.transformer = MiniLm()
        self.proj = nn.Linear(WIDTH, WIDTH, bias=False)

    def pooled(self, pieces: Tensor, known: Tensor) -> Tensor:
        """Average (N, T, 384) over the (N, T) pieces that are known, and project: unit vectors."""
        mean = (pieces * known[..., None]).sum(1) / known.sum(1, keepdim=True)
        return F.normalize(self.proj(mean), dim=-1)


class EmbeddedTowers(nn.Module):
    """Both towers."""

    def __init__(self) -> None:
        super().__init__()
        self.visual = ImageTower()
        self.text = TextTower()
        self.logit_scale = nn.Parameter(torch.tensor(-math.log(TEMPERATURE)))

    def encode_image(self, photos: Tensor, normalize: bool = False) -> Tensor:
        """Embed photos, (N, 384)."""
        vectors: Tensor = self.visual(photos)
        return F.normalize(vectors, dim=-1) if normalize else vectors
