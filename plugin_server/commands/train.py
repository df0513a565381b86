"""``photochrom train``: a colorizer from photos of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from models.baselines import LEARNED, OURS
from models.plural import number_of
from models.shown import shown
from plugin_server.commands import finished_run
from plugin_server.commands.once import Command
from plugin_server.commands.outputs import check_folder, write
from plugin_server.commands.train_baseline import check_options, given_options, train_baseline

if TYPE_CHECKING:
    from models.networks.clip import Clip
    from models.networks.predictor import Predictor
    from models.photos import Photo
    from models.training.beginning import Start

EXAMPLES = """\b
Examples:
  photochrom train my-photos/ --run runs/mine --minutes 60
  photochrom train train-000.tar train-001.tar --from imagenet --run runs/big --steps 40000
  photochrom train my-photos/ --run runs/mine      (again: goes on where it stopped)
  photochrom serve --weights runs/mine/colorizer.safetensors
  photochrom train many-photos/ --run runs/deep --deep --rate 0.0004 --minutes 90
  photochrom train my-photos/ --run runs/field --model zhang2016 --cpu-seconds 600
"""


LEAST = 20  # photos; fewer cannot be parted into some to learn from and some to check with
FEW = 500
LARGEST_SIDE, LARGEST_BATCH = 1024, 1024  # more would not fit into memory
RELEASED, IMAGENET = "released", "imagenet"
FROM_IMAGENET = {"colourfulness", "described_colourfulness"}  # options that go with it alone
STEPS, STEPS_GOING_ON = 20_000, 1_000
GOING_ON_RATE = 1e-4  # a tenth of that from scratch, so that what was learned before is kept
HELD_OUT, COMPARED, SHOWN = 160, 40, 12  # photos at most: to check with, to compare on, to show


@click.command(cls=Command, epilog=EXAMPLES)
@click.argument("photos", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--run",
    type=click.Path(path_type=Path),
    default=Path("runs/colorizer"),
    show_default=True,
    help="Folder of checkpoints, log and plot.",
)
@click.option(
    "--from",
    "begin",
    metavar="released|imagenet|FILE",
    default=RELEASED,
    show_default=True,
    help="Go on from the weights that come with Photochrom or from those of a FILE, or begin with "
    "an encoder from ImageNet.",
)
@click.option(
    "--steps",
    type=click.IntRange(1),
    help=f"Steps of training.  [default: {STEPS_GOING_ON:,}; from ImageNet {STEPS:,}]",
)
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
@click.option(
    "--rate",
    type=click.FloatRange(0, 0.01, min_open=True),
    help="Learning rate from finished weights: a larger one learns more and forgets more.  "
    f"[default: {GOING_ON_RATE:g}]",
)
@click.option(
    "--deep",
    is_flag=True,
    help="From finished weights: teach the encoder too, from stride 16 on. For references and dabs "
    "models.training.correspondence and models.training.affinity must then be run again.",
)
@click.option(
    "--blend",
    type=click.FloatRange(0, 1, min_open=True),
    help="From finished weights: how far to go from them to the run's own. Half of the way often "
    "holds better for other photos than all of it.  [default: 1]",
)
@click.option(
    "--side",
    type=click.IntRange(32, LARGEST_SIDE),
    default=128,
    show_default=True,
    help="Crop size, a multiple of 32; of 64 with --model.",
)
@click.option(
    "--batch",
    type=click.IntRange(1, LARGEST_BATCH),
    default=32,
    show_default=True,
    help="Photos in a batch.",
)
@click.option(
    "--hold-out",
    type=click.IntRange(2),
    help="Hold out one photo in so many.  [default: 42; fewer where the photos are few]",
)
@click.option(
    "--colourfulness",
    default=0.95,
    show_default=True,
    help="From ImageNet: least colourfulness of the results, as a ratio to the photos'.",
)
@click.option(
    "--described-colourfulness",
    default=0.9,
    show_default=True,
    help="From ImageNet: the same with descriptions, whose named colours are strong by themselves.",
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
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.pass_context
def train(
    ctx: click.Context,
    photos: tuple[Path, ...],
    run: Path,
    begin: str,
    steps: int | None,
    minutes: float | None,
    cpu_seconds: float | None,
    model: str,
    rate: float | None,
    deep: bool,
    blend: float | None,
    side: int,
    batch: int,
    hold_out: int | None,
    colourfulness: float,
    described_colourfulness: float,
    clip: str,
    references: bool,
    seed: int,
) -> None:
    """Train a colorizer on PHOTOS: colour photos in tar shards or folders.

    It goes on from the weights that come with Photochrom, at a small rate; what finds named things
    and matches references stays usable. Captions are read from KEY.json or KEY.txt beside a photo;
    photos without any are used as well. Start the same command again to go on after an
    interruption; a finished run is only written anew, which --blend may change. The finished
    weights are RUN/colorizer.safetensors; at the end they are compared with those before on photos
    held out, in a table and in RUN/before-after.png.

    With --model a baseline is trained in its stead, for --cpu-seconds, into RUN/NAME.safetensors;
    the same budget for several makes them comparable (docs/baselines.md). It takes --side, --batch
    and --seed besides.
    """
    from models.networks.checkpoint import WeightsError
    from models.networks.clip import load_clip
    from models.photos import PhotosError, read_in_colour
    from models.training.beginning import EarlierRun, Start
    from models.training.colorizer import TrainOptions, finish
    from models.training.colorizer import train as run_training
    from models.training.plot import plot_log
    from models.training.references import ImageBank
    from models.training.samples import SampleOptions
    from models.training.texts import TextBank

    if side % 32:
        raise click.UsageError(f"--side is {side}: give a multiple of 32, such as 128")
    check_folder(run)
    if model != OURS:
        check_options(ctx, model)
        train_baseline(model, photos, run, cpu_seconds, side=side, batch=batch, seed=seed)
        return
    if (rate or deep or blend) and begin == IMAGENET:
        raise click.UsageError(
            "--rate, --deep and --blend are for finished weights: not with --from imagenet"
        )
    given = given_options(ctx)
    for name, option in given.items():
        if begin != IMAGENET and name in FROM_IMAGENET:
            raise click.UsageError(
                f"{option} is for --from imagenet: finished weights are read as they were"
            )
    if sum(budget is not None for budget in (steps, minutes, cpu_seconds)) > 1:
        raise click.UsageError("give one of --steps, --minutes and --cpu-seconds, not several")
    weights_before = _weights_before(begin)
    try:
        earlier = EarlierRun.read(run)
        if earlier is not None and earlier.begin != begin:
            raise click.UsageError(
                f"the run in {shown(run)} began from {earlier.begin}: give --from {earlier.begin} "
                "to go on with it, or another --run"
            )
        if earlier is not None and begin != IMAGENET and earlier.is_deep != deep:
            raise click.UsageError(
                f"the run in {shown(run)} was begun {'without' if deep else 'with'} --deep, and "
                "what learns stays the same in a run: go on in the same way, or give another --run"
            )
        start = None if weights_before is None else Start.load(weights_before)
        if start is not None:
            _check_clip(start, clip)
    except WeightsError as problem:
        raise click.UsageError(str(problem)) from problem
    options = TrainOptions(
        steps=steps or (STEPS if start is None else STEPS_GOING_ON),
        minutes=minutes,
        cpu_seconds=cpu_seconds,
        batch_size=batch,
        # A process of its own would make samples that the budget does not count.
        workers=1 if cpu_seconds is None else 0,
        seed=seed,
    )
    if start is not None:
        options = options.going_on(rate=rate or GOING_ON_RATE, deep=deep)
    samples = SampleOptions(side=side, p_scene=0.5 if start is None else 1.0)
    finished: dict[str, Any] = {}  # what a run was made with that learns no more
    if earlier is not None and options.is_spent(earlier.progress):
        finished = earlier.made_with
    # Its weights are measured as they were then, whatever is asked now.
    short_side = 2 * finished.get("side", side)
    try:
        found, aside = read_in_colour(photos, least=LEAST, what="training", short_side=short_side)
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
    if hold_out is None:  # about 20 of a few hundred photos, so that the check says something
        hold_out = min(42, max(4, len(found) // 20))
    one_in = finished.get("hold_out", hold_out)
    held = found[::one_in]
    kept = [photo for i, photo in enumerate(found) if i % one_in]
    captions = sum(len(photo.captions) for photo in kept)
    click.echo(
        f"{number_of(len(kept), 'photo')} to train on, {len(held):,} held out, "
        f"{number_of(captions, 'caption')}"
    )
    record = {
        "from": [path.name for path in photos],
        "begin": begin,
        "photos": len(kept),
        "captions": captions,
        "held_out": len(held),
        "hold_out": hold_out,
        "references": references,
    }
    if finished:
        asked = {**asdict(options), **asdict(samples), **record}
        click.echo(finished_run.told(run, finished, asked, given))
    before = _to_compare(weights_before)  # now: the run may write over that file
    checkpoint = run_training(
        kept,
        held[:HELD_OUT],
        run,
        texts=bank,
        images=ImageBank.of(reader, found) if references and not finished else None,
        options=options,
        samples=samples,
        record=record,
        start=start,
    )
    plot_log(run / "log.jsonl", run / "log.png")
    weights = run / "colorizer.safetensors"
    reading = finish(
        checkpoint,
        held[:HELD_OUT],
        weights,
        texts=bank,
        colourfulness=colourfulness,
        described_colourfulness=described_colourfulness,
        start=start,
        blend=1.0 if blend is None else blend,
    )
    if reading is not None:
        said = any(photo.captions for photo in held[:HELD_OUT])
        click.echo(
            f"read with temperature {reading.temperature:g}, chroma gain {reading.chroma_gain:g} "
            f"without and {reading.described_gain:g} with descriptions: "
            + (
                f"PSNR {reading.psnr[0]:.2f} without and {reading.psnr[1]:.2f} with captions"
                if said
                else f"PSNR {reading.psnr[0]:.2f}; no photo that was held out has a caption"
            )
        )
    click.echo(f"wrote {shown(weights)}")
    if before is not None and (after := _to_compare(weights)) is not None:
        pair, picture = (before, after), run / "before-after.png"
        _compare(held[:COMPARED], pair, reader, picture, is_first=start is None)


def _weights_before(begin: str) -> Path | None:
    """Turn --from into the file of weights to go on from."""
    from models.networks.loading import CHECKPOINT

    if begin == IMAGENET:
        return None
    if begin == RELEASED:
        return CHECKPOINT
    if not Path(begin).is_file():
        raise click.UsageError(
            f"--from {begin}: give released, imagenet or a file of weights that `photochrom train` "
            "wrote"
        )
    return Path(begin)


def _check_clip(start: Start, clip: str) -> None:
    """Refuse weights that cannot read the embeddings of the CLIP model asked for."""
    wanted = start.model.config.clip
    if wanted != clip:
        raise click.UsageError(
            f"the weights to go on from were trained with the CLIP model {wanted!r}: give "
            f"--clip {wanted!r}, or --from imagenet to train with {clip!r}"
        )


def _to_compare(weights: Path | None) -> Predictor | None:
    """Load weights to be compared, the released ones where there were none; say if that fails."""
    from models.networks.checkpoint import WeightsError
    from models.networks.loading import load_colorizer

    try:
        return load_colorizer(weights)
    except WeightsError as problem:
        click.echo(f"The new weights are not compared with those before: {problem}")
        return None


def _compare(
    held: Sequence[Photo],
    pair: tuple[Predictor, Predictor],
    reader: Clip,
    picture: Path,
    *,
    is_first: bool,
) -> None:
    """Compare weights before and after; before the first training they are the released ones."""
    from rich.console import Console

    from models.evaluation import before_after
    from models.networks.clip import load_clip

    before, after = pair
    wanted = before.model.config.clip
    theirs = reader if wanted == reader.name else load_clip(wanted)
    pictures = list(before_after.color_by_both(held, (before, theirs), (after, reader)))
    grey, old, new = before_after.means(pictures)
    Console().print(before_after.table((grey, old, new)))
    if is_first:
        click.echo("Before are the weights that come with Photochrom.")
    click.echo(before_after.verdict(old, new, len(held)))
    write(picture, before_after.sheet_png(pictures[:SHOWN]))
    click.echo(f"wrote {picture}: grey, before, after, original")
