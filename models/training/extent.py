"""Train where named colours land: the grounder's extent, and with it the grounder itself.

    python -m models.training.extent PHOTOS... --boxes FILE --run RUN

PHOTOS are shards with captions, and ``regions-*`` shards with masks. Captions with colours are read
as descriptions, and photos with masks that have none are described by what their masks show; the
colours that the result would have are to be near the true ones, nearest where the photo has the
named hue, and nothing is to be laid outside the mask of a thing, or the boxes that people drew for
it. Some things are turned to another hue, and asked for in it, so that an unexpected colour is
laid as well; some descriptions name a thing of another photo, which is not to be found. The
errors reach the grounder through the extent's inputs; masks and boxes go on teaching it where names
are (``models.training.grounding``). The encoder up to stride 8 and the colours stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path

import click
import cv2
import numpy as np
import torch
from rich.progress import track
from torch import Tensor

from models.guidance.named_colors import is_neutral
from models.networks.checkpoint import encoder_digest, save_checkpoint
from models.networks.clip import Clip
from models.networks.extent import extent_inputs, how_found, kept_where_expected
from models.networks.grounding import (
    CHECKPOINT,
    Grounder,
    load_grounder,
    load_trainable,
    look_alike,
    places,
    read_names,
)
from models.networks.loading import fitting_affinity, load_pair
from models.networks.nonlocal_means import nonlocal_mean
from models.networks.predictor import Predictor
from models.photos import read_photos
from models.training.averaging import blended, halved
from models.training.grounding import by_kind, embed_names, losses_of, read_region_photos
from models.training.loop import Falling, Loop
from models.training.mask_captions import read_captioned, tells_colors
from models.training.regions import RegionPhoto, read_boxes
from models.training.scenes import Scene, Wish, mirrored, scene_of
from models.training.strangers import names_in_captions, strangers_to
from models.training.view_features import Views
from models.training.vividness import fit_vividness

LEAST_ERROR = 10.0  # ab squared; better than that nobody sees
PEAK = 4  # power of the shares whose sum stands for the strongest place


@dataclass(frozen=True, slots=True)
class ExtentOptions:
    """Everything that decides how a run goes, besides the photos.

    ``inside`` is how much more errors count where the photo has the named hue, ``harm`` how much
    more a loss counts than a gain. ``spill`` is what colour outside of masks and boxes costs,
    ``peak`` what its strongest places cost there, ``notice`` what it costs to find a thing of
    another photo or to miss one of this, ``ground`` what masks and boxes count. ``turned`` and
    ``strangers`` are shares of the things, ``masked`` is how often photos with masks are drawn
    beside 1 for others. ``rate`` is the extent's, ``grounder_rate`` the grounder's, ``deep_rate``
    that of its encoder's blocks from stride 16 on. Before, an extent that has learned nothing yet
    learns alone for the share ``first`` of the minutes. What is learned from few captions holds
    better on other photos where the weights go only so far from where they were (``blend``;
    Wortsman et al. 2022, arXiv:2109.01903).
    """

    minutes: float = 60.0
    first: float = 0.2
    steps: int | None = None
    scenes: int = 6
    views: int = 10
    side: int = 192
    captions: int = 2
    masked: float = 4.0
    turned: float = 0.3
    strangers: float = 0.3
    inside: float = 15.0
    harm: float = 0.2
    spill: float = 0.5
    peak: float = 0.1
    notice: float = 0.1
    ground: float = 0.3
    rate: float = 1.5e-3
    grounder_rate: float = 3e-4
    deep_rate: float = 8e-5
    weight_decay: float = 0.01
    average: float = 0.995
    blend: float = 0.3
    seed: int = 0


Decoded = tuple[Tensor, Tensor]  # by the grounder: its cells, and those of its box head


def described_by(model: Grounder, scene: Scene) -> Decoded:
    """Describe a scene: (D, h, w) unit vectors, and the box head's on half of the grid."""
    height, width = scene.lightness.shape
    cells, boxes = model.look(scene.f4.float()[None], scene.f8.float()[None])
    return cells[0, :, :height, :width], boxes[0, :, : -(-height // 2), : -(-width // 2)]


def losses_in(
    scene: Scene,
    described: Decoded,
    model: Grounder,
    options: ExtentOptions,
    generator: np.random.Generator,
) -> dict[str, Tensor]:
    """Compare what a caption would do to a photo, ``described``, with its true colours.

    ``error`` is the mean logarithm of the error as a share of that of what the network expected,
    ``spill`` and ``peak`` what lies outside of drawn boxes, ``notice`` what is found of other
    photos' things or missed.
    """
    things, others = scene.asked[int(generator.integers(len(scene.asked)))]
    if scene.stranger is not None and generator.random() < options.strangers * len(things):
        things = (*things, scene.stranger)
    wishes = [one.wishes[-1 if generator.random() < options.turned else 0] for one in things]
    lightness, guess = scene.lightness.float(), scene.guess.float()
    cells, boxes = described
    vectors = torch.stack([one.vector for one in things])
    names = read_names(model, torch.cat([vectors, others]))
    claims = places(model, cells, boxes, names, [wish.colors for wish in wishes])
    with torch.no_grad():
        alike = look_alike(cells, lightness)
    named = torch.stack([wish.ab for wish in wishes]).float()
    evidence = torch.stack([wish.evidence for wish in wishes]).float()
    neutral = torch.tensor([float(is_neutral(wish.colors)) for wish in wishes])
    # Learned with colours that are not raised: with those that are, laying any colour pays because
    # it makes the picture paler.
    expected = scene.expected.float()
    colors = kept_where_expected(named, expected, evidence, neutral)
    inputs = extent_inputs(
        claims,
        evened=nonlocal_mean(claims.probability, alike),
        evidence=evidence,
        colors=kept_where_expected(named, guess, evidence, neutral),
        guess=guess,
        lightness=lightness,
        neutral=neutral,
    )
    shares = torch.sigmoid(model.extent(inputs, cells, names.cells[: len(things)]))
    found = how_found(claims.probability).clamp(1e-4, 1 - 1e-4)
    parts: dict[str, list[Tensor]] = {"error": [], "spill": [], "peak": [], "notice": []}
    for k, (thing, wish) in enumerate(zip(things, wishes, strict=True)):
        parts["error"].append(_error(shares[k], colors[k], expected, wish, options))
        if thing.stranger:
            parts["notice"].append(-torch.log1p(-found[k]))
        elif wish.inside.any():
            parts["notice"].append(-found[k].log())
        if thing.outside is not None:
            outside = thing.outside.float()
            parts["spill"].append((shares[k] * outside).sum() / (shares[k].sum() + 1))
            strongest = shares[k] ** PEAK
            held = (strongest * (1 - outside)).sum() / strongest.sum().clamp_min(1e-6)
            parts["peak"].append(-held.clamp_min(0.01).log())
    zero = shares.new_zeros(())
    return {name: torch.stack(some).mean() if some else zero for name, some in parts.items()}


def _error(
    share: Tensor, colors: Tensor, guess: Tensor, wish: Wish, options: ExtentOptions
) -> Tensor:
    """Return the log of the error as a share of the guess's, losses counted more than gains."""
    truth = wish.truth.float()
    result = guess + share * (colors - guess)
    weight = 1 + (options.inside - 1) * wish.inside.float()
    before, after = (
        (((ab - truth) ** 2).sum(0) * weight).mean() + LEAST_ERROR for ab in (guess, result)
    )
    gained = torch.log(after / before)
    return gained + options.harm * torch.relu(gained)


def train(
    scenes: Sequence[Scene],
    views: Views | None,
    vectors: Mapping[str, Tensor],
    model: Grounder,
    *,
    options: ExtentOptions,
    log: Path | None,
    alone: bool = False,
    save: Callable[[dict[str, Tensor]], None] = lambda averaged: None,
) -> dict[str, Tensor]:
    """Train a grounder with its extent on scenes, and on views with masks and boxes.

    ``vectors`` (D,) are those of the views' names. Only the extent learns where it is ``alone``.
    Returns the averaged weights.
    """
    torch.manual_seed(options.seed)
    generator = np.random.default_rng(options.seed)
    model.eval()  # batch statistics stay those of the grounder's training
    with torch.no_grad():
        known: list[Decoded] = []
        for scene in track(scenes, "descriptions") if alone else ():
            cells, boxes = described_by(model, scene)
            known.append((cells.half(), boxes.half()))

    def losses_of_scene(i: int) -> dict[str, Tensor]:
        scene, is_mirrored = scenes[i], generator.random() < 0.5
        if is_mirrored and scene.lightness.shape[1] % 2 == 0:  # the box head's grid has half
            scene = mirrored(scene)
        if not alone:
            described = described_by(model, scene)
        else:
            cells, boxes = (plane.float() for plane in known[i])
            if scene is not scenes[i]:
                cells, boxes = cells.flip(-1), boxes.flip(-1)
            described = cells, boxes
        return losses_in(scene, described, model, options, generator)

    rates = np.array([options.masked if scene.is_masked else 1.0 for scene in scenes])
    rates /= rates.sum()
    groups: dict[float, list[torch.nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        part = name.split(".")[0]
        kept = part in ("read_vividness", "boxes")
        parameter.requires_grad_(part == "extent" or not (alone or kept))
        rate = {"extent": options.rate, "blocks": options.deep_rate}.get(
            part, options.grounder_rate
        )
        if parameter.requires_grad:
            groups.setdefault(rate, []).append(parameter)
    optimiser = torch.optim.AdamW(
        [{"params": some, "lr": rate} for rate, some in groups.items()],
        weight_decay=options.weight_decay,
    )
    averaged = {k: v.detach().clone() for k, v in model.state_dict().items()}
    loop = Loop(
        model,
        optimiser,
        Falling(100),
        minutes=options.minutes,
        steps=options.steps,
        averaged=averaged,
        keep=options.average,
        log=log,
        save=lambda: save(averaged),
    )
    for _ in loop:
        drawn = generator.choice(len(scenes), options.scenes, p=rates)
        some = [losses_of_scene(int(i)) for i in drawn]
        parts = {name: torch.stack([one[name] for one in some]).mean() for name in some[0]}
        weighted = {
            "error": parts["error"],
            "spill": options.spill * parts["spill"],
            "peak": options.peak * parts["peak"],
            "notice": options.notice * parts["notice"],
        }
        if views is not None:
            seen = views.draw(options.views, generator)
            f4, f8 = views.features(seen)
            ground = losses_of(
                model,
                (f4, f8, *model.deepen(f8)),
                [views.targets[i] for i in seen],
                [views.sources[i] for i in seen],
                vectors,
                generator,
            )
            weighted["ground"] = options.ground * ground.total
        loop.learn(**weighted)
    return averaged


def _beside(grounder: Path, weights: Path | None) -> tuple[Predictor, Clip]:
    """Load the colorizer with this grounder, and what evens its colours."""
    predictor, clip = load_pair(weights, alone=True)
    affinity = fitting_affinity(encoder_digest(predictor.model.encoder), weights)
    read = load_grounder(grounder)
    whole = Predictor(predictor.model, name=predictor.name, grounder=read, affinity=affinity)
    return whole, clip


_PATH = click.Path(exists=True, path_type=Path)


@click.command()
@click.argument("shards", nargs=-1, required=True, type=_PATH)
@click.option("--boxes", type=_PATH, required=True, help="Drawn boxes, one JSON object a photo.")
@click.option("--run", type=click.Path(path_type=Path), default=Path("runs/extent"))
@click.option("--grounder", type=_PATH, default=CHECKPOINT, help="Weights to go on from.")
@click.option("--weights", type=_PATH, help="Colorizer whose encoder is read.")
@click.option(
    "--minutes", type=click.FloatRange(0.1), default=ExtentOptions().minutes, show_default=True
)
@click.option("--alone", is_flag=True, help="The grounder stays as it is.")
@click.option(
    "--blend",
    type=click.FloatRange(0, 1),
    default=ExtentOptions().blend,
    show_default=True,
    help="How far to go from the weights before to those of the run.",
)
@click.option("--limit", type=click.IntRange(1), help="Photos of each shard at most.")
@click.option("--seed", default=0, show_default=True)
def main(
    shards: tuple[Path, ...],
    boxes: Path,
    run: Path,
    grounder: Path,
    weights: Path | None,
    minutes: float,
    alone: bool,
    blend: float,
    limit: int | None,
    seed: int,
) -> None:
    """Train how vivid named colours are and where they land.

    SHARDS named regions-* hold photos with masks, the others photos with captions. The weights are
    RUN/grounding.safetensors.
    """
    cv2.setNumThreads(0)
    run.mkdir(parents=True, exist_ok=True)
    options = ExtentOptions(minutes=minutes, blend=blend, seed=seed)
    generator = np.random.default_rng(seed)
    predictor, clip = _beside(grounder, weights)
    drawn = read_boxes(boxes, "train")
    masks, plain = by_kind(shards)
    photos = [
        photo
        for shard in plain
        for photo in islice(read_photos([shard], short_side=256), limit)
        if tells_colors(photo.captions)
    ]
    weight, bias, phrases = fit_vividness(photos, drawn, clip)
    click.echo(f"vividness: {phrases} phrases")
    assert predictor.grounder is not None
    predictor.grounder.read_vividness.weight.data.copy_(weight)
    predictor.grounder.read_vividness.bias.data.copy_(bias)
    scenes = []
    names = names_in_captions(photos)
    told = [RegionPhoto.of(photo, drawn.get(photo.key, ())) for photo in photos]
    told += read_captioned(masks, generator)
    for photo in track(told, "photos"):
        stranger = next(strangers_to(photo.shown, names, generator), None)
        scene = scene_of(
            photo, predictor, clip, generator, captions=options.captions, stranger=stranger
        )
        if scene is not None:
            scenes.append(scene)
    model, header = load_trainable(grounder)
    model.read_vividness.weight.data.copy_(weight)
    model.read_vividness.bias.data.copy_(bias)
    record = {
        "from": [shard.name for shard in shards],
        "scenes": len(scenes),
        "phrases": phrases,
        "options": asdict(options),
    }
    click.echo(f"{len(scenes)} photos with coloured things")
    log, stage = run / "log.jsonl", "alone" if alone else "extent"
    views, vectors = None, dict[str, Tensor]()
    if not alone:
        with_boxes = [path for path in plain if path.name.split("-")[0] in boxes.name]
        named = [
            photo
            for photo in read_region_photos(masks, with_boxes, boxes, "train")
            if photo.has_regions
        ]
        views = Views(named, predictor.model.encoder, run, side=options.side, count=1, seed=seed)
        vectors = embed_names(sorted(views.names), clip)
        record["views"] = len(named)
        if "extent" not in header:
            first = replace(options, minutes=options.first * options.minutes)
            model.load_state_dict(
                train(scenes, None, {}, model, options=first, log=log, alone=True)
            )
    start = {name: plane.clone() for name, plane in model.state_dict().items()}

    def save(averaged: dict[str, Tensor]) -> None:
        tensors = halved(blended(start, averaged, options.blend))
        save_checkpoint(run / CHECKPOINT.name, tensors, header | {stage: record})

    train(scenes, views, vectors, model, options=options, log=log, alone=alone, save=save)
    click.echo(f"wrote {run / CHECKPOINT.name}")


if __name__ == "__main__":
    main()
