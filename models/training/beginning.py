"""What a run of the colorizer begins with: ImageNet's encoder, finished weights, or its own end."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import torch
from torch import Tensor, nn

from models.color.lab import srgb_to_lab
from models.networks.checkpoint import read_checkpoint, read_header
from models.networks.colorizer import Colorizer, ColorizerConfig, build_colorizer, read_config
from models.networks.loading import load_colorizer
from models.photos import Photo
from models.training.averaging import under
from models.training.bins import balance_weights, count_bins, count_shares
from models.training.imagenet import imagenet_encoder_weights
from models.training.loop import Progressing
from models.training.texts import TextBank

CHECKPOINT: Final = "checkpoint.safetensors"  # in a run's folder


@dataclass(frozen=True, slots=True)
class Start:
    """Finished weights to begin with, and how they are read."""

    model: Colorizer
    reading: dict[str, Any]

    @classmethod
    def load(cls, path: Path) -> Start:
        """Load them from a file; the other networks may be still to be trained.

        Raises:
            WeightsError: it is missing, damaged or of another kind.
        """
        model = load_colorizer(path, alone=True).model
        return cls(model, read_header(path).get("reading", {}))


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """What a run's checkpoint says of it: what it began from, how far it came, how it was made.

    ``is_deep``: its encoder learns, too. ``made_with`` are the fields of its options, of its
    samples' options and of its data's record.
    """

    begin: str
    is_deep: bool
    progress: Progressing
    made_with: dict[str, Any]

    @classmethod
    def read(cls, run: Path) -> Self | None:
        """Read it from a run's folder; None where there is no run.

        Raises:
            WeightsError: the checkpoint is damaged.
        """
        if not (checkpoint := run / CHECKPOINT).exists():
            return None
        header = read_header(checkpoint)
        made_with = {**header["options"], **header["samples"], **header["data"]}
        begin, is_deep = made_with.get("begin", "imagenet"), made_with["encoder_rate"] > 0
        return cls(begin, is_deep, _progress(header), made_with)


@dataclass(frozen=True, slots=True)
class Begun:
    """A run as it is to go on: its model, the average of its weights, and how far it has come.

    ``shares`` (Q,) are how frequent the colours are; ``reading`` is how the finished weights are
    read that it began with, None where those were ImageNet's.
    """

    model: Colorizer
    averaged: dict[str, Tensor]
    shares: Tensor
    reading: dict[str, Any] | None
    progress: Progressing


def begin(
    photos: Sequence[Photo], checkpoint: Path, *, texts: TextBank, start: Start | None
) -> Begun:
    """Go on from a run's checkpoint where there is one, else begin with ``start``, or ImageNet.

    Raises:
        WeightsError: the checkpoint is damaged.
    """
    if checkpoint.exists():
        return _resumed(checkpoint)
    if start is not None:
        return _finished(photos, start)
    return _new(photos, texts)


def undone(reading: dict[str, Any], shares: Tensor) -> Tensor:
    """Return how much of the balance finished weights have taken back from each colour, (Q,)."""
    return float(reading.get("undo_balance", 0.0)) * torch.log(balance_weights(shares))


def _progress(header: Mapping[str, Any]) -> Progressing:
    counts = dict(header["progress"])
    losses = {name: counts.pop(name) for name in ("loss", "error") if name in counts}
    return Progressing(losses=losses, **counts)


def _resumed(checkpoint: Path) -> Begun:
    tensors, header = read_checkpoint(checkpoint)
    progress = _progress(header)
    model = build_colorizer(read_config(header["config"]))
    model.load_state_dict(under("model.", tensors))
    _channels_last(model)
    averaged = under("averaged.", tensors) if progress.step else _copied(model)
    return Begun(model, averaged, tensors["shares"], header.get("reading"), progress)


def _finished(photos: Sequence[Photo], start: Start) -> Begun:
    model = copy.deepcopy(start.model).requires_grad_(True)
    shares = count_shares(_all_ab(photos), model.bins)
    # The loss lifts rare colours; finished weights may have taken that back.
    assert model.head.bias is not None
    model.head.bias.data += undone(start.reading, shares)
    _channels_last(model)
    return Begun(model, _copied(model), shares, start.reading, Progressing())


def _new(photos: Sequence[Photo], texts: TextBank) -> Begun:
    centres, shares = count_bins(_all_ab(photos))
    model = build_colorizer(
        ColorizerConfig(
            bins=tuple((float(a), float(b)) for a, b in centres),
            embedding_width=texts.width,
            clip=texts.name,
        )
    )
    encoder = imagenet_encoder_weights()
    model.encoder.load_state_dict({k: encoder[k] for k in model.encoder.state_dict()})
    # So that the first guess is the distribution over all photos.
    model.head.bias = nn.Parameter(torch.log(shares))
    _channels_last(model)
    return Begun(model, _copied(model), shares, None, Progressing())


def _channels_last(model: Colorizer) -> None:
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _copied(model: Colorizer) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def _all_ab(photos: Sequence[Photo]) -> Iterator[Any]:
    for photo in photos:
        yield srgb_to_lab(photo.pixels[::8, ::8].astype(np.float32) / 255)[..., 1:]
