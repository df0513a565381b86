"""Train the grounder's box head: where are the boxes that people draw for phrases?

    python -m models.training.box_head PHOTOS... --boxes FILE --run RUN

PHOTOS are shards with captions, and ``regions-*`` shards with masks. Drawn boxes and masks of names
are filled: cross-entropy and the overlap (soft Dice) on whole areas, while names of the batch that
a photo does not show are to be found nowhere. All other parts of the grounder stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from models.networks.checkpoint import save_checkpoint
from models.networks.grounding import CHECKPOINT, Grounder, load_trainable
from models.training.averaging import halved
from models.training.grounding import (
    absence,
    by_kind,
    embed_names,
    entropy_of,
    read_region_photos,
)
from models.training.loop import Falling, Loop
from models.training.region_targets import Evidence, Target
from models.training.view_features import Views

Levels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class BoxOptions:
    """Everything that decides how a run goes, besides the photos."""

    minutes: float = 10.0
    steps: int | None = None
    side: int = 192
    views: int = 2
    batch_size: int = 32
    absent: float = 0.2
    rate: float = 2e-3
    weight_decay: float = 0.03
    average: float = 0.995
    seed: int = 0


def box_losses(
    model: Grounder,
    features: tuple[Tensor, Tensor, Tensor],
    targets: Sequence[Sequence[Target]],
    sources: Sequence[str],
    vectors: Mapping[str, Tensor],
) -> dict[str, Tensor]:
    """Compare what the box head says of a batch with drawn boxes and masks.

    ``features`` are those at strides 8 to 32; ``vectors`` (D,) the names' text vectors.
    """
    names = sorted({target.name for some in targets for target in some})
    column = {name: i for i, name in enumerate(names)}
    phrases = model.boxes.phrases(torch.stack([vectors[name] for name in names]))
    logits = model.boxes.logits(model.boxes(*features), phrases)
    weights = absence(targets, sources, names)
    absent = (F.softplus(logits).mean((2, 3)) * weights).sum() / weights.sum().clamp_min(1)
    drawn = [
        (n, column[target.name], target)
        for n, some in enumerate(targets)
        for target in some
        if target.evidence is not Evidence.CAPTION
    ]
    if not drawn:
        return {"fill": logits.new_zeros(()), "overlap": logits.new_zeros(()), "absent": absent}
    rows, columns, told = zip(*drawn, strict=True)
    size = logits.shape[-2:]
    whole = _coarse([t.place if t.inside is None else t.inside for t in told], size)
    known = _coarse([np.full_like(t.known, 255) if t.inside is not None else t.known
                     for t in told], size)  # fmt: skip
    said = logits[list(rows), list(columns)]
    likely, held = torch.sigmoid(said) * known, whole * known
    both, either = (likely * held).sum((1, 2)), likely.sum((1, 2)) + held.sum((1, 2))
    return {
        "fill": entropy_of(said, whole, known, known),
        "overlap": (1 - (2 * both + 1) / (either + 1)).mean(),
        "absent": absent,
    }


def _coarse(planes: Sequence[Levels], size: Sequence[int]) -> Tensor:
    """Bring (h, w) levels to the head's grid: (K, h/2, w/2) in [0, 1]."""
    stacked = torch.from_numpy(np.stack(planes)).float()[:, None] / 255
    return F.interpolate(stacked, size=tuple(size), mode="area")[:, 0]


def train(
    views: Views, vectors: Mapping[str, Tensor], model: Grounder, *, options: BoxOptions, run: Path
) -> dict[str, Tensor]:
    """Train a grounder's box head on views; return all weights, the head's averaged."""
    torch.manual_seed(options.seed)
    generator = np.random.default_rng(options.seed)
    model.eval().requires_grad_(False)
    model.boxes.train().requires_grad_(True)
    optimiser = torch.optim.AdamW(
        model.boxes.parameters(), lr=options.rate, weight_decay=options.weight_decay
    )
    averaged = {k: v.detach().clone() for k, v in model.boxes.state_dict().items()}
    loop = Loop(
        model.boxes,
        optimiser,
        Falling(100),
        minutes=options.minutes,
        steps=options.steps,
        averaged=averaged,
        keep=options.average,
        log=run / "log.jsonl",
    )
    for _ in loop:
        drawn = views.draw(options.batch_size, generator)
        _, f8 = views.features(drawn)
        with torch.no_grad():
            deep = model.deepen(f8)
        losses = box_losses(
            model,
            (f8, *deep),
            [views.targets[i] for i in drawn],
            [views.sources[i] for i in drawn],
            vectors,
        )
        loop.learn(**losses | {"absent": options.absent * losses["absent"]})
    return model.state_dict() | {f"boxes.{name}": plane for name, plane in averaged.items()}


_PATH = click.Path(exists=True, path_type=Path)


@click.command()
@click.argument("shards", nargs=-1, required=True, type=_PATH)
@click.option("--boxes", type=_PATH, required=True, help="Drawn boxes, one JSON object a photo.")
@click.option("--run", type=click.Path(path_type=Path), default=Path("runs/boxes"))
@click.option("--grounder", type=_PATH, default=CHECKPOINT, help="Weights to go on from.")
@click.option("--weights", type=_PATH, help="Colorizer whose encoder is read.")
@click.option("--minutes", type=click.FloatRange(0.1), default=10.0, show_default=True)
@click.option("--seed", default=0, show_default=True)
def main(
    shards: tuple[Path, ...],
    boxes: Path,
    run: Path,
    grounder: Path,
    weights: Path | None,
    minutes: float,
    seed: int,
) -> None:
    """Train where the boxes of names are; the weights are RUN/grounding.safetensors.

    SHARDS named regions-* hold photos with masks, the others photos with captions.
    """
    from models.networks.loading import load_pair

    cv2.setNumThreads(0)
    options = BoxOptions(minutes=minutes, seed=seed)
    predictor, clip = load_pair(weights, alone=True)
    photos = [
        photo for photo in read_region_photos(*by_kind(shards), boxes, "train") if photo.has_regions
    ]
    encoder = predictor.model.encoder
    views = Views(photos, encoder, run, side=options.side, count=options.views, seed=seed)
    vectors = embed_names(sorted(views.names), clip)
    model, header = load_trainable(grounder)
    record = {
        "from": [path.name for path in (*shards, boxes)],
        "photos": len(photos),
        "options": asdict(options),
    }
    trained = train(views, vectors, model, options=options, run=run)
    save_checkpoint(run / CHECKPOINT.name, halved(trained), header | {"boxes": record})
    click.echo(f"wrote {run / CHECKPOINT.name}")


if __name__ == "__main__":
    main()
