"""Train the colorizer: read top to bottom.

The schedule is warm-up, constant, then a cosine down to zero over the last part. It runs over
``steps``, or over ``minutes`` of training time or ``cpu_seconds`` of the processor's where those
are given, so that a run fits the time there is. A run is one folder: ``checkpoint.safetensors``
(weights, averaged weights and progress), ``optimiser.safetensors``, ``log.jsonl`` and ``log.png``;
start it again to go on where it stopped.

It begins with an encoder from ImageNet, or with finished weights. Those keep the statistics of
their norms, how they are read, and their encoder, because matcher, grounder and affinity read it.
With an ``encoder_rate`` its blocks from stride 16 on learn too: the grounder, which has blocks of
its own there, stays usable, matcher and affinity have to be trained anew.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor
from torch.utils.data import DataLoader

from models.networks.checkpoint import read_checkpoint, save_checkpoint
from models.networks.colorizer import (
    Colorizer,
    ColorizerConfig,
    annealed_mean,
    build_colorizer,
    read_config,
)
from models.networks.efficientnet import TO_STRIDE_4, TO_STRIDE_8
from models.photos import Photo
from models.training.averaging import blended, halved, under
from models.training.beginning import CHECKPOINT, EarlierRun, Start, begin, undone
from models.training.bins import SoftEncoder, balance_weights
from models.training.loop import Budget, Loop, Progressing
from models.training.losses import balanced_cross_entropy, log_error
from models.training.reading import GUIDANCE, Reading, choose, hold, score
from models.training.references import ImageBank
from models.training.samples import Batch, SampleOptions, Samples, collate
from models.training.texts import TextBank
from models.training.validation import Validation, validate

DEPTHWISE = "conv_dw"  # left alone everywhere: their gradients take as long as the rest of a step
# Steps in bfloat16 are 1.7 times as fast where the processor can (one idle core, 160 px).
HAS_BFLOAT16 = any(torch.cpu.get_capabilities().get(n) for n in ("avx512_bf16", "amx_bf16"))
UNDONE = 0.5  # of the balance, before a reading is chosen
LOGGED_TEMPERATURE = 0.5  # of the colours that are logged, before a reading is chosen


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """Everything that decides how a run goes, besides the photos.

    An ``encoder_rate`` of 0 leaves the encoder as it is; ``going_on`` is for finished weights.
    ``error_weight`` is that of ``log_error`` beside the cross-entropy; ``text_noise`` the length of
    the noise that is added to a text's unit vector. ``p_image`` and ``p_both`` are how often
    an image embedding is the global vector of undescribed samples, or joins that of described ones.
    ``cpu_seconds`` counts what this process does, so it asks for 0 ``workers``.
    """

    steps: int = 20_000
    minutes: float | None = None
    cpu_seconds: float | None = None
    batch_size: int = 32
    rate: float = 1e-3
    encoder_rate: float = 2e-4
    weight_decay: float = 0.02
    error_weight: float = 1.0
    text_noise: float = 0.2
    warm_up: float = 0.02
    cool_down: float = 0.4
    average: float = 0.999
    p_image: float = 0.25
    p_both: float = 0.15
    save_every_minutes: float = 4.0
    validate_every_minutes: float = 10.0
    workers: int = 1
    seed: int = 0

    def going_on(self, *, rate: float, deep: bool) -> TrainOptions:
        """Return the same for weights that are finished.

        The encoder is left alone, or learns ``deep`` down at a quarter of the rate.
        """
        return replace(self, rate=rate, encoder_rate=rate / 4 if deep else 0.0)

    def is_spent(self, progress: Progressing) -> bool:
        """Tell whether a run that has come so far is finished."""
        return progress.share_of(**self.budget) >= 1

    @property
    def budget(self) -> Budget:
        """The budget of a loop: steps count where no time is given."""
        timed = self.minutes is not None or self.cpu_seconds is not None
        return Budget(
            steps=None if timed else self.steps, minutes=self.minutes, cpu_seconds=self.cpu_seconds
        )


def train(
    photos: Sequence[Photo],
    validation_photos: Sequence[Photo],
    run: Path,
    *,
    texts: TextBank,
    images: ImageBank | None = None,
    options: TrainOptions,
    samples: SampleOptions,
    record: dict[str, Any],
    start: Start | None = None,
) -> Path:
    """Train into the folder ``run``, going on where an earlier run stopped; return the checkpoint.

    ``texts`` reads descriptions; ``images`` gives references, none where it is None. ``record``
    says what the data is. ``start`` are finished weights to begin with. A run that is finished
    stays as it is, and so does what its checkpoint says of how it was made.

    Raises:
        WeightsError: the checkpoint of the earlier run is damaged.
    """
    checkpoint, log = run / CHECKPOINT, run / "log.jsonl"
    if (earlier := EarlierRun.read(run)) is not None and options.is_spent(earlier.progress):
        return checkpoint
    torch.manual_seed(options.seed)
    run.mkdir(parents=True, exist_ok=True)

    begun = begin(photos, checkpoint, texts=texts, start=start)
    model, config, averaged = begun.model, begun.model.config, begun.averaged
    progress, reading, shares = begun.progress, begun.reading, begun.shares
    model.train(reading is None)
    optimiser = _optimiser(model, options, is_finished=reading is not None)
    if progress.step:
        _load_optimiser(optimiser, run / "optimiser.safetensors")
    encoder_learns = any(p.requires_grad for p in model.encoder.parameters())

    # Small variances that are still being learned would be lost.
    half = torch.autocast("cpu", torch.bfloat16, enabled=HAS_BFLOAT16 and not model.training)
    encode = SoftEncoder(torch.tensor(config.bins))
    balance = balance_weights(shares)
    shift = undone(reading or {"undo_balance": UNDONE}, shares)[:, None, None]
    # A resumed run must not see the same crops again.
    generator = np.random.default_rng((options.seed, progress.step, 1))
    stream = Samples(photos, samples, seed=options.seed + progress.step)
    batches = iter(
        DataLoader(
            stream,
            batch_size=options.batch_size,
            num_workers=options.workers,
            collate_fn=collate,
            prefetch_factor=8 if options.workers else None,
        )
    )

    def save() -> None:
        tensors = {f"model.{k}": v for k, v in model.state_dict().items()}
        tensors |= {f"averaged.{k}": v for k, v in averaged.items()}
        header = {
            "config": asdict(config),
            "progress": progress.counts | progress.losses,
            "options": asdict(options),
            "samples": asdict(samples),
            "data": record,
        }
        if reading is not None:
            header["reading"] = reading
        _save_optimiser(optimiser, run / "optimiser.safetensors")
        save_checkpoint(checkpoint, tensors | {"shares": shares}, header)

    logged = config if reading is not None else replace(config, temperature=LOGGED_TEMPERATURE)

    def measure() -> dict[str, float | None]:
        weights = averaged | {"head.bias": averaged["head.bias"] - undone(reading or {}, shares)}
        scores = validate(_with_weights(logged, weights), validation_photos, texts)
        bar.console.print(_describe(progress, scores))
        return asdict(scores)

    loop = Loop(
        model, optimiser, lambda _, done: _schedule(done, options),
        **options.budget,
        progress=progress, averaged=averaged, keep=options.average,
        log=log, log_every=50, echo=lambda _: None,
        save=save, save_every_minutes=options.save_every_minutes,
        measure=measure, measure_every_minutes=options.validate_every_minutes,
    )  # fmt: skip
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar:
        task = bar.add_task("training", total=1000)
        for done in loop:
            started = time.monotonic()
            batch = next(batches)
            vectors = _global_vectors(batch, model, texts, images, options, generator)
            model.encoder.eval()  # batch statistics of the encoder stay ImageNet's
            lightness = batch.lightness.contiguous(memory_format=torch.channels_last)
            with half, torch.set_grad_enabled(encoder_learns):
                features = model.encode(lightness)
            with half:
                condition = model.condition(features, vectors, batch.palettes)
                logits = model.decode(features, condition).float()
            read = annealed_mean(logits - shift, model.bins, temperature=config.temperature)
            loop.learn(
                loss=balanced_cross_entropy(logits, *encode(batch.ab), balance),
                error=options.error_weight * log_error(read, batch.ab),
            )
            speed = options.batch_size / (time.monotonic() - started)
            loss = progress.losses["loss"]
            text = f"step {progress.step + 1}  loss {loss:.3f}  {speed:.0f} photos/s"
            bar.update(task, completed=round(1000 * done), description=text)
    return checkpoint


def finish(
    checkpoint: Path,
    validation_photos: Sequence[Photo],
    output: Path,
    *,
    texts: TextBank,
    colourfulness: float,
    described_colourfulness: float,
    start: Start | None = None,
    blend: float = 1.0,
) -> Reading | None:
    """Choose how to read the averaged weights of a run, and write them in half precision.

    None where the run began with finished weights: they are read as they were. ``blend`` is how far
    the written ones lie on the way from those, ``start``, to the run's own.
    """
    tensors, header = read_checkpoint(checkpoint)
    config = read_config(header["config"])
    weights = under("averaged.", tensors)
    details = {k: header[k] for k in ("progress", "options", "samples", "data")}
    if (kept := header.get("reading")) is not None:
        weights["head.bias"] -= undone(kept, tensors["shares"])
        if start is not None:
            weights = blended(start.model.state_dict(), weights, blend)
            details["blend"] = blend
        header = {"config": asdict(config), **details, "reading": kept}
        save_checkpoint(output, halved(weights), header)
        return None
    log_balance = torch.log(balance_weights(tensors["shares"]))
    held = hold(_with_weights(config, weights), validation_photos, texts)
    reading = choose(
        score(held, torch.tensor(config.bins), log_balance),
        colourfulness=colourfulness,
        described_colourfulness=described_colourfulness,
    )
    weights["head.bias"] -= reading.undo_balance * log_balance
    config = replace(
        config,
        temperature=reading.temperature,
        chroma_gain=reading.chroma_gain,
        described_gain=reading.described_gain,
        guidance=GUIDANCE,
    )
    save_checkpoint(
        output, halved(weights), {"config": asdict(config), **details, "reading": asdict(reading)}
    )
    return reading


def _optimiser(model: Colorizer, options: TrainOptions, *, is_finished: bool) -> torch.optim.AdamW:
    """Choose what learns, and how fast; ``is_finished``: the run began with finished weights."""
    if not options.encoder_rate:
        frozen: tuple[str, ...] = ("",)
    elif is_finished:
        frozen = TO_STRIDE_8  # the grounder reads it too
    else:
        # As ImageNet made it: edges and textures are the same on grey photos, and its gradients
        # would cost half of the time.
        frozen = TO_STRIDE_4
    for name, parameter in model.encoder.named_parameters():
        parameter.requires_grad_(not name.startswith(frozen) and DEPTHWISE not in name)
    encoder = [p for p in model.encoder.parameters() if p.requires_grad]
    own = [p for n, p in model.named_parameters() if not n.startswith("encoder.")]
    groups = [{"params": own, "lr": options.rate}]
    if encoder:
        groups.insert(0, {"params": encoder, "lr": options.encoder_rate})
    return torch.optim.AdamW(groups, weight_decay=options.weight_decay)


def _global_vectors(
    batch: Batch,
    model: Colorizer,
    texts: TextBank,
    images: ImageBank | None,
    options: TrainOptions,
    generator: np.random.Generator,
) -> Tensor:
    """Choose each sample's global vector, (N, D): its text, a reference, both, or the null."""
    vectors = texts.vectors(batch.texts, model.null)
    if options.text_noise:  # few captions are seen so often that they would be learned by heart
        spread = options.text_noise / vectors.shape[1] ** 0.5
        noise = torch.from_numpy(generator.normal(0, spread, vectors.shape).astype(np.float32))
        said = torch.tensor([text is not None for text in batch.texts])[:, None]
        vectors = torch.where(said, F.normalize(vectors + noise, dim=1), vectors)
    if images is None:
        return vectors
    rows, references = [], []
    for i, (key, text) in enumerate(zip(batch.keys, batch.texts, strict=True)):
        if generator.random() >= (options.p_image if text is None else options.p_both):
            continue
        reference = images.reference(key, generator)
        rows.append(i)
        references.append(reference if text is None else F.normalize(reference + vectors[i], dim=0))
    if rows:
        vectors = vectors.index_copy(0, torch.tensor(rows), torch.stack(references))
    return vectors


def _schedule(done: float, options: TrainOptions) -> float:
    if done < options.warm_up:
        return 0.01 + done / options.warm_up
    if done < 1 - options.cool_down:
        return 1.0
    return 0.5 * (1 + float(np.cos(np.pi * (done - 1 + options.cool_down) / options.cool_down)))


def _with_weights(config: ColorizerConfig, weights: dict[str, Tensor]) -> Colorizer:
    model = build_colorizer(config)
    model.load_state_dict(weights)
    return model.eval()


def _save_optimiser(optimiser: torch.optim.Optimizer, path: Path) -> None:
    state = optimiser.state_dict()["state"]
    tensors = {f"{i}.{k}": torch.as_tensor(v) for i, s in state.items() for k, v in s.items()}
    save_checkpoint(path, tensors, {})


def _load_optimiser(optimiser: torch.optim.Optimizer, path: Path) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in read_checkpoint(path)[0].items():
        index, key = name.split(".")
        state.setdefault(int(index), {})[key] = tensor
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})


def _describe(progress: Progressing, scores: Validation) -> str:
    said = "" if scores.caption is None else f"caption {scores.caption:.2f}, "
    return (
        f"step {progress.step}, {progress.seconds / 60:.0f} min: PSNR grey {scores.grey:.2f}, "
        f"none {scores.none:.2f}, {said}colourfulness {scores.colourfulness:.2f}"
    )
