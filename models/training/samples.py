"""Training samples: a random crop, what is said about it, and a few hints of its colour."""

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

from models.color import srgb_to_lab
from models.colorizer import AB_SCALE, STRIDES
from models.training.photos import Photo
from models.training.recoloring import (
    names_a_color,
    only_color_word,
    recolor_anything,
    recolor_caption,
)
from models.training.tones import tone_words

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SampleOptions:
    """How samples are made; every ``p_`` is a probability."""

    side: int = 128
    min_area: float = 0.25
    p_unguided: float = 0.1
    p_color_caption: float = 0.3
    p_recolor: float = 0.5
    p_tone: float = 0.2
    p_hints: float = 0.45
    p_turn: float = 0.6
    mean_hints: float = 10.0
    p_old: float = 0.4


class Sample(NamedTuple):
    """Lightness (1, S, S), target ab (2, S/4, S/4), hints (3, S, S) and the text, if any."""

    lightness: Tensor
    ab: Tensor
    hints: Tensor
    text: str | None


Batch = tuple[Tensor, Tensor, Tensor, list[str | None]]


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
    # Decided first: a recoloured photo without its caption would teach the null path nonsense.
    if photo.captions and generator.random() >= options.p_unguided:
        text = choose_caption(photo.captions, options, generator)
        recoloring = None
        if generator.random() < options.p_recolor:
            recoloring = recolor_caption(text, ab, generator)
        if recoloring is not None:
            text, ab = recoloring.caption, recoloring.ab
        elif generator.random() < options.p_tone and (tone := tone_words(ab, generator)):
            text = tone if generator.random() < 0.3 else f"{text}, {tone}"
    area = None
    hinted = generator.random() < options.p_hints
    may_turn = text is None or not names_a_color(text)
    if hinted and may_turn and generator.random() < options.p_turn:
        turned = recolor_anything(ab, generator)
        if turned is not None:
            ab, area = turned
    hints = random_hints(ab, options, generator, on=area) if hinted else no_hints(ab)
    if generator.random() < options.p_old:
        lightness = age(lightness, generator)
    stride = STRIDES[0]
    target = cv2.resize(ab, None, fx=1 / stride, fy=1 / stride, interpolation=cv2.INTER_AREA)
    return Sample(
        torch.from_numpy(np.ascontiguousarray(lightness, np.float32))[None],
        torch.from_numpy(np.ascontiguousarray(target.transpose(2, 0, 1), np.float32)),
        torch.from_numpy(hints),
        text,
    )


def choose_caption(
    captions: Sequence[str], options: SampleOptions, generator: np.random.Generator
) -> str:
    """Choose a caption; now and then only among those that a recolouring could use."""
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


def no_hints(ab: FloatArray) -> FloatArray:
    """Reveal nothing: (3, S, S) of zeros."""
    return np.zeros((3, *ab.shape[:2]), np.float32)


def random_hints(
    ab: FloatArray,
    options: SampleOptions,
    generator: np.random.Generator,
    *,
    on: NDArray[np.bool_] | None = None,
) -> FloatArray:
    """Reveal the mean ab of a few small patches: (3, S, S) of scaled ab and confidence.

    The first patch lies on the area ``on``, where one is given.
    """
    side = ab.shape[0]
    hints = no_hints(ab)
    for i in range(min(int(generator.geometric(1 / options.mean_hints)), 100)):
        size = int(generator.integers(1, 8))
        y, x = generator.integers(0, side - size + 1, 2)
        if i == 0 and on is not None:
            places = np.argwhere(on)
            y, x = np.minimum(places[generator.integers(len(places))], side - size)
        patch = np.s_[y : y + size, x : x + size]
        hints[:2, *patch] = (ab[patch].mean((0, 1)) / AB_SCALE)[:, None, None]
        hints[2, *patch] = 1.0
    return hints


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
    return (
        torch.stack([s.lightness for s in samples]),
        torch.stack([s.ab for s in samples]),
        torch.stack([s.hints for s in samples]),
        [s.text for s in samples],
    )
