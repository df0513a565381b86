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
    p_unguided: float = 0.15
    p_color_caption: float = 0.7
    p_recolor: float = 0.8
    p_tone: float = 0.1
    p_hints: float = 0.4
    p_carried: float = 0.3
    p_turn: float = 0.6
    mean_hints: float = 10.0
    p_old: float = 0.4


class Before(NamedTuple):
    """What a recoloured sample was: ab (2, S/4, S/4), its caption, and what was turned where.

    ``area`` is (S/4, S/4) in [0, 1]; ``words`` are the colour words before and after.
    """

    ab: Tensor
    text: str
    area: Tensor
    words: tuple[str, str]


class Sample(NamedTuple):
    """Lightness (1, S, S), target ab (2, S/4, S/4), hints (3, S, S) and the text, if any."""

    key: str
    lightness: Tensor
    ab: Tensor
    hints: Tensor
    text: str | None
    before: Before | None


class Batch(NamedTuple):
    """Samples stacked; ``before`` has an entry for each, None where nothing was recoloured."""

    keys: list[str]
    lightness: Tensor
    ab: Tensor
    hints: Tensor
    texts: list[str | None]
    before: list[Before | None]


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
                other = self.photos[int(generator.integers(len(self.photos)))]
                yield make_sample(self.photos[i], self.options, generator, other=other)


def make_sample(
    photo: Photo,
    options: SampleOptions,
    generator: np.random.Generator,
    *,
    other: Photo | None = None,
) -> Sample:
    """Make one sample of a photo; ``other`` is where wrongly carried colours come from."""
    rgb = random_crop(photo.pixels, options, generator)
    lab = srgb_to_lab(rgb.astype(np.float32) / 255)
    lightness, ab = lab[..., 0], lab[..., 1:]
    text = recoloring = before = None
    # Decided first: a recoloured photo without its caption would teach the null path nonsense.
    if photo.captions and generator.random() >= options.p_unguided:
        text = choose_caption(photo.captions, options, generator)
        if generator.random() < options.p_recolor:
            recoloring = recolor_caption(text, ab, generator)
        plain = recoloring is None and generator.random() < options.p_tone
        if plain and (tone := tone_words(ab, generator)):
            text = tone if generator.random() < 0.3 else f"{text}, {tone}"
    if recoloring is not None and text is not None:
        before = Before(
            _target(ab),
            text,
            _target(recoloring.area),
            (recoloring.word, recoloring.other),
        )
        text, ab = recoloring.caption, recoloring.ab
    hints = no_hints(ab)
    if recoloring is None and generator.random() < options.p_hints:
        if other is not None and generator.random() < options.p_carried:
            wrong = srgb_to_lab(random_crop(other.pixels, options, generator) / np.float32(255))
            hints = carried_hints(ab, wrong[..., 1:], generator)
        else:
            area = None
            may_turn = text is None or not names_a_color(text)
            if may_turn and generator.random() < options.p_turn:
                turned = recolor_anything(ab, generator)
                if turned is not None:
                    ab, area = turned
            hints = random_hints(ab, options, generator, on=area)
    if generator.random() < options.p_old:
        lightness = age(lightness, generator)
    return Sample(
        photo.key,
        torch.from_numpy(np.ascontiguousarray(lightness, np.float32))[None],
        _target(ab),
        torch.from_numpy(hints),
        text,
        before,
    )


def _target(plane: FloatArray) -> Tensor:
    """Shrink (S, S) or (S, S, C) to the chroma grid, channels first."""
    scale = 1 / STRIDES[0]
    small = cv2.resize(plane, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    small = small.transpose(2, 0, 1) if small.ndim == 3 else small
    return torch.from_numpy(np.ascontiguousarray(small, np.float32))


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


def carried_hints(ab: FloatArray, wrong: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Imitate colours carried over from a reference: (3, S, S), dense, of mixed confidence.

    The confidence of a cell is the probability that its colour is right: where chance says
    otherwise it is that of ``wrong``, another picture's ab. Right colours are a little shifted and
    soft, as matches are.
    """
    side = ab.shape[0]
    cells = side // 8
    level, spread = generator.uniform(-1.5, 2.5), generator.uniform(0.2, 2.0)
    noise = cv2.GaussianBlur(generator.normal(0, 3, (cells, cells)), (0, 0), 1.0)
    sure = 1 / (1 + np.exp(-(level + spread * noise)))
    if generator.random() < 0.3:  # parts of the picture have no match at all
        sure = sure * (cv2.resize(generator.uniform(-1, 1, (3, 3)), (cells, cells)) > 0)
    right = generator.random((cells, cells)) < sure
    offset = generator.normal(0, generator.uniform(0, 4), 2)
    shift = np.array([[1, 0, offset[0]], [0, 1, offset[1]]])
    moved = cv2.warpAffine(ab, shift, (side, side), borderMode=cv2.BORDER_REFLECT)
    size = (cells, cells)
    near, far = (cv2.resize(p, size, interpolation=cv2.INTER_AREA) for p in (moved, wrong))
    carried = np.where(right[..., None], near, far)
    values = np.dstack([carried / AB_SCALE, sure]) * (sure > 0.02)[..., None]
    full = cv2.resize(values, (side, side), interpolation=cv2.INTER_NEAREST)
    return np.ascontiguousarray(full.transpose(2, 0, 1), np.float32)


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
        torch.stack([s.hints for s in samples]),
        [s.text for s in samples],
        [s.before for s in samples],
    )
