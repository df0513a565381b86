"""Train the embedded CLIP pair on captions, with grey and colour versions pulled together.

    python -m models.training.clip SHARD... --output models/weights/clip.safetensors

Two stages. First both projections on frozen features, the text projection starting from the
identity so that nothing of the text tower is lost. Then the image tower too, with the text side
frozen, so that whatever was built on text embeddings stays valid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from rich.progress import track
from torch import Tensor, nn

from models.networks.checkpoint import read_checkpoint, save_checkpoint
from models.networks.clip import Clip, build_embedded, embedded_clip
from models.networks.efficientnet import TO_STRIDE_8
from models.photos import read_photos, square
from models.plural import number_of
from models.training.averaging import halved
from models.training.imagenet import imagenet_encoder_weights
from models.training.loop import Falling, Loop

TEXT_PREFIX = "text.transformer."  # comes from its own package, not from our checkpoint
LOGIT_SCALE = 20.0
WEIGHT_GREY = 1.0  # of the grey photo against its captions
WEIGHT_TWINS = 0.5  # of the grey photo against its colour original


@dataclass(frozen=True, slots=True)
class Captioned:
    """A training set in memory: square photos (N, S, S, 3) uint8 and each photo's caption rows."""

    photos: NDArray[np.uint8]
    rows: tuple[tuple[int, ...], ...]
    texts: Tensor


def grey_of(rgb: Tensor) -> Tensor:
    """Turn (N, 3, H, W) sRGB into a grey picture of three equal channels, by luma."""
    weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    return (rgb * weights).sum(1, keepdim=True).expand(-1, 3, -1, -1)


def contrast(images: Tensor, others: Tensor, same: Tensor | None = None) -> Tensor:
    """Symmetric InfoNCE over a batch of unit vectors; ``same`` marks further true pairs."""
    logits = LOGIT_SCALE * images @ others.T
    if same is not None:
        logits = logits.masked_fill(same, -1e4)
    labels = torch.arange(len(images))
    return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2


def embed_captions(clip: Clip, captions: Sequence[str]) -> Tensor:
    """Embed captions, sorted by length for speed, in the given order."""
    order = sorted(range(len(captions)), key=lambda i: len(captions[i]))
    vectors = np.empty((len(captions), clip.model.text.proj.out_features), np.float32)
    for start in track(range(0, len(order), 128), "captions"):
        rows = order[start : start + 128]
        vectors[rows] = clip.embed_texts([captions[i] for i in rows])
    return torch.from_numpy(vectors)


def to_input(photos: NDArray[np.uint8]) -> Tensor:
    """Normalise (N, S, S, 3) uint8 for the image tower: mean and spread 0.5."""
    return torch.from_numpy(photos).permute(0, 3, 1, 2).float() / 127.5 - 1.0


def train_projections(model: Any, data: Captioned, *, steps: int, seed: int) -> None:
    """Fit both projections on frozen pooled features of the colour and the grey photos."""
    trunk, head = model.visual.trunk.eval(), model.visual.head
    features: list[list[Tensor]] = [[], []]
    with torch.inference_mode():
        for start in track(range(0, len(data.photos), 64), "features"):
            rgb = to_input(data.photos[start : start + 64])
            for kind, pixels in enumerate((rgb, grey_of(rgb))):
                features[kind].append(trunk(pixels.contiguous(memory_format=torch.channels_last)))
    colour, grey = (torch.cat(parts).clone() for parts in features)
    generator = np.random.default_rng(seed)
    eye = torch.eye(model.text.proj.weight.shape[0])
    parameters = [model.text.proj.weight, *head.parameters()]
    for parameter in parameters:
        parameter.requires_grad_(True)
    optimiser = torch.optim.AdamW(
        [
            {"params": [model.text.proj.weight], "lr": 3e-4, "weight_decay": 0.0},
            {"params": list(head.parameters()), "lr": 2e-3, "weight_decay": 0.05},
        ]
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    with_captions = np.array([i for i, rows in enumerate(data.rows) if rows])
    size = min(512, len(with_captions))
    for _ in track(range(steps), "projections"):
        batch = generator.choice(with_captions, size, replace=False)
        text = data.texts[[int(generator.choice(data.rows[i])) for i in batch]]
        text = F.normalize(model.text.proj(text), dim=-1)
        noise = 1 + 0.1 * torch.randn(len(batch), colour.shape[1])
        a = F.normalize(head(colour[batch] * noise), dim=-1)
        b = F.normalize(head(grey[batch] * noise), dim=-1)
        stay = (model.text.proj.weight - eye).square().sum()
        loss = contrast(a, text) + WEIGHT_GREY * contrast(b, text)
        loss = loss + WEIGHT_TWINS * contrast(a, b) + 0.01 * stay
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    model.requires_grad_(False)


def augment(
    photos: NDArray[np.uint8], generator: np.random.Generator, side: int
) -> NDArray[np.uint8]:
    """Crop at random (at least 60 % of the area) and flip."""
    result = np.empty((len(photos), side, side, 3), np.uint8)
    full = photos.shape[1]
    for i, photo in enumerate(photos):
        area, shape = generator.uniform(0.6, 1.0), generator.uniform(-0.15, 0.15)
        h = min(full, round(full * np.sqrt(area) * np.exp(shape)))
        w = min(full, round(full * np.sqrt(area) * np.exp(-shape)))
        y, x = generator.integers(full - h + 1), generator.integers(full - w + 1)
        crop = photo[y : y + h, x : x + w]
        if generator.random() < 0.5:
            crop = crop[:, ::-1]
        crop = np.ascontiguousarray(crop)
        result[i] = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
    return result


def fine_tune(model: Any, data: Captioned, *, minutes: float, side: int, seed: int) -> float:
    """Fit the image tower's later blocks and head to the frozen text side; return the last loss."""
    trunk, head = model.visual.trunk, model.visual.head
    trainable = [p for name, p in trunk.named_parameters() if not name.startswith(TO_STRIDE_8)]
    for p in [*trainable, *head.parameters()]:
        p.requires_grad_(True)
    trunk.eval()  # batch statistics stay ImageNet's: batches here mix grey and colour
    generator = np.random.default_rng(seed)
    optimiser = torch.optim.AdamW(
        [{"params": trainable, "lr": 3e-4}, {"params": list(head.parameters()), "lr": 1e-3}],
        weight_decay=0.05,
    )
    drop = nn.Dropout(0.1)
    with_captions = np.array([i for i, rows in enumerate(data.rows) if rows])
    text_bank = F.normalize(model.text.proj(data.texts), dim=-1)
    schedule = Falling(50, least=0.02)
    loop = Loop(model, optimiser, schedule, minutes=minutes, bound=None, log_every=20)
    size = min(96, len(with_captions))
    for _ in loop:
        batch = generator.choice(with_captions, size, replace=False)
        text = text_bank[[int(generator.choice(data.rows[i])) for i in batch]]
        rgb = to_input(augment(data.photos[batch], generator, side))
        both = torch.cat([rgb, grey_of(rgb)]).contiguous(memory_format=torch.channels_last)
        a, b = F.normalize(head(drop(trunk(both))), dim=-1).chunk(2)
        loss = contrast(a, text) + WEIGHT_GREY * contrast(b, text) + WEIGHT_TWINS * contrast(a, b)
        loop.learn(loss=loss)
    model.requires_grad_(False)
    return loop.progress.losses.get("loss", 0.0)


@click.command()
@click.argument("photos", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), required=True, help="Weights to write.")
@click.option("--start", type=click.Path(path_type=Path), help="Weights of the first stage.")
@click.option("--steps", default=1500, show_default=True, help="Steps of the first stage.")
@click.option("--minutes", default=20.0, show_default=True, help="Length of the second stage.")
@click.option("--side", default=128, show_default=True, help="Crop size of the second stage.")
@click.option("--seed", default=0, show_default=True)
def main(
    photos: tuple[Path, ...],
    output: Path,
    start: Path | None,
    steps: int,
    minutes: float,
    side: int,
    seed: int,
) -> None:
    """Train the embedded CLIP pair on PHOTOS (tar shards or folders) with captions."""
    torch.manual_seed(seed)
    model = build_embedded()
    clip = embedded_clip(model)
    model.visual.trunk.load_state_dict(
        {k: v for k, v in imagenet_encoder_weights().items() if not k.startswith("classifier")}
    )
    with torch.no_grad():
        model.text.proj.weight.copy_(torch.eye(model.text.proj.weight.shape[0]))
    captions: list[str] = []
    squares, rows = [], []
    for photo in read_photos(photos):
        squares.append(square(photo, 192))
        rows.append(tuple(range(len(captions), len(captions) + len(photo.captions))))
        captions += photo.captions
    data = Captioned(np.stack(squares), tuple(rows), embed_captions(clip, captions))
    click.echo(f"{number_of(len(squares), 'photo')}, {number_of(len(captions), 'caption')}")
    record: dict[str, float] = {
        "photos": len(squares),
        "captions": len(captions),
        "seed": seed,
        "steps": steps,
    }
    if start is None:
        train_projections(model, data, steps=steps, seed=seed)
    else:
        model.load_state_dict(read_checkpoint(start)[0], strict=False)
    if minutes > 0:
        record["loss"] = fine_tune(model, data, minutes=minutes, side=side, seed=seed)
        record |= {"minutes": minutes, "side": side}
    tensors = {
        name: tensor
        for name, tensor in model.state_dict().items()
        if not name.startswith(TEXT_PREFIX)
    }
    save_checkpoint(output, halved(tensors), record)
    click.echo(f"wrote {output}")


if __name__ == "__main__":
    main()
