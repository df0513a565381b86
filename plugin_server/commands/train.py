"""``photochrom train``: a colorizer from photos of one's own."""

from __future__ import annotations

import math
from pathlib import Path

import click

from models.baselines import LEARNED, OURS

EXAMPLES = """\b
Examples:
  photochrom train my-photos/ --run runs/mine --minutes 60
  photochrom train train-000.tar train-001.tar --run runs/big --steps 40000
  photochrom train my-photos/ --run runs/mine      (again: goes on where it stopped)
  photochrom serve --weights runs/mine/colorizer.safetensors
  photochrom train my-photos/ --run runs/field --model zhang2016 --cpu-seconds 600
"""


LEAST = 20  # photos; fewer cannot be parted into some to learn from and some to check with
FEW = 500


@click.command(epilog=EXAMPLES)
@click.argument("photos", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--run",
    type=click.Path(path_type=Path),
    default=Path("runs/colorizer"),
    show_default=True,
    help="Folder of checkpoints, log and plot.",
)
@click.option("--steps", type=click.IntRange(1), default=20_000, show_default=True)
@click.option("--minutes", type=click.FloatRange(0.1), help="Train so long, instead of --steps.")
@click.option(
    "--cpu-seconds",
    type=click.FloatRange(0, min_open=True),
    help="Train for so much of the processor's time, instead of --steps.",
)
@click.option(
    "--model",
    type=click.Choice((OURS, *LEARNED)),
    default=OURS,
    show_default=True,
    help="Photochrom's own network, or a baseline of the field.",
)
@click.option("--side", default=128, show_default=True, help="Crop size, a multiple of 32.")
@click.option("--batch", default=32, show_default=True, help="Photos in a batch.")
@click.option("--hold-out", default=42, show_default=True, help="Hold out one photo in so many.")
@click.option(
    "--colourfulness",
    default=0.95,
    show_default=True,
    help="Least colourfulness of the results, as a ratio to the photos'.",
)
@click.option(
    "--described-colourfulness",
    default=0.9,
    show_default=True,
    help="The same with descriptions, whose named colours are strong by themselves.",
)
@click.option(
    "--clip",
    default="embedded",
    show_default=True,
    help="CLIP model that reads captions; MODEL/PRETRAINED@SHA256 of open_clip uses the network.",
)
@click.option(
    "--references/--no-references",
    default=True,
    show_default=True,
    help="Learn from reference photos too, for which all photos are looked at beforehand.",
)
@click.option("--seed", default=0, show_default=True)
def train(
    photos: tuple[Path, ...],
    run: Path,
    steps: int,
    minutes: float | None,
    cpu_seconds: float | None,
    model: str,
    side: int,
    batch: int,
    hold_out: int,
    colourfulness: float,
    described_colourfulness: float,
    clip: str,
    references: bool,
    seed: int,
) -> None:
    """Train a colorizer on PHOTOS: colour photos in tar shards or folders.

    Captions are read from KEY.json or KEY.txt beside a photo; photos without any are used as well.
    Start the same command again to go on after an interruption. The finished weights are
    RUN/colorizer.safetensors.

    With --model a baseline is trained in its stead, for --cpu-seconds, into RUN/NAME.safetensors;
    the same budget for several makes them comparable (docs/baselines.md).
    """
    from models.networks.checkpoint import WeightsError
    from models.networks.clip import load_clip
    from models.photos import PhotosError, in_colour, read_photos
    from models.training.colorizer import TrainOptions, finish
    from models.training.colorizer import train as run_training
    from models.training.plot import plot_log
    from models.training.references import ImageBank
    from models.training.samples import SampleOptions
    from models.training.texts import TextBank

    if side % 32:
        raise click.UsageError(f"--side is {side}: give a multiple of 32, such as 128")
    if model != OURS:
        _train_baseline(model, photos, run, cpu_seconds, side=side, batch=batch, seed=seed)
        return
    try:
        found, aside = in_colour(
            read_photos(photos, short_side=2 * side), least=LEAST, what="training"
        )
        reader = load_clip(clip)
    except (PhotosError, WeightsError) as problem:
        raise click.UsageError(str(problem)) from problem
    for sentence in aside:
        click.echo(sentence)
    if len(found) < FEW:
        click.echo(
            f"note: {len(found)} photos are few: what is learned from fewer than {FEW} seldom "
            "holds for others"
        )
    bank = TextBank(reader)
    held = found[::hold_out]
    kept = [photo for i, photo in enumerate(found) if i % hold_out]
    captions = sum(len(photo.captions) for photo in kept)
    click.echo(f"{len(kept)} photos to train on, {len(held)} held out, {captions} captions")
    record = {
        "from": [path.name for path in photos],
        "photos": len(kept),
        "captions": captions,
        "held_out": len(held),
    }
    checkpoint = run_training(
        kept,
        held[:160],
        run,
        texts=bank,
        images=ImageBank.of(reader, found) if references else None,
        options=TrainOptions(
            steps=steps,
            minutes=minutes,
            cpu_seconds=cpu_seconds,
            batch_size=batch,
            # A process of its own would make samples that the budget does not count.
            workers=1 if cpu_seconds is None else 0,
            seed=seed,
        ),
        samples=SampleOptions(side=side),
        record=record,
    )
    plot_log(run / "log.jsonl", run / "log.png")
    reading = finish(
        checkpoint,
        held[:160],
        run / "colorizer.safetensors",
        texts=bank,
        colourfulness=colourfulness,
        described_colourfulness=described_colourfulness,
    )
    click.echo(
        f"read with temperature {reading.temperature:g}, chroma gain {reading.chroma_gain:g} "
        f"without and {reading.described_gain:g} with descriptions: "
        + (
            f"PSNR {reading.psnr[0]:.2f} without and {reading.psnr[1]:.2f} with captions"
            if captions and not math.isnan(reading.psnr[1])
            else f"PSNR {reading.psnr[0]:.2f}; no photo that was held out has a caption"
        )
    )
    click.echo(f"wrote {run / 'colorizer.safetensors'}")


def _train_baseline(
    name: str,
    paths: tuple[Path, ...],
    run: Path,
    cpu_seconds: float | None,
    *,
    side: int,
    batch: int,
    seed: int,
) -> None:
    from models.baselines.training import BaselineOptions, train_baseline
    from models.photos import PhotosError, read_photos
    from models.training.samples import SampleOptions

    if cpu_seconds is None:
        raise click.UsageError(f"--model {name} needs a budget: give --cpu-seconds, such as 600")
    if side % 64:
        raise click.UsageError(f"--side is {side}: baselines need a multiple of 64, such as 128")
    try:
        photos = list(read_photos(paths, short_side=2 * side))
    except PhotosError as problem:
        raise click.UsageError(str(problem)) from problem
    click.echo(f"{len(photos)} photos to train on")
    file = train_baseline(
        name,
        photos,
        run,
        options=BaselineOptions(cpu_seconds, batch_size=batch, seed=seed),
        samples=SampleOptions(side=side),
        record={"from": [path.name for path in paths], "photos": len(photos)},
    )
    click.echo(f"wrote {file}")
