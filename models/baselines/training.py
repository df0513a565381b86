"""Train a baseline: the same photos, crops and budget for all; read top to bottom.

The budget is counted in the processor's own seconds, so that runs on a busy machine and on a quiet
one see as much; crops are made in the same process and count. A run is one folder:
``NAME.safetensors`` (weights and their config) and ``NAME.jsonl``, its log. It is not resumed.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import Progress
from torch import nn

from models.baselines.baseline import BaselineConfig, Batch
from models.baselines.catalogue import build_baseline
from models.baselines.scenes import scene_of
from models.color.lab import srgb_to_lab
from models.networks.checkpoint import save_checkpoint
from models.photos import Photo
from models.training.bins import count_bins
from models.training.samples import SampleOptions, random_crop

LOG_EVERY = 20  # steps


@dataclass(frozen=True, slots=True)
class BaselineOptions:
    """How long a run takes, in seconds of the processor, and how it goes."""

    cpu_seconds: float
    batch_size: int = 16
    weight_decay: float = 0.01
    warm_up: float = 0.05
    cool_down: float = 0.5
    seed: int = 0


@dataclass
class Progressing:
    """How far a run has come."""

    step: int = 0
    photos: int = 0
    cpu_seconds: float = 0.0
    losses: tuple[float, ...] = ()


def train_baseline(
    name: str,
    photos: Sequence[Photo],
    run: Path,
    *,
    options: BaselineOptions,
    samples: SampleOptions,
    record: dict[str, Any],
) -> Path:
    """Train the baseline of this name into the folder ``run``; return its file.

    ``record`` says what the data is.

    Raises:
        UnknownBaseline: no learned baseline has that name.
        FloatingPointError: the training diverged.
    """
    torch.manual_seed(options.seed)
    config = _config(name, photos)
    model = build_baseline(config)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    model.train()
    players = [
        torch.optim.AdamW(
            player, lr=model.rate, betas=model.betas, weight_decay=options.weight_decay
        )
        for player in model.players()
    ]
    run.mkdir(parents=True, exist_ok=True)
    log = (run / f"{name}.jsonl").open("w", encoding="utf-8")
    progress = Progressing()
    batches = _batches(photos, samples, options)
    started = time.process_time()
    with log, Progress() as bar:
        task = bar.add_task(name, total=1000)
        while (done := (time.process_time() - started) / options.cpu_seconds) < 1:
            batch = next(batches)
            told = []
            losses = model.losses(batch, done)
            for player in players:
                for group in player.param_groups:
                    group["lr"] = model.rate * _schedule(done, options)
                with torch.autocast("cpu", torch.bfloat16):
                    loss = next(losses)
                player.zero_grad()
                loss.backward()
                own = [p for group in player.param_groups for p in group["params"]]
                nn.utils.clip_grad_norm_(own, 1.0)
                player.step()
                told.append(loss.item())
            if not all(map(math.isfinite, told)):
                raise FloatingPointError(
                    f"{name} diverged at step {progress.step}: its losses are {told}"
                )
            progress.losses = _smoothed(progress.losses, told)
            progress.step += 1
            progress.photos += len(batch.lightness)
            progress.cpu_seconds = time.process_time() - started
            text = " ".join(f"{loss:.4f}" for loss in progress.losses)
            bar.update(task, completed=round(1000 * done), description=f"{name}  loss {text}")
            if progress.step % LOG_EVERY == 0:
                log.write(json.dumps(asdict(progress)) + "\n")
        log.write(json.dumps(asdict(progress)) + "\n")
    file = run / f"{name}.safetensors"
    header = {
        "config": asdict(config),
        "progress": asdict(progress),
        "options": asdict(options),
        "samples": asdict(samples),
        "data": record,
    }
    save_checkpoint(file, model.state_dict(), header)
    return file


def _config(name: str, photos: Sequence[Photo]) -> BaselineConfig:
    """Count the colours that occur."""
    small = (photo.pixels[::8, ::8].astype(np.float32) / 255 for photo in photos)
    centres, shares = count_bins(srgb_to_lab(rgb)[..., 1:] for rgb in small)
    bins = tuple((float(a), float(b)) for a, b in centres)
    return BaselineConfig(name, bins, tuple(float(share) for share in shares))


def _batches(
    photos: Sequence[Photo], samples: SampleOptions, options: BaselineOptions
) -> Iterator[Batch]:
    """Yield batches without end, every photo once before any comes again."""
    generator = np.random.default_rng(options.seed)
    scenes = [scene_of(photo.captions) for photo in photos]
    queue: list[int] = []
    while True:
        while len(queue) < options.batch_size:
            queue += generator.permutation(len(photos)).tolist()
        chosen, queue = queue[: options.batch_size], queue[options.batch_size :]
        crops = np.stack([random_crop(photos[i].pixels, samples, generator) for i in chosen])
        lab = torch.from_numpy(srgb_to_lab(crops.astype(np.float32) / 255)).permute(0, 3, 1, 2)
        yield Batch(
            lab[:, :1].contiguous(memory_format=torch.channels_last),
            lab[:, 1:].contiguous(),
            torch.tensor([scenes[i] for i in chosen]),
        )


def _schedule(done: float, options: BaselineOptions) -> float:
    """Warm up, hold, then go down to zero along a cosine."""
    if done < options.warm_up:
        return 0.01 + 0.99 * done / options.warm_up
    if done < 1 - options.cool_down:
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (done - 1 + options.cool_down) / options.cool_down))


def _smoothed(before: tuple[float, ...], now: Sequence[float]) -> tuple[float, ...]:
    if not before:
        return tuple(now)
    return tuple(0.95 * old + 0.05 * new for old, new in zip(before, now, strict=True))
