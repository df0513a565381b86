"""Train the matcher that carries a reference's colours over: read top to bottom.

    python -m models.training.correspondence PHOTOS... --run RUN [--minutes 35]

The colorizer's encoder stays as it is; the matcher reads its features. Every photo is matched with
itself seen otherwise, where the right cells are known, with a photo that CLIP finds like it, and
with one that has nothing to do with it. Trust in what is carried over is trained on what it is
for: the colours that come of it, mixed with the colorizer's own guess, are to be the true ones.
A run is one folder; start it again to go on where it stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.networks.checkpoint import encoder_digest, read_checkpoint, save_checkpoint
from models.networks.clip import load_clip
from models.networks.colorizer import Colorizer
from models.networks.correspondence import (
    Descriptors,
    Matcher,
    MatcherConfig,
    load_matcher,
)
from models.networks.loading import load_colorizer
from models.photos import Photo, read_photos
from models.training.averaging import halved, under
from models.training.encoded_pairs import Encoded, encode
from models.training.loop import Falling, Loop, Progressing
from models.training.match_losses import alike_loss, at, blend, blend_loss, fine_loss, place_loss
from models.training.neighbours import embed_photos, find_neighbours
from models.training.pairs import PairOptions, make_pairs

FloatArray = NDArray[np.float32]

NEIGHBOURS = 8
TWINS = 0.97  # photos of a burst, which teach that references are always right
WEIGHT_NEIGHBOUR, WEIGHT_STRANGER = 2.0, 0.5


@dataclass(frozen=True, slots=True)
class MatcherOptions:
    """Everything that decides how a run goes, besides the photos."""

    minutes: float = 35.0
    duos: int = 2
    reuse: int = 3
    kept_batches: int = 200
    cells: int = 256
    rate: float = 1.5e-3
    weight_decay: float = 0.01
    average: float = 0.995
    save_every_minutes: float = 3.0
    seed: int = 0


def train(
    photos: Sequence[Photo],
    neighbours: Sequence[Sequence[int]],
    colorizer: Colorizer,
    run: Path,
    *,
    options: MatcherOptions,
    pairs: PairOptions,
    record: dict[str, Any],
    start: Matcher | None = None,
) -> Path:
    """Train into the folder ``run``, or go on where an earlier run stopped; return the checkpoint.

    ``neighbours`` are, for each photo, those that it is like; ``start`` is what to begin with, for
    an encoder that differs little.
    """
    torch.manual_seed(options.seed)
    checkpoint = run / "checkpoint.safetensors"
    config, progress = MatcherConfig(encoder_digest(colorizer.encoder)), Progressing()
    model = Matcher(config)
    if start is not None:
        model.load_state_dict(start.state_dict())
    averaged = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    if checkpoint.exists():
        tensors, header = read_checkpoint(checkpoint)
        progress = Progressing(**header["progress"])
        model.load_state_dict(under("model.", tensors))
        averaged = under("averaged.", tensors)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=options.rate, weight_decay=options.weight_decay
    )
    generator = np.random.default_rng((options.seed, progress.step))

    def save() -> None:
        tensors = {f"model.{k}": v for k, v in model.state_dict().items()}
        tensors |= {f"averaged.{k}": v for k, v in averaged.items()}
        header = {
            "config": asdict(config),
            "progress": progress.counts,
            "options": asdict(options),
            "pairs": asdict(pairs),
            "data": record,
        }
        save_checkpoint(checkpoint, tensors, header)

    loop = Loop(
        model, optimiser, Falling(50), minutes=options.minutes, progress=progress,
        averaged=averaged, keep=options.average, log=run / "log.jsonl",
        save=save, save_every_minutes=options.save_every_minutes,
    )  # fmt: skip
    pool: list[Encoded] = []
    for _ in loop:
        if progress.step % options.reuse == 0 or not pool:
            duos = _duos(generator.permutation(len(photos))[: options.duos], neighbours, generator)
            batch = make_pairs([photos[i] for i in duos], pairs, generator)
            pool.append(encode(colorizer, batch))  # which costs the most, so they are used again
            del pool[: -options.kept_batches]
            chosen = pool[-1]
        else:
            chosen = pool[int(generator.integers(len(pool)))]
        loop.learn(**losses_of(model.train(), chosen, options, generator))
    return checkpoint


def finish(checkpoint: Path, output: Path, scores: dict[str, float]) -> None:
    """Write the averaged weights of a run in half precision."""
    tensors, header = read_checkpoint(checkpoint)
    save_checkpoint(output, halved(under("averaged.", tensors)), header | {"scores": scores})


def losses_of(
    model: Matcher, batch: Encoded, options: MatcherOptions, generator: np.random.Generator
) -> dict[str, Tensor]:
    """Match targets with their twins, with their neighbours' twins and with strangers'."""
    batch = batch.cloned()
    count = len(batch.guess)
    # One call, so that batch statistics are those of all pictures.
    described = model.describe([f.float() for f in batch.features], batch.lightness)
    target, twin = (Descriptors(*(p[s : s + count] for p in described)) for s in (0, count))
    ours, twins = batch.ab.split(count)
    swap = torch.arange(count) ^ 1
    away = torch.arange(count).roll(2)
    rows, columns = ours.shape[2:]
    cells = torch.from_numpy(
        np.stack([generator.permutation(rows * columns)[: options.cells] for _ in range(count)])
    )
    truth, guessed = at(ours, cells), at(batch.guess, cells)
    with_twin = model(target, twin, twins, cells)
    with_neighbour = model(target, _pick(twin, swap), twins[swap], cells)
    with_stranger = model(target, _pick(twin, away), twins[away], cells)
    return {
        "coarse": place_loss(with_twin, batch.places, (rows, columns)),
        "fine": fine_loss(with_twin, batch.places, cells, (rows, columns)),
        "alike": 0.3 * alike_loss(with_neighbour, ours, twins[swap]),
        "twin": blend_loss(with_twin, guessed, truth),
        "neighbour": WEIGHT_NEIGHBOUR * blend_loss(with_neighbour, guessed, truth),
        "stranger": WEIGHT_STRANGER * blend_loss(with_stranger, guessed, truth),
    }


@torch.inference_mode()
def validate(
    model: Matcher,
    colorizer: Colorizer,
    photos: Sequence[Photo],
    neighbours: Sequence[Sequence[int]],
    chosen: Sequence[int],
) -> dict[str, float]:
    """Root mean square error in ab of the own guess and of what comes of each kind of reference."""
    generator = np.random.default_rng(0)
    errors: dict[str, list[float]] = {}
    trusts: dict[str, list[float]] = {}
    model.eval()
    for start in range(0, len(chosen) - 1, 2):
        duos = [j for i in chosen[start : start + 2] for j in (i, neighbours[i][0])]
        for kind, identical in (("turned", 0.0), ("identical", 1.0)):
            how = PairOptions(side=224, p_old=0.0, p_identical=identical)
            batch = encode(colorizer, make_pairs([photos[i] for i in duos], how, generator))
            described = model.describe([f.float() for f in batch.features], batch.lightness)
            target, twin = (Descriptors(*(p[s : s + 4] for p in described)) for s in (0, 4))
            ours, twins = batch.ab.split(4)
            held = torch.tensor([0, 2])  # the others may have been trained on
            guess, truth = (plane[held].flatten(2).mT for plane in (batch.guess, ours))
            cases = {kind: [0, 2]}
            if kind == "turned":
                cases |= {"neighbour": [1, 3], "stranger": [2, 0]}
                errors.setdefault("none", []).extend(_errors(guess, truth))
            for name, rows in cases.items():
                index = torch.tensor(rows)
                carried = model(_pick(target, held), _pick(twin, index), twins[index])
                errors.setdefault(name, []).extend(_errors(blend(carried, guess), truth))
                trusts.setdefault(name, []).append(float(1 - carried.trust[..., 0].mean()))
    scores = {f"rmse {name}": float(np.mean(x) ** 0.5) for name, x in errors.items()}
    return scores | {f"trust {name}": float(np.mean(x)) for name, x in trusts.items()}


def _duos(
    chosen: NDArray[np.int64], neighbours: Sequence[Sequence[int]], generator: np.random.Generator
) -> list[int]:
    """Put one of its neighbours behind every chosen photo."""
    return [j for i in chosen.tolist() for j in (i, int(generator.choice(neighbours[i])))]


def _pick(described: Descriptors, rows: Tensor) -> Descriptors:
    return Descriptors(*(plane[rows] for plane in described))


def _errors(result: Tensor, truth: Tensor) -> list[float]:
    per_picture: list[float] = (result - truth).square().sum(2).mean(1).tolist()
    return per_picture


def _embeddings(file: Path, photos: Sequence[Photo]) -> tuple[FloatArray, FloatArray]:
    """Embed the photos, or read what an earlier start of the run has embedded."""
    keys = np.array([photo.key for photo in photos])
    if file.exists():
        with np.load(file) as kept:
            if np.array_equal(kept["keys"], keys):
                return kept["grey"], kept["colour"]
    grey, colour = embed_photos(load_clip(), photos)
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file, keys=keys, grey=grey, colour=colour)
    return grey, colour


@click.command()
@click.argument("shards", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--run", type=click.Path(path_type=Path), default=Path("runs/matcher"))
@click.option("--minutes", type=click.FloatRange(0.1), default=35.0, show_default=True)
@click.option("--weights", type=click.Path(path_type=Path), help="Colorizer whose encoder is read.")
@click.option("--rate", default=MatcherOptions().rate, show_default=True)
@click.option("--start", type=click.Path(path_type=Path), help="Matcher to begin with.")
@click.option("--hold-out", default=42, show_default=True, help="Hold out one photo in so many.")
@click.option("--seed", default=0, show_default=True)
def main(
    shards: tuple[Path, ...],
    run: Path,
    minutes: float,
    weights: Path | None,
    rate: float,
    start: Path | None,
    hold_out: int,
    seed: int,
) -> None:
    """Train the matcher of a colorizer; the weights are RUN/correspondence.safetensors."""
    cv2.setNumThreads(1)
    colorizer = load_colorizer(weights, alone=True).model
    photos = list(read_photos(shards, short_side=288))
    embeddings = _embeddings(run / "embeddings.npz", photos)
    neighbours = find_neighbours(*embeddings, NEIGHBOURS, twins=TWINS).tolist()
    held = list(range(0, len(photos), hold_out))
    # A held-out photo is nobody's neighbour in training; its own may be photos of the training.
    kept = [i for i in range(len(photos)) if i % hold_out]
    place = {photo: i for i, photo in enumerate(kept)}
    among = [[place[j] for j in neighbours[i] if j in place] or [n] for n, i in enumerate(kept)]
    record = {
        "from": [path.name for path in shards],
        "photos": len(kept),
        "held_out": len(held),
        "colorizer": "released" if weights is None else weights.name,
    }
    options = MatcherOptions(minutes=minutes, rate=rate, seed=seed)
    checkpoint = train(
        [photos[i] for i in kept],
        among,
        colorizer,
        run,
        options=options,
        pairs=PairOptions(),
        record=record,
        start=None if start is None else load_matcher(start),
    )
    tensors, header = read_checkpoint(checkpoint)
    model = Matcher(MatcherConfig(**header["config"]))
    model.load_state_dict(under("averaged.", tensors))
    scores = validate(model, colorizer, photos, neighbours, held[:64])
    finish(checkpoint, run / "correspondence.safetensors", scores)
    click.echo("  ".join(f"{name} {value:.3f}" for name, value in scores.items()))


if __name__ == "__main__":
    main()
