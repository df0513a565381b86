"""Views of photos, and what the colorizer's frozen encoder sees in them, worked out once in a run.

The grounder shares the encoder's blocks up to stride 8, which are half of a step's work and never
change. Features lie on disk in half precision, so a run that is started again finds them there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch import Tensor

from models.networks.colorizer import ENCODER_CHANNELS, STRIDES
from models.networks.efficientnet import EfficientNetLite0
from models.networks.grounding import SHARED_BLOCKS
from models.training.region_targets import Target, make_view, random_part
from models.training.regions import RegionPhoto

FloatArray = NDArray[np.float32]
BATCH = 16
LEAST_PART = 0.35  # of a photo in a cropped view
RATES = {  # how often photos with masks are drawn, beside 1 for photos with boxes
    "ccp": 0.8,
    "coco-panoptic": 3.0,
    "coco-stuff": 3.0,
    "stanford-background": 3.0,
    "voc2012": 0.7,
    "lfw-parts": 0.7,
    "camvid": 0.6,
    "facade": 0.5,
    "weizmann-horse": 0.4,
    "person-seg": 0.4,
}
CAPTIONS_ALONE = 0.4


class Views:
    """Views with their features at strides 4 and 8, and how often each is drawn."""

    def __init__(
        self,
        photos: Sequence[RegionPhoto],
        encoder: EfficientNetLite0,
        folder: Path,
        *,
        side: int,
        count: int,
        seed: int,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        names = frozenset(
            {boxes.name for photo in photos for boxes in photo.boxes}
            | {name for photo in photos for name in photo.names}
        )
        grid, total = side // STRIDES[0], count * len(photos)
        shapes = ((ENCODER_CHANNELS[0], grid, grid), (ENCODER_CHANNELS[1], grid // 2, grid // 2))
        files = [folder / f"features-{stride}.npy" for stride in STRIDES[:2]]
        is_done = folder / f"features-{seed}-{side}-{count}-{len(photos)}.done"
        mode = "r" if is_done.exists() else "w+"
        self._features = [
            np.lib.format.open_memmap(file, mode, np.float16, (total, *shape))
            if mode == "w+"
            else np.load(file, mmap_mode="r")
            for file, shape in zip(files, shapes, strict=True)
        ]
        self.targets: list[list[Target]] = []
        self.sources: list[str] = []
        for start in track(range(0, total, BATCH), "views"):
            lightness = []
            for i in range(start, min(start + BATCH, total)):
                photo, number = photos[i % len(photos)], i // len(photos)
                generator = np.random.default_rng((seed, i))
                crop = random_part(
                    photo.pixels.shape[:2],
                    generator,
                    least=LEAST_PART if number else 1.0,
                    is_mirrored=number % 2 == 1,
                )
                plane, targets = make_view(
                    photo, crop, generator, side=side, grid=grid, names=names
                )
                lightness.append(plane)
                self.targets.append(targets)
                self.sources.append(photo.source)
            if mode == "w+":
                for kept, new in zip(
                    self._features, shared_features(encoder, np.stack(lightness)), strict=True
                ):
                    kept[start : start + len(lightness)] = new.numpy()
        is_done.touch()
        rates = np.array([self._rate(i) for i in range(total)])
        self._rates = rates / rates.sum()

    @property
    def names(self) -> frozenset[str]:
        """The names that the views show."""
        return frozenset(target.name for some in self.targets for target in some)

    def _rate(self, i: int) -> float:
        if not self.targets[i]:
            return 0.0
        boxed = any(target.inside is not None for target in self.targets[i])
        return RATES.get(self.sources[i], 1.0 if boxed else CAPTIONS_ALONE)

    def draw(self, size: int, generator: np.random.Generator) -> NDArray[np.intp]:
        """Draw at most so many different views."""
        size = min(size, int(np.count_nonzero(self._rates)))
        return generator.choice(len(self.targets), size, replace=False, p=self._rates)

    def features(self, drawn: NDArray[np.intp]) -> Iterator[Tensor]:
        """Yield the views' features at strides 4 and 8."""
        for kept in self._features:
            rows = np.stack([kept[i] for i in drawn]).astype(np.float32)
            yield torch.from_numpy(rows).contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def shared_features(encoder: EfficientNetLite0, lightness: FloatArray) -> tuple[Tensor, Tensor]:
    """Return an encoder's features at strides 4 and 8 of (N, H, W) lightness in [0, 100]."""
    x = torch.from_numpy(lightness)[:, None] / 50 - 1
    x = x.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
    x = encoder.bn1(encoder.conv_stem(x))
    features = []
    for block in list(encoder.blocks)[:SHARED_BLOCKS]:
        x = block(x)
        features.append(x)
    return features[-2], features[-1]
