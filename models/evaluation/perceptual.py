"""LPIPS-alex v0.1 (Zhang et al. 2018, arXiv:1801.03924).

The linear heads come with the package ``lpips``; AlexNet's ImageNet features do not and must be
given as a safetensors file with torchvision's names (``features.0.weight`` ...).
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

_MEAN = (-0.030, -0.088, -0.188)  # LPIPS's own, for pixels in [-1, 1]
_STD = (0.458, 0.448, 0.450)
# Of torchvision's AlexNet: layer, stride, padding, max pooling before it.
_LAYERS = ((0, 4, 2, False), (3, 1, 2, True), (6, 1, 1, True), (8, 1, 1, False), (10, 1, 1, False))


class Lpips:
    """The distance; lower is more alike."""

    def __init__(self, features: Path) -> None:
        spec = find_spec("lpips")
        if spec is None or spec.origin is None:
            raise FileNotFoundError(
                "LPIPS needs the package lpips: pip install 'photochrom[train]'"
            )
        heads = Path(spec.origin).parent / "weights" / "v0.1" / "alex.pth"
        self._features = load_file(features)
        self._heads = list(torch.load(heads, map_location="cpu", weights_only=True).values())

    def __call__(self, original: NDArray[np.uint8], result: NDArray[np.uint8]) -> float:
        """Return the distance between two (H, W, 3) uint8 sRGB pictures."""
        return self.to(original)(result)

    def to(self, original: NDArray[np.uint8]) -> Callable[[NDArray[np.uint8]], float]:
        """Return the distance to one picture as a function of the other: it is read only once."""
        mine = self._read(original)

        @torch.inference_mode()
        def distance(result: NDArray[np.uint8]) -> float:
            pairs = zip(mine, self._read(result), self._heads, strict=True)
            return sum(float(F.conv2d((a - b).square(), head).mean()) for a, b, head in pairs)

        return distance

    @torch.inference_mode()
    def _read(self, picture: NDArray[np.uint8]) -> list[Tensor]:
        """Return the features of each layer, of unit length at every place."""
        pixels = torch.tensor(picture).permute(2, 0, 1)[None] / 127.5 - 1
        x = (pixels - torch.tensor(_MEAN).view(3, 1, 1)) / torch.tensor(_STD).view(3, 1, 1)
        layers = []
        for layer, stride, padding, pool in _LAYERS:
            if pool:
                x = F.max_pool2d(x, 3, 2)
            weight = self._features[f"features.{layer}.weight"]
            x = torch.relu(
                F.conv2d(x, weight, self._features[f"features.{layer}.bias"], stride, padding)
            )
            layers.append(x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10))
        return layers
