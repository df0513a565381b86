"""Train the grounder's extent: how strongly is a named colour laid on each cell?

    python -m models.training.extent PHOTOS... --boxes FILE --run RUN

Everything else stays as it is. Captions with colours are read as descriptions; the colours that the
result would have are to be near the true ones, nearest where the photo has the named hue, and
nothing is to be laid outside the boxes that people drew for the phrase. Some things are turned to
another hue, and asked for in it, so that an unexpected colour is laid as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch import Tensor

from models.color.lab import srgb_to_lab
from models.color.shrinking import working_shape
from models.guidance.color_words import color_phrases
from models.guidance.condition import Condition, NamedThing
from models.guidance.named_colors import ab_of
from models.networks.checkpoint import read_checkpoint, save_checkpoint
from models.networks.clip import Clip
from models.networks.extent import Extent
from models.networks.grounding import CHECKPOINT, load_grounder
from models.networks.loading import load_pair
from models.networks.predictor import GRID, Predictor
from models.photos import Photo, read_photos
from models.training.averaging import halved
from models.training.color_naming import WORDS, named_area
from models.training.loop import Falling, Loop
from models.training.regions import Boxes, box_mask, read_boxes
from models.training.vividness import fit_vividness

FloatArray = NDArray[np.float32]

MARGIN = 0.03  # of the sides: boxes may be off by so much
TURNABLE = (0.004, 0.5)  # of the picture: what is turned to another hue covers so much
LEAST_ERROR = 10.0  # ab squared; better than that nobody sees


@dataclass(frozen=True, slots=True)
class ExtentOptions:
    """Everything that decides how a run goes, besides the photos.

    ``inside`` is how much more errors count where the photo has the named hue, ``harm`` how much
    more a loss counts than a gain, ``spill`` what colour outside of drawn boxes costs.
    """

    minutes: float = 15.0
    steps: int | None = None
    batch: int = 8
    captions: int = 2
    turned: float = 0.3
    inside: float = 2.0
    harm: float = 0.7
    spill: float = 0.4
    rate: float = 3e-3
    weight_decay: float = 0.01
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One thing of a photo, half precision on the chroma grid.

    ``inputs`` (INPUTS, h, w), its ``colors``, the network's ``guess`` and the ``truth``, (2, h, w)
    ab; ``inside`` (h, w) has the named hue, ``outside`` lies outside of its drawn boxes.
    """

    inputs: Tensor
    colors: Tensor
    guess: Tensor
    truth: Tensor
    inside: Tensor
    outside: Tensor | None

    def mirrored(self) -> Example:
        """Return it left to right."""
        return Example(
            self.inputs.flip(-1),
            self.colors.flip(-1),
            self.guess.flip(-1),
            self.truth.flip(-1),
            self.inside.flip(-1),
            None if self.outside is None else self.outside.flip(-1),
        )


@torch.inference_mode()
def examples_of(
    photo: Photo,
    boxes: Sequence[Boxes],
    predictor: Predictor,
    clip: Clip,
    options: ExtentOptions,
    generator: np.random.Generator,
) -> Iterator[Example]:
    """Yield the things that a photo's captions give a colour."""
    assert predictor.grounder is not None
    colored = [one for one in photo.captions if next(iter(color_phrases(one)), None)]
    if not colored:
        return
    height, width = photo.pixels.shape[:2]
    rows, columns = working_shape(height, width, predictor.working_size)
    rgb = cv2.resize(photo.pixels, (columns, rows), interpolation=cv2.INTER_AREA)
    lab = srgb_to_lab(rgb.astype(np.float32) / 255)
    lightness = np.ascontiguousarray(lab[..., 0])
    size = (columns // GRID, rows // GRID)
    small = np.asarray(cv2.resize(lab, size, interpolation=cv2.INTER_AREA), np.float32)
    looking = predictor.remembering()
    guess = torch.from_numpy(looking.predict(lightness, Condition(None)).ab).permute(2, 0, 1)
    for i in generator.permutation(len(colored))[: options.captions]:
        text = clip.embed_text(colored[int(i)])
        if text.scene is None:
            continue
        things, truths, insides = [], [], []
        for thing in text.named:
            thing, truth, inside = _turned(thing, small, options, generator)
            things.append(thing)
            truths.append(truth)
            insides.append(inside)
        sought = looking.seek(lightness, things, text.others)
        for k, (thing, truth, inside) in enumerate(zip(text.named, truths, insides, strict=True)):
            drawn = [one for one in boxes if one.name == thing.thing.lower()]
            outside = None
            if drawn:
                near = [box_mask(one.boxes, small.shape[:2], MARGIN) for one in drawn]
                outside = torch.from_numpy(~np.any(near, axis=0)).half()
            yield Example(
                sought.inputs[k].half(),
                sought.named.ab[k].permute(2, 0, 1).half(),
                guess.half(),
                torch.from_numpy(truth.transpose(2, 0, 1).copy()).half(),
                torch.from_numpy(inside).half(),
                outside,
            )


def _turned(
    thing: NamedThing, lab: FloatArray, options: ExtentOptions, generator: np.random.Generator
) -> tuple[NamedThing, FloatArray, NDArray[np.bool_]]:
    """Return a thing, (h, w, 2) true ab and where they have its hue, perhaps turned to another."""
    ab = lab[..., 1:]
    area = named_area(lab, thing.colors)
    if area is None:
        return thing, ab, np.zeros(ab.shape[:2], bool)
    word = thing.colors[0].lower()
    can = word in WORDS and len(thing.colors) == 1
    if not can or generator.random() >= options.turned:
        return thing, ab, area
    if not TURNABLE[0] < area.mean() < TURNABLE[1]:
        return thing, ab, area
    other = str(generator.choice([w for w in WORDS if w != word]))
    (a, b), (c, d) = ab_of([word]), ab_of([other])
    scale = 1 / (a * a + b * b)
    cosine, sine = (a * c + b * d) * scale, (a * d - b * c) * scale
    turn = np.array([[cosine, sine], [-sine, cosine]], np.float32)  # rows are a and b
    turned = np.where(area[..., None], ab @ turn, ab)
    return NamedThing(thing.vector, (other,), thing.thing), np.asarray(turned, np.float32), area


def loss_of(model: Extent, example: Example, options: ExtentOptions) -> tuple[Tensor, Tensor]:
    """Return the log of the error as a share of the guess's, and the share that is spilled."""
    share = model(example.inputs[None].float())[0]
    guess, truth = example.guess.float(), example.truth.float()
    result = guess + share * (example.colors.float() - guess)
    weight = 1 + (options.inside - 1) * example.inside.float()
    before, after = (
        (((ab - truth) ** 2).sum(0) * weight).mean() + LEAST_ERROR for ab in (guess, result)
    )
    gained = torch.log(after / before)
    spilled = share.new_zeros(())
    if example.outside is not None:
        spilled = (share * example.outside.float()).sum() / (share.sum() + 1)
    return gained + options.harm * torch.relu(gained), spilled


def train(
    examples: Sequence[Example], model: Extent, *, options: ExtentOptions, log: Path | None
) -> None:
    """Train the model."""
    torch.manual_seed(options.seed)
    generator = np.random.default_rng(options.seed)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=options.rate, weight_decay=options.weight_decay
    )
    loop = Loop(
        model,
        optimiser,
        Falling(100),
        minutes=options.minutes,
        steps=options.steps,
        log=log,
        log_every=100,
    )
    for _ in loop:
        losses = []
        for i in generator.integers(len(examples), size=options.batch):
            example = examples[int(i)]
            if generator.random() < 0.5:
                example = example.mirrored()
            losses.append(loss_of(model, example, options))
        gained, spilled = (torch.stack(part).mean() for part in zip(*losses, strict=True))
        loop.learn(error=gained, spill=options.spill * spilled)


def _beside(grounder: Path, weights: Path | None) -> tuple[Predictor, Clip]:
    """Load the colorizer with this grounder."""
    predictor, clip = load_pair(weights)
    read = load_grounder(grounder)
    return Predictor(predictor.model, name=predictor.name, grounder=read), clip


_PATH = click.Path(exists=True, path_type=Path)


@click.command()
@click.argument("shards", nargs=-1, required=True, type=_PATH)
@click.option("--boxes", type=_PATH, help="Drawn boxes, one JSON object a photo.")
@click.option("--run", type=click.Path(path_type=Path), default=Path("runs/extent"))
@click.option("--grounder", type=_PATH, default=CHECKPOINT, help="Weights to go on from.")
@click.option("--weights", type=_PATH, help="Colorizer whose encoder is read.")
@click.option("--minutes", type=click.FloatRange(0.1), default=15.0, show_default=True)
@click.option("--limit", type=click.IntRange(1), help="Photos of each shard at most.")
@click.option("--seed", default=0, show_default=True)
def main(
    shards: tuple[Path, ...],
    boxes: Path | None,
    run: Path,
    grounder: Path,
    weights: Path | None,
    minutes: float,
    limit: int | None,
    seed: int,
) -> None:
    """Train how vivid named colours are and how far they reach, the grounder's last parts.

    The weights are RUN/grounding.safetensors.
    """
    cv2.setNumThreads(0)
    run.mkdir(parents=True, exist_ok=True)
    options = ExtentOptions(minutes=minutes, seed=seed)
    generator = np.random.default_rng(seed)
    predictor, clip = _beside(grounder, weights)
    drawn = {} if boxes is None else read_boxes(boxes, "train")
    every = (photo for shard in shards for photo in read_photos([shard], short_side=256))
    weight, bias, phrases = fit_vividness(every, drawn, clip)
    click.echo(f"vividness: {phrases} phrases")
    assert predictor.grounder is not None
    predictor.grounder.read_vividness.weight.data.copy_(weight)
    predictor.grounder.read_vividness.bias.data.copy_(bias)
    examples: list[Example] = []
    photos = 0
    for shard in shards:
        kept = 0
        for photo in track(read_photos([shard], short_side=256), shard.name):
            before = len(examples)
            examples += examples_of(
                photo, drawn.get(photo.key, ()), predictor, clip, options, generator
            )
            kept += len(examples) > before
            if limit is not None and kept >= limit:
                break
        photos += kept
        click.echo(f"{shard.name}: {kept} photos, {len(examples)} things in all")
    model = Extent().train()
    train(examples, model, options=options, log=run / "log.jsonl")
    tensors, header = read_checkpoint(grounder)
    tensors |= {"read_vividness.weight": weight, "read_vividness.bias": bias}
    tensors |= {f"extent.{name}": plane for name, plane in model.state_dict().items()}
    record = {
        "from": [shard.name for shard in shards],
        "photos": photos,
        "things": len(examples),
        "phrases": phrases,
        "options": asdict(options),
    }
    save_checkpoint(run / CHECKPOINT.name, halved(tensors), header | {"extent": record})
    click.echo(f"wrote {run / CHECKPOINT.name}")


if __name__ == "__main__":
    main()
