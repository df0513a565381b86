"""What ``photochrom train --model NAME`` does: train a baseline of the field."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
from click.core import ParameterSource

from models.plural import number_of
from models.shown import shown

OPTIONS: Final = {"photos", "run", "model", "cpu_seconds", "side", "batch", "seed"}


def given_options(ctx: click.Context) -> dict[str, str]:
    """Return what stands on the command line: the parameter's name, and its longest option."""
    return {
        str(option.name): max(option.opts, key=len)
        for option in ctx.command.params
        if ctx.get_parameter_source(str(option.name)) == ParameterSource.COMMANDLINE
    }


def check_options(ctx: click.Context, baseline: str) -> None:
    """Refuse options that say nothing to a baseline."""
    idle = [option for name, option in given_options(ctx).items() if name not in OPTIONS]
    if idle:
        raise click.UsageError(
            f"--model {baseline} does not use what is only for Photochrom's own network: "
            f"leave out {', '.join(idle)}"
        )


def train_baseline(
    name: str,
    paths: tuple[Path, ...],
    run: Path,
    cpu_seconds: float | None,
    *,
    side: int,
    batch: int,
    seed: int,
) -> None:
    """Train a baseline into RUN/NAME.safetensors.

    Raises:
        UsageError: there is no budget, ``side`` does not fit, or the photos cannot be read.
    """
    from models.baselines import training
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
    click.echo(f"{number_of(len(photos), 'photo')} to train on")
    file = training.train_baseline(
        name,
        photos,
        run,
        options=training.BaselineOptions(cpu_seconds, batch_size=batch, seed=seed),
        samples=SampleOptions(side=side),
        record={"from": [path.name for path in paths], "photos": len(photos)},
    )
    click.echo(f"wrote {shown(file)}")
