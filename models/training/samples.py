"""Training samples: a random crop, what is said about it, and now and then its palette."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset

from models.color.lab import linearise, srgb_to_lab
from models.guidance.color_words import without_colors
from models.guidance.condition import AB_SCALE
from models.networks.colorizer import PALETTE_SIZE, STRIDES
from models.photos import Photo
from models.training.color_naming import only_color_word
from models.training.tones import tone_words

FloatArray = NDArray[np.float32]


# Weights of linear red, green and blue: blue-sensitive plates (until about 1907), orthochromatic
# (until the 1930s), panchromatic, panchromatic behind a red filter.
EMULSIONS = ((0.0, 0.1, 0.9), (0.05, 0.5, 0.45), (0.3, 0.6, 0.1), (0.75, 0.2, 0.05))


@dataclass(frozen=True, slots=True)
class SampleOptions:
    """How samples are made; every ``p_`` is a probability.

    ``p_scene`` is how often a caption loses its colours: always for a colorizer with a grounder,
    which is given descriptions without them.
    """

    side: int = 160
    min_area: float = 0.3
    p_unguided: float = 0.3
    p_scene: float = 0.5
    p_color_caption: float = 0.3
    p_tone: float = 0.1
    p_palette: float = 0.2
    p_old: float = 0.3


class Sample(NamedTuple):
    """Lightness (1, S, S), target ab (2, S/4, S/4), a palette (P, 3) and the text, if any."""

    key: str
    lightness: Tensor
    ab: Tensor
    palette: Tensor
    text: str | None


class Batch(NamedTuple):
    """Samples stacked."""

    keys: list[str]
    lightness: Tensor
    ab: Tensor
    palettes: Tensor
    texts: list[str | None]


class Samples(IterableDataset[Sample]):
    """An endless stream of samples from photos in memory."""

    def __init__(self, photos: Sequence[Photo], options: SampleOptions, *, seed: int) -> None:
        super().__init__()
        self.photos = photos
        self.options = options
        self.seed = seed

    def __iter__(self) -> Iterator[Sample]:
        worker = torch.utils.data.get_worker_info()
        cv2.setNumThreads(0)
        generator = np.random.default_rng((self.seed, worker.id if worker else 0))
        while True:
            for i in generator.permutation(len(self.photos)):
                yield make_sample(self.photos[i], self.options, generator)


def make_sample(photo: Photo, options: SampleOptions, generator: np.random.Generator) -> Sample:
    """Make one sample of a photo."""
    rgb = random_crop(photo.pixels, options, generator)
    lab = srgb_to_lab(rgb.astype(np.float32) / 255)
    lightness, ab = lab[..., 0], lab[..., 1:]
    text = None
    if photo.captions and generator.random() >= options.p_unguided:
        text = choose_caption(photo.captions, options, generator)
        if generator.random() < options.p_scene:
            text = without_colors(text)
        if generator.random() < options.p_tone and (tone := tone_words(ab, generator)):
            text = tone if generator.random() < 0.3 else f"{text}, {tone}"
    target = _target(ab)
    palette = torch.zeros(PALETTE_SIZE, 3)
    if generator.random() < options.p_palette:
        palette = choose_palette(target, generator)
    if generator.random() < options.p_old:
        lightness = age(lightness, generator)
    return Sample(
        photo.key,
        torch.from_numpy(np.ascontiguousarray(lightness, np.float32))[None],
        target,
        palette,
        text or None,
    )


def choose_palette(ab: Tensor, generator: np.random.Generator) -> Tensor:
    """Sum up (2, h, w) ab in one to six colours: (P, 3), scaled ab and weights that sum to one.

    Half of the palettes have equal weights, as people give them.
    """
    pixels = ab.flatten(1).T.contiguous().numpy()
    count = int(generator.integers(1, PALETTE_SIZE + 1))
    stop = (cv2.TERM_CRITERIA_MAX_ITER | cv2.TERM_CRITERIA_EPS, 10, 0.5)
    cv2.setRNGSeed(int(generator.integers(2**31)))
    _, labels, centres = cv2.kmeans(
        pixels, count, np.empty(0, np.int32), stop, 1, cv2.KMEANS_PP_CENTERS
    )
    weights = np.bincount(labels[:, 0], minlength=count) / len(pixels)
    if generator.random() < 0.5:
        weights = np.full(count, 1 / count)
    palette = np.zeros((PALETTE_SIZE, 3), np.float32)
    palette[:count] = np.column_stack([centres / AB_SCALE, weights])
    return torch.from_numpy(palette)


def _target(plane: FloatArray) -> Tensor:
    """Shrink (S, S) or (S, S, C) to the chroma grid, channels first."""
    scale = 1 / STRIDES[0]
    small = cv2.resize(plane, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    small = small.transpose(2, 0, 1) if small.ndim == 3 else small
    return torch.from_numpy(np.ascontiguousarray(small, np.float32))


def choose_caption(
    captions: Sequence[str], options: SampleOptions, generator: np.random.Generator
) -> str:
    """Choose a caption; now and then only among those with one colour word."""
    colored = [caption for caption in captions if only_color_word(caption)]
    pool = colored if colored and generator.random() < options.p_color_caption else captions
    return pool[int(generator.integers(len(pool)))]


def random_crop(
    pixels: NDArray[np.uint8], options: SampleOptions, generator: np.random.Generator
) -> NDArray[np.uint8]:
    """Cut out a part of random size, place and shape, and flip half of them."""
    height, width = pixels.shape[:2]
    area = generator.uniform(options.min_area, 1.0) * height * width
    shape = np.exp(generator.uniform(-0.25, 0.25)) * width / height
    h = int(min(height, max(16, round(np.sqrt(area / shape)))))
    w = int(min(width, max(16, round(np.sqrt(area * shape)))))
    y, x = generator.integers(height - h + 1), generator.integers(width - w + 1)
    crop = pixels[y : y + h, x : x + w]
    if generator.random() < 0.5:
        crop = crop[:, ::-1]
    size = (options.side, options.side)
    resized = cv2.resize(np.ascontiguousarray(crop), size, interpolation=cv2.INTER_AREA)
    return np.asarray(resized, np.uint8)


def emulsion_lightness(rgb: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Return the lightness in [0, 100] of (H, W, 3) sRGB in [0, 1] as an old emulsion saw it."""
    weights = np.asarray(EMULSIONS[int(generator.integers(len(EMULSIONS)))], np.float32)
    weights = weights + generator.uniform(0, 0.08, 3).astype(np.float32)
    y = linearise(rgb) @ (weights / weights.sum())
    f = np.where(y > 216 / 24389, np.cbrt(y), (24389 / 27 * y + 16) / 116)
    return np.asarray((116 * f - 16).clip(0, 100), np.float32)


def age(lightness: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Make lightness look as scans of old photographs do: tone curve, softness, grain."""
    gamma = np.exp(generator.uniform(-0.4, 0.4))
    low, high = generator.uniform(0, 12), generator.uniform(88, 100)
    aged = low + (high - low) * (lightness / 100).clip(0, 1) ** gamma
    if generator.random() < 0.4:
        aged = cv2.GaussianBlur(aged, (0, 0), generator.uniform(0.4, 1.2))
    if generator.random() < 0.4:
        aged = aged + generator.normal(0, generator.uniform(0.5, 4), aged.shape)
    return np.asarray(aged.clip(0, 100), np.float32)


def collate(samples: Sequence[Sample]) -> Batch:
    """Stack samples into a batch."""
    return Batch(
        [s.key for s in samples],
        torch.stack([s.lightness for s in samples]),
        torch.stack([s.ab for s in samples]),
        torch.stack([s.palette for s in samples]),
        [s.text for s in samples],
    )
