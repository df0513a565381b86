"""Make every file of weights from photos, in order: what ``make weights`` runs.

    python -m models.training.every PHOTOS [--run runs/weights] [--share 1.0]

PHOTOS is a folder with ``*-train-*.tar`` shards, ``regions-*-train-*.tar`` shards with masks, and
``*-regions.jsonl`` with drawn boxes. Each stage writes into the run's folder and is then put into
the place of the released file, because the next one reads it. Start the same command again to go
on: a stage whose file is there is not made again, unless one before it was. ``record.json`` says
what was done, with which seeds and how long.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from models.networks.checkpoint import CHECKSUMS, WEIGHTS, file_sha256, known_checksums

MINUTES = {
    "clip": 20.0, "colorizer": 200.0, "larger": 80.0, "grounding": 95.0, "boxes": 10.0,
    "extent": 60.0, "matcher": 35.0,
}  # fmt: skip
LEAST_MINUTES = 0.1  # that a training takes
CLIP_STEPS, AFFINITY_STEPS = 1500, 16000


@dataclass(frozen=True, slots=True)
class Stage:
    """One training: a module with arguments that makes ``made``, to be put in place as ``name``."""

    title: str
    arguments: tuple[str, ...]
    made: Path
    name: str

    @property
    def command(self) -> list[str]:
        """What the record says of it."""
        return ["python", *self.arguments]


def stages_of(photos: Path, run: Path, *, share: float, seed: int) -> list[Stage]:
    """Return the trainings in order; ``share`` is of the time that the released weights took.

    Raises:
        ValueError: the folder has no shards to train on.
    """
    masks = [str(p) for p in sorted(photos.glob("regions-*-train-*.tar"))]
    shards = [str(p) for p in sorted(photos.glob("*-train-*.tar")) if str(p) not in masks]
    boxes = [str(p) for p in sorted(photos.glob("*-regions.jsonl"))]
    if not shards or not masks or not boxes:
        raise ValueError(
            f"{photos} lacks shards to train on: there must be *-train-*.tar, "
            "regions-*-train-*.tar and *-regions.jsonl"
        )
    boxed = [p for p in shards if Path(p).name.split("-")[0] in Path(boxes[0]).name] or shards
    minutes = {title: f"{max(LEAST_MINUTES, share * m):g}" for title, m in MINUTES.items()}
    common, drawn = ("--seed", str(seed)), ("--boxes", boxes[0])

    def stage(title: str, module: str, arguments: Sequence[str], made: str, name: str) -> Stage:
        whole = ("-m", f"models.training.{module}", *arguments, *common)
        return Stage(title, whole, run / title / made, name)

    def at(title: str, *arguments: str) -> tuple[str, ...]:
        return ("--run", str(run / title), *arguments)

    train = ("-m", "plugin_server", "train", *shards)
    first = ("--from", "imagenet", *at("colorizer", "--minutes", minutes["colorizer"]))
    # Small crops first, which are fast, then as large ones as photos are read at.
    larger = (
        "--from", "released", "--deep", "--rate", "0.0005", "--side", "224",
        *at("larger", "--minutes", minutes["larger"]),
    )  # fmt: skip
    ground = at("grounding", "--minutes", minutes["grounding"], *drawn)
    reach = at("extent", "--minutes", minutes["extent"], *drawn)
    boxes_at = at("boxes", "--minutes", minutes["boxes"], *drawn)
    match = at("matcher", "--minutes", minutes["matcher"])
    clip_steps, steps = (
        str(max(1, round(share * count))) for count in (CLIP_STEPS, AFFINITY_STEPS)
    )
    return [
        stage(
            "clip", "clip",
            [*shards, "--output", str(run / "clip" / "clip.safetensors"),
             "--steps", clip_steps, "--minutes", minutes["clip"]],
            "clip.safetensors", "clip.safetensors",
        ),
        Stage(
            "colorizer", (*train, *first, *common),
            run / "colorizer" / "colorizer.safetensors", "colorizer.safetensors",
        ),
        Stage(
            "larger", (*train, *larger, *common),
            run / "larger" / "colorizer.safetensors", "colorizer.safetensors",
        ),
        stage(
            "affinity", "affinity", [*shards, *at("affinity", "--steps", steps)],
            "affinity.safetensors", "affinity.safetensors",
        ),
        stage(
            "grounding", "grounding", [*masks, *boxed, *ground],
            "grounding.safetensors", "grounding.safetensors",
        ),
        stage(
            "boxes", "box_head", [*masks, *boxed, *boxes_at],
            "grounding.safetensors", "grounding.safetensors",
        ),
        stage(
            "extent", "extent", [*masks, *shards, *reach],
            "grounding.safetensors", "grounding.safetensors",
        ),
        stage(
            "matcher", "correspondence", [*boxed, *match],
            "correspondence.safetensors", "correspondence.safetensors",
        ),
    ]  # fmt: skip


def check_same(stages: Sequence[Stage], record: Mapping[str, Any]) -> None:
    """Refuse to go on with a run that was made otherwise.

    Raises:
        ValueError: a stage of the ``record`` had other arguments.
    """
    for stage in stages:
        if stage.title in record and record[stage.title]["command"] != stage.command:
            raise ValueError(
                f"the {stage.title} of this run was made with other photos, another share or "
                "another seed: give the same to go on with it, or another --run"
            )


def put_in_place(made: Path, name: str, folder: Path = WEIGHTS) -> None:
    """Put a file into the place of the released one, and its SHA-256 into that of the old one."""
    shutil.copyfile(made, folder / name)
    sums = known_checksums(folder) | {name: file_sha256(folder / name)}
    lines = (f"{digest}  {one}\n" for one, digest in sorted(sums.items()))
    (folder / CHECKSUMS).write_text("".join(lines), "ascii")


@click.command()
@click.argument("photos", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--run", type=click.Path(path_type=Path), default=Path("runs/weights"))
@click.option(
    "--share",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    help="Of the time that the released weights took, about eight hours of one core.",
)
@click.option("--seed", default=0, show_default=True)
def main(photos: Path, run: Path, share: float, seed: int) -> None:
    """Make every file of weights from the shards in PHOTOS, in the place of the released ones."""
    file = run / "record.json"
    record = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    try:
        stages = stages_of(photos, run, share=share, seed=seed)
        check_same(stages, record)
    except ValueError as problem:
        raise click.UsageError(str(problem)) from problem
    run.mkdir(parents=True, exist_ok=True)
    # A training would go on alone when its parent is ended; an exception ends it too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for number, stage in enumerate(stages, 1):
        head = f"{number} of {len(stages)}: {stage.title}"
        if stage.title in record and stage.made.is_file():
            click.echo(f"{head}: is there")
            put_in_place(stage.made, stage.name)
            continue
        click.echo(head)
        for later in stages[number:]:  # they read what is made now
            if record.pop(later.title, None):
                shutil.rmtree(later.made.parent, ignore_errors=True)
        stage.made.parent.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        ended = subprocess.run([sys.executable, *stage.arguments], check=False)
        if ended.returncode:
            raise click.ClickException(
                f"{stage.title} ended with {ended.returncode}; start the same command again to go "
                "on from here"
            )
        record[stage.title] = {
            "command": stage.command,
            "seed": seed,
            "seconds": round(time.monotonic() - started),
            "sha256": file_sha256(stage.made),
        }
        file.write_text(json.dumps(record, indent=2) + "\n", "utf-8")
        put_in_place(stage.made, stage.name)
    click.echo(f"wrote {len(stages)} sets of weights into {WEIGHTS}; the record is {file}")


if __name__ == "__main__":
    main()
