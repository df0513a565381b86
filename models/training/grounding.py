"""Train the grounder: where in a photo is what a phrase names? Read top to bottom.

Masks, drawn boxes and captions with colours (``models.training.region_targets``) say where names
are; the other names of a batch, and a vocabulary of what photographs hold, say where they are not.
First the decoder learns on frozen features, then the encoder's blocks from stride 16 on with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from models.networks.checkpoint import read_checkpoint, save_checkpoint
from models.networks.clip import Clip
from models.networks.colorizer import Colorizer
from models.networks.grounding import Grounder, GrounderConfig, deep_blocks, shared_digest
from models.photos import read_photos
from models.training.averaging import halved
from models.training.loop import Loop
from models.training.name_groups import VOCABULARY, is_person, may_overlap
from models.training.region_targets import Evidence, Target
from models.training.regions import RegionPhoto, read_boxes, read_masks
from models.training.view_features import Views

# A thing that is small counts as if it covered a tenth of the picture, up to so many times.
SMALL, MOST_BOOST = 0.1, 6.0
COMPETING_CELLS = 150  # of a photo in a step
FILL = 0.35  # share of its boxes that a thing is expected to cover at least
# Of these sources a photo's labels name all of their names that it shows.
FULLY_LABELLED = frozenset(
    ("ccp", "coco-panoptic", "stanford-background", "camvid", "facade", "lfw-parts")
)


@dataclass(frozen=True, slots=True)
class GroundingOptions:
    """Everything that decides how a run goes, besides the photos.

    ``unfreeze`` is the share of the time after which the encoder from stride 16 on learns too.
    """

    minutes: float = 95.0
    steps: int | None = None
    unfreeze: float = 0.5
    side: int = 192
    views: int = 3
    batch_size: int = 24
    rate: float = 2e-3
    encoder_rate: float = 2.4e-4
    weight_decay: float = 0.03
    average: float = 0.998
    seed: int = 0


def by_kind(shards: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Part shards with masks, which are named ``regions-*``, from those with captions."""
    masks = [path for path in shards if path.name.startswith("regions-")]
    return masks, [path for path in shards if path not in masks]


def read_region_photos(
    masks: Sequence[Path], shards: Sequence[Path], boxes: Path, split: str
) -> list[RegionPhoto]:
    """Read photos with masks, and those of ``shards`` with their drawn boxes, where there are."""
    drawn = read_boxes(boxes, split)
    plain = read_photos(shards, short_side=256)
    return [*read_masks(masks), *(RegionPhoto.of(one, drawn.get(one.key, ())) for one in plain)]


@dataclass(frozen=True, slots=True)
class Losses:
    """The parts of a step's loss."""

    cells: Tensor
    overlap: Tensor
    boxes: Tensor
    absent: Tensor
    competition: Tensor

    @property
    def total(self) -> Tensor:
        """Return their weighted sum."""
        certain = self.cells + self.overlap + 0.7 * self.boxes
        return certain + 0.5 * self.absent + 0.5 * self.competition


def losses_of(
    model: Grounder,
    features: Sequence[Tensor],
    targets: Sequence[Sequence[Target]],
    sources: Sequence[str],
    vectors: Mapping[str, Tensor],
    generator: np.random.Generator,
) -> Losses:
    """Compare what the grounder says of a batch with its targets.

    ``features`` are those at strides 4 to 32; ``vectors`` (D,) the names' text vectors.
    """
    described = model.decode(*features)
    count, _, height, width = described.shape
    names = sorted({target.name for own in targets for target in own})
    column = {name: i for i, name in enumerate(names)}
    phrases = model.phrases(
        torch.cat([torch.stack([vectors[name] for name in names]), model.vocabulary])
    )
    scale, bias = model.scale.exp(), model.bias
    cells = described.flatten(2).transpose(1, 2)  # (N, h * w, D)
    own = [
        scale * (phrases[[column[target.name] for target in some]] @ cells[n].T) + bias
        for n, some in enumerate(targets)
        if some
    ]
    logits = torch.cat(own).unflatten(1, (height, width))
    flat = [target for some in targets for target in some]
    cells_loss, overlap = _on_known_cells(logits, flat)
    # Other names are looked for on one cell in nine, which a batch's worth of them can afford.
    row, start = int(generator.integers(3)), int(generator.integers(3))
    few = described[:, :, row::3, start::3].flatten(2).transpose(1, 2).flatten(0, 1)
    others = (scale * (few @ phrases[: len(names)].T) + bias).unflatten(0, (count, -1))
    weights = absence(targets, sources, names)
    absent = (F.softplus(others).mean(1) * weights).sum() / weights.sum().clamp_min(1)
    return Losses(
        cells_loss,
        overlap,
        _in_boxes(logits, flat),
        absent,
        _competition(cells, phrases, scale, bias, targets, names, generator),
    )


def _on_known_cells(logits: Tensor, targets: Sequence[Target]) -> tuple[Tensor, Tensor]:
    """Cross-entropy, and one minus the soft Dice overlap, on the cells that are known."""
    place = torch.from_numpy(np.stack([t.place for t in targets])).float() / 255
    known = torch.from_numpy(np.stack([t.known for t in targets])).float() / 255
    said = torch.tensor([t.evidence is Evidence.CAPTION for t in targets])
    weight = known * torch.where(said, 0.4, 1.0)[:, None, None]
    likely = torch.sigmoid(logits) * known
    both = (likely * place).sum((1, 2))
    either = likely.sum((1, 2)) + (place * known).sum((1, 2))
    dice = 1 - (2 * both + 1) / (either + 1)
    outlined = torch.tensor([t.evidence is Evidence.MASK or t.exclusive for t in targets])
    counts = torch.where(said, 0.3, torch.where(outlined, 1.0, 0.0))
    overlap = (dice * counts).sum() / counts.sum().clamp_min(1)
    return entropy_of(logits, place, known, weight), overlap


def entropy_of(logits: Tensor, place: Tensor, known: Tensor, weight: Tensor) -> Tensor:
    """Return the mean cross-entropy of (K, h, w) logits; small things count as if larger.

    ``place`` and how far it is ``known`` are from 0 to 1, ``weight`` is what a cell counts.
    """
    share = (place * known).mean((1, 2)).clamp_min(1e-4)
    boost = (SMALL / share).clamp(1, MOST_BOOST)[:, None, None]
    weight = weight * (1 + place * (boost - 1))
    entropy = F.binary_cross_entropy_with_logits(logits, place, reduction="none")
    return (entropy * weight).sum() / weight.sum().clamp_min(1)


def _in_boxes(logits: Tensor, targets: Sequence[Target]) -> Tensor:
    """A box holds its thing in every row and column: BoxInst's projection (Tian et al. 2021)."""
    boxed = [(i, t.inside) for i, t in enumerate(targets) if t.inside is not None]
    if not boxed:
        return logits.new_zeros(())
    rows = [i for i, _ in boxed]
    inside = torch.from_numpy(np.stack([plane for _, plane in boxed])).float() / 255
    likely = torch.sigmoid(logits[rows]) * inside
    loss = F.relu(FILL - likely.sum((1, 2)) / inside.sum((1, 2)).clamp_min(1)) * 2
    for axis in (1, 2):
        shown, held = likely.amax(axis), inside.amax(axis)
        both = (shown * held).sum(1)
        loss = loss + 1 - (2 * both + 1) / ((shown * shown).sum(1) + held.sum(1) + 1)
    return loss.mean()


def absence(
    targets: Sequence[Sequence[Target]], sources: Sequence[str], names: Sequence[str]
) -> Tensor:
    """Say how surely each photo does not show each name of the batch: (N, P)."""
    weights = torch.zeros(len(targets), len(names))
    labels: dict[str, set[str]] = {}
    for some, source in zip(targets, sources, strict=True):
        for target in some:
            labels.setdefault(target.name, set()).add(source)
    for n, (some, source) in enumerate(zip(targets, sources, strict=True)):
        mine = [target.name for target in some]
        for i, name in enumerate(names):
            if not any(may_overlap(name, other) for other in mine):
                is_sure = source in FULLY_LABELLED and source in labels[name]
                weights[n, i] = 1.0 if is_sure else 0.15
    return weights


def _competition(
    cells: Tensor,
    phrases: Tensor,
    scale: Tensor,
    bias: Tensor,
    targets: Sequence[Sequence[Target]],
    names: Sequence[str],
    generator: np.random.Generator,
) -> Tensor:
    """Cross-entropy of which name a cell shows, among the batch's names and the vocabulary."""
    rivals = [*names, *VOCABULARY]
    photos, places, answers, allowed = [], [], [], []
    for n, some in enumerate(targets):
        labels = np.full(cells.shape[1], -1)
        for target in some:
            if target.exclusive and not is_person(target.name):
                labels[target.place.reshape(-1) > 140] = names.index(target.name)
        at = np.flatnonzero(labels >= 0)
        if not len(at):
            continue
        rarity = 1 / np.sqrt(np.bincount(labels[at], minlength=len(names))[labels[at]])
        size = min(COMPETING_CELLS, len(at))
        at = generator.choice(at, size, replace=False, p=rarity / rarity.sum())
        loose = {target.name for target in some if not target.exclusive}
        masks = {
            label: [
                i == label
                or not (may_overlap(names[label], rival) or rival in loose or is_person(rival))
                for i, rival in enumerate(rivals)
            ]
            for label in set(labels[at].tolist())
        }
        photos.append(np.full(len(at), n))
        places.append(at)
        answers.append(labels[at])
        allowed += [masks[label] for label in labels[at].tolist()]
    if not photos:
        return scale.new_zeros(())
    chosen = cells[np.concatenate(photos), np.concatenate(places)]
    logits = (scale * (chosen @ phrases.T) + bias).masked_fill(~torch.tensor(allowed), -1e4)
    return F.cross_entropy(logits, torch.from_numpy(np.concatenate(answers)))


def embed_names(names: Sequence[str], clip: Clip) -> dict[str, Tensor]:
    """Read names with CLIP: (D,) vectors."""
    found: dict[str, Tensor] = {}
    for start in range(0, len(names), 64):
        some = names[start : start + 64]
        found |= {n: torch.from_numpy(v) for n, v in zip(some, clip.embed_texts(some), strict=True)}
    return found


def train(
    photos: Sequence[RegionPhoto],
    colorizer: Colorizer,
    clip: Clip,
    run: Path,
    *,
    options: GroundingOptions,
    record: dict[str, Any],
    start: Path | None = None,
) -> Path:
    """Train on the colorizer's encoder, from ``start`` if given; return the weights' path."""
    torch.manual_seed(options.seed)
    cv2.setNumThreads(0)
    run.mkdir(parents=True, exist_ok=True)
    config = GrounderConfig(shared_digest(colorizer.encoder), clip.name, vocabulary=VOCABULARY)
    views = Views(
        photos, colorizer.encoder, run, side=options.side, count=options.views, seed=options.seed
    )
    vectors = embed_names(sorted(views.names | set(VOCABULARY)), clip)
    model = Grounder(config)
    if start is not None:
        model.load_state_dict(read_checkpoint(start)[0])
    else:
        model.blocks.load_state_dict(deep_blocks(colorizer.encoder).state_dict())
        model.vocabulary.copy_(torch.stack([vectors[name] for name in VOCABULARY]))
        torch.nn.init.zeros_(model.read_vividness.weight)
        torch.nn.init.zeros_(model.read_vividness.bias)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged = {k: v.detach().clone() for k, v in model.state_dict().items()}
    own = [p for n, p in model.named_parameters() if not n.startswith(("blocks.", "read_viv"))]
    blocks = list(model.blocks.parameters())
    optimiser = torch.optim.AdamW(
        [
            {"params": own, "lr": options.rate},
            {"params": blocks, "lr": options.encoder_rate},
        ],
        weight_decay=options.weight_decay,
    )
    generator = np.random.default_rng(options.seed)
    output = run / "grounding.safetensors"
    header = {"config": asdict(config), "options": asdict(options), "data": record}

    def save() -> None:
        save_checkpoint(output, halved(averaged), header | loop.progress.counts)

    loop = Loop(
        model,
        optimiser,
        _schedule,
        minutes=options.minutes,
        steps=options.steps,
        averaged=averaged,
        keep=options.average,
        log=run / "log.jsonl",
        save=save,
    )
    model.train()
    model.blocks.eval()  # batch statistics of the encoder stay ImageNet's
    for done in loop:
        drawn = views.draw(options.batch_size, generator)
        f4, f8 = views.features(drawn)
        with torch.set_grad_enabled(done >= options.unfreeze):
            deep = model.deepen(f8)
        losses = losses_of(
            model,
            (f4, f8, *deep),
            [views.targets[i] for i in drawn],
            [views.sources[i] for i in drawn],
            vectors,
            generator,
        )
        loop.learn(loss=losses.total)
    return output


def _schedule(step: int, done: float) -> float:
    """Return the share of the highest rate: it rises, stays until 0.3 is done and then falls."""
    falling = 0.5 * (1 + float(np.cos(np.pi * max(0.0, done - 0.3) / 0.7)))
    return min(1.0, 0.02 + done / 0.03) * (0.98 * falling + 0.02)


_PATH = click.Path(exists=True, path_type=Path)


@click.command()
@click.argument("shards", nargs=-1, required=True, type=_PATH)
@click.option("--boxes", required=True, type=_PATH, help="Drawn boxes, one JSON object a photo.")
@click.option("--run", type=click.Path(path_type=Path), default=Path("runs/grounder"))
@click.option("--minutes", type=click.FloatRange(0.1), default=95.0, show_default=True)
@click.option("--weights", type=_PATH, help="Colorizer whose encoder is read.")
@click.option("--start", type=_PATH, help="Grounder to go on from.")
@click.option("--seed", default=0, show_default=True)
def main(
    shards: tuple[Path, ...],
    boxes: Path,
    run: Path,
    minutes: float,
    weights: Path | None,
    start: Path | None,
    seed: int,
) -> None:
    """Train the grounder of a colorizer; the weights are RUN/grounding.safetensors.

    SHARDS named regions-* hold photos with masks, the others photos with captions.
    """
    from models.networks.loading import load_pair

    predictor, clip = load_pair(weights, alone=True)
    photos = read_region_photos(*by_kind(shards), boxes, "train")
    record = {
        "from": [path.name for path in (*shards, boxes)],
        "photos": len(photos),
        "with_masks": sum(photo.labels is not None for photo in photos),
        "with_boxes": sum(bool(photo.boxes) for photo in photos),
        "colorizer": "released" if weights is None else weights.name,
    }
    options = GroundingOptions(minutes=minutes, seed=seed)
    done = train(photos, predictor.model, clip, run, options=options, record=record, start=start)
    click.echo(f"wrote {done}")


if __name__ == "__main__":
    main()
