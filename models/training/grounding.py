"""Train the grounder: where is what a caption gives a colour? Read top to bottom.

Nobody has outlined anything: the pixels that have the caption's colour are the answer, and the
network sees neither them nor the colour, only the grey photo and the words without their colours.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from models.color.lab import srgb_to_lab
from models.guidance.color_words import ColorPhrase, color_phrases
from models.networks.checkpoint import save_checkpoint
from models.networks.clip import Clip
from models.networks.colorizer import STRIDES, Colorizer
from models.networks.correspondence import encoder_digest
from models.networks.grounding import Grounder, GrounderConfig, phrase_parts
from models.photos import Photo, read_photos, square
from models.training.averaging import average
from models.training.color_naming import named_area
from models.training.samples import SampleOptions, age, random_crop

COVERAGE = (0.004, 0.6)  # of the picture: less is chance, more is everything
HalfArray = NDArray[np.float16]
FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class GroundingOptions:
    """Everything that decides how a run goes, besides the photos."""

    steps: int = 3_000
    minutes: float | None = None
    side: int = 160
    min_area: float = 0.5
    p_old: float = 0.3
    batch_size: int = 32
    rate: float = 1e-3
    weight_decay: float = 0.05
    average: float = 0.998
    dice: float = 1.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """A photo and one thing in it that a caption gives a colour; ``parts`` is (PARTS, W)."""

    photo: Photo
    phrase: ColorPhrase
    parts: HalfArray


def find_told(photos: Sequence[Photo], clip: Clip) -> list[list[Told]]:
    """Find for every photo what its captions give colours that can be seen in it."""
    phrases = [
        [p for caption in photo.captions for p in color_phrases(caption)] for photo in photos
    ]
    kept = []
    for photo, said in zip(photos, phrases, strict=True):
        lab = srgb_to_lab(square(photo, 96).astype(np.float32) / 255)
        kept.append([p for p in said if _covers(named_area(lab, p.colors))])
    texts = sorted({p.neutral for said in kept for p in said}, key=len)
    tokens: dict[str, HalfArray] = {}
    for start in range(0, len(texts), 64):
        some = texts[start : start + 64]
        _, read = clip.read_texts(some)
        assert read is not None, f"{clip.name} gives no word pieces"
        tokens |= {t: r.astype(np.float16) for t, r in zip(some, read, strict=True)}
    found = []
    for photo, said in zip(photos, kept, strict=True):
        told = []
        for p in said:
            parts = phrase_parts(tokens[p.neutral], clip.spans(p.neutral), p.spans)
            told.append(Told(photo, p, parts.astype(np.float16)))
        if told:
            found.append(told)
    return found


def _covers(area: NDArray[np.bool_] | None) -> bool:
    return area is not None and COVERAGE[0] <= area.mean() <= COVERAGE[1]


class GroundingSamples(IterableDataset[tuple[Tensor, Tensor, Tensor]]):
    """An endless stream of lightness (1, S, S), phrase parts and area (S/4, S/4)."""

    def __init__(self, told: Sequence[Sequence[Told]], options: GroundingOptions) -> None:
        super().__init__()
        self.told = told
        self.options = options

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        cv2.setNumThreads(0)
        generator = np.random.default_rng(self.options.seed)
        while True:
            for i in generator.permutation(len(self.told)):
                sample = make_sample(self.told[i], self.options, generator)
                if sample is not None:
                    yield sample


def make_sample(
    told: Sequence[Told], options: GroundingOptions, generator: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor] | None:
    """Make a sample of one of the things told of a photo; None where the crop lost it."""
    one = told[int(generator.integers(len(told)))]
    crop = SampleOptions(side=options.side, min_area=options.min_area)
    lab = srgb_to_lab(random_crop(one.photo.pixels, crop, generator).astype(np.float32) / 255)
    area = named_area(lab, one.phrase.colors)
    if area is None or not _covers(area):
        return None
    lightness = np.ascontiguousarray(lab[..., 0])
    if generator.random() < options.p_old:
        lightness = age(lightness, generator)
    scale = 1 / STRIDES[0]
    small = cv2.resize(
        area.astype(np.float32), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA
    )
    return (
        torch.from_numpy(lightness)[None],
        torch.from_numpy(one.parts.astype(np.float32)),
        torch.from_numpy(small),
    )


def area_loss(logits: Tensor, area: Tensor, *, dice: float) -> Tensor:
    """Cross-entropy of (N, h, w) logits to areas in [0, 1], and one minus the soft Dice overlap."""
    entropy = F.binary_cross_entropy_with_logits(logits, area)
    share = torch.sigmoid(logits)
    overlap = 2 * (share * area).sum((1, 2)) / (share.sum((1, 2)) + area.sum((1, 2))).clamp_min(1)
    return entropy + dice * (1 - overlap.mean())


def train(
    told: Sequence[Sequence[Told]],
    held_out: Sequence[Sequence[Told]],
    colorizer: Colorizer,
    run: Path,
    *,
    options: GroundingOptions,
    record: dict[str, Any],
) -> Path:
    """Train on the colorizer's encoder, beginning with its decoder; return the weights' path."""
    torch.manual_seed(options.seed)
    run.mkdir(parents=True, exist_ok=True)
    config = GrounderConfig(
        encoder_digest(colorizer.encoder), token_width=told[0][0].parts.shape[1]
    )
    model = Grounder(config)
    model.decoder.load_state_dict(colorizer.decoder.state_dict())
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged = {k: v.detach().clone() for k, v in model.state_dict().items()}
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=options.rate, weight_decay=options.weight_decay
    )
    batches = iter(
        DataLoader(GroundingSamples(told, options), batch_size=options.batch_size, num_workers=1)
    )
    output, log = run / "grounding.safetensors", run / "log.jsonl"

    def save() -> None:
        half = {k: v.half() if v.is_floating_point() else v for k, v in averaged.items()}
        header = {"config": asdict(config), "options": asdict(options), "data": record}
        save_checkpoint(output, half, header | {"step": step, "seconds": seconds})

    def look() -> None:
        judge = Grounder(config)
        judge.load_state_dict(averaged)
        entry = {"step": step, "seconds": seconds, "loss": mean} | asdict(
            validate(judge.eval(), colorizer, held_out)
        )
        bar.console.print(json.dumps(entry))
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    step, seconds, mean, seen = 0, 0.0, 0.0, time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar:
        task = bar.add_task("training", total=1.0)
        while (done := _done(step, seconds, options)) < 1:
            started = time.monotonic()
            for group in optimiser.param_groups:
                group["lr"] = options.rate * _schedule(done)
            lightness, parts, area = next(batches)
            with torch.autocast("cpu", torch.bfloat16):
                with torch.no_grad():
                    features = colorizer.encode(
                        lightness.contiguous(memory_format=torch.channels_last)
                    )
                logits = model.train()(features, parts)
            loss = area_loss(logits.float(), area, dice=options.dice)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            step += 1
            keep = min(options.average, step / (step + 10))
            average(averaged, model, keep)
            share = min(0.98, step / (step + 1))
            mean = share * mean + (1 - share) * loss.item()
            seconds += time.monotonic() - started
            bar.update(task, completed=done, description=f"step {step}  loss {mean:.3f}")
            if time.monotonic() - seen > 240:
                save()
                look()
                seen = time.monotonic()
        save()
        look()
    return output


@dataclass(frozen=True, slots=True)
class Found:
    """How well things are found: of the tenth of the picture judged likeliest, the share that lies
    in the area (``aim``), next to the area's share of the picture (``chance``) and what is possible
    (``best``)."""

    aim: float
    chance: float
    best: float


@torch.inference_mode()
def validate(model: Grounder, colorizer: Colorizer, held_out: Sequence[Sequence[Told]]) -> Found:
    """Look for the first thing told of each photo, seen whole at 224 px."""
    scores = []
    for told in held_out:
        lab = srgb_to_lab(square(told[0].photo, 224).astype(np.float32) / 255)
        area = named_area(lab, told[0].phrase.colors)
        if area is None:
            continue
        lightness = torch.from_numpy(np.ascontiguousarray(lab[..., 0]))[None, None]
        parts = torch.from_numpy(told[0].parts.astype(np.float32))[None]
        logits = model(colorizer.encode(lightness), parts)
        small = cv2.resize(area.astype(np.float32), (56, 56), interpolation=cv2.INTER_AREA)
        most = logits[0].flatten().topk(logits.numel() // 10).indices.numpy()
        share = float(area.mean())
        scores.append((small.ravel()[most].mean(), share, min(1.0, share / 0.1)))
    return Found(*(float(value) for value in np.mean(scores, axis=0)))


def _done(step: int, seconds: float, options: GroundingOptions) -> float:
    if options.minutes is not None:
        return seconds / (60 * options.minutes)
    return step / options.steps


def _schedule(done: float) -> float:
    return min(1.0, 0.01 + done / 0.03) * 0.5 * (1 + float(np.cos(np.pi * done)))


@click.command()
@click.argument("shards", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--run", type=click.Path(path_type=Path), default=Path("runs/grounder"))
@click.option("--minutes", type=click.FloatRange(0.1), default=20.0, show_default=True)
@click.option("--weights", type=click.Path(path_type=Path), help="Colorizer whose encoder is read.")
@click.option("--hold-out", default=42, show_default=True, help="Hold out one photo in so many.")
@click.option("--seed", default=0, show_default=True)
def main(
    shards: tuple[Path, ...],
    run: Path,
    minutes: float,
    weights: Path | None,
    hold_out: int,
    seed: int,
) -> None:
    """Train the grounder of a colorizer; the weights are RUN/grounding.safetensors."""
    from models.networks.predictor import load_pair

    predictor, clip = load_pair(weights)
    photos = list(read_photos(shards, short_side=256))
    kept = [photo for i, photo in enumerate(photos) if i % hold_out]
    told, held = find_told(kept, clip), find_told(photos[::hold_out], clip)
    record = {
        "from": [path.name for path in shards],
        "photos": len(told),
        "phrases": sum(len(things) for things in told),
        "held_out": len(held),
        "colorizer": "released" if weights is None else weights.name,
    }
    click.echo(f"{record['phrases']} things with colours in {len(told)} photos")
    options = GroundingOptions(minutes=minutes, seed=seed)
    click.echo(f"wrote {train(told, held, predictor.model, run, options=options, record=record)}")


if __name__ == "__main__":
    main()
