"""Train the affinity that spreads a few known colours over a photo: read top to bottom.

    python -m models.training.affinity PHOTOS... --run RUN [--steps 16000]

The colorizer stays as it is: its encoder's features are read, its guess is what is corrected, and
its distribution says how unlikely a known colour is. Of every photo some true colours are revealed,
1 to 100, few as often as many; the others, corrected by kriging, are to be right. In many photos
one thing is turned to another hue or to grey first, and one of the revealed colours, often the only
one, lies on it: that is what a person does with a dab, and nothing else is to follow.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import click
import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from models.color.lab import srgb_to_lab
from models.guidance.kriging import UNIT, expected_errors, take_apart, unlikely
from models.networks.affinity import Affinity, AffinityConfig, load_affinity
from models.networks.checkpoint import encoder_digest, save_checkpoint
from models.networks.colorizer import Colorizer, annealed_mean, raised
from models.networks.loading import load_colorizer
from models.photos import Photo, read_photos, square
from models.training.averaging import halved
from models.training.color_naming import HUES, WORDS, word_area
from models.training.loop import Falling, Loop
from models.training.losses import LEAST_ERROR

FloatArray = NDArray[np.float32]

SIDE = 224
COVERAGE = (0.01, 0.55)  # share of the picture that is turned to another hue or to grey
GREYED = 0.35  # of what is turned loses its colour


@dataclass(frozen=True, slots=True)
class AffinityOptions:
    """Everything that decides how a run goes, besides the photos.

    ``caution`` is how many times the learned doubt is taken in the end: a little accuracy is given
    up for random true colours, so that a wish for one thing moves the others less.
    """

    steps: int = 16000
    batch: int = 8
    most: int = 100
    asked: int = 250
    turned: float = 0.6
    caution: float = 1.3
    rate: float = 2.5e-3
    weight_decay: float = 0.02
    seed: int = 0


class Encoded(NamedTuple):
    """Photos as the networks see them, half precision.

    ``features`` are the encoder's; ``lightness`` is (N, h, w), ``ab`` and ``guess`` (N, 2, h, w)
    at stride 4, the guess without the gain that makes it as colourful as photos are; ``decoded``
    (N, C, h, w) is what the colorizer's head turns into a distribution.
    """

    features: list[Tensor]
    lightness: Tensor
    ab: Tensor
    guess: Tensor
    decoded: Tensor

    def pick(self, rows: Sequence[int], *, mirrored: bool = False) -> Encoded:
        """Choose photos, in single precision."""
        planes = [p[rows].float() for p in (*self.features, *self[1:])]
        if mirrored:
            planes = [p.flip(-1) for p in planes]
        count = len(self.features)
        return Encoded(planes[:count], *planes[count:])


@torch.inference_mode()
def encode(colorizer: Colorizer, photos: Sequence[Photo]) -> Encoded:
    """Run the frozen colorizer over photos, which are squeezed to squares."""
    planes: list[list[Tensor]] = []
    for photo in photos:
        lab = torch.from_numpy(srgb_to_lab(square(photo, SIDE).astype(np.float32) / 255))
        lab = lab.permute(2, 0, 1)[None]
        features = colorizer.encode(lab[:, :1].contiguous())
        decoded = colorizer.decoder(features, colorizer.condition(features, colorizer.null[None]))
        logits = colorizer.head(decoded)
        guess = annealed_mean(logits, colorizer.bins, temperature=colorizer.config.temperature)
        small = F.avg_pool2d(lab, 4)
        planes.append([p.half() for p in (*features, small[:, 0], small[:, 1:], guess, decoded)])
    *features, lightness, ab, guess, decoded = (
        torch.cat(list(p)) for p in zip(*planes, strict=True)
    )
    return Encoded(features, lightness, ab, guess, decoded)


def train(
    photos: Encoded, model: Affinity, colorizer: Colorizer, *, options: AffinityOptions
) -> float:
    """Train the model of a colorizer; return the mean loss of the last hundred steps."""
    torch.manual_seed(options.seed)
    generator = np.random.default_rng(options.seed)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=options.rate, weight_decay=options.weight_decay
    )
    loop = Loop(model, optimiser, Falling(30), steps=options.steps, log_every=50)
    losses: deque[float] = deque(maxlen=100)
    for _ in loop:
        rows = generator.permutation(len(photos.ab))[: options.batch].tolist()
        batch = photos.pick(rows, mirrored=bool(generator.random() < 0.5))
        # Other weights guess paler or more vividly.
        gain = colorizer.config.chroma_gain * float(generator.uniform(0.7, 1.15))
        vivid = batch._replace(guess=raised(batch.guess, gain))
        loss = loss_of(model.train(), vivid, colorizer, options, generator)
        losses.append(loop.learn(loss=loss))
    _doubt(model, options.caution)
    return float(np.mean(losses))


@torch.no_grad()
def _doubt(model: Affinity, times: float) -> None:
    """Take what the model doubts so many times."""
    assert model.write.bias is not None
    model.write.bias[-3:] += float(np.log(times))  # the doubts' logarithms


def loss_of(
    model: Affinity,
    batch: Encoded,
    colorizer: Colorizer,
    options: AffinityOptions,
    generator: np.random.Generator,
) -> Tensor:
    """Reveal some colours of each photo; mean log of the squared error of others, as PSNR counts.

    The logarithm lets photos that are guessed well matter as much as the others.
    """
    size = batch.lightness[0].numel()
    truths, chosen = [], []
    for ab in batch.ab:
        truth = ab.permute(1, 2, 0)
        cells = generator.permutation(size)[: options.most + options.asked]
        turned = None
        if generator.random() < options.turned:
            turned = turn_something(truth.numpy(), generator)
        if turned is not None:
            truth = torch.from_numpy(turned[0])
            inside = np.flatnonzero(turned[1])
            cells[0] = inside[int(generator.integers(len(inside)))]
            # What the thing itself is filled with is decided by its edges, not here.
            outside = np.flatnonzero(~turned[1])
            cells[options.most :] = generator.permutation(outside)[: options.asked]
        truths.append((truth.reshape(-1, 2), turned is not None))
        chosen.append(cells)
    numbers = torch.from_numpy(np.stack(chosen))
    descriptors = model(batch.features, batch.lightness, numbers)
    losses = []
    for (truth, is_turned), guess, decoded, cells, described in zip(
        truths, batch.guess, batch.decoded, numbers, descriptors, strict=True
    ):
        guessed = guess.flatten(1).T[cells] / UNIT
        wrong = truth[cells] / UNIT - guessed
        revealed = int(np.exp(generator.uniform(0, np.log(options.most))) + 0.5)
        if is_turned and generator.random() < 0.5:
            revealed = 1
        asked = slice(options.most, None)
        known = cells[:revealed]
        logits = colorizer.head(decoded.flatten(1)[:, known][None, ..., None])[0, ..., 0].T
        odd = unlikely(logits.softmax(1), colorizer.bins, truth[known])
        error = wrong[asked] - expected_errors(
            take_apart(described[:revealed], guessed[:revealed]),
            wrong[:revealed],
            odd,
            take_apart(described[asked], guessed[asked]),
        )
        losses.append(((UNIT * error).square().sum(1).mean() + LEAST_ERROR).log())
    return torch.stack(losses).mean()


def turn_something(
    ab: FloatArray, generator: np.random.Generator
) -> tuple[FloatArray, NDArray[np.bool_]] | None:
    """Turn one hue of (h, w, 2) ab to another or to a grey: the new ab and where.

    None if the picture has too little of it, or too much.
    """
    word, other = (WORDS[int(i)] for i in generator.choice(len(WORDS), 2, replace=False))
    area = word_area(ab, word)
    if not COVERAGE[0] <= area.mean() <= COVERAGE[1]:
        return None
    angle = np.radians(HUES[other] + generator.uniform(-10, 10))
    chroma = np.maximum(np.linalg.norm(ab, axis=2), generator.uniform(25, 45))
    if generator.random() < GREYED:
        chroma = np.full_like(chroma, generator.uniform(0, 8))
    turned = chroma[..., None] * np.array([np.cos(angle), np.sin(angle)])
    return np.where(area[..., None], turned, ab).astype(np.float32), area


@click.command()
@click.argument("shards", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--run", type=click.Path(path_type=Path), default=Path("runs/affinity"))
@click.option("--steps", type=click.IntRange(1), default=16000, show_default=True)
@click.option("--weights", type=click.Path(path_type=Path), help="Colorizer whose encoder is read.")
@click.option("--start", type=click.Path(path_type=Path), help="Affinity to begin with.")
@click.option("--photos", "most", default=2400, show_default=True, help="Use at most so many.")
@click.option("--hold-out", default=42, show_default=True, help="Hold out one photo in so many.")
@click.option("--seed", default=0, show_default=True)
def main(
    shards: tuple[Path, ...],
    run: Path,
    steps: int,
    weights: Path | None,
    start: Path | None,
    most: int,
    hold_out: int,
    seed: int,
) -> None:
    """Train the affinity of a colorizer; the weights are RUN/affinity.safetensors."""
    cv2.setNumThreads(1)
    colorizer = load_colorizer(weights, alone=True).model
    kept = [
        photo for i, photo in enumerate(read_photos(shards, short_side=288)) if i % hold_out != 0
    ]
    kept = kept[:: max(-(-len(kept) // most), 1)]
    options = AffinityOptions(steps=steps, seed=seed)
    model = Affinity(AffinityConfig(encoder_digest(colorizer.encoder)))
    if start is not None:
        model.load_state_dict(load_affinity(start).state_dict())
        _doubt(model, 1 / options.caution)  # the end takes it again
    loss = train(encode(colorizer, kept), model, colorizer, options=options)
    write(
        model,
        run / "affinity.safetensors",
        {
            "options": asdict(options),
            "data": {"from": [path.name for path in shards], "photos": len(kept)},
            "scores": {"loss": loss},
        },
    )


def write(model: Affinity, path: Path, details: dict[str, Any]) -> None:
    """Write the weights in half precision."""
    save_checkpoint(path, halved(model.state_dict()), {"config": asdict(model.config), **details})


if __name__ == "__main__":
    main()
